"""Makes the stacking crate: plywood panels held by printed corners that stack and lock.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.panels import Panel, box, rounded, slot, with_dog_bones, write_dxf
from kit.picture import write_picture
from kit.solids import Floats, Placed, at, bevelled, extruded, revolved, turned, write_stl
from manifold3d import Manifold
from shapely import Polygon, unary_union


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm. Measure the plywood: sheets sold as 6 mm are 5.6 to 6.5 mm thick."""

    thickness: float = 6.0
    length: float = 350.0  # of the crate with its corners
    width: float = 250.0
    panel_height: float = 140.0
    grip: float = 0.4  # of a printed slot over the sheet
    clearance: float = 0.2  # of a milled mortise over its tenon
    wall: float = 2.4  # of the corners
    arm: float = 32.0  # how far a corner reaches along a panel
    corner_height: float = 22.0
    plate: float = 2.6
    floor_z: float = 10.0  # underside of the floor above the panels' lower edge
    tenon: float = 40.0
    stud: float = 3.6  # radius at the foot of the stacking cone
    stud_height: float = 4.0
    stud_play: float = 0.3


def slot_start(p: Parameters) -> float:
    """How far from the outer faces a panel's end lies: past the other panel and a rib."""
    return 2 * p.wall + p.thickness + p.grip


def wall_length(p: Parameters, outer_length: float) -> float:
    """Length of a wall in a crate that measures `outer_length` on that side."""
    return outer_length - 2 * slot_start(p) - p.grip


def tenon_offset(p: Parameters, outer_length: float) -> float:
    """How far a floor tenon sits from the middle of its wall."""
    return 0.28 * wall_length(p, outer_length)


def stud(p: Parameters, *, grown: float) -> Manifold:
    """The stacking cone standing on z = 0, above the solid middle of a corner."""
    top = p.stud - 0.5 * p.stud_height
    middle = slot_start(p) / 2
    profile = [(0, 0), (p.stud + grown, 0), (top + grown, p.stud_height + grown)]
    cone = revolved([*profile, (0, p.stud_height + grown)], segments=48)
    return cone.translate((middle, middle, 0))


def corner(p: Parameters) -> Manifold:
    """An L with a closed plate below and two slots open above; its outer edge is the z axis."""
    across = slot_start(p)
    ell = rounded(unary_union([box(0, 0, p.arm, across), box(0, 0, across, p.arm)]), 2.2)
    body = bevelled(ell, p.corner_height, bevel=0.8)
    room = p.thickness + p.grip
    for area in (box(across, p.wall, p.arm, room), box(p.wall, across, room, p.arm)):
        body -= extruded(area, p.corner_height).translate((0, 0, p.plate))
    return body


def foot(p: Parameters) -> Manifold:
    """A lower corner, printed on its plate, with a socket for the stud of the crate below."""
    return corner(p) - stud(p, grown=p.stud_play).translate((0, 0, -0.001))


def cap(p: Parameters) -> Manifold:
    """An upper corner, printed upside up: its slots open on the bed, its stud on top."""
    upside_down = corner(p).transform(at((0, 0, p.corner_height), (0, 1, 0), (1, 0, 0)))
    return upside_down + stud(p, grown=0.0).translate((0, 0, p.corner_height))


def wall_panel(p: Parameters, outer_length: float, *, opening: Polygon) -> Panel:
    """A wall between two corners with mortises for the floor."""
    length = wall_length(p, outer_length)
    middle, offset = length / 2, tenon_offset(p, outer_length)
    c, t = p.clearance, p.thickness
    body = box(0, 0, length, p.panel_height) - opening
    for x in (middle - offset, middle + offset):
        body -= box(x - (p.tenon + c) / 2, p.floor_z - c / 2, p.tenon + c, t + c)
    return Panel(with_dog_bones(body), t)


def long_wall(p: Parameters) -> Panel:
    """A long wall with slots that let the harvest breathe."""
    middle = wall_length(p, p.length) / 2
    row = [slot(middle + 28 * k, 74, 9, 56) for k in range(-4, 5)]
    return wall_panel(p, p.length, opening=unary_union(row))


def short_wall(p: Parameters) -> Panel:
    """A short wall with a hand hole."""
    middle = wall_length(p, p.width) / 2
    return wall_panel(p, p.width, opening=slot(middle, p.panel_height - 42, 96, 30))


def floor(p: Parameters) -> Panel:
    """The floor: tenons into all four walls, corners cut out round the feet, holes to drain."""
    inside = p.wall + p.grip / 2 + p.thickness  # from the outer face to a wall's inner face
    long, wide = p.length - 2 * inside, p.width - 2 * inside
    body = box(0, 0, long, wide)
    half, t = p.tenon / 2, p.thickness
    for side in (-1, 1):
        x = long / 2 + side * tenon_offset(p, p.length)
        y = wide / 2 + side * tenon_offset(p, p.width)
        body |= box(x - half, -t, p.tenon, wide + 2 * t)
        body |= box(-t, y - half, long + 2 * t, p.tenon)
    reach, room = p.arm - inside + 0.6, p.wall + p.grip + 0.6
    for x in (0.0, long):
        for y in (0.0, wide):
            body -= box(x - reach, y - room, 2 * reach, 2 * room)
            body -= box(x - room, y - reach, 2 * room, 2 * reach)
    drains = tuple(
        (long / 2 + 45 * i, wide / 2 + 45 * j, 8.0) for i in range(-2, 3) for j in range(-1, 2)
    )
    return Panel(with_dog_bones(body), t, drains)


def parts(p: Parameters) -> dict[str, Manifold | Panel]:
    """Every part by its file name, as it is made."""
    return {
        "long-wall": long_wall(p),
        "short-wall": short_wall(p),
        "floor": floor(p),
        "foot": foot(p),
        "cap": cap(p),
    }


def corners(p: Parameters) -> list[Floats]:
    """Where the four corners stand, each turned to face inwards."""
    places = ((0, (0, 0, 0)), (90, (p.length, 0, 0)),
              (180, (p.length, p.width, 0)), (270, (0, p.width, 0)))  # fmt: skip
    return [turned(angle, origin) for angle, origin in places]


def height(p: Parameters) -> float:
    """From the floor to the plate of the caps, without the studs: the step of a stack."""
    return p.panel_height + 2 * p.plate


def assembly(p: Parameters) -> list[Placed]:
    """The crate on its feet, as a cutter leaves its panels: outer corner at the origin."""
    near = p.wall + p.grip / 2
    start = slot_start(p) + p.grip / 2
    inside = near + p.thickness
    long, short = long_wall(p).as_milled(), short_wall(p).as_milled()
    along, across = ((1, 0, 0), (0, 0, 1)), ((0, 1, 0), (0, 0, 1))
    placed = [
        Placed("floor", floor(p).as_milled(),
               at((inside, inside, p.plate + p.floor_z), (1, 0, 0), (0, 1, 0)), "plywood"),
        *(Placed("long-wall", long, at((start, y, p.plate), *along), "plywood")
          for y in (inside, p.width - near)),
        *(Placed("short-wall", short, at((x, start, p.plate), *across), "plywood")
          for x in (near, p.length - inside)),
    ]  # fmt: skip
    for place in corners(p):
        placed.append(Placed("foot", foot(p), place, "accent"))
        top = Placed("cap", cap(p), place, "accent")
        placed.append(top.moved((0, 0, height(p) - p.corner_height)))
    return placed


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, part in parts(p).items():
        image = folder / "images" / f"{name}.png"
        if isinstance(part, Panel):
            write_dxf(folder / "export" / f"{name}.dxf", part)
            flat = [Placed(name, part.solid(), turned(0), "plywood")]
            write_picture(image, flat, azimuth=-75, elevation=52, size=(480, 360))
        else:
            write_stl(folder / "export" / f"{name}.stl", part)
            alone = [Placed(name, part, turned(0), "accent")]
            write_picture(image, alone, azimuth=40, elevation=38, size=(480, 360))
    image = folder / "images" / "stacking-crate.png"
    write_picture(image, assembly(p), azimuth=-58, elevation=30)


if __name__ == "__main__":
    run(__file__, make)
