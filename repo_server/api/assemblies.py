"""What an object takes: its bill of materials, and the whole list with its components' bills."""

from dataclasses import asdict

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from commons.bom import BomLine
from repo_server import assemblies, licensing
from repo_server.api import auth
from repo_server.api.comparisons import read_blob
from repo_server.assemblies import Assembly
from repo_server.db import reading

bp = Blueprint("api_assemblies", __name__, url_prefix="/api/v1")


@bp.get("/releases/<id>/bom")
@auth.public
def show_bom(id: str) -> ResponseReturnValue:
    """200 with the release's own lines, and with all that one object needs."""
    assembly = assembly_of(id)
    return jsonify(
        lines=[_line(assembly, it) for it in assembly.lines],
        needs=[{**asdict(it), "labs": assembly.labs.get(it.source, ())} for it in assembly.needs],
        licence=licensing.kept(assembly.together) if assembly.together else None,
        is_whole=assembly.is_whole,
    )


def assembly_of(release_id: str) -> Assembly:
    """The release as an assembly; its bills are read from the store."""
    with reading(current_app.extensions["engine"]) as session:
        return assemblies.show_assembly(session, release_id, read=read_blob)


def _line(assembly: Assembly, line: BomLine) -> dict[str, object]:
    component = assembly.component(assembly.release.id, line)
    return {**asdict(line), "component": asdict(component) if component else None}
