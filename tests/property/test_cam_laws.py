"""Laws of milling: whatever is drawn, the part is not touched, and the proof agrees."""

from math import cos, pi, sin

import pytest
import shapely
from hypothesis import event, given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box
from shapely.affinity import translate

from commons.errors import ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cam.mill import mill
from fab_agent.cam.options import CutOptions
from fab_agent.cam.passes import tab_top_mm
from fab_agent.cam.removal import compare, field_of
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.milling import moves

ENVELOPE = Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40)
SHEET = box(0, 0, 600, 400)
PLAIN = CutOptions(leads=False)


def router(cutter_mm):
    return MachineProfile(
        name="router",
        process=Process.CNC,
        driver=Driver.GRBL,
        envelope=ENVELOPE,
        max_feed_mm_s=50,
        max_feed_z_mm_s=20,
        materials=("plywood",),
        cnc=MillLimits(cutter_mm=cutter_mm),
    )


@st.composite
def stars(draw, least_radius=0.3):
    """A polygon seen whole from its middle: convex or with bays, sharp or blunt."""
    count = draw(st.integers(3, 10))
    radii = draw(st.lists(st.floats(least_radius, 1), min_size=count, max_size=count))
    size, turn = draw(st.floats(15, 100)), draw(st.floats(0, 2 * pi))
    angles = [turn + 2 * pi * i / count for i in range(count)]
    return Polygon(
        [(size * r * cos(a), size * r * sin(a)) for r, a in zip(radii, angles, strict=True)]
    )


@st.composite
def parts(draw):
    """A star with a hole of its own shape in the middle, or none."""
    outline = draw(stars())
    share = draw(st.sampled_from([0, 0.2, 0.5]))
    if not share:
        return outline
    hole = shapely.affinity.scale(outline, share, share, origin=(0, 0))
    return outline.difference(hole)


def drawn(part):
    return drawn_all([part])


def drawn_all(some):
    rings = [ring for part in some for ring in (part.exterior, *part.interiors)]
    paths = (
        "M" + " L".join(f"{x:.4f} {-y:.4f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
    )
    body = "".join(f'<path d="{path}"/>' for path in paths)
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="300mm" height="300mm"'
    return f'{head} viewBox="0 0 300 300">{body}</svg>'.encode()


def way(lines, below):
    """Where the cutter's centre goes in moves wholly at or below a height, and all its points."""
    ways, points = [], []
    for _, before, after in moves(lines):
        points.append(after)
        if max(before[2], after[2]) <= below:
            ways.append(LineString([before[:2], after[:2]]))
    return shapely.union_all(ways), points


def check(part, cutter_mm, thickness_mm, options=PLAIN):
    """Mill it; everything that must be true of the program that comes out."""
    plan = mill(
        drawn(part),
        Kind.SVG,
        stock=Stock(thickness_mm, (600, 400)),
        profile=router(cutter_mm),
        options=options,
    )
    corner = 10 + cutter_mm
    (left, bottom, right, top), radius = part.bounds, cutter_mm / 2
    # The path round a sharp corner goes no farther out than half a cutter: the box is known.
    placed = translate(part, corner - left, corner - bottom)
    assert plan.used_mm == pytest.approx(
        (right - left + 2 * corner, top - bottom + 2 * corner), abs=0.05
    )
    cut, points = way(plan.lines, below=0.0)
    assert cut.buffer(radius, quad_segs=32).intersection(placed.buffer(-0.03)).is_empty
    assert all(
        -thickness_mm - 0.3006 <= z <= 40 and SHEET.covers(shapely.Point(x, y))
        for x, y, z in points[1:]
    )
    deep, _ = way(plan.lines, below=-thickness_mm)
    kerf = Polygon(placed.exterior).buffer(radius, quad_segs=32).exterior
    left_standing = kerf.difference(deep.buffer(0.05))
    assert left_standing.length <= 0.4 * kerf.length + 0.2
    assert plan.part_mass_g == pytest.approx(part.area * thickness_mm * 0.68 / 1000, rel=1e-2)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(parts(), st.sampled_from([1.5, 3.0, 6.0]), st.floats(2, 18))
def test_a_part_is_never_gouged_and_comes_free_or_is_refused_as_too_narrow(part, cutter, thickness):
    try:
        check(part, cutter, thickness)
        event("milled")
    except ProgramRefused as refused:
        event("too narrow")
        assert refused.rule == "cutter-too-wide"


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(stars(), st.sampled_from([1.5, 3.0, 6.0]))
def test_every_convex_part_can_be_milled(part, cutter):
    check(part.convex_hull, cutter, 6.0)


@st.composite
def options(draw):
    """Every way that a part may be cut and laid."""
    return CutOptions(
        nest=draw(st.booleans()),
        clearance_mm=draw(st.sampled_from([0.0, 1.0, 5.0])),
        grain=draw(st.sampled_from([None, "x", "y"])),
        conventional=draw(st.booleans()),
        leads=draw(st.booleans()),
        finish_mm=draw(st.sampled_from([0.0, 0.2, 0.5])),
        cutters_mm=draw(st.sampled_from([(), (2.0, 5.0)])),
    )


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    st.lists(stars(least_radius=0.6), min_size=1, max_size=3),
    st.integers(1, 2),
    st.sampled_from([2.0, 4.0]),
    options(),
)
def test_nested_in_any_way_parts_come_out_whole_and_apart(shapes, copies, cutter, chosen):
    apart = [translate(shape, 230 * i, 0) for i, shape in enumerate(shapes)]
    drawing = drawn_all(apart)
    try:
        plan = mill(
            drawing,
            Kind.SVG,
            stock=Stock(4.0, (600, 400)),
            profile=router(cutter),
            copies=copies,
            options=chosen,
        )
    except ProgramRefused as refused:
        event(refused.rule)
        assert refused.rule in ("cutter-too-wide", "sheet-too-small")
        return
    event("milled")
    parts = shapely.get_parts(plan.parts)
    assert len(parts) == copies * len(shapes)
    assert sum(p.area for p in parts) == pytest.approx(
        copies * sum(s.area for s in shapes), rel=1e-3
    )
    # Every part has its own cut, unless they lie as they were drawn.
    cutter = max(chosen.cutters_mm, default=cutter)
    least = 2 * cutter + chosen.finish_mm + chosen.clearance_mm - 0.05
    if len(parts) > 1:
        tree = shapely.STRtree(parts)
        near = tree.query(parts, predicate="dwithin", distance=least)
        assert all(one == other for one, other in near.T)
    assert SHEET.buffer(-10).covers(shapely.union_all(parts).buffer(cutter - 0.05))
    wide = plan.cutters_mm or cutter
    field = field_of(plan.lines, cutter_mm=wide, size_mm=(600, 400), cell_mm=0.4)
    least = min(chosen.cutters_mm, default=cutter)
    found = compare(
        field, plan.parts, cutter_mm=least, thickness_mm=4.0, tab_top_mm=tab_top_mm(4.0)
    )
    assert found.gouged_mm2 == 0
    assert found.area_error <= 0.005
