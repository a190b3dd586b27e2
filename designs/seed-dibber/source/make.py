"""Makes the seed dibber: one small printed tool that pokes sowing holes of a known depth.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.picture import write_picture
from kit.solids import Placed, bevelled, revolved, turned, write_stl
from manifold3d import Manifold
from shapely import Polygon


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm."""

    reach: float = 52.0  # from the knob to the tip
    root_radius: float = 7.6  # of the spike, at the knob
    tip_radius: float = 2.6
    mark_step: float = 10.0  # one groove for every step of depth
    mark_depth: float = 0.7
    knob_radius: float = 14.0
    knob_height: float = 9.0
    lobes: int = 7
    cord_hole: float = 3.0  # through one of the lobes


def spike_profile(p: Parameters) -> list[tuple[float, float]]:
    """(radius, z) of the spike from the knob's face up to its round tip."""
    base, top = p.knob_height - 1, p.knob_height + p.reach
    straight_top = top - p.tip_radius

    def radius(z: float) -> float:
        share = (z - p.knob_height) / (straight_top - p.knob_height)
        return p.root_radius + (p.tip_radius - p.root_radius) * share

    profile = [(0.0, base), (radius(base) + 2, base), (radius(base) + 2, p.knob_height)]
    profile.append((radius(p.knob_height + 2), p.knob_height + 2))
    depths = np.arange(p.mark_step, p.reach - 4, p.mark_step)[::-1]
    for mark in top - depths:
        for offset, cut in ((-p.mark_depth, 0), (0, p.mark_depth), (p.mark_depth, 0)):
            profile.append((radius(mark + offset) - cut, float(mark + offset)))
    for angle in np.linspace(0, np.pi / 2, 9):
        across = max(0.0, p.tip_radius * float(np.cos(angle)))
        profile.append((across, straight_top + p.tip_radius * float(np.sin(angle))))
    return profile


def knob_outline(p: Parameters) -> Polygon:
    """A circle with soft lobes for wet fingers."""
    turn = np.linspace(0, 2 * np.pi, 24 * p.lobes, endpoint=False)
    radius = p.knob_radius * (1 + 0.075 * np.cos(p.lobes * turn))
    return Polygon(np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]))


def dibber(p: Parameters) -> Manifold:
    """The dibber standing on its knob, as it is printed."""
    knob = bevelled(knob_outline(p), p.knob_height, bevel=1.4)
    hole = Manifold.cylinder(p.knob_height * 2, p.cord_hole / 2, circular_segments=32)
    hole = hole.translate((p.knob_radius * 0.84, 0, -1))
    return knob + revolved(spike_profile(p)) - hole


def parts(p: Parameters) -> dict[str, Manifold]:
    """Every part by its file name, as it is made."""
    return {"seed-dibber": dibber(p)}


def assembly(p: Parameters) -> list[Placed]:
    """The dibber on its knob."""
    return [Placed("seed-dibber", dibber(p), turned(0), "accent")]


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, solid in parts(p).items():
        write_stl(folder / "export" / f"{name}.stl", solid)
    write_picture(folder / "images" / "seed-dibber.png", assembly(p), azimuth=-26, elevation=30)


if __name__ == "__main__":
    run(__file__, make)
