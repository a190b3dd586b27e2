"""Labs: founding one, its members, and the codes that let agents in."""

from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.machine import Process
from commons.wire import Asked, Told
from repo_server import enrolment, labs, portraits
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.portraits import Portrait
from repo_server.tables.people import LabRole

bp = Blueprint("api_labs", __name__, url_prefix="/api/v1")

Text = Annotated[str, Field(max_length=80)]


class NewMember(Asked):
    handle: Text
    role: LabRole


class WantedLabs(From):
    q: Annotated[str, Field(max_length=200, description="part of a lab's or city's name")] = ""
    city: Annotated[str, Field(max_length=80, description="a city's slug")] = ""
    process: Annotated[Process | None, Field(description="some machine can do this")] = None


class LabShown(Told):
    lab: Portrait


class LabListed(Told):
    slug: str
    name: str
    city: str
    machines: int


class LabsListed(Told):
    labs: tuple[LabListed, ...]


class MadeLab(Told):
    id: str
    slug: str
    name: str


class MembersListed(Told):
    members: tuple[labs.MemberLine, ...]


class MadeCode(Told):
    code: str
    ends_at: AwareDatetime


class AgentsListed(Told):
    agents: tuple[enrolment.AgentLine, ...]


@bp.get("/labs")
@auth.public
@answers({200: LabsListed}, refuses=(404,))
def list_labs(query: WantedLabs) -> ResponseReturnValue:
    """200 with the labs that are looked for, by city and name; `Link` leads to those behind."""
    wanted = portraits.WantedLabs(query.q, query.city, query.process)
    with reading(current_app.extensions["engine"]) as session:
        found = portraits.find_labs(session, wanted, query.stretch)
    lines = tuple(
        LabListed(slug=it.slug, name=it.name, city=it.city_slug, machines=it.machines)
        for it in found.entries
    )
    return with_next(write(LabsListed(labs=lines)), found.after)


@bp.get("/labs/<lab>")
@auth.public
@answers({200: LabShown})
def show_lab(lab: str) -> ResponseReturnValue:
    """200 with where the lab is, its machines, and what was made there."""
    with reading(current_app.extensions["engine"]) as session:
        return write(LabShown(lab=portraits.show_lab(session, lab)))


@bp.post("/labs")
@auth.signed_in(Scope.LAB_MANAGE)
@answers({201: MadeLab}, refuses=(404, 409), keyed=True)
def create_lab(asked: labs.NewLab) -> ResponseReturnValue:
    """201 with the new lab, whose first manager is who asks; 409 when its slug is taken."""
    by = auth.current_person().id

    def make(session: Session, _now: datetime) -> tuple[int, MadeLab]:
        lab = labs.create_lab(session, asked, by=by)
        return 201, MadeLab(id=lab.id, slug=lab.slug, name=lab.name)

    return made_once(make)


@bp.post("/labs/<lab>/members")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None}, refuses=(409,))
def set_member(lab: str, asked: NewMember) -> ResponseReturnValue:
    """204; the person has this role in the lab."""
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        labs.set_role(session, lab_id=lab_id, handle=asked.handle, role=asked.role)
    return "", 204


@bp.put("/labs/<lab>/place")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_place(lab: str, asked: labs.Place) -> ResponseReturnValue:
    """204; the lab is at this place."""
    with transaction(current_app.extensions["engine"]) as session:
        labs.set_place(session, lab, asked)
    return "", 204


@bp.get("/labs/<lab>/members")
@auth.lab_role(LabRole.MANAGER)
@answers({200: MembersListed})
def list_members(lab: str, query: From) -> ResponseReturnValue:
    """200 with those who have a role in the lab, by handle; `Link` leads to those behind."""
    with reading(current_app.extensions["engine"]) as session:
        found = labs.list_members(session, labs.lab_of(session, lab).id, query.stretch)
    return with_next(write(MembersListed(members=tuple(found.entries))), found.after)


@bp.post("/labs/<lab>/enrolment-codes")
@auth.lab_role(LabRole.MANAGER)
@answers({201: MadeCode})
def create_enrolment_code(lab: str) -> ResponseReturnValue:
    """201 with a code that lets one agent in, once, within ten minutes; it is shown this once."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        code = enrolment.make_code(session, lab_id=lab_id, by=by, now=now)
    return write(MadeCode(code=code, ends_at=now + enrolment.CODE_LIFE)), 201


@bp.get("/labs/<lab>/agents")
@auth.lab_role(LabRole.MANAGER)
@answers({200: AgentsListed})
def list_agents(lab: str, query: From) -> ResponseReturnValue:
    """200 with the lab's agents by name: those that may speak, and revoked ones nobody replaced;
    `Link` leads to those behind."""
    with reading(current_app.extensions["engine"]) as session:
        found = enrolment.list_agents(session, labs.lab_of(session, lab).id, query.stretch)
    return with_next(write(AgentsListed(agents=tuple(found.entries))), found.after)


@bp.post("/labs/<lab>/agents/<agent_id>/revoke")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def revoke_agent(lab: str, agent_id: str) -> ResponseReturnValue:
    """204; the agent may not speak for the lab's machines any more."""
    now = datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        enrolment.revoke(session, agent_id, lab_id=lab_id, now=now)
    return "", 204
