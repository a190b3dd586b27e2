"""Reliefs: a square tenon fits into what a round cutter has cut."""

import pytest
import shapely
from shapely import Point, Polygon, box
from shapely.affinity import rotate

from fab_agent.cam.contours import Contour
from fab_agent.cam.cutter import cutter_for
from fab_agent.cam.dogbones import relieved
from fab_agent.cam.operations import has_dogbones
from fab_agent.cam.part import features_of
from fab_agent.cam.passes import inside_path, outside_path
from tests.profiles import router

CUTTER = cutter_for(router(max_feed_z_mm_s=20), "plywood")
TENON = box(0, 0, 20, 9)


def swept(way):
    return shapely.LineString(way).buffer(CUTTER.radius_mm, quad_segs=64)


@pytest.mark.parametrize("angle", [0, 17, 45, 133])
def test_a_square_tenon_fits_into_a_relieved_opening_only(angle):
    tenon = rotate(TENON, angle)
    plain, wide = tenon, relieved(tenon, cutter_mm=3, outside=False)
    core = tenon.buffer(-2)
    cut = [swept(inside_path(area, CUTTER)).union(core) for area in (plain, wide)]
    assert tenon.buffer(-0.1).difference(cut[0]).area > 0.2
    assert tenon.buffer(-0.03).difference(cut[1]).is_empty
    assert cut[1].difference(wide.buffer(0.01)).is_empty


def test_a_relief_takes_no_more_than_a_cutters_width_beyond_each_corner():
    wide = relieved(TENON, cutter_mm=3, outside=False)
    assert wide.contains(TENON)
    assert wide.bounds == pytest.approx((-0.47, -0.47, 20.47, 9.47), abs=0.01)
    assert wide.area - TENON.area < 4 * 3.14 * 1.6**2 / 2


def test_a_notch_of_a_part_takes_a_square_tongue():
    part = Polygon([(0, 0), (60, 0), (60, 40), (40, 40), (40, 25), (20, 25), (20, 40), (0, 40)])
    tongue = box(20, 25, 40, 40)
    loose = relieved(part, cutter_mm=3, outside=True)
    assert part.contains(loose)
    ways = [outside_path(area, CUTTER) for area in (part, loose)]
    left = [
        tongue.buffer(-0.03).intersection(Polygon(w).buffer(-CUTTER.radius_mm, 64)) for w in ways
    ]
    assert left[0].area > 0.5
    assert left[1].area < 1e-3


def test_outer_corners_of_a_part_and_curves_keep_their_shape():
    assert relieved(TENON, cutter_mm=3, outside=True).equals(TENON)
    disc = Point(0, 0).buffer(20)
    assert relieved(disc, cutter_mm=3, outside=False).equals(disc)


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        ("inside dogbone", True), ("Pocket-4mm Dog-Bones", True), ("outside dogbone", True),
        ("inside", False), ("dogbone", False), ("my dogbone", False),
    ],
)  # fmt: skip
def test_layers_that_ask_for_it(layer, wanted):
    assert has_dogbones(layer) is wanted


def test_a_pocket_and_an_opening_on_such_a_layer_are_relieved_and_a_hole_is_not():
    contours = [
        Contour("outside", box(-10, -10, 100, 50)),
        Contour("inside dogbone", TENON),
        Contour("inside dogbone", Point(60, 20).buffer(5)),
        Contour("pocket-2mm dogbone", box(30, 0, 50, 20)),
    ]
    _, opening, hole, pocket = features_of(contours, cutter_mm=3)
    assert opening.area.area > TENON.area
    assert hole.area.equals(contours[2].area)
    assert pocket.area.area > 400
    assert pocket.depth_mm == 2
