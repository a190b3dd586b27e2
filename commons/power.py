"""What machines draw, and whether one more may heat up under a lab's limit, in W.

A machine that heats draws more than one that runs. From the permit on it is counted as heating,
because it may begin at any moment; once it has started, for as long as its heating takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from commons.dispatch import PERMIT_VALID_S


@dataclass(frozen=True, slots=True)
class Draw:
    """What a machine draws while it heats up, for how long (s), and what while it runs."""

    heat_up_w: float
    run_w: float
    heat_up_s: float

    @property
    def most_w(self) -> float:
        """The most that it ever draws."""
        return max(self.heat_up_w, self.run_w)


@dataclass(frozen=True, slots=True)
class Load:
    """A machine that got its permit at `armed_at`; `began`: it has said that it started.

    The permit's time counts, and that it may have been used in its last second: the clock of
    whoever tells of the start may be wrong.
    """

    name: str
    draw: Draw
    armed_at: datetime
    began: bool

    def heats_until(self) -> datetime | None:
        """When it has heated up for certain; None while it may not have begun."""
        if not self.began:
            return None
        return self.armed_at + timedelta(seconds=PERMIT_VALID_S + self.draw.heat_up_s)

    def drawn_w(self, now: datetime) -> float:
        """What has to be reckoned with now."""
        until = self.heats_until()
        return self.draw.run_w if until is not None and until <= now else self.draw.most_w


def never(limit_w: float, draw: Draw | None) -> str | None:
    """Why the machine can never start under this limit, and what to do; None when it can."""
    if draw is None:
        return (
            f"has not said what it draws, and the lab may draw {limit_w:g} W: a manager says it on "
            "the machine's page"
        )
    if draw.most_w <= limit_w:
        return None
    return (
        f"can never start here: it draws {draw.most_w:g} W and the lab may draw {limit_w:g} W; "
        "a manager can raise the limit or say what it really draws"
    )


def refusal(limit_w: float, draw: Draw | None, others: Iterable[Load], now: datetime) -> str | None:
    """Why the machine may not start now beside the others, in a sentence; None when it may."""
    if draw is None or draw.most_w > limit_w:
        return never(limit_w, draw)
    held = list(others)
    drawn = sum(it.drawn_w(now) for it in held)
    if drawn + draw.most_w <= limit_w:
        return None
    heating = [it.name for it in held if (until := it.heats_until()) is None or until > now]
    behind = f" until {_listed(heating)} has heated up" if heating else " until one has ended"
    return (
        f"waits for power{behind}: {drawn:g} W of {limit_w:g} W are drawn, "
        f"and it needs {draw.most_w:g} W"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"
