"""Makes the twist jar: a printed jar and a lid that locks with a sixth of a turn.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.picture import write_picture
from kit.solids import Placed, bevelled, extruded, revolved, turned, write_stl
from manifold3d import Manifold
from shapely import Point, Polygon, box

# Facets of circles: fine enough for 0.05 mm, coarse enough for a short program.
ROUND = 72
FACETS_PER_FLUTE = 8


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm, angles in degrees."""

    radius: float = 25.0  # of the body, between crest and groove of its flutes
    body_height: float = 30.0  # up to the shoulder that the lid closes on
    wall: float = 1.75  # of body and neck: four lines of a 0.4 mm nozzle
    floor: float = 2.0
    neck_radius: float = 21.8
    neck_height: float = 9.4
    lug: float = 1.6  # how far a lug stands out; its underside slopes at 45 degrees
    lug_height: float = 3.0
    lug_z: float = 3.2  # of its lower edge above the shoulder
    lug_angle: float = 24.0
    lugs: int = 3
    twist: float = 60.0
    clearance: float = 0.3  # between neck and lid, on every side
    click: float = 0.2  # by how much a lug must squeeze past the nub before it locks
    flutes: int = 12
    flute_depth: float = 0.9


def fluted(p: Parameters) -> Polygon:
    """The outline of body and lid: a circle with flutes to grip. A flute lies at angle 0."""
    turn = np.linspace(0, 2 * np.pi, FACETS_PER_FLUTE * p.flutes, endpoint=False)
    radius = p.radius - p.flute_depth / 2 * np.cos(p.flutes * turn)
    return Polygon(np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]))


def lug_profile(p: Parameters, *, grown: float = 0.0) -> Polygon:
    """(radius, height above the shoulder) of a lug, rooted in the neck."""
    inner, outer = p.neck_radius - 1, p.neck_radius + p.lug
    low, top = p.lug_z, p.lug_z + p.lug_height
    shape = Polygon([(inner, low - 1), (outer, low + p.lug), (outer, top), (inner, top)])
    return shape.buffer(grown, join_style="mitre") if grown else shape


def swept(profile: Polygon, start: float, sweep: float) -> Manifold:
    """The profile turned about z through `sweep` degrees from `start` on."""
    ring = list(profile.exterior.coords)[:-1]
    return revolved(ring, degrees=sweep, segments=ROUND).rotate((0, 0, start))


def all_round(p: Parameters, one: Manifold) -> Manifold:
    """One copy for each lug."""
    turns = (one.rotate((0, 0, 360 * k / p.lugs)) for k in range(p.lugs))
    return sum(turns, start=Manifold())


def jar(p: Parameters) -> Manifold:
    """The jar standing on its floor, as it is printed."""
    bore, neck = p.radius - p.flute_depth / 2 - p.wall, p.neck_radius - p.wall
    top = p.body_height + p.neck_height
    slope = p.body_height - 1.2 * (bore - neck) - 1.0  # the shoulder needs no support inside
    hollow = [(0, p.floor), (bore, p.floor), (bore, slope)]
    hollow += [(neck, slope + 1.2 * (bore - neck)), (neck, top + 1), (0, top + 1)]
    inside = fluted(p).buffer(-p.wall, join_style="mitre")  # as wavy as the outside: one wall
    body = bevelled(fluted(p), p.body_height, bevel=0.8)
    body += Manifold.cylinder(top - 1, p.neck_radius, circular_segments=ROUND).translate((0, 0, 1))
    lug = swept(lug_profile(p), -p.lug_angle / 2, p.lug_angle).translate((0, 0, p.body_height))
    belly = extruded(inside, slope - p.floor).translate((0, 0, p.floor))
    return body + all_round(p, lug) - revolved(hollow, segments=ROUND) - belly


def leaf() -> Polygon:
    """Two arcs that meet in points, and a vein between them: the mark on the lid."""
    blade = Point(0, 9).buffer(16, quad_segs=24) & Point(0, -9).buffer(16, quad_segs=24)
    return blade.difference(box(-9, -0.6, 20, 0.6))


def lid(p: Parameters) -> Manifold:
    """The lid lying on its top, as it is printed: three entries, each leading into a lane."""
    gap = p.clearance
    height = p.neck_height + gap + 2.0  # 2 mm of roof
    body = bevelled(fluted(p), height, bevel=0.8)
    # From here on upright, with the shoulder at z = 0, as the lid is used.
    cavity = Manifold.cylinder(p.neck_height + gap, p.neck_radius + gap, circular_segments=ROUND)
    lane = lug_profile(p, grown=gap)
    spare = np.degrees(gap / p.neck_radius)  # the clearance as an angle
    half = p.lug_angle / 2 + spare
    top = p.lug_z + p.lug_height + gap
    outer = p.neck_radius + p.lug + gap
    entry = Polygon([(p.neck_radius - 2, -1), (outer, -1), (outer, top), (p.neck_radius - 2, top)])
    # The lid is turned by -twist to lock, so its lanes run from the entry to +twist.
    lanes = swept(lane, -half, p.twist + 2 * half) + swept(entry, -half, 2 * half)
    carved = cavity + all_round(p, lanes) - all_round(p, nub(p, outer))
    mark = extruded(leaf(), 0.6).translate((0, 0, height - 0.6))
    upright = body - carved - mark
    return upright.rotate((180, 0, 0)).translate((0, 0, height))


def nub(p: Parameters, outer: float) -> Manifold:
    """A small rib on the lane's wall that a lug passes with a click just before it locks."""
    angle = np.radians(p.twist - p.lug_angle / 2 - 3.5)
    centre = outer + 1.0 - p.clearance - p.click
    rib = Manifold.cylinder(p.lug_height, 1.0, circular_segments=24)
    x, y = centre * np.cos(angle), centre * np.sin(angle)
    return rib.translate((float(x), float(y), p.lug_z + p.lug + 0.2))


def parts(p: Parameters) -> dict[str, Manifold]:
    """Every part by its file name, as it is made."""
    return {"jar": jar(p), "lid": lid(p)}


def lid_on(p: Parameters, *, turned_by: float, lifted: float = 0.0) -> Placed:
    """The lid on the jar: at 0 its lanes stand over the lugs, at `twist` it is locked."""
    upright = lid(p).rotate((180, 0, 0))
    seat = p.body_height - upright.bounding_box()[2] + lifted
    return Placed("lid", upright, turned(-turned_by, (0, 0, seat)), "accent")


def assembly(p: Parameters) -> list[Placed]:
    """The jar with its lid locked."""
    return [Placed("jar", jar(p), turned(0), "slate"), lid_on(p, turned_by=p.twist)]


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, solid in parts(p).items():
        write_stl(folder / "export" / f"{name}.stl", solid)
        finish = "accent" if name == "lid" else "slate"
        alone = [Placed(name, solid, turned(20), finish)]
        write_picture(folder / "images" / f"{name}.png", alone, elevation=38, size=(480, 360))
    body, locked = assembly(p)
    scene = [body, locked.moved((0, 0, 24))]
    write_picture(folder / "images" / "twist-jar.png", scene, azimuth=-60, elevation=34)


if __name__ == "__main__":
    run(__file__, make)
