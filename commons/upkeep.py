"""What is to be done to a machine again and again, and how far off the next time is."""

from dataclasses import dataclass
from enum import StrEnum

# Shares of the interval from which on it is told; past LATE a day more is one too many.
EARLY, FULL, LATE = 0.9, 1.0, 1.1


class Due(StrEnum):
    """How far off it is."""

    FINE = "fine"
    SOON = "soon"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Every:
    """After so many machine hours, days or prints, whichever comes first; None does not count."""

    hours: float | None = None
    days: float | None = None
    prints: float | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """What the machine did since it was done last."""

    hours: float = 0.0
    days: float = 0.0
    prints: float = 0.0


@dataclass(frozen=True, slots=True)
class Wear:
    """The measure that comes first: how much of it is left, in its unit, below 0 when late."""

    due: Due
    left: float
    unit: str

    @property
    def words(self) -> str:
        """How much is left, or how late it is."""
        far = abs(self.left)
        count = f"{far:.1f} {self.unit}" if far < 10 else f"{far:.0f} {self.unit}"
        return f"{count} late" if self.left < 0 else f"in {count}"


def wear(every: Every, since: Since) -> Wear:
    """How far off the next time is."""
    used = [
        (done / interval, interval - done, unit)
        for interval, done, unit in (
            (every.hours, since.hours, "h"),
            (every.days, since.days, "days"),
            (every.prints, since.prints, "prints"),
        )
        if interval is not None
    ]
    share, left, unit = max(used, default=(0.0, 0.0, "h"))
    return Wear(_due(share), left, unit)


def _due(share: float) -> Due:
    if share > LATE:
        return Due.OVERDUE
    if share >= FULL:
        return Due.DUE
    return Due.SOON if share >= EARLY else Due.FINE
