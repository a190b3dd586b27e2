"""Makes the calibration pieces: a square of two layers, and a cube with a mark for each axis.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.panels import box
from kit.picture import write_picture
from kit.solids import Placed, bevelled, extruded, turned, write_stl
from manifold3d import Manifold


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm."""

    square: float = 80.0  # wide enough to show a bed that is not level
    layers: float = 0.4  # two layers of 0.2: the second shows what the first has done
    edge: float = 20.0  # of the cube, as a caliper should read it
    bevel: float = 0.6  # an elephant's foot hides in it, and is not measured
    notch: float = 1.2
    spacing: float = 4.0


def first_layer(p: Parameters) -> Manifold:
    """The square, flat on the bed."""
    return extruded(box(0, 0, p.square, p.square), p.layers)


def cube(p: Parameters) -> Manifold:
    """The cube: one notch in the face that looks along X, two in that along Y."""
    solid = bevelled(box(0, 0, p.edge, p.edge), p.edge, bevel=p.bevel)
    middle = p.edge / 2
    along_x = [_notch(p, (p.edge, middle, 0))]
    along_y = [_notch(p, (middle + side * p.spacing / 2, p.edge, 0)) for side in (-1, 1)]
    return solid - sum([*along_x, *along_y], Manifold())


def _notch(p: Parameters, at: tuple[float, float, float]) -> Manifold:
    """What a notch takes away: an upright groove, open above and below, that needs no bridge."""
    x, y, z = at
    groove = Manifold.cylinder(p.edge * 2, p.notch, circular_segments=4)
    return groove.translate((x, y, z - p.edge / 2))


def parts(p: Parameters) -> dict[str, Manifold]:
    """Every part by its file name, as it is made."""
    return {"first-layer": first_layer(p), "cube": cube(p)}


def assembly(p: Parameters) -> list[Placed]:
    """Both on one bed, side by side."""
    return [
        Placed("first-layer", first_layer(p), turned(0), "slate"),
        Placed("cube", cube(p), turned(0, (p.square + 15, p.square / 3, 0)), "accent"),
    ]


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for one in assembly(p):
        write_stl(folder / "export" / f"{one.part}.stl", one.solid)
        alone = [Placed(one.part, one.solid, turned(25), one.finish)]
        picture = folder / "images" / f"{one.part}.png"
        write_picture(picture, alone, elevation=38, size=(480, 360))
    picture = folder / "images" / "calibration-pieces.png"
    write_picture(picture, assembly(p), azimuth=-50, elevation=36, size=(480, 360))


if __name__ == "__main__":
    run(__file__, make)
