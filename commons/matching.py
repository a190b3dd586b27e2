"""Which machines can build a part, and the first reason why each of the others cannot."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commons.machine import MachineProfile, Process


class Refusal(StrEnum):
    """Stable codes, in the order in which the filters are asked."""

    PROCESS = "process"
    SIZE = "size"
    MATERIAL = "material"
    MASS_LEFT = "mass_left"
    THICKNESS = "thickness"


@dataclass(frozen=True, slots=True)
class BuildNeed:
    """What one copy of a part asks of a machine.

    `size_mm` is the part's box (x, y, z) as it lies in its file; `mass_g` includes what is lost.
    None means not known: a filter that would need it lets the machine pass, because the program
    is proved against the machine later, before anything moves.
    """

    process: Process
    size_mm: tuple[float, float, float] | None
    material: str
    mass_g: float | None = None
    thickness_mm: float | None = None


@dataclass(frozen=True, slots=True)
class MachineOffer:
    """A machine as it stands: its profile and the material lot that is loaded."""

    machine_id: str
    name: str
    profile: MachineProfile
    loaded_material: str | None
    mass_left_g: float | None = None
    loaded_thickness_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One machine's answer; `refusal` is None when it can build the part."""

    machine_id: str
    name: str
    refusal: Refusal | None
    sentence: str


# Skirt and brim around a print, clamps and cutter around a milled part, on each side.
MARGIN_MM = {Process.FDM: 3.0, Process.CNC: 10.0}
# Nobody knows a spool to the gram, and a print that runs dry is lost whole.
MASS_RESERVE = 1.1
# Calipers on plywood: sheets of one nominal thickness differ by this much.
THICKNESS_TOLERANCE_MM = 0.5


def candidates(need: BuildNeed, machines: Iterable[MachineOffer]) -> list[Answer]:
    """One answer a machine, in the order given: it fits, or the first reason why not."""
    return [_answer(need, machine) for machine in machines]


def _answer(need: BuildNeed, machine: MachineOffer) -> Answer:
    for code, check in _FILTERS:
        if sentence := check(need, machine):
            return Answer(machine.machine_id, machine.name, code, f"{machine.name} {sentence}")
    return Answer(machine.machine_id, machine.name, None, f"{machine.name} can build this")


def _wrong_process(need: BuildNeed, machine: MachineOffer) -> str | None:
    if machine.profile.process is need.process:
        return None
    return f"does {machine.profile.process.upper()}, this part needs {need.process.upper()}"


def _too_large(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.size_mm is None:
        return None
    x, y, z = need.size_mm
    margin = 2 * MARGIN_MM[need.process]
    bed_x, bed_y, bed_z = machine.profile.envelope.size_mm
    flat = any(a + margin <= bed_x and b + margin <= bed_y for a, b in ((x, y), (y, x)))
    if flat and z <= bed_z:
        return None
    return (
        f"has {bed_x:.0f} × {bed_y:.0f} × {bed_z:.0f} mm, this part is "
        f"{x:.0f} × {y:.0f} × {z:.0f} mm and needs {margin / 2:.0f} mm around it"
    )


def _wrong_material(need: BuildNeed, machine: MachineOffer) -> str | None:
    if machine.loaded_material == need.material:
        return None
    loaded = machine.loaded_material or "nothing"
    return f"has {loaded} loaded, this part is to be made of {need.material}"


def _too_little_left(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.mass_g is None or machine.mass_left_g is None:
        return None
    wanted = need.mass_g * MASS_RESERVE
    if machine.mass_left_g >= wanted:
        return None
    return f"has {machine.mass_left_g:.0f} g left, this part needs {wanted:.0f} g with reserve"


def _wrong_thickness(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.thickness_mm is None or machine.loaded_thickness_mm is None:
        return None
    if abs(need.thickness_mm - machine.loaded_thickness_mm) <= THICKNESS_TOLERANCE_MM:
        return None
    return (
        f"has a sheet of {machine.loaded_thickness_mm:g} mm, "
        f"this part is drawn for {need.thickness_mm:g} mm"
    )


_FILTERS = (
    (Refusal.PROCESS, _wrong_process),
    (Refusal.SIZE, _too_large),
    (Refusal.MATERIAL, _wrong_material),
    (Refusal.MASS_LEFT, _too_little_left),
    (Refusal.THICKNESS, _wrong_thickness),
)
