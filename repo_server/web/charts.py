"""Where the marks of a chart go; templates only draw them. Units are those of the viewBox."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.flows import Ring
from commons.indicators import Figure
from commons.utilisation import Use
from repo_server.web import figures, words

WIDTH = 300.0


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval on an axis from 0: ends, the dot if a middle is known, and the axis' end."""

    low: float
    high: float
    central: float | None
    end_label: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One ring's piece of the bar. `share` of the whole mass and `start`: 0…1."""

    ring: Ring
    label: str
    mass_g: float
    share: float
    start: float


def whisker(figure: Figure) -> Whisker | None:
    """The marks of a figure; None when nothing is known, because nothing is not zero."""
    if figure.low is None or figure.high is None:
        return None
    end = 100.0 if figure.unit == "%" else _round_up(figure.high)
    central = None if figure.central is None else WIDTH * figure.central / end
    return Whisker(
        WIDTH * figure.low / end, WIDTH * figure.high / end, central, figures.number(end)
    )


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten at or above `value`."""
    if value <= 0:
        return 1.0
    scale = 1.0
    while scale >= value:
        scale /= 10
    while scale * 10 < value:
        scale *= 10
    return next(scale * step for step in (1, 2, 5, 10) if scale * step >= value)


def ring_slices(masses_g: Mapping[Ring, float]) -> list[Slice]:
    """The stacked bar of material by ring, nearest first and unknown last; empty without mass."""
    order = list(Ring)
    known = sorted(
        (item for item in masses_g.items() if item[1] > 0), key=lambda item: order.index(item[0])
    )
    whole = sum(mass for _, mass in known)
    slices, start = [], 0.0
    for ring, mass in known:
        slices.append(Slice(ring, words.RING_WORDS[ring], mass, mass / whole, start))
        start += mass / whole
    return slices


@dataclass(frozen=True, slots=True)
class Spent:
    """One use's piece of a week's bar. `share` of the week and `start`: 0…1."""

    use: Use
    label: str
    hours: float
    share: float
    start: float


def week_bar(hours: Mapping[Use, float], whole_h: float = 168.0) -> list[Spent]:
    """The stacked bar of a machine's week; what is not known of it is left empty."""
    pieces, start = [], 0.0
    for use in Use:
        if spent := hours.get(use, 0.0):
            pieces.append(Spent(use, words.USE_WORDS[use], spent, spent / whole_h, start))
            start += spent / whole_h
    return pieces
