"""The page that says of each part whether it can be made: what hinders it, and who has room."""

import json
from dataclasses import dataclass

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from commons.machine import Process
from commons.texts import later
from repo_server import designs, making, matches, repairs, stewards
from repo_server.api import auth
from repo_server.db import reading
from repo_server.designs import Release
from repo_server.making import Lying, Room
from repo_server.matches import Buildable
from repo_server.mesh_facts import MeshFacts, mesh_facts
from repo_server.parsing import is_mesh
from repo_server.repairs import Repair
from repo_server.web.languages import Texts
from repo_server.web.parts import PartView, view_of
from repo_server.web.remarks import Remark, remarks_of
from repo_server.web.repairs import RepairView
from repo_server.web.repairs import view_of as view_of_repair

bp = Blueprint("making", __name__)

LYING_WORDS = Texts(
    {
        Lying.AS_DRAWN: later("It fits as drawn"),
        Lying.ON_ITS_FRONT: later("It fits when laid on its front or back"),
        Lying.ON_ITS_SIDE: later("It fits when laid on its side"),
    }
)


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of one part. `marks` are places by kind, as JSON for the viewer; `repair` is
    the copy that was asked for, and `may_repair` whether one can be asked for."""

    part: PartView
    remarks: list[Remark]
    marks: str
    rooms: list[Room]
    repair: RepairView | None
    may_repair: bool


@bp.get("/releases/<id>/making")
@auth.public
def show(id: str) -> ResponseReturnValue:
    """Each part that a machine can be fed with: what hinders it, what it takes, who has room."""
    me = auth.current().person
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
        parts = matches.buildables(
            session, [(release.id, it.name) for it in release.manifest.parts]
        )
        benches = {
            process: making.benches(session, process, to=me.id if me else None)
            for process in {it.process for it in parts.values()}
        }
        copies = repairs.of_release(session, release)
        mine = me is not None and stewards.design_of(session, release.slug).steward_id == me.id
    reports = [
        _report(release, it, making.rooms(it, benches[it.process]), copies.get(it.part.name))
        for it in parts.values()
    ]
    return render_template(
        "making.html", release=release, reports=reports, mine=mine, LYING_WORDS=LYING_WORDS
    )


def _report(release: Release, it: Buildable, rooms: list[Room], copy: Repair | None) -> Report:
    file = release.fed(it.part)
    facts = mesh_facts(file.facts) if file and it.process is Process.FDM else None
    return Report(
        part=view_of(it.part, release),
        remarks=remarks_of(facts) if facts else [],
        marks=_marks(facts),
        rooms=rooms,
        repair=view_of_repair(copy) if copy else None,
        may_repair=bool(file and file.problem and file.facts and is_mesh(file.path)),
    )


def _marks(facts: MeshFacts | None) -> str:
    if facts is None or facts.printability is None:
        return "{}"
    it = facts.printability
    marks = {"walls": it.walls.places, "gaps": it.gaps.places, "hanging": it.hanging}
    return json.dumps({kind: places for kind, places in marks.items() if places})
