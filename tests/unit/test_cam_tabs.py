"""Tabs: enough, apart from each other, on straight stretches, no thicker than a saw likes."""

import numpy as np
import pytest
from shapely import LineString, Point, box

from fab_agent.cam.cutter import cutter_for
from fab_agent.cam.passes import TAB_MM, outside_path, tab_top_mm, tabs_on
from tests.profiles import router

CUTTER = cutter_for(router(max_feed_z_mm_s=20), "plywood")
SHAPES = {
    "bar": box(0, 0, 180, 20).buffer(5),
    "disc": Point(0, 0).buffer(40, quad_segs=64),
    "chip": box(0, 0, 12, 9),
    "long": box(0, 0, 900, 60),
    "stadium": LineString([(0, 0), (60, 0)]).buffer(30, quad_segs=64),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_there_are_at_least_three_and_none_touches_another_or_the_start(shape):
    path = outside_path(shape, CUTTER)
    length = LineString(path).length
    tabs = np.array(tabs_on(path, CUTTER))
    assert len(tabs) >= max(3, length / 120)
    assert tabs[0, 0] > 0
    assert tabs[-1, 1] < length
    assert (tabs[1:, 0] > tabs[:-1, 1]).all()
    assert np.ptp(np.diff(tabs, axis=1)) < 1e-9
    assert np.diff(tabs, axis=1).sum() <= 0.4 * length + 1e-9


def test_tabs_avoid_the_round_ends_when_a_straight_side_is_near():
    path = outside_path(SHAPES["bar"], CUTTER)
    line = LineString(path)
    for start, end in tabs_on(path, CUTTER):
        one, other = line.interpolate(start), line.interpolate(end)
        assert one.distance(other) == pytest.approx(TAB_MM + CUTTER.diameter_mm)


@pytest.mark.parametrize(("thickness", "height"), [(3, 0.9), (6, 1.8), (10, 3.0), (18, 3.0)])
def test_a_tab_is_a_third_of_a_thin_sheet_and_three_millimetres_of_a_thick_one(thickness, height):
    assert tab_top_mm(thickness) == pytest.approx(height - thickness)
