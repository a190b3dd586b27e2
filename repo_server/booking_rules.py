"""What a lab lets people book, and in which time zone it lives."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import Session

from commons.bookings import Rules
from commons.wire import Asked
from repo_server import zones
from repo_server.tables import BookingRulesRow, LabRow

_DAY_MINUTES = 24 * 60
_USUAL = Rules()


class BookingRules(Asked):
    """As a manager says them. `no_show_minutes` null: who does not come keeps the machine. The time
    zone is the lab's, for its hours as well."""

    longest_minutes: Annotated[int, Field(ge=5, le=14 * _DAY_MINUTES)] = _USUAL.longest_minutes
    ahead_days: Annotated[int, Field(ge=0, le=366)] = _USUAL.ahead_days
    open_at_once: Annotated[int, Field(ge=0, le=100)] = _USUAL.open_at_once
    no_show_minutes: Annotated[int, Field(ge=1, le=_DAY_MINUTES)] | None = _USUAL.no_show_minutes
    time_zone: Annotated[str, Field(max_length=60)] = _USUAL.time_zone


def rules_of(session: Session, lab_id: str) -> Rules:
    """The lab's rules; the usual ones where nobody has said any."""
    row = session.get(BookingRulesRow, lab_id)
    said = {} if row is None else row.model_dump(exclude={"lab_id"})
    return Rules(**said, time_zone=session.get_one(LabRow, lab_id).time_zone)


def set_rules(session: Session, lab_id: str, wanted: BookingRules) -> Rules:
    """These are the lab's rules from now on; bookings that there are stay, and so does the zone
    where none is named.

    InvalidInput for a time zone that is not known, with the nearest names.
    """
    if "time_zone" in wanted.model_fields_set:
        lab = session.get_one(LabRow, lab_id)
        zones.move(lab, wanted.time_zone, field="time_zone")
        session.add(lab)
    said = wanted.model_dump(exclude={"time_zone"})
    session.merge(BookingRulesRow(lab_id=lab_id, **said))
    session.flush()
    return rules_of(session, lab_id)


def zone_of(rules: Rules) -> ZoneInfo:
    """The lab's time zone."""
    return ZoneInfo(rules.time_zone)
