"""Labs: founding one, its members, its shelf, and the codes that let agents in."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.wire import Asked
from repo_server import enrolment, labs
from repo_server.api import auth
from repo_server.api.messages import read
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables import MaterialLotRow
from repo_server.tables.people import LabRole

bp = Blueprint("api_labs", __name__, url_prefix="/api/v1")

Text = Annotated[str, Field(max_length=80)]


class NewMember(Asked):
    handle: Text
    role: LabRole


class Loading(Asked):
    """Which lot is on the machine now; null when nothing is."""

    lot_id: Text | None


@bp.get("/labs")
@auth.public
def list_labs() -> ResponseReturnValue:
    """200 with every lab, by city and name."""
    with reading(current_app.extensions["engine"]) as session:
        lines = labs.list_labs(session)
    return jsonify(
        labs=[
            {"slug": it.slug, "name": it.name, "city": it.city_slug, "machines": it.machines}
            for it in lines
        ]
    )


@bp.post("/labs")
@auth.signed_in(Scope.LAB_MANAGE)
def create_lab() -> ResponseReturnValue:
    """201 with the new lab, whose first manager is who asks; 409 when its slug is taken."""
    wanted, by = read(labs.NewLab), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab = labs.create_lab(session, wanted, by=by)
    return jsonify(id=lab.id, slug=lab.slug, name=lab.name), 201


@bp.post("/labs/<lab>/members")
@auth.lab_role(LabRole.MANAGER)
def set_member(lab: str) -> ResponseReturnValue:
    """204; the person has this role in the lab."""
    asked = read(NewMember)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        labs.set_role(session, lab_id=lab_id, handle=asked.handle, role=asked.role)
    return "", 204


@bp.put("/labs/<lab>/place")
@auth.lab_role(LabRole.MANAGER)
def set_place(lab: str) -> ResponseReturnValue:
    """204; the lab is at this place."""
    asked = read(labs.Place)
    with transaction(current_app.extensions["engine"]) as session:
        labs.set_place(session, lab, asked)
    return "", 204


@bp.get("/labs/<lab>/members")
@auth.lab_role(LabRole.MANAGER)
def list_members(lab: str) -> ResponseReturnValue:
    """200 with everybody who has a role in the lab."""
    with reading(current_app.extensions["engine"]) as session:
        members = labs.list_members(session, labs.lab_of(session, lab).id)
    return jsonify(members=[asdict(member) for member in members])


@bp.get("/labs/<lab>/lots")
@auth.public
def list_lots(lab: str) -> ResponseReturnValue:
    """200 with the lab's lots of material."""
    with reading(current_app.extensions["engine"]) as session:
        lots = labs.list_lots(session, labs.lab_of(session, lab).id)
    return jsonify(lots=[_shown(lot) for lot in lots])


@bp.post("/labs/<lab>/lots")
@auth.lab_role(LabRole.MANAGER)
def create_lot(lab: str) -> ResponseReturnValue:
    """201 with the new lot."""
    wanted = read(labs.NewLot)
    with transaction(current_app.extensions["engine"]) as session:
        lot = labs.add_lot(session, wanted, lab_id=labs.lab_of(session, lab).id)
    return jsonify(_shown(lot)), 201


@bp.post("/labs/<lab>/machines/<machine_id>/lot")
@auth.lab_role(LabRole.OPERATOR)
def load_lot(lab: str, machine_id: str) -> ResponseReturnValue:
    """204; the lot is on the machine. 409 while the machine holds a job."""
    asked = read(Loading)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        labs.load_lot(session, machine_id, asked.lot_id, lab_id=lab_id)
    return "", 204


@bp.post("/labs/<lab>/enrolment-codes")
@auth.lab_role(LabRole.MANAGER)
def create_enrolment_code(lab: str) -> ResponseReturnValue:
    """201 with a code that lets one agent in, once, within ten minutes; it is shown this once."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        code = enrolment.make_code(session, lab_id=lab_id, by=by, now=now)
    return jsonify(code=code, ends_at=(now + enrolment.CODE_LIFE).isoformat()), 201


@bp.get("/labs/<lab>/agents")
@auth.lab_role(LabRole.MANAGER)
def list_agents(lab: str) -> ResponseReturnValue:
    """200 with the lab's agents: those that may speak, and revoked ones nobody replaced."""
    with reading(current_app.extensions["engine"]) as session:
        lines = enrolment.list_agents(session, labs.lab_of(session, lab).id)
    return jsonify(agents=[_told(line) for line in lines])


@bp.post("/labs/<lab>/agents/<agent_id>/revoke")
@auth.lab_role(LabRole.MANAGER)
def revoke_agent(lab: str, agent_id: str) -> ResponseReturnValue:
    """204; the agent may not speak for the lab's machines any more."""
    now = datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        enrolment.revoke(session, agent_id, lab_id=lab_id, now=now)
    return "", 204


def _told(line: enrolment.AgentLine) -> dict[str, object]:
    """The line as JSON, its instants as ISO 8601."""
    values = asdict(line).items()
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values}


def _shown(lot: MaterialLotRow) -> dict[str, object]:
    return lot.model_dump(mode="json", exclude={"lab_id"})
