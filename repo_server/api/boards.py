"""A lab's board: as it stands, and as it changes."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from repo_server import boards, jobs, labs
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.boards import Board
from repo_server.db import reading, transaction

bp = Blueprint("api_boards", __name__, url_prefix="/api/v1")

LOOK_EVERY_S = 1.0
HEARTBEAT_S = 15.0
# A browser comes back by itself; a page that nobody looks at any more does not.
LIFE_S = 600.0


@bp.get("/labs/<lab>/board")
@auth.public
@answers({200: Board})
def show_board(lab: str) -> ResponseReturnValue:
    """200 with machines, jobs, and who waits for what."""
    return write(read_board(current_app.extensions["engine"], lab))


@bp.get("/labs/<lab>/events")
@auth.public
@answers({200: Raw("text/event-stream")})
def stream_board(lab: str) -> ResponseReturnValue:
    """200 with server-sent events: the board (`event: board`) now and at each change."""
    engine = current_app.extensions["engine"]
    read_board(engine, lab)  # 404 while there is still a status to say it with

    def look() -> str:
        return read_board(engine, lab).model_dump_json()

    events = board_events(look, clock=time.monotonic, sleep=time.sleep)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(events, mimetype="text/event-stream", headers=headers)


@bp.get("/agent/board")
@auth.agent
@answers({200: Board})
def show_own_board() -> ResponseReturnValue:
    """200 with the board of the agent's own lab, for its panel."""
    agent, engine = auth.current_agent(), current_app.extensions["engine"]
    with reading(engine) as session:
        slug = labs.slug_of(session, agent.lab_id)
    return write(read_board(engine, slug))


def read_board(engine: Engine, lab: str) -> Board:
    """The lab's board now; a silence that no timer has noticed is noticed first."""
    now = datetime.now(UTC)
    with reading(engine) as session:
        lab_row = labs.lab_of(session, lab)
        if not jobs.has_silent(session, now):
            return boards.show_board(session, lab_row, now=now)
    with transaction(engine) as session:
        jobs.notice_silence(session, now)
        return boards.show_board(session, lab_row, now=now)


def board_events(
    look: Callable[[], str], *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[str]:
    """The board as events: at once, at each change, and a sign of life in between."""
    shown, told_at, until = "", clock(), clock() + LIFE_S
    while clock() < until:
        board = look()
        if board != shown:
            yield f"event: board\ndata: {board}\n\n"
            shown, told_at = board, clock()
        elif clock() - told_at >= HEARTBEAT_S:
            yield ": still here\n\n"
            told_at = clock()
        sleep(LOOK_EVERY_S)
