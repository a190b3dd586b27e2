"""What an object takes: its bill of materials, and the whole list with its components' bills."""

from dataclasses import asdict

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.bom import BomLine, How, Origin
from commons.wire import Told
from repo_server import assemblies, licensing
from repo_server.api import auth
from repo_server.api.comparisons import read_blob
from repo_server.api.contract import answers
from repo_server.api.licences import LicenceAnswer
from repo_server.api.messages import write
from repo_server.assemblies import Assembly, Component
from repo_server.db import reading

bp = Blueprint("api_assemblies", __name__, url_prefix="/api/v1")


class BomLineShown(Told):
    """A line of the bill; `component` is the release of another design that it stands for."""

    number: int
    item: str
    quantity: float | None
    unit: str
    origin: Origin
    target: str
    version: str | None
    material: str
    component: Component | None


class NeedShown(Told):
    """What one object needs of one thing; `labs` have it in stock."""

    how: How
    item: str
    material: str
    quantity: float | None
    unit: str
    source: str
    title: str
    labs: tuple[str, ...]


class BomShown(Told):
    """`needs` is the whole list with the bills of its components; `is_whole`: none is missing."""

    lines: tuple[BomLineShown, ...]
    needs: tuple[NeedShown, ...]
    licence: LicenceAnswer | None
    is_whole: bool


@bp.get("/releases/<id>/bom")
@auth.public
@answers({200: BomShown})
def show_bom(id: str) -> ResponseReturnValue:
    """200 with the release's own lines, and with all that one object needs."""
    assembly = assembly_of(id)
    together = licensing.kept(assembly.together) if assembly.together else None
    return write(
        BomShown(
            lines=tuple(_line(assembly, it) for it in assembly.lines),
            needs=tuple(
                NeedShown(**asdict(it), labs=assembly.labs.get(it.source, ()))
                for it in assembly.needs
            ),
            licence=None if together is None else LicenceAnswer.model_validate(together),
            is_whole=assembly.is_whole,
        )
    )


def assembly_of(release_id: str) -> Assembly:
    """The release as an assembly; its bills are read from the store."""
    with reading(current_app.extensions["engine"]) as session:
        return assemblies.show_assembly(session, release_id, read=read_blob)


def _line(assembly: Assembly, line: BomLine) -> BomLineShown:
    return BomLineShown(**asdict(line), component=assembly.component(assembly.release.id, line))
