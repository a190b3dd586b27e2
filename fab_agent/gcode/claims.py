"""Whether a program is what its maker said of it: a big difference means that one is wrong.

Our own reading of a program knows no acceleration, so it is always too quick; by how much depends
on how short the moves are (1.02 … 1.3 times for the parts in designs/). Filament agrees within
2 % there. What was cut off, swapped or sliced for another printer is far outside these bounds.
"""

from commons.machine import MachineProfile, Material
from commons.units import grams
from fab_agent.gcode.parser import refusal
from fab_agent.gcode.program import Estimate

_MATERIAL_SHARE, _MATERIAL_MM3 = 0.05, 50.0
_SOONER_SHARE, _SOONER_S = 0.10, 10.0
_LATER_TIMES, _LATER_S = 4.0, 600.0


def check_claims(estimate: Estimate) -> None:
    """The maker's claims, where there are any, fit our own reading.

    Raises:
        ProgramRefused: `claim-duration` or `claim-material`, with both figures.
    """
    ours_s, claimed_s = estimate.duration_s, estimate.claimed_duration_s
    if claimed_s is not None:
        least_s = ours_s * (1 - _SOONER_SHARE) - _SOONER_S
        _hold("duration", claimed_s, least_s, ours_s * _LATER_TIMES + _LATER_S, "s")
    ours_mm3, claimed_mm3 = estimate.material_mm3, estimate.claimed_material_mm3
    if claimed_mm3 is not None and ours_mm3 is not None:
        doubt_mm3 = ours_mm3 * _MATERIAL_SHARE + _MATERIAL_MM3
        _hold("material", claimed_mm3, ours_mm3 - doubt_mm3, ours_mm3 + doubt_mm3, "mm³")


def check_spool(extruded_mm3: float, profile: MachineProfile, material: Material) -> None:
    """One spool is enough: nobody is there to change it. ProgramRefused when it is not."""
    needs_g = grams(extruded_mm3, material.density_g_cm3)
    if profile.fdm and needs_g > profile.fdm.spool_g:
        asked, limit = f"{needs_g:.0f} g", f"{profile.fdm.spool_g:g} g"
        why = f"it needs {asked} of {material.name} and a spool holds {limit}: order fewer at once"
        raise refusal("spool", 0, why, value=asked, limit=limit)


def _hold(what: str, claimed: float, least: float, most: float, unit: str) -> None:
    if least <= claimed <= most:
        return
    asked, limit = f"{claimed:.0f} {unit}", f"{max(least, 0):.0f} … {most:.0f} {unit}"
    why = f"it is said to need {asked}, its own moves say {limit}: make the program again"
    raise refusal(f"claim-{what}", 0, why, value=asked, limit=limit)
