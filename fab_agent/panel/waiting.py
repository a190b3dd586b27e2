"""What waits for the lab's machines and why, as the server said when it was last asked."""

import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Protocol

from pydantic import AwareDatetime, ValidationError

from commons.errors import FabError
from commons.wire import Told

log = logging.getLogger(__name__)
_FILE = "board.json"
ASK_EVERY_S = 15.0
MOST_BYTES = 8 * 2**20


class Why(Told):
    """Why one machine does not make it now."""

    machine: str
    code: str
    sentence: str


class Waiting(Told):
    """One job that is not over. What the server tells besides is not needed here."""

    id: str
    title: str
    part: str
    plate: int
    material: str
    state: str
    sentence: str
    machine: str | None
    attempt_id: str | None = None
    urgent_because: str | None = None
    waits: tuple[Why, ...] = ()


class _Board(Told):
    jobs: tuple[Waiting, ...]


class _Kept(Told):
    at: AwareDatetime
    board: _Board


@dataclass(frozen=True, slots=True)
class Line:
    """The jobs at the last answer, and when that was; None when there never was one."""

    at: datetime | None
    jobs: tuple[Waiting, ...] = ()


class Teller(Protocol):
    """The half of the server that tells what waits. See fab_agent.repository."""

    def board(self) -> bytes:
        """The board of the agent's lab as JSON."""
        ...


class Queue:
    """The line before the lab's machines, kept in a folder so that a restart does not forget it."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self._path, self._now = folder / _FILE, now

    def seen(self) -> Line:
        """The line as it was last told."""
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return Line(None)
        return Line(kept.at, kept.board.jobs)

    def ask(self, teller: Teller) -> None:
        """The line is as the server tells it now. Unavailable when it does not answer."""
        told = teller.board()
        if len(told) > MOST_BYTES:
            log.warning("the board has %s bytes: that is not kept", len(told))
            return
        try:
            kept = _Kept(at=self._now(), board=_Board.model_validate_json(told))
        except ValidationError as odd:
            log.warning("the board is not understood: %s", odd)
            return
        aside = self._path.with_name(f"{_FILE}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(kept.model_dump_json(), encoding="utf-8")
            os.replace(aside, self._path)
        except OSError as problem:
            aside.unlink(missing_ok=True)
            log.warning("the board cannot be kept: %s", problem)

    def run(self, teller: Teller, stopping: Event) -> None:
        """Ask the server again and again, until `stopping`."""
        while not stopping.is_set():
            try:
                self.ask(teller)
            except FabError as problem:
                log.info("the board stays as it was: %s", problem)
            except Exception:
                log.exception("the board cannot be asked for")
            stopping.wait(ASK_EVERY_S)
