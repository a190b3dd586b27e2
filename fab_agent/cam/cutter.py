"""The cutter in the collet, the sheet under it, and how fast wood lets itself be cut."""

from dataclasses import dataclass

from commons.errors import InvalidInput
from commons.machine import MATERIALS, MachineProfile

# Two-edged carbide in plywood: 0.03 mm a tooth at 18 000 rpm is 18 mm/s (makers' charts give
# 0.02 … 0.05 mm for 3 mm); a depth of half the diameter spares a thin shank.
_CHIP_MM, _EDGES, _SPEED_RPM = 0.03, 2, 18000.0
_PLUNGE_SHARE = 0.25
_DEPTH_SHARE = 0.5
STEPOVER = 0.4


@dataclass(frozen=True, slots=True)
class Cutter:
    """A straight end mill and its speeds: mm, mm/s, rpm."""

    diameter_mm: float
    feed_mm_s: float
    plunge_mm_s: float
    spindle_rpm: float
    pass_depth_mm: float

    @property
    def radius_mm(self) -> float:
        """Half the diameter."""
        return self.diameter_mm / 2


@dataclass(frozen=True, slots=True)
class Stock:
    """The sheet: its lower left corner is work zero, its top is Z0. mm, g/cm³."""

    thickness_mm: float
    size_mm: tuple[float, float]
    density_g_cm3: float = MATERIALS["plywood"].density_g_cm3


def wood_cutter(profile: MachineProfile) -> Cutter:
    """The machine's cutter at the speeds for plywood, within what the machine may do.

    Raises:
        InvalidInput: the machine is no router.
    """
    limits = profile.cnc
    if limits is None:
        raise InvalidInput(f"{profile.name} does {profile.process}: milling needs a router")
    rpm = max(limits.spindle_min_rpm, min(_SPEED_RPM, limits.spindle_max_rpm))
    feed = min(_CHIP_MM * _EDGES * rpm / 60, profile.max_feed_mm_s)
    plunge = min(feed * _PLUNGE_SHARE, limits.max_plunge_mm_s, profile.max_feed_z_mm_s)
    return Cutter(limits.cutter_mm, feed, plunge, rpm, limits.cutter_mm * _DEPTH_SHARE)
