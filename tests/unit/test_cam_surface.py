"""A body is carved out of a sheet: nothing is gouged, nothing left, nothing comes loose."""

import numpy as np
import pytest
import trimesh
from scipy.ndimage import minimum_filter

from commons.cutters import MillCutter
from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from commons.wire import SCALLOP_MM
from fab_agent.cam.finishing import stepover_mm
from fab_agent.cam.ground import TRENCH, fine_cell_mm
from fab_agent.cam.heights import Grid, Shape, top_of
from fab_agent.cam.mill import mill
from fab_agent.cam.options import CutOptions
from fab_agent.cam.planform import read_mesh
from fab_agent.cam.request import Kind, MeshKind, Way
from fab_agent.cam.roughing import LEAVE_MM
from fab_agent.cam.stock import Stock
from fab_agent.cam.surface_mill import mill_surface
from fab_agent.cam.ways import surface_in
from fab_agent.gcode.proof import prove
from tests.carving import carved, left_by, legs, tips
from tests.dropping import dropped
from tests.milling import moves

SHEET = Stock(12.0, (300.0, 300.0))
FLAT, ROUND = Shape(3.0), Shape(3.0, 1.5)


def router(shape="ball", **limits):
    return MachineProfile(
        name="router",
        process=Process.CNC,
        driver=Driver.GRBL,
        envelope=Envelope(x_max_mm=300, y_max_mm=300, z_min_mm=-20, z_max_mm=40),
        max_feed_mm_s=50,
        max_feed_z_mm_s=20,
        materials=("plywood",),
        cnc=MillLimits(cutter_shape=shape, **limits),
    )


def data(mesh):
    return mesh.export(file_type="stl")


def body(mesh):
    return read_mesh(data(mesh), MeshKind.STL)


def hill(slot=True):
    """A low dome on a plate of 20 x 16 x 6 mm with a deep slot that is hardly wider than 3 mm."""
    plate = trimesh.creation.box((20, 16, 3))
    plate.apply_translation((0, 0, 1.5))
    dome = trimesh.creation.icosphere(subdivisions=4, radius=10)
    dome.apply_translation((0, 0, -4))
    whole = plate.union(dome.intersection(trimesh.creation.box((18, 14, 20))))
    whole = whole.slice_plane((0, 0, 0), (0, 0, 1), cap=True)
    cut = trimesh.creation.box((3.6, 10, 10))
    cut.apply_translation((5, 0, 6))
    return whole.difference(cut) if slot else whole


SIX = MillCutter(diameter_mm=6)
BALL = MillCutter(diameter_mm=3, shape="ball")
WAYS = {
    "flat": (router("flat"), CutOptions(), [FLAT]),
    "ball": (router("ball"), CutOptions(), [ROUND]),
    "flat then ball": (router("flat", more_cutters=(BALL,)), CutOptions(lines="y"), [FLAT, ROUND]),
    "wide then ball both ways": (
        router("ball", more_cutters=(SIX,)),
        CutOptions(lines="both"),
        [Shape(6.0), ROUND],
    ),
}


@pytest.fixture(scope="module", params=WAYS)
def plan(request):
    profile, options, shapes = WAYS[request.param]
    triangles = body(hill())
    made = mill_surface(triangles, stock=SHEET, profile=profile, options=options)
    lowered = triangles - (0, 0, triangles[..., 2].max())
    return made, lowered, shapes, options.lines


@pytest.mark.slow
def test_no_place_on_any_move_is_below_opencamlibs_height(plan):
    made, lowered, shapes, _ = plan
    floor = lowered[..., 2].min()
    for leg, shape in zip(legs(made.lines), shapes, strict=True):
        at = tips(leg)
        at = at[np.random.default_rng(3).choice(len(at), min(len(at), 3000), replace=False)]
        true = dropped(lowered, at[:, :2] - np.array(made.used_mm) / 2, shape)
        assert (at[:, 2] - np.maximum(true, floor)).min() >= 0
        assert at[:, 2].min() >= floor


@pytest.mark.slow
def test_what_is_left_of_the_sheet_is_the_body(plan):
    made, lowered, shapes, lines = plan
    found, last = left_by(made.lines, shapes, size_mm=made.used_mm), shapes[-1]
    middle = np.array(made.used_mm) / 2
    grid = Grid(-middle[0], -middle[1], 0.1, *found.shape)
    top = top_of(lowered, grid).astype(float)
    x, y = np.meshgrid(*grid.middles())
    on = np.isfinite(top)
    # Nothing is gouged; on walls and slopes the picture is as true as its squares are wide.
    least = minimum_filter(top, size=3)
    assert (found - least)[np.isfinite(least)].min() >= -0.001
    dome = on & (np.hypot(x, y) < 4) & (x < 2)  # slopes up to 1:2
    left = (found - top)[dome]
    steps = SCALLOP_MM if last.corner_mm else 0.3 * 0.5
    assert left.max() <= steps + 0.15
    assert np.median(left) < 0.1
    slot = (np.abs(x - 5) < 0.2) & (np.abs(y) < 3)
    # Lines along a slot that is hardly wider than the ball do not all fall into it.
    assert np.abs(found - top)[slot].max() < (LEAVE_MM if lines == "y" else 0.1)
    along, wall = (x - 10, y) if lines != "y" else (y - 8, x)  # where lines end
    beside = (along > 0.2) & (along < 1) & (np.abs(wall) < 7)
    lip = last.radius_mm if last.corner_mm else 0.05
    assert found[beside].max() <= top[on].min() + lip + 0.1
    widest = max(shape.diameter_mm for shape in shapes)
    assert found[(x > 10 + widest * (1 + TRENCH) + widest / 2 + 0.2)].min() == 0


@pytest.mark.slow
def test_every_way_down_is_slow_and_no_pass_is_deeper_than_the_cutter_may_go(plan):
    made, _, shapes, _ = plan
    reached = np.zeros((100, 100))  # how deep the tip was, or could be, in squares of 1.5 mm
    for leg, shape in zip(legs(made.lines), shapes, strict=True):
        for rapid, start, end in moves(leg):
            if min(start[2], end[2]) > 0:
                continue
            assert not rapid or end[2] > start[2]
            steps = np.linspace(start, end, 2 + int(np.linalg.norm(np.subtract(end, start)) / 0.3))
            for x, y, z in steps:
                row, column = int(y / 1.5), int(x / 1.5)
                near = reached[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
                assert z >= near.min() - shape.diameter_mm / 2 - 2 * LEAVE_MM
                reached[row, column] = min(reached[row, column], z)
        left = carved(leg, shape, size_mm=(150, 150))
        reached = np.minimum(reached, left.reshape(100, 15, 100, 15).min(axis=(1, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("lines", ["x", "y"])
def test_on_a_slope_of_45_degrees_the_tip_stays_within_eight_hundredths(lines):
    cone = body(trimesh.creation.cone(9, 9, sections=96))
    made = mill_surface(cone, stock=SHEET, profile=router(), options=CutOptions(lines=lines))
    at = tips(made.lines) - (made.used_mm[0] / 2, made.used_mm[1] / 2, 0)
    away, roughed = np.hypot(at[:, 0], at[:, 1]), LEAVE_MM * 0.8
    at = at[(away > 1.5) & (away < 7)]
    above = at[:, 2] - dropped(cone - (0, 0, 9), at[:, :2], ROUND)
    last = above[above < roughed]
    assert len(last) > 3000
    assert last.min() >= 0
    assert np.median(last) < 0.06
    assert last.max() < 0.08


@pytest.mark.slow
def test_a_program_of_two_cutters_tells_them_with_their_ends_and_speeds():
    profile = router("flat", more_cutters=(BALL.model_copy(update={"edges": 4}),))
    made = mill_surface(body(hill()), stock=SHEET, profile=profile)
    assert (made.cutters_mm, made.cutter_shapes) == ((3, 3), ("flat", "ball"))
    assert made.lines.count(b"M0") == 1
    flat, ball = made.speeds.split("; then ")
    assert flat.startswith("a 3 mm cutter with 2 edges at")
    assert ball.startswith("a 3 mm ball cutter with 4 edges at")
    assert not any("in steps" in warning for warning in made.warnings)
    assert prove(made.lines, profile, cutters_mm=made.cutters_mm).low[2] < 0
    with pytest.raises(ProgramRefused, match="waits for a person"):
        prove(made.lines, profile)


@pytest.mark.parametrize("scallop_mm", [0.01, 0.03, 0.2])
def test_two_circles_a_stepover_apart_leave_the_scallop_between_them(scallop_mm):
    apart = stepover_mm(ROUND, scallop_mm)
    assert ROUND.rise_mm(np.array([apart / 2]))[0] == pytest.approx(scallop_mm)
    assert stepover_mm(FLAT, scallop_mm) == pytest.approx(0.3)


@pytest.mark.slow
@pytest.mark.parametrize("scallop_mm", [0.01, 0.1])
def test_ridges_on_level_ground_are_as_high_as_was_wished(scallop_mm):
    plate, post = trimesh.creation.box((16, 12, 2)), trimesh.creation.box((2, 2, 4))
    post.apply_translation((7, 5, 0))
    options = CutOptions(scallop_mm=scallop_mm)
    triangles = body(plate.union(post))
    made = mill_surface(triangles, stock=SHEET, profile=router(), options=options)
    at = tips(made.lines) - (made.used_mm[0] / 2, made.used_mm[1] / 2, 0)
    at = at[np.abs(at[:, 0] + 4) < 1.5]
    y = np.arange(-3, 3, 0.01)
    away = np.hypot(at[:, 0] + 4, at[:, 1] - y[:, None])
    left = np.where(away <= 1.5, at[:, 2] + ROUND.rise_mm(np.minimum(away, 1.5)), 0).min(axis=1)
    assert left.min() == pytest.approx(-1, abs=0.005)
    assert 0.6 * scallop_mm < left.max() - left.min() <= 1.05 * scallop_mm + 0.001


@pytest.mark.slow
def test_the_skin_that_holds_the_part_stays_and_people_are_told():
    made = mill_surface(
        body(trimesh.creation.icosphere(3, radius=4)), stock=SHEET, profile=router()
    )
    assert made.proof.low[2] == pytest.approx(-8, abs=0.01)
    assert made.warnings[0].startswith("the part stays on 4.0 mm of the sheet")
    assert "% of its surface cannot be reached from above" in made.warnings[-1]
    share = float(made.warnings[-1].split(" %")[0])
    assert share == pytest.approx(50, abs=4)


@pytest.mark.slow
def test_a_body_without_undercuts_is_told_of_none():
    made = mill_surface(body(hill(slot=False)), stock=SHEET, profile=router())
    assert not any("cannot be reached" in warning for warning in made.warnings)


@pytest.mark.slow
def test_copies_lie_side_by_side():
    ball = body(trimesh.creation.icosphere(2, radius=3))
    one, two = (mill_surface(ball, stock=SHEET, profile=router(), copies=n) for n in (1, 2))
    assert len(two.lines) > 1.9 * len(one.lines)
    assert two.part_mass_g == pytest.approx(2 * one.part_mass_g)


@pytest.mark.parametrize(
    ("height", "z_min", "sentence", "rule"),
    [
        (11.5, -20, "take a sheet of at least 13 mm", "sheet-too-thin"),
        (9, -5, "may go down to Z-5", "sheet-too-thick"),
    ],
)
def test_a_part_that_is_too_high_is_refused(height, z_min, sentence, rule):
    cone = body(trimesh.creation.cone(8, height))
    profile = router()
    envelope = profile.envelope.model_copy(update={"z_min_mm": z_min})
    with pytest.raises(ProgramRefused, match=sentence) as refused:
        mill_surface(cone, stock=SHEET, profile=profile.model_copy(update={"envelope": envelope}))
    assert refused.value.rule == rule


def test_a_part_far_too_large_for_a_fine_cutter_is_refused():
    with pytest.raises(InvalidInput, match=r"too large for a cutter of 0\.5 mm"):
        fine_cell_mm((1000, 1000), Shape(0.5))


def test_a_plate_is_taken_for_a_plate_and_a_dome_for_a_surface_unless_forced():
    def taken(mesh, way=Way.AUTO, stock=SHEET):
        found = surface_in(data(mesh), MeshKind.STL, way=way, stock=stock)
        return Way.PLATE if found is None else Way.SURFACE

    plate, dome = trimesh.creation.box((40, 30, 12)), hill(slot=False)
    assert taken(plate) is Way.PLATE
    assert taken(dome) is Way.SURFACE
    assert taken(plate, Way.SURFACE) is Way.SURFACE
    with pytest.raises(ProgramRefused, match="load a sheet as thick as the part"):
        taken(plate, stock=Stock(9, (300, 300)))


def test_nothing_is_cut_out_with_a_ball():
    for kind, content in (
        (Kind.SVG, b"<svg/>"),
        (MeshKind.STL, data(trimesh.creation.box((40, 30, 12)))),
    ):
        with pytest.raises(ProgramRefused, match="has a ball cutter") as refused:
            mill(content, kind, stock=SHEET, profile=router("ball"))
        assert refused.value.rule == "cutter-shape"


def test_a_plate_is_cut_out_with_the_flat_cutter_beside_the_ball():
    plate = data(trimesh.creation.box((40, 30, 12)))
    six = MillCutter(diameter_mm=6, edges=1)
    made = mill(plate, MeshKind.STL, stock=SHEET, profile=router("ball", more_cutters=(six,)))
    assert made.cutters_mm == (6,)  # people are told: it is not the one in the collet
    assert made.speeds.startswith("a 6 mm cutter with 1 edge at")
