"""Events of a lab: what people write down beside what machines tell, and all of it to read."""

from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons import wire
from commons.activities import Kind
from commons.flows import Action, Ring
from commons.happenings import Happening
from repo_server import happenings, labs
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.happenings import Rightly, Told, Which
from repo_server.tables.people import LabRole

bp = Blueprint("api_happenings", __name__, url_prefix="/api/v1")


class NewEvent(wire.Asked):
    event: Happening


class WhichEvents(From):
    """Only events of this action, ring, kind of activity, attempt or activity, or time."""

    action: Action | None = None
    ring: Ring | None = None
    kind: Kind | None = None
    process: Annotated[str, Field(max_length=64)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class EventsTold(wire.Told):
    events: tuple[Told, ...]


class EventTold(wire.Told):
    event: Told


@bp.post("/labs/<lab>/economic-events")
@auth.lab_role(LabRole.MEMBER)
@answers({201: EventsTold}, keyed=True)
def record_event(lab: str, asked: NewEvent) -> ResponseReturnValue:
    """201 with the events that what happened stands for."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, EventsTold]:
        lab_id = labs.lab_of(session, lab).id
        made = happenings.record(session, asked.event, lab_id=lab_id, by=by, now=now)
        return 201, EventsTold(events=made)

    return made_once(make)


@bp.get("/labs/<lab>/economic-events")
@auth.lab_role(LabRole.MEMBER)
@answers({200: EventsTold})
def list_events(lab: str, query: WhichEvents) -> ResponseReturnValue:
    """200 with the lab's events, the latest first; `Link` leads on."""
    which = Which(query.action, query.ring, query.kind, query.process, query.since, query.until)
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = happenings.of_lab(session, lab_id, which, query.stretch)
    return with_next(write(EventsTold(events=tuple(found.entries))), found.after)


@bp.post("/labs/<lab>/economic-events/<event_id>/correct")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: EventTold}, refuses=(409,))
def correct_event(lab: str, event_id: str, asked: Rightly) -> ResponseReturnValue:
    """200 with a further event, which makes the sum right; the first one stays."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        made = happenings.correct(session, event_id, asked, lab_id=lab_id, by=by, now=now)
    return write(EventTold(event=made))
