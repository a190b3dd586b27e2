"""Makes the gusset hook: one printed wall hook whose arm is as thick as its load asks.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.picture import write_picture
from kit.solids import Placed, at, bevelled, extruded, revolved, write_stl
from manifold3d import Manifold
from shapely import LineString, Point, Polygon, box, unary_union

GRAVITY_M_S2 = 9.81
# PLA breaks at some 50 MPa along its layers; a fifth of that is left for creep and knocks.
ALLOWED_STRESS_MPA = 10.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm, load in kg."""

    load_kg: float = 8.0
    reach: float = 52.0  # from the wall to where the load hangs
    lip: float = 20.0  # how far the tip rises above the arm
    width: float = 20.0  # also the height of the print
    plate_height: float = 112.0
    plate: float = 6.0
    arm_height: float = 66.0  # of the arm's underside on the plate
    gusset_foot: float = 30.0  # where the strut meets the plate
    gusset_share: float = 0.62  # how far out along the reach the strut carries the arm
    strut: float = 5.0
    screw: float = 4.5
    screw_head: float = 9.0
    bevel: float = 1.0


def arm_thickness(p: Parameters) -> float:
    """Thickness (mm) at which the arm beyond its strut bends with the allowed stress.

    A beam of width b and height h carries M = stress * b * h^2 / 6.
    """
    free = p.reach * (1 - p.gusset_share)
    moment = p.load_kg * GRAVITY_M_S2 * free
    return max(5.0, sqrt(6 * moment / (ALLOWED_STRESS_MPA * p.width)))


def outline(p: Parameters) -> Polygon:
    """The hook seen from its side, wall on the left."""
    arm = arm_thickness(p)
    middle = p.arm_height + arm / 2
    plate = LineString([(p.plate / 2, 3), (p.plate / 2, p.plate_height - 3)]).buffer(p.plate / 2)
    bar = LineString([(p.plate / 2, middle), (p.reach, middle)]).buffer(arm / 2)
    tip = (p.reach + 0.62 * p.lip, middle + p.lip)
    lip = LineString([(p.reach, middle), tip]).buffer(arm / 2)
    knee = (p.plate / 2, p.gusset_foot + p.strut / 2)
    strut = LineString([knee, (p.reach * p.gusset_share, middle)]).buffer(p.strut / 2)
    rough = unary_union([plate, bar, lip, strut]).intersection(box(0, 0, 999, 999))
    soft = rough.buffer(4, quad_segs=12).buffer(-4, quad_segs=12)  # fillets where parts meet
    return soft.buffer(-2, quad_segs=12).buffer(2, quad_segs=12).simplify(0.01)


def screw_hole(p: Parameters) -> Manifold:
    """A countersunk hole along x, its roof pointed so that it prints lying down."""
    radius = p.screw / 2
    roof = Polygon([(-radius, 0), (radius, 0), (0, 1.4 * radius)])
    shaft = Point(0, 0).buffer(radius).union(roof)
    along_x = at((-1, 0, 0), (0, 1, 0), (0, 0, 1))
    depth = (p.screw_head - p.screw) / 2
    sink = [(0, -depth - p.screw / 2), (p.screw_head / 2, 0), (p.screw_head / 2, 9), (0, 9)]
    cone = revolved(sink).transform(at((p.plate, 0, 0), (0, 1, 0), (0, 0, 1)))
    return extruded(shaft, p.plate + 2).transform(along_x) + cone


def hook(p: Parameters) -> Manifold:
    """The hook lying on its side, as it is printed."""
    body = bevelled(outline(p), p.width, bevel=p.bevel)
    for height in (p.gusset_foot / 2 - 1, p.plate_height - 11):
        body -= screw_hole(p).translate((0, height, p.width / 2))
    return body


def parts(p: Parameters) -> dict[str, Manifold]:
    """Every part by its file name, as it is made."""
    return {"gusset-hook": hook(p)}


def assembly(p: Parameters) -> list[Placed]:
    """The hook as it hangs on the wall."""
    return [Placed("gusset-hook", hook(p), at((0, 0, 0), (1, 0, 0), (0, 0, 1)), "accent")]


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, solid in parts(p).items():
        write_stl(folder / "export" / f"{name}.stl", solid)
    write_picture(folder / "images" / "gusset-hook.png", assembly(p), azimuth=-38, elevation=22)


if __name__ == "__main__":
    run(__file__, make)
