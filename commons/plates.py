"""How parts lie side by side on one plate: the same answer wherever the question is asked.

Parts are rectangles seen from above that may be turned by 90°. The server asks how many it may
plan for one plate, the agent where each of them lies; both ask here. Pure geometry, mm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever only arranges needs no profiles, and what they are checked with
    from commons.machine import Envelope, MachineProfile

Size = tuple[float, float]

GAP_MM = 4.0  # between two parts, brims included, so that a nozzle's ooze joins no neighbours
BRIM_MM = 5.0  # holds a small part on the bed and comes off by hand
SMALLEST_MM = 1.0  # of a part's largest side: below it nothing can be printed
SUPPORTS_MM = 2.0  # supports stand a little wider than what they hold up
_EDGE_MM = 2.0  # nothing is printed closer than this to the edges of the bed …
_FRONT_MM = 8.0  # … nor in front of this line: the nozzle is primed there
_PRIMED_X_MM = 85.0  # how far along that line the nozzle is when it is primed
_LIFT_MM = 1.0  # what the nozzle may rise above the last layer
_CLEAR_MM = 5.0  # between a part and what stands on the bed: wider than a nozzle
_SHEET_EDGE_MM = 10.0  # between a cut and the edge of the sheet, where the clamps are
_CUTTER_ROOM_MM = 3.0  # a milled part's way in and out, on each side beside the cutter
_DUST = 1e-6


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle in the plane, mm."""

    x_min_mm: float
    y_min_mm: float
    x_max_mm: float
    y_max_mm: float

    @property
    def size_mm(self) -> Size:
        return self.x_max_mm - self.x_min_mm, self.y_max_mm - self.y_min_mm

    def with_points(self, points: Sequence[Size]) -> "Rectangle":
        """The smallest rectangle around it and the points."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return Rectangle(
            min([self.x_min_mm, *xs]),
            min([self.y_min_mm, *ys]),
            max([self.x_max_mm, *xs]),
            max([self.y_max_mm, *ys]),
        )

    def meets(self, other: "Rectangle") -> bool:
        """Whether they share more than a border."""
        return (
            self.x_min_mm < other.x_max_mm - _DUST
            and other.x_min_mm < self.x_max_mm - _DUST
            and self.y_min_mm < other.y_max_mm - _DUST
            and other.y_min_mm < self.y_max_mm - _DUST
        )

    def holds(self, other: "Rectangle") -> bool:
        """Whether all of `other` lies in it."""
        return (
            self.x_min_mm <= other.x_min_mm
            and self.y_min_mm <= other.y_min_mm
            and self.x_max_mm >= other.x_max_mm
            and self.y_max_mm >= other.y_max_mm
        )


@dataclass(frozen=True, slots=True)
class PrintArea:
    """The rectangle of the bed (mm) that parts may cover, and how high they may be.

    `keep_out` are the places in it that no part and no way between two parts may touch; `ends`
    are where the nozzle comes from and goes to, which decide between places that are free.
    """

    x_min_mm: float
    y_min_mm: float
    x_max_mm: float
    y_max_mm: float
    height_mm: float
    keep_out: tuple[Rectangle, ...] = ()
    ends: tuple[Size, ...] = ()

    def room_mm(self, brim_mm: float) -> tuple[float, float, float]:
        """The box that one part must fit when a brim goes round it."""
        x, y = self.x_max_mm - self.x_min_mm, self.y_max_mm - self.y_min_mm
        return x - 2 * brim_mm, y - 2 * brim_mm, self.height_mm


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part's middle lies (mm), and whether the part is turned by 90° there."""

    x_mm: float
    y_mm: float
    turned: bool


def print_area(machine: "MachineProfile") -> PrintArea:
    """What of a printer's envelope is left for parts."""
    box = machine.envelope
    return PrintArea(
        x_min_mm=box.x_min_mm + _EDGE_MM,
        y_min_mm=box.y_min_mm + _FRONT_MM,
        x_max_mm=box.x_max_mm - _EDGE_MM,
        y_max_mm=box.y_max_mm - _EDGE_MM,
        height_mm=box.z_max_mm - _LIFT_MM,
        keep_out=_kept_out(box),
        ends=(
            (box.x_min_mm + _PRIMED_X_MM, box.y_min_mm),
            (box.x_min_mm + _EDGE_MM, box.y_max_mm - _EDGE_MM),
        ),
    )


def _kept_out(box: "Envelope") -> tuple[Rectangle, ...]:
    return tuple(
        Rectangle(
            place.x_min_mm - _CLEAR_MM,
            place.y_min_mm - _CLEAR_MM,
            place.x_max_mm + _CLEAR_MM,
            place.y_max_mm + _CLEAR_MM,
        )
        for place in box.keep_out
    )


def sheet_area(machine: "MachineProfile", sheet_mm: Size | None = None) -> PrintArea:
    """What of a sheet is left for parts: of one as large as a router's axes, or of `sheet_mm`.

    Work zero is the sheet's corner, so a sheet reaches as far as the machine does from there.
    """
    box = machine.envelope
    wide, deep = sheet_mm or (box.x_max_mm, box.y_max_mm)
    return PrintArea(
        x_min_mm=max(_SHEET_EDGE_MM, box.x_min_mm),
        y_min_mm=max(_SHEET_EDGE_MM, box.y_min_mm),
        x_max_mm=min(box.x_max_mm, wide) - _SHEET_EDGE_MM,
        y_max_mm=min(box.y_max_mm, deep) - _SHEET_EDGE_MM,
        height_mm=box.z_max_mm,
        keep_out=_kept_out(box),
    )


def print_margin_mm(*, brim_mm: float, supports: bool) -> float:
    """What a print needs around the part itself, on each side."""
    return max(brim_mm, SUPPORTS_MM if supports else 0.0)


def cut_margin_mm(cutter_mm: float) -> float:
    """What a milled part needs around itself, on each side."""
    return cutter_mm + _CUTTER_ROOM_MM


def arrange(
    sizes: Sequence[Size], area: PrintArea, *, margin_mm: float
) -> tuple[Place, ...] | None:
    """Where each part lies, in the order given; None when they do not all fit.

    No two parts are nearer than GAP_MM with their margins, none leaves the area, and no straight
    way from one to another passes over a keep-out. The same parts always lie the same.
    """
    order = sorted(range(len(sizes)), key=lambda i: (-max(sizes[i]), -min(sizes[i]), i))
    sorted_sizes = [sizes[i] for i in order]
    for found, window in _tries(sorted_sizes, area, margin_mm):
        if len(found) == len(sizes):
            middle = _centred(found, sorted_sizes, window, margin_mm)
            return tuple(place for _, place in sorted(zip(order, middle, strict=True)))
    return None


# Labs have a few kinds of beds and many of each, and a board asks it of every job and machine.
@lru_cache(maxsize=4096)
def most(size: Size, area: PrintArea, *, margin_mm: float, limit: int, mixed: bool = True) -> int:
    """How many parts of one size fit, up to `limit`: `arrange` finds a place for so many.

    Not `mixed`: all of them lie one way, in rows.
    """
    ways = _WAYS if mixed else (_WAYS[0], _WAYS[-1])
    best = 0
    for found, _ in _tries([size] * limit, area, margin_mm, ways):
        best = max(best, len(found))
        if best == limit:  # no other way holds more
            break
    return best


# Whether parts are turned by 90°: none of them, each as it suits, or all.
_WAYS = ((False,), (False, True), (True,))


def _tries(
    sizes: Sequence[Size],
    area: PrintArea,
    margin_mm: float,
    ways: Sequence[tuple[bool, ...]] = _WAYS,
) -> Iterator[tuple[list[Place], Rectangle]]:
    """For each free window and way of turning, the first parts of `sizes` that fit there."""
    for window in _windows(area):
        for turns in ways:
            yield _filled(sizes, window, margin_mm, turns), window


def _windows(area: PrintArea) -> list[Rectangle]:
    """The largest rectangles of the area without a keep-out in them, the best first.

    Those come first to which the nozzle comes past no keep-out, and then the largest.
    """
    windows = [Rectangle(area.x_min_mm, area.y_min_mm, area.x_max_mm, area.y_max_mm)]
    for zone in area.keep_out:
        cut = [piece for it in windows for piece in (_beside(it, zone) if it.meets(zone) else [it])]
        unique = list(dict.fromkeys(cut))
        windows = [w for w in unique if not any(o is not w and o.holds(w) for o in unique)]

    def rank(window: Rectangle) -> tuple[bool, float, float, float]:
        way = window.with_points(area.ends)
        width, depth = window.size_mm
        passes = any(way.meets(zone) for zone in area.keep_out)
        return passes, -width * depth, window.x_min_mm, window.y_min_mm

    return sorted(windows, key=rank)


def _beside(window: Rectangle, zone: Rectangle) -> list[Rectangle]:
    """What is left of the window to the left of, right of, before and behind the zone."""
    x_min, y_min, x_max, y_max = (
        window.x_min_mm, window.y_min_mm, window.x_max_mm, window.y_max_mm,
    )  # fmt: skip
    pieces = (
        Rectangle(x_min, y_min, zone.x_min_mm, y_max),
        Rectangle(zone.x_max_mm, y_min, x_max, y_max),
        Rectangle(x_min, y_min, x_max, zone.y_min_mm),
        Rectangle(x_min, zone.y_max_mm, x_max, y_max),
    )
    return [piece for piece in pieces if min(piece.size_mm) > 0]


def _filled(
    sizes: Sequence[Size], window: Rectangle, margin_mm: float, turns: tuple[bool, ...]
) -> list[Place]:
    """Places for the first of `sizes`, as many as fit: each as low as it can lie, then leftmost.

    `skyline` says how far the window is filled: from each x on (to the next) up to y.
    """
    width, depth = (edge + GAP_MM for edge in window.size_mm)
    skyline, places = [(0.0, 0.0)], []
    for size in sizes:
        options = [
            (y + b, y, x, turned, a)
            for turned in turns
            for a, b in [_with_room(size, margin_mm, turned)]
            for x, y in _spots(skyline, a, width)
            if y + b <= depth + _DUST
        ]
        if not options:
            break
        top, y, x, turned, a = min(options)
        skyline = _raised(skyline, x, x + a, top)
        b = top - y
        places.append(
            Place(window.x_min_mm + x + (a - GAP_MM) / 2, window.y_min_mm + y + (b - GAP_MM) / 2,
                  turned)
        )  # fmt: skip
    return places


def _with_room(size: Size, margin_mm: float, turned: bool) -> Size:
    """What the part takes up with its margin and the gap to the next one."""
    a, b = (edge + 2 * margin_mm + GAP_MM for edge in size)
    return (b, a) if turned else (a, b)


def _spots(skyline: Sequence[Size], wide: float, width: float) -> Iterator[Size]:
    """For each step of the skyline, where something so wide would lie if it began there."""
    for number, (x, _) in enumerate(skyline):
        if x + wide > width + _DUST:
            return
        yield x, max(y for at, y in skyline[number:] if at < x + wide - _DUST)


def _raised(skyline: Sequence[Size], x: float, end: float, top: float) -> list[Size]:
    """The skyline with everything from `x` to `end` filled up to `top`."""
    behind = [y for at, y in skyline if at <= end + _DUST][-1]
    left = [step for step in skyline if step[0] < x]
    right = [step for step in skyline if step[0] > end + _DUST]
    return [*left, (x, top), (end, behind), *right]


def _centred(
    places: Sequence[Place], sizes: Sequence[Size], window: Rectangle, margin_mm: float
) -> list[Place]:
    """The same places as a whole moved to the middle of the window."""
    half = [
        [(edge + 2 * margin_mm) / 2 for edge in (size[::-1] if place.turned else size)]
        for place, size in zip(places, sizes, strict=True)
    ]
    x = _shift([p.x_mm for p in places], [h[0] for h in half], window.x_min_mm, window.x_max_mm)
    y = _shift([p.y_mm for p in places], [h[1] for h in half], window.y_min_mm, window.y_max_mm)
    return [Place(p.x_mm + x, p.y_mm + y, p.turned) for p in places]


def _shift(middles: Sequence[float], halves: Sequence[float], low: float, high: float) -> float:
    least = min(m - h for m, h in zip(middles, halves, strict=True))
    most_ = max(m + h for m, h in zip(middles, halves, strict=True))
    return (low + high - least - most_) / 2
