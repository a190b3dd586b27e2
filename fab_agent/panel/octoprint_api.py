"""What slicers ask of a host that they take for OctoPrint: to be it, and to take their programs.

`print` means that the program is queued in the lab; nothing starts by it. Without it the program
is kept, and somebody queues it on the page of programs. The answers are those of OctoPrint 1.11.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import PurePosixPath
from typing import ParamSpec

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from commons.errors import Conflict, FabError, InvalidInput, NotAllowed, NotFound
from commons.own_programs import MAX_PROGRAM_BYTES, SUFFIXES
from fab_agent.panel import gate
from fab_agent.panel.drops import REFUSED, Drop, Drops
from fab_agent.panel.slicer_keys import SlicerKeys
from fab_agent.repository import Repository, new_client

bp = Blueprint("octoprint_api", __name__, url_prefix="/api")

P = ParamSpec("P")
# What slicers compare; the second part says whom they really talk with.
_VERSION, _TEXT = "1.11.0", "OctoPrint 1.11.0 (Cosmolocal)"
_FORM_BYTES = 64 * 1024
_NO_KEY = (
    "this takes a key of yours in X-Api-Key, from `cosmo agent key add HANDLE` beside the machines"
)


def with_key(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """The view is for whoever has a key of the lab; 403 for all others, as OctoPrint answers."""

    @gate.for_programs
    @wraps(view)
    def inside(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        secret = request.headers.get("X-Api-Key", "").strip() or bearer
        g.holder = SlicerKeys(gate.desk().folder).holder_of(secret) if secret else None
        if g.holder is None:
            return {"error": _NO_KEY}, 403
        try:
            return view(*args, **kwargs)
        except RequestEntityTooLarge:
            return {"error": f"a program has at most {MAX_PROGRAM_BYTES // 2**20} MB"}, 413
        except FabError as refused:
            return {"error": str(refused)}, _status_of(refused)

    return inside


def _status_of(refused: FabError) -> int:
    """OctoPrint's own: a file that is none is 415."""
    statuses = ((InvalidInput, 415), (NotAllowed, 403), (NotFound, 403), (Conflict, 409))
    return next((status for kind, status in statuses if isinstance(refused, kind)), 503)


@bp.get("/version")
@with_key
def version() -> ResponseReturnValue:
    """200 with what is spoken here: the first thing that a slicer asks."""
    return {"api": "0.1", "server": _VERSION, "text": _TEXT}


@bp.get("/server")
@with_key
def server() -> ResponseReturnValue:
    """200 with the version that is spoken."""
    return {"version": _VERSION, "safemode": None}


@bp.get("/printer")
@with_key
def printer() -> ResponseReturnValue:
    """200: it is ready to take a program, for a queue always is."""
    ready = {
        "operational": True, "ready": True, "printing": False, "paused": False, "pausing": False,
        "cancelling": False, "finishing": False, "resuming": False, "error": False,
        "closedOrError": False, "sdReady": False,
    }  # fmt: skip
    return {
        "temperature": {},
        "sd": {"ready": False},
        "state": {"text": "Operational", "flags": ready, "error": ""},
    }


@bp.get("/settings")
@with_key
def settings() -> ResponseReturnValue:
    """200: Cura asks before it connects. There is no card to store programs on, and no camera."""
    return {"feature": {"sdSupport": False}, "webcam": {"streamUrl": ""}, "plugins": {}}


@bp.get("/job")
@with_key
def job() -> ResponseReturnValue:
    """200: nothing is selected; what the machines do is on the panel's page."""
    nothing = {"completion": None, "filepos": None, "printTime": None, "printTimeLeft": None}
    return {"job": {"file": {"name": None}}, "progress": nothing, "state": "Operational"}


@bp.get("/files")
@bp.get("/files/local")
@with_key
def files() -> ResponseReturnValue:
    """200 with the programs that the key's holder dropped."""
    mine = [drop for drop in _drops().all() if drop.by == g.holder]
    return {"files": [_entry(drop) for drop in mine], "free": None, "total": None}


@bp.get("/files/local/<name>")
@with_key
def file(name: str) -> ResponseReturnValue:
    """200 with the newest of the holder's programs of this name; 404 without any."""
    for drop in _drops().all():
        if (drop.by, drop.name) == (g.holder, name):
            return _entry(drop)
    return {"error": "File not found"}, 404


@bp.post("/files/local")
@with_key
def take_program() -> ResponseReturnValue:
    """201: the program is kept, and with `print` in the lab's queue, or told to the server as soon
    as that is back. `effectivePrint` says whether it is in the queue by now.

    400 without a file, 403 where its holder may not bring programs, 409 where no machine could run
    it, 413 when it is too large, 415 when it is no program.
    """
    request.max_content_length = MAX_PROGRAM_BYTES + _FORM_BYTES
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return {"error": "No file to upload and no folder to create"}, 400
    name = _name(sent.filename)
    wanted = request.form.get("print", "").strip().lower() in ("true", "1", "yes", "on")
    drops = _drops()
    drop, _ = drops.keep(sent.stream, name=name, by=g.holder, wanted=wanted, now=gate.desk().now())
    if drop.waits:
        drop = _told(drops, drop)
    answer = {
        "files": {"local": _entry(drop)},
        "done": True,
        "effectiveSelect": False,
        "effectivePrint": drop.order_id is not None,
    }
    at = url_for("octoprint_api.file", name=drop.name, _external=True)
    return answer, 201, {"Location": at}


def _told(drops: Drops, drop: Drop) -> Drop:
    """The drop after the server was told, or as it is while that does not answer.

    What the server refuses raises as it does: whoever sent it is told why.
    """
    with new_client() as http:
        try:
            return drops.tell(drop, Repository(gate.desk().identity, http))
        except REFUSED:
            raise
        except FabError:
            return drop


def _drops() -> Drops:
    return gate.desk().drops


def _name(given: str) -> str:
    name = PurePosixPath(given.replace("\\", "/")).name.strip()[-120:]
    if not name.isprintable() or not name.lower().endswith(SUFFIXES):
        raise InvalidInput(f"'{name[:80]}' is not the name of a program: {', '.join(SUFFIXES)}")
    return name


def _entry(drop: Drop) -> dict[str, object]:
    """The program as OctoPrint lists files; the rest says what became of it in the lab."""
    return {
        "name": drop.name,
        "path": drop.name,
        "display": drop.name,
        "type": "machinecode",
        "typePath": ["machinecode", "gcode"],
        "origin": "local",
        "date": int(drop.at.timestamp()),
        "size": drop.size,
        "refs": {"resource": url_for("octoprint_api.file", name=drop.name, _external=True)},
        "cosmolocal": {"id": drop.id, "order_id": drop.order_id, "refused": drop.refused},
    }
