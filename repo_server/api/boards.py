"""A lab's board: as it stands, and as it changes."""

from hashlib import sha256

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from repo_server import labs
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.kept import KeptBoards
from repo_server.boards import Board
from repo_server.db import reading
from repo_server.streams import Look, Streams
from repo_server.walls import Wall, wall_of

bp = Blueprint("api_boards", __name__, url_prefix="/api/v1")


@bp.get("/labs/<lab>/board")
@auth.public
@answers({200: Board})
def show_board(lab: str) -> ResponseReturnValue:
    """200 with machines, jobs, and who waits for what."""
    return _board(lab)


@bp.get("/labs/<lab>/events")
@auth.public
@answers({200: Raw("text/event-stream")})
def stream_board(lab: str) -> ResponseReturnValue:
    """200 with server-sent events: the board (`event: board`) now and at each change."""
    kept = _boards()
    kept.read(lab)  # 404 while there is still a status to say it with

    def look() -> str:
        return f"event: board\ndata: {kept.read(lab).body.decode()}\n\n"

    return _stream(f"board of {lab}", look)


@bp.get("/labs/<lab>/wall")
@auth.public
@answers({200: Wall})
def show_wall(lab: str) -> ResponseReturnValue:
    """200 with what a screen on the wall shows: what to do next, machines, the first that wait."""
    body = wall_of(_boards().read(lab).board).model_dump_json().encode()
    return _kept(body, sha256(body).hexdigest()[:32])


@bp.get("/labs/<lab>/wall/events")
@auth.public
@answers({200: Raw("text/event-stream")})
def stream_wall(lab: str) -> ResponseReturnValue:
    """200 with server-sent events: `event: wall` now and whenever it shows something else."""
    kept = _boards()
    kept.read(lab)

    def look() -> str:
        shown = wall_of(kept.read(lab).board).model_dump_json()
        return f"event: wall\ndata: {sha256(shown.encode()).hexdigest()[:32]}\n\n"

    return _stream(f"wall of {lab}", look)


def _boards() -> KeptBoards:
    boards: KeptBoards = current_app.extensions["boards"]
    return boards


@bp.get("/agent/board")
@auth.agent
@answers({200: Board})
def show_own_board() -> ResponseReturnValue:
    """200 with the board of the agent's own lab, for its panel."""
    agent, engine = auth.current_agent(), current_app.extensions["engine"]
    with reading(engine) as session:
        slug = labs.slug_of(session, agent.lab_id)
    return _board(slug)


def _board(lab: str) -> Response:
    kept = _boards().read(lab)
    return _kept(kept.body, kept.etag)


def _kept(body: bytes, etag: str) -> Response:
    """The answer, or 304 to whoever has it already."""
    answer = Response(body, mimetype="application/json", headers={"Cache-Control": "no-cache"})
    answer.set_etag(etag)
    answer.make_conditional(request)
    return answer


def _stream(topic: str, look: Look) -> Response:
    streams: Streams = current_app.extensions["streams"]
    events = streams.open(request.environ, topic, look)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(events, mimetype="text/event-stream", headers=headers)
