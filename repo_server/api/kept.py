"""Boards that were read lately, kept for as long as nothing has been written since.

Everybody in a lab looks at the same board, some of them every second. The database itself tells
whether it has changed (`db.Stamp`), whoever changed it, so that nobody reads an old board after
what they have done.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256

from sqlalchemy import Engine

from repo_server import boards, jobs, labs
from repo_server.boards import Board
from repo_server.db import Stamp, reading, transaction

# A board changes with time as well: who is not heard of is offline, what is not yet due may begin.
FRESH_S = 2.0
_MOST = 64


@dataclass(frozen=True)
class Kept:
    """A board, when it was read, and what the database was then."""

    board: Board
    stamp: str
    at: float

    @cached_property
    def body(self) -> bytes:
        """It as JSON."""
        return self.board.model_dump_json().encode()

    @cached_property
    def etag(self) -> str:
        """The same for what is the same."""
        return sha256(self.body).hexdigest()[:32]


class KeptBoards:
    """The boards of this process, by lab.

    Invariant: whoever asks gets a board that is true of the database as it is when they ask.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._stamp = Stamp(engine)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def read(self, lab: str) -> Kept:
        """The lab's board now; NotFound when there is no such lab."""
        now, stamp = self._clock(), self._stamp.read()
        with self._lock:
            kept = self._kept.get(lab)
        if kept is None or kept.stamp != stamp or now - kept.at > FRESH_S:
            # Read after its stamp: what is written meanwhile gives another stamp.
            kept = Kept(read_board(self._engine, lab), stamp, now)
            with self._lock:
                self._kept[lab] = kept
                self._kept.move_to_end(lab)
                while len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
        return kept

    def close(self) -> None:
        """Nothing stays open."""
        self._stamp.close()


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
