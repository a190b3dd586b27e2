"""What a drawing says: lines, units, layers; and where it cannot be cut."""

import io

import ezdxf
import numpy as np
import pytest
from ezdxf import units
from shapely import Polygon

from commons.errors import InvalidInput
from fab_agent.cam.contours import contours_of
from fab_agent.cam.drawing import Drawing, Stroke
from fab_agent.cam.mill import read_drawing
from fab_agent.cam.operations import Operation, depth_of, operation_of
from fab_agent.cam.part import features_of, kept_area
from fab_agent.cam.request import Kind


def dxf(draw, unit=units.MM, version="R2010"):
    document = ezdxf.new(version, units=unit)
    draw(document.modelspace(), document)
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode()


def svg(body, size='width="100mm" height="100mm" viewBox="0 0 100 100"'):
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    label = 'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'
    return f"<svg {names} {label} {size}>{body}</svg>".encode()


def only(drawing):
    contours, _ = contours_of(drawing)
    assert len(contours) == 1
    return contours[0].area


def read(data, **unit):
    return read_drawing(data, Kind.SVG if data.startswith(b"<") else Kind.DXF, **unit)


def square(space, size=40.0, at=(0.0, 0.0), layer="0"):
    x, y = at
    points = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
    space.add_lwpolyline(points, close=True, dxfattribs={"layer": layer})


def _bulged(space, _):
    space.add_lwpolyline([(0, 0, 0), (10, 0, 1), (10, 10, 0), (0, 10, 0)], "xyb", close=True)


def _shuffled(space, _):
    space.add_arc((10, 5), 5, -90, 90)
    space.add_line((0, 10), (0, 0))
    space.add_line((10, 10), (0, 10))
    space.add_line((0, 0), (10, 0))


def _with_gaps_and_doubles(space, document):
    _shuffled(space, document)
    space.add_line((0.03, 0.04), (10, 0))
    space.add_line((0, 10), (0, 0))


@pytest.mark.parametrize("draw", [_bulged, _shuffled, _with_gaps_and_doubles])
def test_one_outline_is_found_however_it_was_drawn(draw):
    area = only(read(dxf(draw)))
    assert area.area == pytest.approx(100 + np.pi * 25 / 2, rel=2e-3)
    assert area.bounds == pytest.approx((0, 0, 15, 10), abs=0.05)


def test_circles_ellipses_and_splines_keep_within_their_tolerance():
    ellipse = only(read(dxf(lambda s, _: s.add_ellipse((5, 5), (20, 0), 0.5))))
    assert ellipse.area == pytest.approx(np.pi * 20 * 10, rel=1e-3)
    circle = only(read(dxf(lambda s, _: s.add_circle((5, 5), 7))))
    assert circle.area == pytest.approx(np.pi * 49, rel=3e-3)

    def spline(space, _):
        curve = space.add_spline()
        curve.set_closed([(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)], degree=3)

    # A uniform cubic B-spline is (1, 23, 23, 1) / 48 of its controls in the middle of a span.
    low = 20 / 48
    assert only(read(dxf(spline))).bounds == pytest.approx((low, low, 10 - low, 10 - low), abs=0.01)


def test_an_inch_drawing_is_scaled_and_blocks_are_resolved_with_their_layer():
    def draw(space, document):
        block = document.blocks.new("PART")
        square(block, 1.0)
        space.add_blockref(
            "PART", (2, 0), dxfattribs={"layer": "outside", "xscale": 2, "yscale": 2}
        )

    drawing = read(dxf(draw, units.IN))
    assert [stroke.layer for stroke in drawing.strokes] == ["outside"]
    assert only(drawing).bounds == pytest.approx((50.8, 0, 101.6, 50.8))


@pytest.mark.parametrize("version", ["R12", "R2010"])
def test_a_drawing_without_a_unit_is_refused_until_the_unit_is_given(version):
    data = (
        dxf(lambda space, _: square(space, 2), unit=0, version=version)
        if version != "R12"
        else (
            b"0\nSECTION\n2\nENTITIES\n0\nCIRCLE\n8\n0\n10\n1.0\n20\n1.0\n40\n1.0\n0\nENDSEC\n0\nEOF\n"
        )
    )
    with pytest.raises(InvalidInput, match="names no unit"):
        read(data)
    assert only(read(data, unit="cm")).bounds == pytest.approx((0, 0, 20, 20), abs=0.05)


def test_text_and_hidden_layers_are_reported_as_skipped():
    def draw(space, document):
        square(space)
        space.add_text("cut me")
        document.layers.add("notes").off()
        square(space, 5, layer="notes")

    warnings = read(dxf(draw)).warnings
    assert any("TEXT" in text for text in warnings)
    assert any("notes" in text for text in warnings)


def test_an_svg_is_measured_in_millimetres_with_y_up_and_transforms_applied():
    body = '<g transform="translate(10 20) scale(2)"><rect width="10" height="5"/></g>'
    assert only(read(svg(body))).bounds == pytest.approx((10, -30, 30, -20), abs=1e-3)


def test_an_svg_without_units_is_read_at_96_px_to_the_inch_and_says_so():
    drawing = read(svg('<rect width="96" height="96"/>', ""))
    assert only(drawing).bounds == pytest.approx((0, -25.4, 25.4, 0), abs=1e-3)
    assert any("96 px" in text for text in drawing.warnings)


def test_labels_and_ids_of_svg_groups_are_layers():
    body = (
        '<g inkscape:label="drill" id="layer1"><g id="g7"><circle id="c1" r="3"/></g></g>'
        '<rect id="pocket-4mm" width="5" height="5"/><g id="parts"><rect width="9" height="9"/></g>'
        '<text>x</text><g style="display: none"><rect width="3" height="3"/></g>'
    )
    drawing = read(svg(body))
    assert [stroke.layer for stroke in drawing.strokes] == ["drill", "pocket-4mm", "parts"]
    assert drawing.warnings == ("1 × Text skipped: only lines and curves are milled",)


def test_curves_of_an_svg_stay_on_their_circle():
    body = '<path d="M 50 30 A 20 20 0 0 1 50 70 A 20 20 0 0 1 50 30 Z"/>'
    contour = contours_of(read(svg(body)))[0][0]
    assert contour.circle == pytest.approx((50, -50, 40), abs=0.02)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda s, _: s.add_line((1, 2), (30, 4)),
            r"open lines end on layer '0' at \(1.00, 2.00\) mm, on layer '0' at \(30.00, 4.00\) mm",
        ),
        (
            lambda s, _: s.add_lwpolyline([(0, 0), (9, 9), (9, 0), (0, 9)], close=True),
            r"crosses itself .*4\.5 4\.5\] mm; redraw",
        ),
        (lambda s, _: (square(s), square(s, 40, (20, 20))), "meet at"),
        (lambda s, _: s.add_text("nothing"), "nothing to cut"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_its_place(draw, message):
    with pytest.raises(InvalidInput, match=message):
        contours_of(read(dxf(draw)))


@pytest.mark.parametrize(
    "data",
    [
        svg('<circle cx="5" cy="5" r="1e12"/>'),
        svg('<path d="M0 0 C 1e9 0 5 5 0 9 Z"/>'),
        dxf(lambda space, _: space.add_circle((0, 0), 1e12)),
        dxf(lambda space, _: space.add_spline([(0, 0, 0), (1, 1, 1e12), (2, 2, 0)])),
    ],
)
def test_a_curve_too_large_to_follow_is_refused_at_once(data):
    with pytest.raises(InvalidInput, match="more than 100 m"):
        read(data)


def test_open_lines_are_named_with_their_layers_up_to_five_places():
    def draw(space, _):
        square(space)
        space.add_lwpolyline([(50, 0), (90, 0), (90, 30)])
        for number in range(2):
            space.add_line((100, number), (120, number), dxfattribs={"layer": "holes"})
        space.add_line((0, 50), (40, 50))
        space.add_line((40, 50), (40, 80))

    with pytest.raises(InvalidInput) as refused:
        contours_of(read(dxf(draw)))
    said = str(refused.value)
    assert said.count("on layer") == 5
    assert said.endswith("and at 3 more places: close the contours")
    for place in ("(0.00, 50.00)", "(40.00, 80.00)", "(50.00, 0.00)", "(90.00, 30.00)"):
        assert f"on layer '0' at {place} mm" in said
    assert "on layer 'holes' at (100.00, 0.00) mm" in said


def test_a_line_between_two_contours_is_named_where_it_begins():
    def draw(space, _):
        for x in (0, 60):
            for one, other in (((0, 0), (20, 0)), ((20, 0), (20, 20)), ((20, 20), (0, 0))):
                space.add_line((x + one[0], one[1]), (x + other[0], other[1]))
        space.add_line((20, 0), (60, 0))

    with pytest.raises(InvalidInput, match=r"an open line ends on layer '0' at \(20.00, 0.00\) mm"):
        contours_of(read(dxf(draw)))


@pytest.mark.parametrize(
    ("unit", "size", "wide"),
    [
        ("mm", 'width="50mm" height="50mm" viewBox="0 0 100 100"', 20.0),
        ("cm", 'width="5cm" height="5cm" viewBox="0 0 50 50"', 40.0),
        ("in", 'width="2in" height="2in" viewBox="0 0 50.8 50.8"', 40.0),
        ("shifted", 'width="100mm" height="100mm" viewBox="-50 20 100 100"', 40.0),
    ],
)
def test_units_and_viewbox_of_an_svg_give_its_size(unit, size, wide):
    area = only(read(svg('<rect x="3" y="7" width="40" height="20"/>', size)))
    left, bottom, right, top = area.bounds
    assert (right - left, top - bottom) == pytest.approx((wide, wide / 2), abs=1e-3)


def test_splines_and_arcs_of_a_drawing_in_inches_are_scaled():
    def draw(space, _):
        space.add_arc((0, 0), 1, 0, 180)
        space.add_spline([(-1, 0), (0, -0.5), (1, 0)])

    left, bottom, right, top = only(read(dxf(draw, unit=units.IN))).bounds
    assert (left, right, top) == pytest.approx((-25.4, 25.4, 25.4), abs=0.01)
    assert bottom == pytest.approx(-12.7, abs=0.2)


def test_a_contour_drawn_twice_is_cut_once():
    contours, notes = contours_of(read(dxf(lambda s, _: (square(s), square(s, 40, (0.02, 0))))))
    assert len(contours) == 1
    assert "drawn twice" in notes[0]


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"<svg", b"<html/>", b"<!DOCTYPE x>"])
def test_what_is_no_drawing_is_refused(data):
    for kind in Kind:
        with pytest.raises(InvalidInput):
            read_drawing(data, kind)


@pytest.mark.parametrize(
    ("layer", "operation", "depth"),
    [
        ("Outside", Operation.OUTSIDE, None),
        ("pocket-4mm", Operation.POCKET, 4.0),
        ("pocket 2,5", Operation.POCKET, 2.5),
        ("engrave_0.3", Operation.ENGRAVE, 0.3),
        ("insider", None, None),
        ("0", None, None),
        ("layer1", None, None),
    ],
)
def test_a_layer_names_its_operation_and_depth(layer, operation, depth):
    assert (operation_of(layer), depth_of(layer)) == (operation, depth)


def ring(size, centre=(0.0, 0.0), layer="0"):
    half = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) * size / 2
    return Stroke(layer, half + centre)


def hole(diameter, centre=(0.0, 0.0), layer="0"):
    angle = np.linspace(0, 2 * np.pi, 65)
    points = np.column_stack([np.cos(angle), np.sin(angle)]) * diameter / 2 + centre
    points[-1] = points[0]
    return Stroke(layer, points)


def features(*strokes, cutter_mm=3.0):
    return features_of(contours_of(Drawing(strokes))[0], cutter_mm=cutter_mm)


def test_nesting_decides_where_layers_do_not():
    strokes = [
        ring(100),
        ring(60, (10, 0)),
        ring(20, (10, 0)),
        hole(3, (-40, 0)),
        hole(6, (-40, 20)),
    ]
    found = {round(f.area.area): f.operation for f in features(*strokes)}
    assert [found[a] for a in (10000, 3600, 400, 7, 28)] == [
        Operation.OUTSIDE,
        Operation.INSIDE,
        Operation.OUTSIDE,
        Operation.DRILL,
        Operation.INSIDE,
    ]
    kept = kept_area(features(*strokes)).area
    assert kept == pytest.approx(10000 - 3600 + 400 - np.pi * (1.5**2 + 3**2), rel=1e-3)


def test_circles_of_named_diameters_are_holes_wherever_they_lie():
    strokes = [ring(100), ring(60, layer="inside"), hole(8, (80, 0)), hole(3, (90, 0))]
    plain = {round(f.area.area): f.operation for f in features(*strokes)}
    assert (plain[50], plain[7]) == (Operation.OUTSIDE, Operation.OUTSIDE)
    contours = contours_of(Drawing(tuple(strokes)))[0]
    chosen = features_of(contours, cutter_mm=3.0, drill_mm=(8.0, 3.0))
    found = {round(f.area.area): f.operation for f in chosen}
    assert (found[50], found[7]) == (Operation.INSIDE, Operation.DRILL)
    with pytest.raises(InvalidInput, match="smaller than the cutter"):
        features_of(contours, cutter_mm=6.0, drill_mm=(3.0,))


def test_a_pocket_has_islands_and_a_depth():
    pocket, *_ = [
        f
        for f in features(ring(100), ring(50, layer="pocket-3mm"), ring(10, layer="pocket-3mm"))
        if f.operation is Operation.POCKET
    ]
    assert (pocket.depth_mm, pocket.area.area) == (3, 2400)
    assert isinstance(pocket.area, Polygon)


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        ([ring(9, layer="inside")], "no closed outside"),
        ([ring(90), ring(9, layer="drill")], "no circle"),
        ([ring(90), hole(2, layer="drill")], "smaller than the cutter"),
        ([ring(90), ring(30, layer="pocket")], "how deep"),
    ],
)
def test_layers_that_ask_for_the_impossible_are_refused(strokes, message):
    with pytest.raises(InvalidInput, match=message):
        features(*strokes)
