"""Flat parts milled from sheet: outlines that a round cutter can follow, written as DXF or SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ezdxf
import numpy as np
from ezdxf import units
from manifold3d import Manifold
from shapely import LineString, Point, Polygon, unary_union

from .solids import Floats, extruded, rings_of

CUTTER_MM = 3.0
# A relief as wide as the cutter itself would vanish in rounding when its path is computed.
RELIEF_RADIUS_MM = CUTTER_MM / 2 + 0.1
# Points per quarter turn: on a curve of 100 mm radius the chords lie 0.06 mm inside the arc.
ARC_STEPS = 24
SHEET_MM = (600.0, 400.0)

# Layers, their colour on a DXF screen (ACI) and in an SVG.
LAYERS = {"outside": (7, "#1d1d1b"), "inside": (5, "#0b5fa5"), "drill": (1, "#c8102e")}


@dataclass(frozen=True, slots=True)
class Panel:
    """A part cut from sheet: `shape` with its openings; `drill` holds (x, y, diameter)."""

    shape: Polygon
    thickness: float
    drill: tuple[tuple[float, float, float], ...] = ()

    def solid(self) -> Manifold:
        """The panel as drawn, lying on z = 0."""
        return extruded(self._drilled(self.shape), self.thickness)

    def as_milled(self) -> Manifold:
        """The panel as a cutter leaves it: corners that it cannot reach keep their wood."""
        radius = CUTTER_MM / 2
        left = self.shape.buffer(radius, quad_segs=ARC_STEPS).buffer(-radius, quad_segs=ARC_STEPS)
        return extruded(self._drilled(left), self.thickness)

    def mass_g(self, density_g_cm3: float) -> float:
        """Mass of the cut panel."""
        return float(self._drilled(self.shape).area * self.thickness * density_g_cm3 / 1000)

    def _drilled(self, shape: Polygon) -> Polygon:
        holes = [Point(x, y).buffer(d / 2, quad_segs=ARC_STEPS) for x, y, d in self.drill]
        return shape.difference(unary_union(holes)) if holes else shape

    def contours(self) -> Iterator[tuple[str, Floats]]:
        """Layer and ring (n, 2) of every closed contour, the outside first."""
        outside, *inside = rings_of(self.shape)
        yield "outside", outside
        for ring in inside:
            yield "inside", ring


def box(x: float, y: float, width: float, height: float) -> Polygon:
    """The rectangle with its lower left corner at (x, y)."""
    return Polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def rounded(shape: Polygon, radius: float) -> Polygon:
    """`shape` with its outward corners rounded."""
    return shape.buffer(-radius).buffer(radius, quad_segs=ARC_STEPS)


def filleted(shape: Polygon, radius: float) -> Polygon:
    """`shape` with its inward corners rounded."""
    return shape.buffer(radius).buffer(-radius, quad_segs=ARC_STEPS)


def slot(x: float, y: float, width: float, height: float) -> Polygon:
    """An opening with round ends, centred on (x, y)."""
    radius = min(width, height) / 2
    right, up = width / 2 - radius, height / 2 - radius
    return LineString([(x - right, y - up), (x + right, y + up)]).buffer(radius, ARC_STEPS)


def with_dog_bones(shape: Polygon) -> Polygon:
    """`shape` with a round relief in every inward right-angled corner.

    A round cutter leaves wood in such a corner; with the relief a square tenon goes home.
    """
    reliefs = []
    for ring in rings_of(shape):
        come = ring - np.roll(ring, 1, axis=0)
        go = np.roll(ring, -1, axis=0) - ring
        come /= np.linalg.norm(come, axis=1)[:, None]
        go /= np.linalg.norm(go, axis=1)[:, None]
        turn = come[:, 0] * go[:, 1] - come[:, 1] * go[:, 0]
        for i in np.flatnonzero(turn < -0.9):
            into_air = (go[i] - come[i]) / np.linalg.norm(go[i] - come[i])
            # A little less than the radius: the very corner is cleared, not just touched.
            reliefs.append(Point(ring[i] + into_air * 0.9 * RELIEF_RADIUS_MM))
    circles = [point.buffer(RELIEF_RADIUS_MM, quad_segs=ARC_STEPS) for point in reliefs]
    return shape.difference(unary_union(circles))


def write_dxf(path: Path, panel: Panel) -> None:
    """Write the panel as DXF R2010 in mm: closed LWPOLYLINEs and CIRCLEs on the named layers."""
    ezdxf.options.write_fixed_meta_data_for_testing = True  # no dates, no random ids
    drawing = ezdxf.new("R2010", units=units.MM)
    for name, (colour, _) in LAYERS.items():
        drawing.layers.add(name, color=colour)
    space = drawing.modelspace()
    for layer, ring in panel.contours():
        points = [tuple(point) for point in np.round(ring, 4).tolist()]
        space.add_lwpolyline(points, close=True, dxfattribs={"layer": layer})
    for x, y, diameter in panel.drill:
        space.add_circle((x, y), diameter / 2, dxfattribs={"layer": "drill"})
    for name in sorted(drawing.entitydb.dxf_types_in_use()):
        drawing.classes.add_class(name)  # saving would add them in the changing order of a set
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.saveas(path)


def write_svg(path: Path, panel: Panel) -> None:
    """Write the panel as SVG with one user unit to the mm: one group per layer, closed paths.

    SVG counts y downwards, so y is turned round: on a screen it looks like the DXF.
    """
    left, bottom, right, top = panel.shape.bounds
    groups: dict[str, list[str]] = {name: [] for name in LAYERS}
    for layer, ring in panel.contours():
        points = np.round(np.column_stack([ring[:, 0] - left, top - ring[:, 1]]), 4) + 0.0
        steps = " L ".join(f"{x:g} {y:g}" for x, y in points.tolist())
        groups[layer].append(f'<path d="M {steps} Z"/>')
    for x, y, diameter in panel.drill:
        circle = f'<circle cx="{x - left:g}" cy="{top - y:g}" r="{diameter / 2:g}"/>'
        groups["drill"].append(circle)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_svg_page(right - left, top - bottom, groups), encoding="utf-8")


def _svg_page(width: float, height: float, groups: dict[str, Sequence[str]]) -> str:
    size = f'width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} {height:g}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>']
    for name, shapes in groups.items():
        if shapes:
            style = f'fill="none" stroke="{LAYERS[name][1]}" stroke-width="0.2"'
            lines += [f'  <g id="{name}" {style}>', *(f"    {s}" for s in shapes), "  </g>"]
    return "\n".join([*lines, "</svg>", ""])
