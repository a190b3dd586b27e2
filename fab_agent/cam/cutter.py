"""The cutter in the collet, and how fast the sheet's material lets itself be cut."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from commons.cutters import CutterShape, MillCutter, cutter_name
from commons.errors import InvalidInput
from commons.machine import MachineProfile, MillLimits

_TABLE = Path(__file__).with_name("feeds.toml")
# Of the chip that industrial routers take: light gantries bend and chatter under more.
_LIGHT_SHARE = 0.4
_PLUNGE_SHARE = 0.25
_DEPTH_SHARE = 0.5  # of the diameter: spares a thin shank
STEPOVER = 0.4


@dataclass(frozen=True, slots=True)
class Cutter:
    """A straight end mill, flat or with a ball at its end, and its speeds: mm, mm/s, rpm."""

    diameter_mm: float
    feed_mm_s: float
    plunge_mm_s: float
    spindle_rpm: float
    pass_depth_mm: float
    edges: int = 2
    shape: CutterShape = "flat"

    @property
    def radius_mm(self) -> float:
        """Half the diameter."""
        return self.diameter_mm / 2

    @property
    def chip_mm(self) -> float:
        """How thick a chip each edge takes at full feed."""
        return self.feed_mm_s * 60 / (self.spindle_rpm * self.edges)


def cutter_for(profile: MachineProfile, material: str, wanted: MillCutter | None = None) -> Cutter:
    """The cutter in the machine's collet, or the one that is wanted, at the speeds for a material
    (a key of feeds.toml). Where nobody told its edges, it has as many as the one in the collet.

    Where the machine cannot feed as fast, the spindle turns slower, so that the chip stays as
    thick as it may be: a cutter that only rubs gets hot.

    Raises:
        InvalidInput: the machine is no router, or nobody has said how to cut the material.
    """
    limits = mill_limits(profile)
    if material not in _feeds():
        known = ", ".join(_feeds())
        raise InvalidInput(f"there are no speeds to mill {material}: choose one of {known}")
    wanted = wanted or limits.cutters[0]
    diameter, edges = wanted.diameter_mm, wanted.edges or limits.cutter_edges
    chip = _LIGHT_SHARE * chip_load_mm(material, diameter)
    wished = min(_feeds()[material]["spindle_rpm"], limits.spindle_max_rpm)
    feed = min(chip * edges * wished / 60, profile.max_feed_mm_s)
    rpm = float(round(min(max(feed * 60 / (chip * edges), limits.spindle_min_rpm), wished)))
    rpm = max(rpm, limits.spindle_min_rpm)
    feed = min(chip * edges * rpm / 60, profile.max_feed_mm_s)
    plunge = min(feed * _PLUNGE_SHARE, limits.max_plunge_mm_s, profile.max_feed_z_mm_s)
    return Cutter(diameter, feed, plunge, rpm, diameter * _DEPTH_SHARE, edges, wanted.shape)


def is_collets(cutters: Sequence[Cutter], profile: MachineProfile) -> bool:
    """Whether the one in the machine's collet is all that is needed."""
    first = mill_limits(profile).cutters[0]
    return [(it.diameter_mm, it.shape) for it in cutters] == [(first.diameter_mm, first.shape)]


def mill_limits(profile: MachineProfile) -> MillLimits:
    """What the router may be asked for. Raises InvalidInput when the machine is none."""
    if profile.cnc is None:
        raise InvalidInput(f"{profile.name} does {profile.process}: milling needs a router")
    return profile.cnc


def speeds_in_words(cutter: Cutter) -> str:
    """What a person at the machine compares with the cutter's own leaflet."""
    edges = "1 edge" if cutter.edges == 1 else f"{cutter.edges} edges"
    return (
        f"a {cutter_name(cutter.diameter_mm, cutter.shape)} cutter with {edges} at "
        f"{cutter.spindle_rpm:.0f} rpm, {cutter.feed_mm_s:.1f} mm/s "
        f"({cutter.plunge_mm_s:.1f} mm/s down), chips of {cutter.chip_mm:.3f} mm, "
        f"{cutter.pass_depth_mm:g} mm deep at once"
    )


def chip_load_mm(material: str, diameter_mm: float) -> float:
    """What the table's source recommends at least for a cutter of this diameter."""
    loads = {float(key): value for key, value in _feeds()[material]["chip_mm"].items()}
    diameters = sorted(loads)
    inside = float(np.clip(diameter_mm, diameters[0], diameters[-1]))
    load = float(np.interp(inside, diameters, [loads[d] for d in diameters]))
    return load * diameter_mm / inside


@cache
def _feeds() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))
