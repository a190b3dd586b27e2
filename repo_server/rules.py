"""What a lab and its machines keep to: hours, quiet hours, and how much power may be drawn."""

from collections.abc import Collection
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter
from sqlmodel import Session, col, select

from commons.errors import FieldProblem, InvalidInput
from commons.fabrication import FDM_SHARE_OF_RATED_POWER
from commons.hours import Week
from commons.machine import MachineProfile, Process
from commons.power import Draw
from commons.quantities import Power, plausible
from commons.wire import Asked
from repo_server import zones
from repo_server.tables import AttemptRow, LabRow, MachineRow

# How long a printer's bed and nozzle take until they are warm, where nobody says it.
HEAT_UP_S = 300.0
# Runs with a meter's reading that are averaged.
_LATELY = 10
_WATTS_OF_A_KWH_IN_A_SECOND = 3_600_000.0


class LabRules(Asked):
    """A lab's hours by its own clock, and the power (W) that its machines may draw together.

    Without `open` it is always open, without `quiet` never quiet. It is booked in `time_zone`, too.
    With `shared_plates` jobs of several orders are printed on one plate, where they go together.
    """

    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    open: Week | None = None
    quiet: Week | None = None
    closed_days: Annotated[tuple[date, ...], Field(max_length=400)] = ()
    power_limit_w: Power | None = None
    shared_plates: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """Where its clock is."""
        return ZoneInfo(self.time_zone)


class MachineRules(Asked):
    """A machine's own hours and power; what is None is the lab's, or its profile's.

    `unattended`: it may run while the lab is closed. `loud`: it rests in quiet hours.
    """

    open: Week | None = None
    quiet: Week | None = None
    unattended: bool = False
    loud: bool = False
    heat_up_w: Power | None = None
    run_w: Power | None = None
    heat_up_s: Annotated[float, plausible(0, 7200, "s")] | None = None


# As they were written: dates are texts there.
_LAB, _MACHINE = TypeAdapter(LabRules), TypeAdapter(MachineRules)


def of_lab(lab: LabRow) -> LabRules:
    """The lab's rules; without any it is always open."""
    said = {**(lab.rules or {}), "time_zone": lab.time_zone}
    return _LAB.validate_python(said, strict=False)


def of_machine(machine: MachineRow) -> MachineRules:
    """The machine's own rules."""
    return _MACHINE.validate_python(machine.rules or {}, strict=False)


def set_lab(session: Session, lab: LabRow, wanted: LabRules) -> None:
    """The lab keeps to these rules; where no zone is named it stays in its own.

    InvalidInput for a time zone that there is not, and for a limit below every machine.
    """
    if "time_zone" in wanted.model_fields_set:
        zones.move(lab, wanted.time_zone, field="time_zone")
    limit_w = wanted.power_limit_w
    if limit_w is not None:
        _require_one_can_start(session, lab, limit_w)
    lab.rules = wanted.model_dump(mode="json", exclude_none=True, exclude={"time_zone"})
    session.add(lab)
    session.flush()


def set_machine(session: Session, machine: MachineRow, wanted: MachineRules) -> None:
    """The machine keeps to these rules.

    InvalidInput where its profile says that nobody may leave it alone, and the rules that one may.
    """
    profile = MachineProfile.model_validate(machine.profile)
    if wanted.unattended and profile.attended_only:
        raise _wrong(
            "unattended",
            f"{machine.name}'s own profile says that it is never left alone: set "
            "attended_only = false in its agent.toml first, if that is safe",
        )
    machine.rules = wanted.model_dump(mode="json", exclude_none=True)
    session.add(machine)
    session.flush()


def _require_one_can_start(session: Session, lab: LabRow, limit_w: float) -> None:
    machines = session.exec(select(MachineRow).where(MachineRow.lab_id == lab.id)).all()
    draws = [(draw.most_w, it.name) for it in machines if (draw := draw_of(session, it))]
    if draws and limit_w < min(draws)[0]:
        least_w, name = min(draws)
        raise _wrong(
            "power_limit_w",
            f"under {limit_w:g} W no machine could ever start: {name} draws least, "
            f"{least_w:g} W; give at least that, or say what it really draws",
        )


def _wrong(field: str, problem: str) -> InvalidInput:
    found = FieldProblem(field, problem)
    return InvalidInput(str(found), [found])


def draw_of(session: Session, machine: MachineRow) -> Draw | None:
    """What the machine draws: as a manager said, else as its meter did, else by its rated power.

    None where nobody knows it.
    """
    return draws_of(session, [machine])[machine.id]


def draws_of(session: Session, machines: Collection[MachineRow]) -> dict[str, Draw | None]:
    """What each of the machines draws, by id."""
    return {it.id: _draw(it, _measured_w(session, it.id)) for it in machines}


def _draw(machine: MachineRow, measured_w: float | None) -> Draw | None:
    said, profile = of_machine(machine), MachineProfile.model_validate(machine.profile)
    rated_w, printed = profile.rated_power_w, profile.process is Process.FDM
    heat_up_w = said.heat_up_w or rated_w or said.run_w or measured_w
    if heat_up_w is None:
        return None
    rated_run_w = rated_w * FDM_SHARE_OF_RATED_POWER if rated_w and printed else rated_w
    run_w = said.run_w or measured_w or rated_run_w or heat_up_w
    usual_s = HEAT_UP_S if printed else 0.0
    return Draw(heat_up_w, run_w, usual_s if said.heat_up_s is None else said.heat_up_s)


def _measured_w(session: Session, machine_id: str) -> float | None:
    """Mean power (W) of the last runs that a meter has told of; None without any."""
    run = col(AttemptRow.run)
    energy_kwh, ran_s = run["energy_kwh"].as_float(), run["ran_s"].as_float()
    told = session.exec(
        select(energy_kwh, ran_s)
        .where(AttemptRow.machine_id == machine_id, energy_kwh.is_not(None), ran_s > 0)
        .where(col(AttemptRow.led_by).is_(None))
        .order_by(col(AttemptRow.fence).desc())
        .limit(_LATELY)
    ).all()
    whole_s = sum(float(seconds) for _, seconds in told)
    whole_kwh = sum(float(kwh) for kwh, _ in told)
    return whole_kwh * _WATTS_OF_A_KWH_IN_A_SECOND / whole_s if whole_s else None
