"""A mesh of a plate is milled as the drawing that it came from would be."""

import numpy as np
import pytest
import shapely
import trimesh
from shapely.affinity import translate
from shapely.geometry import box
from trimesh.creation import extrude_polygon

from commons.errors import InvalidInput
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cam.contours import contours_of
from fab_agent.cam.mill import mill
from fab_agent.cam.operations import Operation
from fab_agent.cam.part import features_of
from fab_agent.cam.passes import tab_top_mm
from fab_agent.cam.planform import planform, read_mesh, why_no_plate
from fab_agent.cam.removal import compare, field_of
from fab_agent.cam.request import MeshKind
from fab_agent.cam.stock import Stock

ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(),
)


def facets(x, y, radius, count=32):
    turn = np.arange(count) * 2 * np.pi / count
    return shapely.Polygon(np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)]))


def plate():
    """100 x 60 x 9 mm: three holes, a pocket inside, a step at the edge, a counterbore."""
    holes = shapely.union_all([facets(0, 0, 10), facets(-35, -15, 1.5), facets(35, -15, 4)])
    body = extrude_polygon(box(-50, -30, 50, 30).difference(holes), 9)
    for area in (facets(35, -15, 8, 48), box(-51, 20, -20, 31), box(10, 10, 30, 20)):
        cutter = extrude_polygon(area, 5)
        cutter.apply_translation((0, 0, 5.5))
        body = body.difference(cutter)
    return body


def read(mesh, kind="stl"):
    data = mesh.export(file_type=kind)
    return read_mesh(data.encode() if isinstance(data, str) else data, MeshKind(kind))


@pytest.mark.parametrize("kind", ["stl", "3mf", "obj"])
def test_a_plates_outline_and_holes_come_back_as_they_were_drawn(kind):
    contours, _ = contours_of(planform(read(plate(), kind)))
    found = sorted((c.circle for c in contours if c.circle), key=lambda circle: circle[2])
    assert np.allclose(found, [(-35, -15, 3), (35, -15, 8), (0, 0, 20)], atol=0.005)
    assert max(c.area.area for c in contours) == pytest.approx(6000, abs=0.01)
    operations = [f.operation for f in features_of(contours, cutter_mm=3)]
    assert sorted(operations) == ["drill", "inside", "inside", "outside"]


def test_pockets_know_their_depth_and_open_over_the_edge_only_where_there_is_no_part():
    pockets = sorted(planform(read(plate())).pockets, key=lambda pocket: pocket.area.area)
    assert [p.depth_mm for p in pockets] == [3.5] * 3
    ring, inner, step = pockets
    assert ring.area.area == pytest.approx(np.pi * (8**2 - 4**2), rel=0.002)
    assert inner.area.area == pytest.approx(200, abs=0.01)
    assert inner.opened(1.5)[0].equals_exact(inner.area, 1e-6)
    opened = step.opened(1.5)[0]
    assert np.allclose(opened.bounds, (-51.5, 18.5, -18.5, 31.5))
    assert opened.intersection(box(-50, -30, 50, 30)).area == pytest.approx(300, abs=0.01)


def test_a_plate_goes_the_same_way_to_a_proved_program():
    data = plate().export(file_type="stl")
    plan = mill(data, MeshKind.STL, stock=Stock(9, (300, 200)), profile=ROUTER)
    assert plan.proof.low[2] == pytest.approx(-9.3)
    assert any(line.startswith((b"G2", b"G3")) for line in plan.lines)


@pytest.mark.parametrize(
    ("mesh", "sentence"),
    [
        (trimesh.creation.icosphere(radius=10), "neither level nor upright"),
        (trimesh.creation.cone(10, 5), "neither level nor upright"),
        (
            trimesh.util.concatenate(
                [trimesh.creation.box((50, 50, 3)), trimesh.creation.box((50, 50, 3), np.eye(4))]
            ),
            "overlap",
        ),
    ],
)
def test_what_is_no_plate_is_refused_and_says_what_to_do(mesh, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        planform(read(mesh))


def test_a_part_that_is_hollow_below_says_where():
    body = trimesh.creation.box((60, 40, 10))
    slot = trimesh.creation.box((20, 10, 4))
    slot.apply_translation((10, 5, -4))
    problem = why_no_plate(read(body.difference(slot)))
    assert problem is not None
    assert problem.startswith("it is hollow below at (")
    with pytest.raises(InvalidInput, match="mill it as a surface"):
        planform(read(body.difference(slot)))


def test_an_open_mesh_is_refused_by_the_one_reader_of_meshes():
    body = trimesh.creation.box((60, 40, 10))
    body.update_faces(np.arange(11))
    with pytest.raises(InvalidInput, match=r"^is not closed, 3 edges are open"):
        read(body)


def test_round_corners_become_arcs_and_a_hexagon_stays_one():
    rounded = box(-20, -10, 20, 10).buffer(5, quad_segs=6)
    drawn = planform(read(extrude_polygon(rounded, 6))).strokes[0]
    true = box(-20, -10, 20, 10).buffer(5, quad_segs=500)
    assert shapely.Polygon(drawn.points).symmetric_difference(true).area < 0.1
    hexagon = planform(read(extrude_polygon(facets(0, 0, 20, 6), 6))).strokes[0]
    assert len(hexagon.points) == 7


def test_a_hole_as_wide_as_the_cutter_is_drilled():
    body = extrude_polygon(box(-20, -20, 20, 20).difference(facets(3, 4, 1.5, 24)), 6)
    contours, _ = contours_of(planform(read(body)))
    drilled = [f for f in features_of(contours, cutter_mm=3) if f.operation is Operation.DRILL]
    assert len(drilled) == 1
    assert drilled[0].centre == pytest.approx((3, 4), abs=0.01)


@pytest.mark.slow
def test_what_is_left_of_the_sheet_is_the_plate():
    data = plate().export(file_type="stl")
    plan = mill(data, MeshKind.STL, stock=Stock(9, (300, 200)), profile=ROUTER)
    field = field_of(plan.lines, cutter_mm=3, size_mm=plan.used_mm, cell_mm=0.2)
    left, bottom, right, top = plan.parts.bounds
    middle = ((left + right) / 2, (bottom + top) / 2)
    pockets = [translate(p.area, *middle) for p in planform(read(plate())).pockets]
    found = compare(
        field,
        plan.parts,
        cutter_mm=3,
        thickness_mm=9,
        tab_top_mm=tab_top_mm(9),
        hollows=shapely.union_all(pockets).buffer(0.02),
    )
    assert found.area_error < 0.001
    for pocket in pockets:
        floor = field.z[field.inside(pocket.buffer(-0.1))]
        assert (np.abs(floor + 3.5) < 0.001).mean() > 0.99  # but in the round inner corners
    assert plan.part_mass_g == pytest.approx(plate().volume * 0.68 / 1000, rel=0.002)
