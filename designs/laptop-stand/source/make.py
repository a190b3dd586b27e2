"""Makes the laptop stand: two plywood sides and two crossbars that slot together, no glue.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from math import atan2, degrees
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.panels import Panel, box, filleted, rounded, slot, with_dog_bones, write_dxf
from kit.picture import write_picture
from kit.solids import Placed, at, turned
from shapely import Polygon


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm. Measure the plywood: sheets sold as 6 mm are 5.6 to 6.5 mm thick."""

    thickness: float = 6.0
    clearance: float = 0.2  # of a slot over the sheet
    depth: float = 230.0  # front to back
    front: float = 62.0  # height of the laptop's front edge
    back: float = 138.0
    lip: float = 13.0  # keeps the laptop from sliding off
    lip_width: float = 11.0
    bar_length: float = 240.0
    bar_height: float = 52.0
    bar_inset: float = 26.0  # from a bar's end to the middle of its slot
    slots_at: tuple[float, float] = (52.0, 186.0)  # middles of the two slots of a side


def side(p: Parameters) -> Panel:
    """A side seen from its left, front at x = 0."""
    rest = p.lip_width
    corners = [(0, 0), (p.depth, 0), (p.depth - 22, p.back), (rest, p.front)]
    corners += [(rest, p.front + p.lip), (0, p.front + p.lip)]
    outline = Polygon(corners)
    arch = rounded(box(82, -40, 74, 40 + 24), 20)
    window = Polygon([(84, 52), (158, 52), (188, 74), (188, 107), (84, 67)])
    body = rounded(outline, 5) - arch - rounded(window, 7)
    body = filleted(body, 2)
    width, reach = p.thickness + p.clearance, p.bar_height / 2 + p.clearance
    for x in p.slots_at:
        body -= box(x - width / 2, -1, width, reach + 1)
    return Panel(with_dog_bones(body), p.thickness)


def bar(p: Parameters) -> Panel:
    """A crossbar: slots from above, an arch below, holes for cable ties."""
    body = rounded(box(0, 0, p.bar_length, p.bar_height), 5)
    body -= rounded(box(62, -40, p.bar_length - 124, 40 + 16), 12)
    body -= slot(p.bar_length / 2, p.bar_height - 13, 70, 10)
    body = filleted(body, 2)
    width, reach = p.thickness + p.clearance, p.bar_height / 2 + p.clearance
    for x in (p.bar_inset, p.bar_length - p.bar_inset):
        body -= box(x - width / 2, p.bar_height - reach, width, reach + 1)
    ties = tuple((x, p.bar_height - 13, 5.0) for x in (62.0, p.bar_length - 62))
    return Panel(with_dog_bones(body), p.thickness, ties)


def parts(p: Parameters) -> dict[str, Panel]:
    """Every part by its file name, as it is drawn."""
    return {"side": side(p), "crossbar": bar(p)}


def assembly(p: Parameters) -> list[Placed]:
    """The stand as it is used, as a cutter leaves its parts: front at x = 0."""
    upright, crossing = side(p).as_milled(), bar(p).as_milled()
    half = p.thickness / 2
    placed = []
    for y in (p.bar_inset, p.bar_length - p.bar_inset):
        place = at((0, y + half, 0), (1, 0, 0), (0, 0, 1))
        placed.append(Placed("side", upright, place, "plywood"))
    for x in p.slots_at:
        place = at((x - half, 0, 0), (0, 1, 0), (0, 0, 1))
        placed.append(Placed("crossbar", crossing, place, "plywood"))
    return placed


def slope_deg(p: Parameters) -> float:
    """Angle of the laptop."""
    return degrees(atan2(p.back - p.front, p.depth - 22 - p.lip_width))


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, panel in parts(p).items():
        write_dxf(folder / "export" / f"{name}.dxf", panel)
        flat = [Placed(name, panel.solid(), turned(0), "plywood")]
        image = folder / "images" / f"{name}.png"
        write_picture(image, flat, azimuth=-75, elevation=52, size=(480, 360))
    write_picture(folder / "images" / "laptop-stand.png", assembly(p), azimuth=-128, elevation=26)


if __name__ == "__main__":
    run(__file__, make)
