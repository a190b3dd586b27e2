"""Repaired copies of meshes that are no bodies."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.wire import Asked, Sha256, Told
from repo_server import designs, repairs
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.lineage import BegunDraft, contents_of
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.ids import new_id
from repo_server.people import Scope
from repo_server.repair_facts import RepairFacts
from repo_server.repairs import Repair, State

bp = Blueprint("api_repairs", __name__, url_prefix="/api/v1")


class NewRepair(Asked):
    """The part whose mesh is to be repaired."""

    part: str


class CopyInDraft(Asked):
    """The part whose copy goes into a draft; with `use` the part is made from the copy there."""

    part: str
    use: bool = False


class RepairShown(Told):
    """`copy_sha256` is that of a 3MF file, and null while there is none."""

    part: str
    file: str
    state: State
    facts: RepairFacts | None
    problem: str | None
    copy_sha256: Sha256 | None


class RepairsListed(Told):
    repairs: tuple[RepairShown, ...]


@bp.post("/releases/<id>/repairs")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: RepairShown})
def ask_for_repair(id: str, asked: NewRepair) -> ResponseReturnValue:
    """200 with the copy as far as it is: it is made once, however often it is asked for."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        repair = repairs.ask(session, id, asked.part, by=by, now=now)
    return write(_shown(repair))


@bp.get("/releases/<id>/repairs")
@auth.public
@answers({200: RepairsListed})
def list_repairs(id: str) -> ResponseReturnValue:
    """200 with the copies that were asked for of the release's parts."""
    with reading(current_app.extensions["engine"]) as session:
        found = repairs.of_release(session, designs.show_release(session, id))
    return write(RepairsListed(repairs=tuple(_shown(it) for it in found.values())))


@bp.post("/releases/<id>/repairs/draft")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: BegunDraft}, refuses=(409,))
def put_repair_into_draft(id: str, asked: CopyInDraft) -> ResponseReturnValue:
    """200 with the draft that holds the copy, once, however often it is asked for."""
    return write(BegunDraft(draft_id=put_into_draft(id, asked.part, use=asked.use)))


def put_into_draft(id: str, part: str, *, use: bool) -> str:
    """The id of the draft, of the one who asks, that holds the copy."""
    by, now, engine = auth.current_person(), datetime.now(UTC), current_app.extensions["engine"]
    with reading(engine) as session:
        contents = contents_of(designs.show_release(session, id))
    with transaction(engine) as session:
        return repairs.put_into_draft(
            session, id, part, use=use, contents=contents, draft_id=new_id(), by=by, now=now
        )


def _shown(it: Repair) -> RepairShown:
    return RepairShown(
        part=it.part,
        file=it.file,
        state=it.state,
        facts=it.facts,
        problem=it.problem,
        copy_sha256=it.copy,
    )
