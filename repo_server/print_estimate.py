"""What a print takes, reckoned from volume, surface and height alone: before any slicer has run.

The factors were fitted to what PrusaSlicer said of fifteen parts (hooks, jars, boxes, a ball, thin
tubes, plates; 1 to 216 cm³) with the agents' quickest quality; the ranges are wide enough for the
part that was farthest off. A lab's own slicer is right, this is for who wonders.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.machine import MATERIALS
from commons.units import grams
from repo_server.mesh_facts import mesh_facts

# Walls, floors and roofs: so deep under the surface all is solid; of the rest so much is filled.
SOLID_MM = 1.04
FILLED = 0.145
# Seconds for each mm³ that flows, each mm² of surface (drawn slower), each mm of height (lifts).
S_PER_MM3, S_PER_MM2, S_PER_MM = 0.134, 0.0304, 16.9
MASS_RANGE = (0.8, 1.35)
TIME_RANGE = (0.62, 1.25)


@dataclass(frozen=True, slots=True)
class PrintEstimate:
    """From and to: grams, and seconds on a usual printer, without supports."""

    mass_g: tuple[float, float]
    time_s: tuple[float, float]


def estimate(
    *, volume_mm3: float, area_mm2: float, height_mm: float, density_g_cm3: float
) -> PrintEstimate:
    """For one closed body, printed as it stands."""
    solid = min(volume_mm3, area_mm2 * SOLID_MM)
    flows = solid + FILLED * (volume_mm3 - solid)
    mass_g = grams(flows, density_g_cm3)
    time_s = S_PER_MM3 * flows + S_PER_MM2 * area_mm2 + S_PER_MM * height_mm
    return PrintEstimate(
        mass_g=(mass_g * MASS_RANGE[0], mass_g * MASS_RANGE[1]),
        time_s=(time_s * TIME_RANGE[0], time_s * TIME_RANGE[1]),
    )


def of_facts(
    facts: Mapping[str, object] | None, material: str, scale: float = 1.0
) -> PrintEstimate | None:
    """For the mesh that was measured so, printed in `material` at this scale; None where it bounds
    no body, or is none."""
    measured, known = mesh_facts(facts), MATERIALS.get(material)
    if measured is None or measured.volume_mm3 is None or known is None:
        return None
    return estimate(
        volume_mm3=measured.volume_mm3 * scale**3,
        area_mm2=measured.area_mm2 * scale**2,
        height_mm=measured.box_mm[2] * scale,
        density_g_cm3=known.density_g_cm3,
    )
