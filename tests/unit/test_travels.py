"""How designs travel, and where that is on the earth."""

from itertools import pairwise, permutations

import pytest

from commons.travels import Step, Way, ways_of
from repo_server.travels import Spot, Travels
from repo_server.web import earth
from repo_server.web.maps import map_of


def spot(slug: str, latitude: float | None, longitude: float | None) -> Spot:
    return Spot(slug, slug.title(), "c", "C", latitude, longitude, 1)


def test_designs_that_took_the_same_way_are_one_way_and_the_widest_comes_first() -> None:
    steps = [Step("a", "c", "hook", 9), Step("a", "b", "jar", 4), Step("a", "b", "hook", 1)]
    ways = [Way("a", "b", ("hook", "jar"), 5), Way("a", "c", ("hook",), 9)]
    assert all(ways_of(order) == ways for order in permutations(steps))


def test_the_projection_keeps_its_authors_own_points() -> None:
    """As the paper gives them: 2.05458 times as wide as high, poles as lines of 0.59 the width."""
    left, right = earth.place(0, -180), earth.place(0, 180)
    assert (left[0], right[0]) == (pytest.approx(0), pytest.approx(earth.WIDTH))
    assert pytest.approx(2.05458, abs=1e-4) == earth.WIDTH / earth.HEIGHT
    pole = earth.place(90, 180)[0] - earth.place(90, -180)[0]
    assert pole / earth.WIDTH == pytest.approx(0.5925, abs=1e-3)


def test_as_much_ground_is_as_much_paper() -> None:
    """A degree square at 60° covers half of what it does at the equator, on both."""

    def area(latitude: float) -> float:
        (a_x, a_y), (b_x, _) = earth.place(latitude - 0.5, 20), earth.place(latitude - 0.5, 21)
        c_x, c_y = earth.place(latitude + 0.5, 20)
        d_x, _ = earth.place(latitude + 0.5, 21)
        return ((b_x - a_x) + (d_x - c_x)) / 2 * abs(c_y - a_y)

    assert area(60) / area(0) == pytest.approx(0.5, rel=1e-3)


def test_land_is_closed_rings_inside_of_the_picture() -> None:
    rings = earth.land().removesuffix("Z").split("Z")
    assert len(rings) > 100
    points = [pair.split() for ring in rings for pair in ring.removeprefix("M").split("L")]
    xs, ys = [float(x) for x, _ in points], [float(y) for _, y in points]
    for ring in rings:  # what crosses the edge of the picture goes on at the other, in no line
        steps = [float(pair.split()[0]) for pair in ring.removeprefix("M").split("L")]
        wide = [abs(b - a) for a, b in pairwise(steps)]
        assert max(wide) < earth.WIDTH / 20
    assert min(xs) >= -0.1 and max(xs) <= earth.WIDTH + 0.1
    assert min(ys) >= -0.1 and max(ys) <= earth.HEIGHT + 0.1


@pytest.mark.parametrize(
    "places",
    [[], [(41.4, 2.2)], [(41.4, 2.2), (53.6, 10.0)], [(-33.4, -70.7), (35.7, 139.7)]],
)
def test_every_lab_is_inside_of_its_window(places: list[tuple[float, float]]) -> None:
    points = [earth.place(*it) for it in places]
    window = earth.window_around(points)
    for x, y in points:
        assert window.left <= x <= window.left + window.width
        assert window.top <= y <= window.top + window.width / 2


def test_a_lab_that_is_nowhere_is_told_of_and_not_drawn() -> None:
    travels = Travels(
        {"a": spot("a", 41.4, 2.2), "b": spot("b", None, None), "c": spot("c", 53.6, 10.0)},
        (Way("a", "b", ("hook",), 1), Way("c", "a", ("hook",), 1)),
    )
    drawn = map_of(travels)
    assert [dot.spot.slug for dot in drawn.dots] == ["a", "c"]
    assert [arc.way.origin for arc in drawn.arcs] == ["c"]
    assert [it.slug for it in drawn.unplaced] == ["b"]
