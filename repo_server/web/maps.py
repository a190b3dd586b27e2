"""A map of labs: where its dots and ways go. Units are those of earth.Window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, sqrt

from commons.travels import Way
from repo_server.travels import Spot, Travels
from repo_server.web import earth
from repo_server.web.earth import Point, Window

NAMED = 12  # more names than these would lie on one another
_BOW = 0.18  # of a way's length: how far it bends aside, so that there and back are two


@dataclass(frozen=True, slots=True)
class Dot:
    """A lab at its place, with its name beside it where few are shown."""

    spot: Spot
    x: float
    y: float
    radius: float
    leftwards: bool


@dataclass(frozen=True, slots=True)
class Arc:
    """A way as a path (`d` of SVG). `width` is in pixels, whatever the window's scale."""

    way: Way
    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Map:
    """Dots and ways in a window; `unplaced` are labs of which nobody has said where they are."""

    window: Window
    dots: tuple[Dot, ...]
    arcs: tuple[Arc, ...]
    named: bool
    unplaced: tuple[Spot, ...]


def map_of(travels: Travels) -> Map:
    """The map of these labs. A way is drawn where both its ends are known."""
    places = {
        slug: earth.place(spot.latitude, spot.longitude)
        for slug, spot in travels.spots.items()
        if spot.latitude is not None and spot.longitude is not None
    }
    window = earth.window_around(places.values())
    return Map(
        window=window,
        dots=tuple(_dots(travels.spots, places, window)),
        arcs=tuple(_arcs(travels.ways, places)),
        named=len(places) <= NAMED,
        unplaced=tuple(spot for slug, spot in travels.spots.items() if slug not in places),
    )


def _dots(spots: Mapping[str, Spot], places: Mapping[str, Point], window: Window) -> Iterable[Dot]:
    for slug, (x, y) in places.items():
        yield Dot(spots[slug], x, y, window.width / 110, x > window.left + 0.75 * window.width)


def _arcs(ways: Iterable[Way], places: Mapping[str, Point]) -> Iterable[Arc]:
    """Labs at one place have no way between them that could be seen."""
    for way in ways:
        if way.origin not in places or way.lab not in places:
            continue
        (a_x, a_y), (b_x, b_y) = places[way.origin], places[way.lab]
        if hypot(b_x - a_x, b_y - a_y) == 0:
            continue
        bend_x = (a_x + b_x) / 2 + _BOW * (b_y - a_y)
        bend_y = (a_y + b_y) / 2 - _BOW * (b_x - a_x)
        path = f"M{a_x:.1f} {a_y:.1f}Q{bend_x:.1f} {bend_y:.1f} {b_x:.1f} {b_y:.1f}"
        yield Arc(way, path, min(6.0, 1.0 + sqrt(len(way.designs))))
