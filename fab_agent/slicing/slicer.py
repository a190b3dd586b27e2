"""What any slicer promises us, and what we hold against what it delivers. Pure but for types."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from commons.errors import ProgramRefused
from commons.plates import PrintArea
from commons.units import grams
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.plate import MeshFacts
from fab_agent.slicing.profile import FILAMENT_AREA_MM2, SlicerProfile

_LEAST_SHARE = 0.5  # of the filament that the infill alone would need: less means lost walls
_TIP_SHARE = 0.02  # of the height that a sharp tip may lose
_MASS_SHARE, _MASS_G = 0.02, 0.02  # by which mass and length of the filament may disagree
_DUST_MM = 0.002  # slicers round to a micrometre
# What somebody can do about a print that is larger than its bed.
OFF_BED_ADVICE = "leave out supports or brim, or choose a larger machine"
_DURATION = re.compile(r"(?:(\d+)d ?)?(?:(\d+)h ?)?(?:(\d+)m ?)?(?:(\d+)s)?")


@dataclass(frozen=True, slots=True)
class SlicerIdentity:
    """Which slicer it is; part of every cached program's key."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class SliceResult:
    """Raw G-code of a slicer and what it claims about it; None where it says nothing."""

    gcode: Path
    layers: int
    top_mm: float
    claimed_duration_s: float | None
    claimed_filament_mm: float | None
    claimed_filament_g: float | None
    # So many bytes of it come before the first layer: our own start, in which the nozzle is primed.
    start_bytes: int = 0

    @property
    def claimed_filament_mm3(self) -> float | None:
        """Volume of the filament that the slicer says it needs."""
        length_mm = self.claimed_filament_mm
        return None if length_mm is None else length_mm * FILAMENT_AREA_MM2


class Slicer(Protocol):
    """Turns a clean mesh into G-code for one machine, or says why not."""

    def identity(self) -> SlicerIdentity:
        """Name and version; Unavailable when it is not installed."""

    def slice(
        self,
        mesh: Path,
        profile: SlicerProfile,
        *,
        options: PrintOptions,
        out_dir: Path,
        placed: bool = False,
    ) -> SliceResult:
        """G-code in `out_dir`; ProgramRefused when it cannot, Unavailable when it may later.

        `placed`: the mesh is all that is made, and its X and Y are the bed's; else the slicer
        puts `options.copies` of it where there is room.
        """


def duration_s(text: str) -> float | None:
    """Seconds of a slicer's `1d 2h 45m 49s`, each part optional; None for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def require_whole(
    result: SliceResult, facts: MeshFacts, *, profile: SlicerProfile, options: PrintOptions
) -> None:
    """Nothing of the part is missing from the G-code, as far as figures can tell.

    Slicers drop walls thinner than the nozzle and whole bodies without a word and with exit
    code 0, so height and amount are compared with the mesh.

    Its mass must be that of our own filament.

    Raises:
        ProgramRefused: no layers, no filament, too low or high, or far less filament than infill
            needs.
    """
    height_mm = facts.size_mm[2]
    if result.layers == 0 or not result.claimed_filament_mm:
        raise refusal(
            "empty", f"nothing of it can be printed with a {profile.nozzle_mm:g} mm nozzle"
        )
    if abs(result.top_mm - height_mm) > 1.5 * profile.layer_mm + _TIP_SHARE * height_mm:
        raise refusal(
            "incomplete",
            f"the program ends {result.top_mm:.2f} mm up and the part is {height_mm:.2f} mm high: "
            "thicken what is thinner than the nozzle",
        )
    _require_low(result, profile)
    _require_our_filament(result, profile)
    least_mm3 = _LEAST_SHARE * options.infill * facts.volume_mm3 * options.copies
    claimed_mm3 = result.claimed_filament_mm3 or 0.0
    if claimed_mm3 < least_mm3:
        raise refusal(
            "incomplete",
            f"the program uses {claimed_mm3:.0f} mm³ of filament and needs {least_mm3:.0f} mm³ at "
            f"least: thicken walls that are thinner than the nozzle ({profile.nozzle_mm:g} mm)",
        )


def _require_low(result: SliceResult, profile: SlicerProfile) -> None:
    area = profile.area
    if result.top_mm > area.height_mm + _DUST_MM:
        raise refusal(
            "too-high",
            f"the program ends {result.top_mm:.2f} mm up and there is room for "
            f"{area.height_mm:g} mm: choose a higher machine or a smaller scale",
        )


def require_on_bed(covers_mm: tuple[float, float, float, float], area: PrintArea) -> None:
    """What is printed lies in the area; slicers let pass what does not.

    Args:
        covers_mm: its left, front, right and back end on the bed.

    Raises:
        ProgramRefused: by how much it reaches over an edge, and what to do.
    """
    left, front, right, back = covers_mm
    over_mm = max(
        area.x_min_mm - left, area.y_min_mm - front, right - area.x_max_mm, back - area.y_max_mm
    )
    if not over_mm <= _DUST_MM:
        raise refusal(
            "off-bed",
            f"it reaches {over_mm:.2f} mm over the edge of what can be printed on "
            f"(x {left:.1f} … {right:.1f}, y {front:.1f} … {back:.1f} mm): {OFF_BED_ADVICE}",
        )


def _require_our_filament(result: SliceResult, profile: SlicerProfile) -> None:
    told_g, volume_mm3 = result.claimed_filament_g, result.claimed_filament_mm3 or 0.0
    ours_g = grams(volume_mm3, profile.density_g_cm3)
    if told_g is None or abs(told_g - ours_g) > _MASS_SHARE * ours_g + _MASS_G:
        told = "no mass" if told_g is None else f"{told_g:g} g"
        raise refusal(
            "filament",
            f"the slicer tells {told} and this filament would be {ours_g:.2f} g: "
            "it took another filament than it was told; install it again",
        )


def refusal(rule: str, why: str) -> ProgramRefused:
    """The error for a part that a slicer cannot turn into a whole program."""
    return ProgramRefused(f"slicing failed: {why}", rule=f"slicer-{rule}")
