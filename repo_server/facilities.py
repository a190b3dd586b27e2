"""Labs in and out as Open Know-Where."""

from sqlmodel import Session

from commons.content import canonical_json
from commons.facility import Brought, Facility, Form, read_facility, say_tables, say_v1
from commons.machine import MachineProfile
from repo_server import labs, matches
from repo_server.tables import CityRow, LabRow


def show_facility(session: Session, lab: str, form: Form) -> dict[str, object]:
    """The lab as OKW: what was brought, and what is known here; NotFound when there is no lab."""
    row = labs.lab_of(session, lab)
    brought = None if row.okw is None else read_facility(row.okw)
    say = say_v1 if form is Form.V1 else say_tables
    return say(_facility(session, row), brought)


def bring_facility(session: Session, lab: str, data: object) -> Brought:
    """The lab is called and lies as the facility in `data`, whose words are kept as they are.

    Machines come from agents alone: brought equipment is shown in OKW, and is given no job.
    InvalidInput when the facility cannot be taken; nothing is changed then.
    """
    brought = read_facility(data)
    canonical_json(brought.data)  # what JSON cannot say exactly could not come out as it came in
    row = labs.lab_of(session, lab)
    row.name = brought.name
    row.okw = brought.data
    if brought.position is not None:
        row.latitude, row.longitude = brought.position
    session.add(row)
    session.flush()
    return brought


def _facility(session: Session, row: LabRow) -> Facility:
    city = session.get_one(CityRow, row.city_id)
    profiles = [
        MachineProfile.model_validate(machine.profile)
        for machine, _ in matches.machines_of(session, row.id)
    ]
    real = tuple(profile for profile in profiles if not profile.simulated)
    return Facility(row.name, city.name, city.country, row.latitude, row.longitude, real)
