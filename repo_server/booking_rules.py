"""What a lab lets people book, and in which time zone it lives."""

from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field
from sqlmodel import Session

from commons.bookings import Rules
from commons.errors import FieldProblem, InvalidInput
from commons.texts import filled
from commons.wire import Asked
from repo_server.tables import BookingRulesRow

_DAY_MINUTES = 24 * 60
_USUAL = Rules()


class BookingRules(Asked):
    """As a manager says them. `no_show_minutes` null: who does not come keeps the machine."""

    longest_minutes: Annotated[int, Field(ge=5, le=14 * _DAY_MINUTES)] = _USUAL.longest_minutes
    ahead_days: Annotated[int, Field(ge=0, le=366)] = _USUAL.ahead_days
    open_at_once: Annotated[int, Field(ge=0, le=100)] = _USUAL.open_at_once
    no_show_minutes: Annotated[int, Field(ge=1, le=_DAY_MINUTES)] | None = _USUAL.no_show_minutes
    time_zone: Annotated[str, Field(max_length=60)] = _USUAL.time_zone


def rules_of(session: Session, lab_id: str) -> Rules:
    """The lab's rules; the usual ones where nobody has said any."""
    row = session.get(BookingRulesRow, lab_id)
    return Rules() if row is None else Rules(**row.model_dump(exclude={"lab_id"}))


def set_rules(session: Session, lab_id: str, wanted: BookingRules) -> Rules:
    """These are the lab's rules from now on; bookings that there are stay.

    InvalidInput for a time zone that is not known, with the nearest names.
    """
    _require_zone(wanted.time_zone)
    row = session.get(BookingRulesRow, lab_id) or BookingRulesRow(lab_id=lab_id, **asdict(Rules()))
    for name, value in wanted.model_dump().items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return rules_of(session, lab_id)


def zone_of(rules: Rules) -> ZoneInfo:
    """The lab's time zone."""
    return ZoneInfo(rules.time_zone)


def _require_zone(name: str) -> None:
    known = available_timezones()
    if name in known:
        return
    near = get_close_matches(name, known, 3, 0.5) or ["Europe/Berlin"]
    problem = FieldProblem(
        "time_zone",
        filled(
            "'%(name)s' is not known: did you mean %(near)s?", name=name, near=" or ".join(near)
        ),
    )
    raise InvalidInput(str(problem), [problem])
