"""Which machines can build a part, and the first reason why each of the others cannot."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from commons import availability, bookings, plates, program_fit, tooling, trainings
from commons.availability import Availability
from commons.bookings import Booked
from commons.lots import copies_from, too_little
from commons.machine import MachineProfile, Process
from commons.own_programs import ProgramTraits
from commons.trainings import Required


class Refusal(StrEnum):
    """Stable codes, in the order in which the filters are asked.

    The state of a machine is asked before them all, as its conditions name it.
    """

    PROCESS = "process"
    SIZE = "size"
    MATERIAL = "material"
    MASS_LEFT = "mass_left"
    THICKNESS = "thickness"
    SHEET = "sheet"
    TOOL = "tool"  # nozzle or cutter: its diameter, its hardness
    TEMPERATURE = "temperature"
    PLATE = "plate"
    HOURS = "hours"  # unattended, quiet or closed: not at this time
    MAINTENANCE = "maintenance"
    TRAINING = "training"
    RESERVED = "reserved"
    LICENCE = "licence"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class BuildNeed:
    """What `copies` of a part, made at once, ask of a machine.

    `size_mm` is one part's box (x, y, z) as it lies in its file, `margin_mm` what a print needs
    around it; `mass_g` is that of all copies and includes what is lost. `any_side`: it may be
    laid on another side than it was drawn on. `carved`: a mill makes a surface of it, and does
    not cut it out of a sheet. None means not known, or not asked for: a filter that would need it
    lets the machine pass, because the program is proved against the machine later, before
    anything moves. `program` is what a program that somebody brought tells of itself; its
    material is "" where nobody told it.
    """

    process: Process
    size_mm: tuple[float, float, float] | None
    material: str
    mass_g: float | None = None
    thickness_mm: float | None = None
    copies: int = 1
    margin_mm: float = 0.0
    any_side: bool = False
    # Who ordered it, when it would begin, and how long it is expected to take.
    ordered_by: str | None = None
    begins_at: datetime | None = None
    minutes: float | None = None
    program: ProgramTraits | None = None
    nozzle_mm: float | None = None
    carved: bool | None = None


@dataclass(frozen=True, slots=True)
class MachineOffer:
    """A machine as it stands: its profile, the material lot that is loaded, which trainings it
    asks of those who order, and for whom it is kept.

    `next_lot` is the name of the lot that follows it once it runs short, empty where none does.
    """

    machine_id: str
    name: str
    profile: MachineProfile
    loaded_material: str | None
    mass_left_g: float | None = None
    loaded_thickness_mm: float | None = None
    loaded_sheet_mm: tuple[float, float] | None = None
    next_lot: str = ""
    next_mass_left_g: float | None = None
    trainings: tuple[Required, ...] = ()
    booked: tuple[Booked, ...] = ()
    available: Availability | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One machine's answer; `refusal` is None when it can build the part, else a Refusal, or a code
    of whoever has another reason."""

    machine_id: str
    name: str
    refusal: Refusal | str | None
    sentence: str


# Clamps and cutter around a milled part, on each side.
SHEET_MARGIN_MM = 10.0
# Calipers on plywood: sheets of one nominal thickness differ by this much.
THICKNESS_TOLERANCE_MM = 0.5


def free_minutes(machine: MachineOffer, *, at: datetime) -> float:
    """How long that may be expected to take which the machine begins at that moment, so that it is
    over before the machine rests or is kept for somebody; inf when neither is to come."""
    pauses = machine.available.pauses if machine.available else ()
    begins = [it.begins_at for it in pauses] + [it.begins_at for it in machine.booked]
    margin = max(availability.MARGIN, bookings.MARGIN)
    spans = [(it - at) / timedelta(minutes=margin) for it in begins if it > at]
    return min(spans, default=inf)


def candidates(need: BuildNeed, machines: Iterable[MachineOffer]) -> list[Answer]:
    """One answer a machine, in the order given: it fits, or the first reason why not."""
    return [_answer(need, machine) for machine in machines]


def _answer(need: BuildNeed, machine: MachineOffer) -> Answer:
    code, words = first_refusal(need, machine)
    return Answer(machine.machine_id, machine.name, code, f"{machine.name} {words}")


def first_refusal(need: BuildNeed, machine: MachineOffer) -> tuple[Refusal | None, str]:
    """The first filter that refuses, and what the machine says behind its name; None of one that
    can build it. The machine's name and id count for nothing."""
    for code, check in _FILTERS:
        if sentence := check(need, machine):
            return code, sentence
    return None, "can build this"


def _wrong_process(need: BuildNeed, machine: MachineOffer) -> str | None:
    if machine.profile.process is need.process:
        return None
    return f"does {machine.profile.process.upper()}, this part needs {need.process.upper()}"


def capacity(need: BuildNeed, machine: MachineOffer, *, limit: int) -> int:
    """How many copies this machine may surely be given at once, at least 1 and up to `limit`.

    What is left of the loaded material counts too, a sheet's size or a spool's mass (that of the
    one which follows it, where one does), where it is known. A part that may be laid on any side
    counts with its largest one.
    """
    if need.size_mm is None:
        return 1
    x, y, z = sorted(need.size_mm) if need.any_side else need.size_mm
    size = (y, z) if need.any_side else (x, y)
    loaded = machine.loaded_material == need.material
    sheet_mm = machine.loaded_sheet_mm if loaded else None
    area, margin_mm = _area(need, machine.profile, sheet_mm)
    fit = plates.most(size, area, margin_mm=margin_mm, limit=limit, mixed=_mixed(need))
    left_g = machine.next_mass_left_g if machine.next_lot else machine.mass_left_g
    if need.mass_g and left_g is not None and loaded:
        fit = min(fit, copies_from(left_g, need.mass_g / need.copies))
    return max(1, fit)


def leftover(need: BuildNeed, machine: MachineOffer) -> int:
    """How many copies use up the loaded spool before the next one follows; 0 where none does."""
    loaded = machine.next_lot and machine.loaded_material == need.material
    if not loaded or not need.mass_g or machine.mass_left_g is None:
        return 0
    return copies_from(machine.mass_left_g, need.mass_g / need.copies)


def _area(
    need: BuildNeed, profile: MachineProfile, sheet_mm: plates.Size | None = None
) -> tuple[plates.PrintArea, float]:
    """Where parts may lie, and what each needs around it."""
    if profile.cnc is not None:
        area = plates.sheet_area(profile, sheet_mm)
        return area, plates.cut_margin_mm(profile.cnc.cutter_mm)
    return plates.print_area(profile), need.margin_mm


def _mixed(need: BuildNeed) -> bool:
    """Whether copies may lie turned beside others that do not: on a sheet all lie one way."""
    return need.process is Process.FDM


def _too_large(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.size_mm is None:
        return None
    profile = machine.profile
    if need.process is Process.CNC and need.copies == 1:
        return _too_large_a_cut(need.size_mm, profile)
    if _fits(need, profile, need.size_mm):
        return None
    x, y, z = need.size_mm
    if need.any_side and (_fits(need, profile, (x, z, y)) or _fits(need, profile, (y, z, x))):
        return None
    area, margin_mm = _area(need, profile)
    room = " × ".join(f"{edge:.0f}" for edge in area.room_mm(0)) + " mm"
    room += " less what stands on it" if area.keep_out else ""
    this = f"this part is {x:.0f} × {y:.0f} × {z:.0f} mm"
    around = f" and needs {margin_mm:g} mm around it" if margin_mm else ""
    if need.copies > 1:
        return f"has room for {room}, {this}{around} and {need.copies} do not fit at once"
    return f"has room for {room}, {this}{around}{_other_side(need, profile)}"


def _too_large_a_cut(size_mm: tuple[float, float, float], profile: MachineProfile) -> str | None:
    x, y, z = size_mm
    margin = 2 * SHEET_MARGIN_MM
    bed_x, bed_y, bed_z = profile.envelope.size_mm
    flat = any(a + margin <= bed_x and b + margin <= bed_y for a, b in ((x, y), (y, x)))
    if flat and z <= bed_z:
        return None
    return (
        f"has {bed_x:.0f} × {bed_y:.0f} × {bed_z:.0f} mm, this part is "
        f"{x:.0f} × {y:.0f} × {z:.0f} mm and needs {margin / 2:.0f} mm around it"
    )


def _fits(need: BuildNeed, profile: MachineProfile, size_mm: tuple[float, float, float]) -> bool:
    """Whether all copies fit at once when each lies as `size_mm` says."""
    area, margin_mm = _area(need, profile)
    x, y, z = size_mm
    if z > area.height_mm:
        return False
    fit = plates.most((x, y), area, margin_mm=margin_mm, limit=need.copies, mixed=_mixed(need))
    return fit == need.copies


def _other_side(need: BuildNeed, profile: MachineProfile) -> str:
    """What would help a part that does not fit as it was drawn; empty when nothing would."""
    x, y, z = need.size_mm or (0.0, 0.0, 0.0)
    if _fits(need, profile, (x, z, y)) or _fits(need, profile, (y, z, x)):
        return "; laid on another side it fits: order it with the suggested orientation"
    return ""


def _wrong_material(need: BuildNeed, machine: MachineOffer) -> str | None:
    if machine.loaded_material == need.material or (need.program and not need.material):
        return None
    loaded = machine.loaded_material or "nothing"
    return f"has {loaded} loaded, this part is to be made of {need.material}"


def _too_little_left(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.mass_g is None or machine.mass_left_g is None:
        return None
    said = too_little(machine.mass_left_g, need.mass_g)
    return f"{said}; load {machine.next_lot}, which follows" if said and machine.next_lot else said


def _wrong_thickness(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.thickness_mm is None or machine.loaded_thickness_mm is None:
        return None
    if abs(need.thickness_mm - machine.loaded_thickness_mm) <= THICKNESS_TOLERANCE_MM:
        return None
    return (
        f"has a sheet of {machine.loaded_thickness_mm:g} mm, "
        f"this part is drawn for {need.thickness_mm:g} mm"
    )


def _too_small_a_sheet(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.size_mm is None or machine.loaded_sheet_mm is None:
        return None
    x, y, _ = need.size_mm
    wide, deep = machine.loaded_sheet_mm
    said = f"has a sheet of {wide:g} × {deep:g} mm, this part is {x:.0f} × {y:.0f} mm"
    if not any(a <= wide and b <= deep for a, b in ((x, y), (y, x))):
        return said
    if need.copies == 1:
        return None
    area, margin_mm = _area(need, machine.profile, machine.loaded_sheet_mm)
    fit = plates.most((x, y), area, margin_mm=margin_mm, limit=need.copies, mixed=_mixed(need))
    return None if fit == need.copies else f"{said} and {need.copies} do not fit at once"


def _wrong_tool(need: BuildNeed, machine: MachineOffer) -> str | None:
    return tooling.wrong_tool(
        machine.profile, need.material, nozzle_mm=need.nozzle_mm, carved=need.carved
    )


def _wrong_temperature(need: BuildNeed, machine: MachineOffer) -> str | None:
    return tooling.wrong_temperature(machine.profile, need.material)


def _wrong_plate(need: BuildNeed, machine: MachineOffer) -> str | None:
    return tooling.wrong_plate(machine.profile, need.material)


def _wrong_hours(need: BuildNeed, machine: MachineOffer) -> str | None:
    return availability.refused_for_hours(machine.available, need.minutes)


def _wants_upkeep(need: BuildNeed, machine: MachineOffer) -> str | None:
    return availability.refused_for_upkeep(machine.available, need.minutes)


def _untrained(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.ordered_by is None or need.begins_at is None:
        return None
    for required in machine.trainings:
        if why := trainings.missing(required, need.ordered_by, at=need.begins_at):
            return f"asks whoever orders for a training: {why}"
    return None


def _reserved(need: BuildNeed, machine: MachineOffer) -> str | None:
    if need.begins_at is None:
        return None
    at, minutes = need.begins_at, need.minutes
    found = bookings.crossed(machine.booked, by=need.ordered_by, at=at, minutes=minutes)
    return bookings.told(found, at=at, minutes=minutes) if found else None


def _of_program(
    check: Callable[[ProgramTraits, MachineProfile], str | None],
) -> Callable[[BuildNeed, MachineOffer], str | None]:
    """The check of a program that somebody brought; what is sliced here passes."""
    return lambda need, it: None if need.program is None else check(need.program, it.profile)


_FILTERS = (
    (Refusal.PROCESS, _wrong_process),
    (Refusal.PROCESS, _of_program(program_fit.other_dialect)),
    (Refusal.SIZE, _of_program(program_fit.beyond)),
    (Refusal.SIZE, _too_large),
    (Refusal.MATERIAL, _wrong_material),
    (Refusal.MASS_LEFT, _too_little_left),
    (Refusal.THICKNESS, _wrong_thickness),
    (Refusal.SHEET, _too_small_a_sheet),
    (Refusal.TOOL, _wrong_tool),
    (Refusal.TEMPERATURE, _of_program(program_fit.too_hot)),
    (Refusal.TEMPERATURE, _wrong_temperature),
    (Refusal.PLATE, _wrong_plate),
    (Refusal.HOURS, _wrong_hours),
    (Refusal.MAINTENANCE, _wants_upkeep),
    (Refusal.TRAINING, _untrained),
    (Refusal.RESERVED, _reserved),
)
