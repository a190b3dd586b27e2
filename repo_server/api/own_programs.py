"""Programs that people bring, by themselves or through their lab's agent, and who may."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated

from flask import Blueprint, current_app, request, send_file
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, BeforeValidator, Field
from sqlmodel import Session

from commons.own_programs import MAX_PROGRAM_BYTES, BroughtProgram, ProgramTraits
from commons.wire import Asked, Id, Told
from repo_server import idempotency, labs, own_programs, people, program_rights
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import check, write
from repo_server.api.once import KEY_HEADER
from repo_server.api.orders import OrderShown, shown_order
from repo_server.api.programs import kept_apart
from repo_server.blobs import Blob, BlobStore
from repo_server.db import reading, transaction
from repo_server.files_site import UNKNOWN
from repo_server.own_programs import ProgramRequest
from repo_server.pouring import Readable
from repo_server.program_rights import RightLine
from repo_server.tables.people import LabRole

bp = Blueprint("api_own_programs", __name__, url_prefix="/api/v1")

_BYTES = Raw(UNKNOWN)


def _several(given: object) -> object:
    """What stands once in an address is a list of one."""
    return (given,) if isinstance(given, str) else given


class WantedProgram(Asked):
    """What is said of the program that is the request's body."""

    name: Annotated[str, Field(max_length=255, description="what its file is called")]
    copies: Annotated[int, Field(ge=1, le=own_programs.MAX_COPIES)] = 1
    material: Annotated[str, Field(max_length=40, description="without it, the slicer's")] = ""
    deadline: AwareDatetime | None = None
    not_before: AwareDatetime | None = None
    urgent_because: Annotated[str, Field(max_length=200)] = ""
    machines: Annotated[tuple[Id, ...], BeforeValidator(_several), Field(max_length=64)] = ()
    attended_only: bool = False
    after: Id | None = None

    @property
    def request(self) -> ProgramRequest:
        """The same as a request, checked."""
        said = self.model_dump(exclude_none=True)
        names = ("deadline", "not_before", "urgent_because")
        when = {name: said.pop(name) for name in names if said.get(name)}
        others = ("name", "copies", "material", "machines", "attended_only", "after")
        values = {name: said[name] for name in others if said.get(name)}
        return check(ProgramRequest, {**values, "when": when})


class BroughtFor(Asked):
    """What an agent says of the program that is the request's body: who brought it to its panel.
    Under one key it is one order, however often it comes."""

    name: Annotated[str, Field(max_length=255)]
    by: Annotated[str, Field(max_length=80, description="the handle of whoever brought it")]
    key: Annotated[str, Field(min_length=8, max_length=64)]


class RightsListed(Told):
    rights: tuple[RightLine, ...]


@bp.post("/labs/<lab>/programs")
@auth.lab_role(LabRole.MEMBER, max_bytes=MAX_PROGRAM_BYTES)
@answers({201: OrderShown}, refuses=(409,), keyed=True, takes=_BYTES)
def bring_program(lab: str, query: WantedProgram) -> ResponseReturnValue:
    """201 with the order of the program that is the body; 403 without the lab's right to bring one,
    422 when it is none, 409 when no machine there could run it.

    With an Idempotency-Key the same request is one order, however often it comes.
    """
    wanted, by = query.request, auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        program_rights.require(session, lab_id=lab_id, person_id=by)
    stored, traits = store_program(request.stream)
    answer = order_once(
        wanted, stored, traits, lab_id=lab_id, by=by, key=request.headers.get(KEY_HEADER)
    )
    return write(answer), 201


@bp.post("/agent/programs")
@auth.agent_sends(max_bytes=MAX_PROGRAM_BYTES)
@answers({201: BroughtProgram}, refuses=(404, 409), takes=_BYTES)
def bring_for(query: BroughtFor) -> ResponseReturnValue:
    """201 with the order of the program that is the body, in the name of whoever brought it to the
    agent; 403 when they may not, 404 when nobody has that handle."""
    agent = auth.current_agent()
    with reading(current_app.extensions["engine"]) as session:
        by = people.of_handle(session, query.by).id
        program_rights.require(session, lab_id=agent.lab_id, person_id=by)
    stored, traits = store_program(BytesIO(request.get_data()))
    wanted = check(ProgramRequest, {"name": query.name})
    shown = order_once(wanted, stored, traits, lab_id=agent.lab_id, by=by, key=query.key)
    return write(BroughtProgram(order_id=shown.order_id)), 201


@bp.get("/agent/programs/<sha256>")
@auth.agent
@answers({200: _BYTES, 206: _BYTES}, refuses=(416, 422))
def fetch_own_program(sha256: str) -> ResponseReturnValue:
    """200 with the program as it was brought to the agent's lab; 404 for any other."""
    with reading(current_app.extensions["engine"]) as session:
        own_programs.stored_for(session, sha256, agent_id=auth.current_agent().id)
    path = _store().path(sha256)
    return kept_apart(send_file(path, mimetype=UNKNOWN, conditional=True, etag=sha256))


@bp.get("/labs/<lab>/programmers")
@auth.lab_role(LabRole.MANAGER)
@answers({200: RightsListed})
def list_programmers(lab: str) -> ResponseReturnValue:
    """200 with who may bring programs of their own to the lab, and who might once; who said so."""
    with reading(current_app.extensions["engine"]) as session:
        found = program_rights.of_lab(session, labs.lab_of(session, lab).id)
    return write(RightsListed(rights=tuple(found)))


@bp.put("/labs/<lab>/programmers/<handle>")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def add_programmer(lab: str, handle: str) -> ResponseReturnValue:
    """204: the lab's member may bring programs of their own; that you said so is kept."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        program_rights.give(session, lab_id=lab_id, handle=handle, by=by, now=now)
    return "", 204


@bp.delete("/labs/<lab>/programmers/<handle>")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def remove_programmer(lab: str, handle: str) -> ResponseReturnValue:
    """204: the person may not do so any more; that you said so is kept, too."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        program_rights.take(session, lab_id=lab_id, handle=handle, by=by, now=now)
    return "", 204


def store_program(stream: Readable) -> tuple[Blob, ProgramTraits]:
    """The stream's bytes are in the program store, if they are a program; InvalidInput if not.

    What is refused stays without a name in the database: nobody can fetch it.
    """
    stored = _store().put(stream, max_bytes=MAX_PROGRAM_BYTES)
    return stored, own_programs.read_program(_store().path(stored.sha256))


def order_once(
    wanted: ProgramRequest,
    stored: Blob,
    traits: ProgramTraits,
    *,
    lab_id: str,
    by: str,
    key: str | None,
) -> OrderShown:
    """The order of a stored program, placed once under one key of one person."""
    now = datetime.now(UTC)

    def place(session: Session) -> OrderShown:
        placed = own_programs.place(session, wanted, stored, traits, lab_id=lab_id, by=by, now=now)
        return shown_order(placed)

    with transaction(current_app.extensions["engine"]) as session:
        if key is None:
            return place(session)
        asked = f"program\n{lab_id}\n{stored.sha256}\n{wanted.model_dump_json()}".encode()
        made = idempotency.Key(by, key, asked)
        _, kept = idempotency.once(
            session, made, lambda: (201, place(session).model_dump(mode="json")), now=now
        )
        return OrderShown.model_validate(kept)


def _store() -> BlobStore:
    store: BlobStore = current_app.extensions["programs"]
    return store
