"""A machine, a material and a quality become the settings that the slicer gets: ours alone."""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from commons.errors import InvalidInput, Unavailable
from commons.machine import MATERIALS, Envelope, MachineProfile, Material, PrintLimits, Process
from commons.plates import PrintArea, print_area
from fab_agent.printers.kinds import PrinterKind, filled_in, kind_key, kind_of
from fab_agent.slicing.options import PrintOptions

FILAMENT_AREA_MM2 = math.pi * (1.75 / 2) ** 2
_PRIME_Y_MM, _PRIME_FROM_X_MM, _PRIME_LENGTH_MM = 3.0, 5.0, 80.0
_PARK_MM = 5.0
_FIRST_LIFT_MM = 5.0  # before the nozzle goes anywhere; more where something stands on the bed
# What the slicer reckons its time with; no program sets them.
_ACCELERATIONS = tuple(
    f"machine_max_acceleration_{of}" for of in ("x", "y", "extruding", "retracting", "travel")
)
_JERKS = ("machine_max_jerk_x", "machine_max_jerk_y")
_SPEEDS = (
    "travel_speed", "first_layer_speed", "perimeter_speed", "external_perimeter_speed",
    "small_perimeter_speed", "infill_speed", "solid_infill_speed", "top_solid_infill_speed",
    "gap_fill_speed", "bridge_speed", "support_material_speed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlicerProfile:
    """Every setting that we give the slicer, as its own keys and text.

    `optional` holds keys that only newer slicers know. The same kind and limits, material,
    quality and options always give the same `sha256`.
    """

    name: str
    settings: Mapping[str, str]
    optional: Mapping[str, str]
    area: PrintArea
    layer_mm: float
    nozzle_mm: float
    density_g_cm3: float

    @property
    def sha256(self) -> str:
        """Hash of the name and all settings (hex)."""
        text = f"{self.name}\n{_ini({**self.settings, **self.optional})}"
        return hashlib.sha256(text.encode()).hexdigest()

    def ini(self, known: frozenset[str]) -> str:
        """The settings as a file for a slicer that knows the keys `known`.

        The slicer skips a key that it does not know without a word, so that is refused here.

        Raises:
            Unavailable: the slicer is too old for our settings; names them.
        """
        if unknown := sorted(self.settings.keys() - known):
            raise Unavailable(
                f"the slicer does not know {', '.join(unknown)}: install PrusaSlicer 2.5 or newer"
            )
        extra = {key: value for key, value in self.optional.items() if key in known}
        return _ini({**self.settings, **extra})


def qualities() -> tuple[str, ...]:
    """The names of all qualities, the fastest first."""
    return tuple(_data()["quality"])


def print_profile(
    machine: MachineProfile, *, material: str, quality: str, options: PrintOptions
) -> SlicerProfile:
    """The settings that print `material` on `machine`, none beyond the machine's limits.

    Raises:
        InvalidInput: not a printer, no such material or quality, or too hot for this machine.
    """
    limits = machine.fdm
    if machine.process is not Process.FDM or limits is None:
        raise InvalidInput(f"{machine.name} does not print: choose a machine of process 'fdm'")
    data, kind = _data(), kind_of(machine)
    filament = _material(material, machine, limits)
    wish = dict(_pick(data["quality"], quality, "quality"))
    layer_mm = limits.nozzle_mm * wish.pop("layer_per_nozzle")
    first_mm = limits.nozzle_mm * wish.pop("first_layer_per_nozzle")
    width_mm = limits.nozzle_mm * wish.pop("width_per_nozzle")
    bed_c = min(filament.bed_c or 0.0, limits.bed_max_c)
    settings = {
        **data["slicer"],
        **_pick(data["material"], material, "material"),
        **wish,
        **kind.slicer,
        **_sizes(machine, limits, (first_mm, layer_mm), width_mm),
        **_heat(filament, bed_c),
        **_chosen(options),
        **_gcode(machine, kind, filament, bed_c=bed_c, layer_mm=first_mm, width_mm=width_mm),
    }
    return SlicerProfile(
        name=f"{kind_key(machine)} {limits.nozzle_mm:g} mm, {material}, {quality}",
        settings=settings | _capped(settings, machine, limits),
        optional=data["slicer_if_known"],
        area=print_area(machine),
        layer_mm=max(first_mm, layer_mm),
        nozzle_mm=limits.nozzle_mm,
        density_g_cm3=filament.density_g_cm3,
    )


@cache
def _data() -> Mapping[str, Any]:
    source = resources.files("fab_agent.slicing.profiles") / "prints.toml"
    return tomllib.loads(source.read_text("utf-8"))


def _pick(choices: Mapping[str, Any], key: str, kind: str) -> Mapping[str, Any]:
    if key not in choices:
        raise InvalidInput(f"there is no {kind} '{key}': choose one of {', '.join(choices)}")
    found: Mapping[str, Any] = choices[key]
    return found


def _material(key: str, machine: MachineProfile, limits: PrintLimits) -> Material:
    _pick(_data()["material"], key, "material")
    filament = MATERIALS[key]
    if filament.nozzle_c is None or filament.nozzle_c > limits.hotend_max_c:
        raise InvalidInput(
            f"{filament.name} is printed at {filament.nozzle_c:g} °C and the hotend of "
            f"{machine.name} may reach {limits.hotend_max_c:g} °C: choose another machine"
        )
    return filament


def _sizes(
    machine: MachineProfile, limits: PrintLimits, layers_mm: tuple[float, float], width_mm: float
) -> dict[str, str]:
    area, width = print_area(machine), f"{width_mm:.4g}"
    x = (area.x_min_mm, area.x_max_mm)
    y = (area.y_min_mm, area.y_max_mm)
    corners = ((x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]))
    return {
        "bed_shape": ",".join(f"{px:g}x{py:g}" for px, py in corners),
        "max_print_height": f"{area.height_mm:g}",
        "nozzle_diameter": f"{limits.nozzle_mm:g}",
        "first_layer_height": f"{layers_mm[0]:.4g}",
        "layer_height": f"{layers_mm[1]:.4g}",
        "extrusion_width": width,
        "first_layer_extrusion_width": width,
        "perimeter_extrusion_width": width,
        "external_perimeter_extrusion_width": width,
        "infill_extrusion_width": width,
        "solid_infill_extrusion_width": width,
        "top_infill_extrusion_width": f"{limits.nozzle_mm:.4g}",
        "support_material_extrusion_width": f"{limits.nozzle_mm:.4g}",
        "machine_max_feedrate_x": f"{machine.max_feed_mm_s:g}",
        "machine_max_feedrate_y": f"{machine.max_feed_mm_s:g}",
        "machine_max_feedrate_z": f"{machine.max_feed_z_mm_s:g}",
        "machine_max_feedrate_e": f"{limits.max_extrude_mm_s:g}",
        **dict.fromkeys(_ACCELERATIONS, f"{limits.acceleration_mm_s2:g}"),
        **dict.fromkeys(_JERKS, f"{limits.corner_mm_s:g}"),
    }


def _heat(filament: Material, bed_c: float) -> dict[str, str]:
    return {
        "temperature": f"{filament.nozzle_c:g}",
        "first_layer_temperature": f"{filament.nozzle_c:g}",
        "bed_temperature": f"{bed_c:g}",
        "first_layer_bed_temperature": f"{bed_c:g}",
        "filament_density": f"{filament.density_g_cm3:g}",
    }


def _chosen(options: PrintOptions) -> dict[str, str]:
    return {
        "fill_density": f"{options.infill * 100:g}%",
        "support_material": str(int(options.supports)),
        "support_material_auto": str(int(options.supports)),
        "brim_width": f"{options.brim_mm:g}",
    }


def _capped(
    settings: Mapping[str, str], machine: MachineProfile, limits: PrintLimits
) -> dict[str, str]:
    caps = dict.fromkeys(_SPEEDS, machine.max_feed_mm_s)
    caps |= {"travel_speed_z": machine.max_feed_z_mm_s}
    caps |= dict.fromkeys(("retract_speed", "deretract_speed"), limits.max_extrude_mm_s)
    return {key: f"{min(float(settings[key]), cap):g}" for key, cap in caps.items()}


def _gcode(
    machine: MachineProfile,
    kind: PrinterKind,
    filament: Material,
    *,
    bed_c: float,
    layer_mm: float,
    width_mm: float,
) -> dict[str, str]:
    """How the machine's kind begins and ends; without a heated bed nothing is said to it."""
    box, limits = machine.envelope, machine.fdm or PrintLimits()
    start_macro, end_macro = (_call(limits, at, filament, bed_c) for at in ("start", "end"))
    values = {
        "bed_c": f"{bed_c:g}" if bed_c else None,
        "bed_off_c": "0" if bed_c else None,
        "nozzle_c": f"{filament.nozzle_c:g}",
        "nozzle_mm": f"{limits.nozzle_mm:g}",
        "model_code": None if kind.model_code is None else f"{kind.model_code}",
        "advance": kind.advance_of(filament.key, limits.nozzle_mm),
        "start_macro": start_macro,
        "end_macro": end_macro,
        "levelling": None if start_macro or not kind.levelling else "\n".join(kind.levelling),
        "z_feed": f"{min(machine.max_feed_z_mm_s, 10.0) * 60:.0f}",
        "travel_feed": f"{min(machine.max_feed_mm_s, 100.0) * 60:.0f}",
        **_prime_line(box, layer_mm=layer_mm, width_mm=width_mm),
        "lift_z": f"{box.lift_mm(_FIRST_LIFT_MM):g}",
        "top_z": f"{box.z_max_mm:g}",
        "park_x": f"{box.x_min_mm + _PARK_MM:g}",
        "park_y": f"{box.y_max_mm - _PARK_MM:g}",
    }
    frame = kind.gcode
    return {
        "start_gcode": filled_in(frame.start, values),
        "end_gcode": filled_in(frame.end, values),
    }


def _prime_line(box: Envelope, *, layer_mm: float, width_mm: float) -> dict[str, str]:
    """A line in front of the part, in which the nozzle fills."""
    length_mm = min(_PRIME_LENGTH_MM, box.x_max_mm - box.x_min_mm - 2 * _PRIME_FROM_X_MM)
    from_x_mm = box.x_min_mm + _PRIME_FROM_X_MM
    return {
        "prime_from_x": f"{from_x_mm:g}",
        "prime_to_x": f"{from_x_mm + length_mm:g}",
        "prime_y": f"{box.y_min_mm + _PRIME_Y_MM:g}",
        "prime_z": f"{layer_mm:.3g}",
        "prime_e": f"{length_mm * layer_mm * width_mm / FILAMENT_AREA_MM2:.3f}",
    }


def _call(limits: PrintLimits, at: str, filament: Material, bed_c: float) -> str | None:
    """How the lab's macro is called there; None when it has none."""
    for macro in limits.macros:
        if macro.at == at:
            heats = ((macro.bed, bed_c), (macro.nozzle, filament.nozzle_c))
            return " ".join([macro.name, *(f"{name}={heat:g}" for name, heat in heats if name)])
    return None


def _ini(settings: Mapping[str, str]) -> str:
    """One `key = value` a line, in the order of the alphabet; line breaks escaped as it wants."""
    escaped = {key: value.replace("\n", "\\n") for key, value in settings.items()}
    return "".join(f"{key} = {escaped[key]}\n" for key in sorted(escaped))
