"""What a machine's own words say about it. Pure: lines and JSON in, settings by key out.

Keys are those below [[machine]] in agent.toml, such as `envelope.x_max_mm`. What the firmware does
not say, or says in a way that cannot be, is left out: a person is asked then.

Formats: Marlin M115, M211 and M203 (marlinfw.org, "Report settings"; M211 in the one-line form of
1.1 to 2.0.9.1 and the two-line form since); GRBL 1.1 `$I` and `$$` (gnea/grbl, doc/markdown
settings.md); OctoPrint /api/printerprofiles; Klipper `configfile.settings`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commons.errors import Unavailable
from commons.machine import Driver

Fact = float | bool | str
MM_S_PER_MM_MIN = 1 / 60

_NAME = re.compile(r"FIRMWARE_NAME:\s*(.*?)\s*(?:[A-Z][A-Z_]+:|$)")
_TYPE = re.compile(r"MACHINE_TYPE:\s*(.*?)\s*(?:[A-Z][A-Z_]+:|$)")
_CAPABILITY = re.compile(r"^Cap:([A-Z_]+):(\d)")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_SOFT_MAX = re.compile(rf"Max:\s*X{_NUMBER}\s*Y{_NUMBER}\s*Z{_NUMBER}")
_FEEDS = re.compile(rf"M203\s+X{_NUMBER}\s+Y{_NUMBER}\s+Z{_NUMBER}")
_GRBL = re.compile(r"^\[VER:([^:\]]*):?([^\]]*)\]")
_OLD_GRBL = re.compile(r"^(?:\[|Grbl )(0\.\d+\w*)")
_SETTING = re.compile(rf"^\$(\d+)={_NUMBER}")
# Firmwares that answer M115 and are not driven as Marlin is.
_STRANGERS = {
    "Klipper": "add it by the address of its Moonraker instead",
    "RepRapFirmware": "there is no driver for it",
    "Smoothie": "there is no driver for it",
    "Repetier": "there is no driver for it",
    "GRBL": "it is GRBL with another parser: there is no driver for it",
}


@dataclass(frozen=True, slots=True)
class Firmware:
    """What has answered. `guarded`: it watches its heaters by itself; None when it does not say.

    `source` is where the facts come from, as it stands behind them in agent.toml.
    """

    driver: Driver
    name: str
    guarded: bool | None = None
    simulated: bool = False
    facts: Mapping[str, Fact] = field(default_factory=dict)
    source: str = "from the firmware"


def recognise(lines: Sequence[str]) -> Firmware | None:
    """Whose words these are; None while they do not tell.

    Raises:
        Unavailable: a firmware that no driver speaks with.
    """
    for line in lines:
        if match := _GRBL.match(line):
            return _grbl(match[1], match[2], lines)
        if match := _OLD_GRBL.match(line):
            raise Unavailable(f"this is GRBL {match[1]}: it is too old, put GRBL 1.1 on the board")
        if match := _NAME.search(line):
            return _marlin(match[1], lines)
    return None


def _grbl(version: str, note: str, lines: Sequence[str]) -> Firmware:
    kind = "grblHAL" if any("grblHAL" in line for line in lines) else "GRBL"
    name = " ".join(part for part in (kind, version, note) if part)
    return Firmware(Driver.GRBL, name, simulated="simulated" in name.lower())


def _marlin(name: str, lines: Sequence[str]) -> Firmware:
    for stranger, advice in _STRANGERS.items():
        if name.lower().startswith(stranger.lower()):
            raise Unavailable(f"this is {name}: {advice}")
    capabilities = {m[1]: m[2] for line in lines if (m := _CAPABILITY.match(line))}
    guard = capabilities.get("THERMAL_PROTECTION")
    kind = next((m[1] for line in lines if (m := _TYPE.search(line))), "")
    return Firmware(
        Driver.MARLIN,
        name,
        guarded=None if guard is None else guard == "1",
        simulated="(simulated)" in name,
        facts={"name": kind} if kind else {},
    )


def marlin_facts(lines: Sequence[str]) -> dict[str, Fact]:
    """From the answers to M211 (travel) and M203 or M503 (feeds)."""
    text = "\n".join(lines)
    facts: dict[str, Fact] = {}
    if match := _SOFT_MAX.search(text):
        facts |= _box(float(match[1]), float(match[2]), float(match[3]))
    if match := _FEEDS.search(text):
        facts |= _feeds(*(float(number) for number in match.groups()))
    return facts


def grbl_settings(lines: Sequence[str]) -> dict[int, float]:
    """The numbered settings in the answer to `$$`."""
    return {int(m[1]): float(m[2]) for line in lines if (m := _SETTING.match(line))}


def grbl_facts(settings: Mapping[int, float]) -> dict[str, Fact]:
    """Travel ($130-132), feeds ($110-112, mm/min), spindle ($30, $31) and homing ($22)."""
    facts: dict[str, Fact] = {}
    if 130 in settings and 131 in settings:
        facts |= _positive({"envelope.x_max_mm": settings[130], "envelope.y_max_mm": settings[131]})
    if {110, 111, 112} <= settings.keys():
        facts |= _feeds(*(settings[number] * MM_S_PER_MM_MIN for number in (110, 111, 112)))
    if settings.get(30, 0) > 0:
        facts["cnc.spindle_max_rpm"] = settings[30]
        facts["cnc.spindle_min_rpm"] = min(settings.get(31, 0.0), settings[30])
    if 22 in settings:
        facts["cnc.homing"] = int(settings[22]) % 2 == 1  # grblHAL: bit 0 of a mask
    return facts


def octoprint_facts(profiles: Mapping[str, Any]) -> dict[str, Fact]:
    """From the current printer profile: bed, nozzle and feeds (OctoPrint has them in mm/min)."""
    every = [p for p in profiles.get("profiles", {}).values() if isinstance(p, dict)]
    profile = next((p for p in every if p.get("current")), None)
    if profile is None:
        return {}
    volume, axes = profile.get("volume", {}), profile.get("axes", {})
    facts: dict[str, Fact] = {}
    if volume.get("origin", "lowerleft") == "lowerleft":
        facts |= _box(*(_number(volume.get(edge)) for edge in ("width", "depth", "height")))
    speeds = (_number(axes.get(axis, {}).get("speed")) for axis in "xyz")
    facts |= _feeds(*(speed * MM_S_PER_MM_MIN for speed in speeds))
    facts |= _positive(
        {"fdm.nozzle_mm": _number(profile.get("extruder", {}).get("nozzleDiameter"))}
    )
    if not profile.get("heatedBed", True):
        facts["fdm.bed_max_c"] = 0.0
    if name := profile.get("name"):
        facts["name"] = str(name)
    return facts


def klipper_facts(settings: Mapping[str, Any]) -> dict[str, Fact]:
    """From printer.cfg as Klipper has read it."""

    def of(section: str, key: str) -> float:
        return _number(settings.get(section, {}).get(key))

    axes = ("stepper_x", "stepper_y", "stepper_z")
    speed = of("printer", "max_velocity")
    facts = _box(*(of(axis, "position_max") for axis in axes))
    facts |= _feeds(speed, speed, of("printer", "max_z_velocity") or speed)
    wanted = {
        "fdm.nozzle_mm": of("extruder", "nozzle_diameter"),
        "fdm.hotend_max_c": of("extruder", "max_temp"),
        "fdm.extrude_min_c": of("extruder", "min_extrude_temp"),
    }
    facts |= _positive(wanted)
    facts["fdm.bed_max_c"] = of("heater_bed", "max_temp")
    return facts


def klipper_guards(settings: Mapping[str, Any]) -> bool | None:
    """Every heater has its verify_heater section; None when there is no heater to be seen."""
    heaters = [name for name in settings if re.fullmatch(r"extruder\d*|heater_bed", name)]
    return all(f"verify_heater {name}" in settings for name in heaters) if heaters else None


def _box(x_mm: float, y_mm: float, z_mm: float) -> dict[str, Fact]:
    box = {"envelope.x_max_mm": x_mm, "envelope.y_max_mm": y_mm, "envelope.z_max_mm": z_mm}
    return _positive(box)


def _feeds(x_mm_s: float, y_mm_s: float, z_mm_s: float) -> dict[str, Fact]:
    # Rounded down: a guard that is a hair too low does no harm.
    plane, up = (int(feed * 100) / 100 for feed in (min(x_mm_s, y_mm_s), z_mm_s))
    return _positive({"max_feed_mm_s": plane, "max_feed_z_mm_s": up})


def _positive(values: Mapping[str, float]) -> dict[str, Fact]:
    return {key: value for key, value in values.items() if value > 0}


def _number(value: object) -> float:
    """0 when it is no number, which no limit may be."""
    return float(value) if isinstance(value, int | float) else 0.0
