"""Verdicts until the server has them: written down before anybody is told that they are."""

import logging
import secrets
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Protocol

from commons.errors import Conflict, FabError, InvalidInput, NotAllowed, NotFound, Unavailable
from commons.local_starts import is_local
from commons.verdict import HEAVIEST_G, PanelVerdict, VerdictReceipt

log = logging.getLogger(__name__)
_FILE = "verdicts.db"
_BUSY_MS = 5000
# How often the server is told what waits, s.
TELL_EVERY_S = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS verdict (
    id TEXT PRIMARY KEY, attempt_id TEXT NOT NULL UNIQUE, machine_id TEXT NOT NULL,
    good_copies INTEGER NOT NULL, note TEXT NOT NULL, weighed_g REAL, photo BLOB,
    by TEXT NOT NULL, at TEXT NOT NULL, told_at TEXT, sentence TEXT NOT NULL DEFAULT ''
);
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody said of one attempt. `told_at` is None until the server has heard it;
    `sentence` is why it did not count there."""

    id: str
    attempt_id: str
    good_copies: int
    by: str
    at: datetime
    note: str = ""
    weighed_g: float | None = None
    told_at: datetime | None = None
    sentence: str = ""


class Hearer(Protocol):
    """The half of the server that hears verdicts. See fab_agent.repository."""

    def tell_verdict(self, verdict: PanelVerdict) -> VerdictReceipt:
        """The server has heard it."""
        ...


class Verdicts:
    """The verdicts given at one panel, in a file of its own, safe from kill -9 once `keep` returns.

    Invariant: an attempt has one verdict at most, whoever was first.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self._folder, self._now = folder, now

    def keep(
        self,
        attempt_id: str,
        machine_id: str,
        *,
        good: int,
        copies: int,
        by: str,
        note: str = "",
        weighed_g: float | None = None,
        photo: bytes | None = None,
    ) -> Verdict:
        """The verdict is on the disk.

        Raises:
            InvalidInput: no such number of copies, or a mass that nothing has.
            Conflict: somebody has judged it already.
            Unavailable: the disk did not take it.
        """
        _require_possible(good, copies, weighed_g)
        at = self._now()
        verdict = Verdict(secrets.token_hex(16), attempt_id, good, by, at, note[:500], weighed_g)
        with self._open() as db:
            before = db.execute(
                "SELECT by FROM verdict WHERE attempt_id = ?", (attempt_id,)
            ).fetchone()
            if before is not None:
                raise Conflict(f"{before[0]} has judged it already: the first word counts")
            db.execute(
                "INSERT INTO verdict (id, attempt_id, machine_id, good_copies, note, weighed_g,"
                " photo, by, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (verdict.id, attempt_id, machine_id, good, verdict.note, weighed_g, photo, by,
                 verdict.at.isoformat()),
            )  # fmt: skip
        return verdict

    def all(self) -> dict[str, Verdict]:
        """The verdicts by attempt, the latest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT id, attempt_id, good_copies, by, at, note, weighed_g, told_at, sentence"
                " FROM verdict ORDER BY at DESC"
            ).fetchall()
        return {row[1]: _verdict(row) for row in rows}

    def tell(self, hearer: Hearer) -> None:
        """The server has heard every verdict that it takes now; what it refuses stays with why.

        Raises:
            Unavailable: it does not answer; what it has not heard is told next time.
        """
        for message in self._waiting():
            try:
                receipt = hearer.tell_verdict(message)
            except Conflict as later:  # the attempt's own end comes first
                log.info("verdict on %s is told later: %s", message.attempt_id, later)
                continue
            except NotFound as unknown:
                if is_local(message.attempt_id):  # its machine has still to tell of it
                    log.info("verdict on %s is told later: %s", message.attempt_id, unknown)
                    continue
                receipt = VerdictReceipt(taken=False, sentence=str(unknown))
            except (InvalidInput, NotAllowed) as refused:
                receipt = VerdictReceipt(taken=False, sentence=str(refused))
            self._told(message.id, "" if receipt.taken else receipt.sentence)

    def run(self, hearer: Hearer, stopping: Event) -> None:
        """Tell the server what waits, until `stopping`."""
        while not stopping.is_set():
            try:
                self.tell(hearer)
            except FabError as problem:
                log.info("verdicts are told later: %s", problem)
            except Exception:
                log.exception("verdicts cannot be told")
            stopping.wait(TELL_EVERY_S)

    def _waiting(self) -> list[PanelVerdict]:
        with self._open() as db:
            rows = db.execute(
                "SELECT id, attempt_id, good_copies, by, at, note, weighed_g, photo FROM verdict"
                " WHERE told_at IS NULL ORDER BY at"
            ).fetchall()
        return [
            PanelVerdict(
                id=row[0],
                attempt_id=row[1],
                good_copies=row[2],
                by=row[3],
                age_s=max(0.0, (self._now() - datetime.fromisoformat(row[4])).total_seconds()),
                note=row[5],
                weighed_g=row[6],
                photo=None if row[7] is None else b64encode(row[7]).decode(),
            )
            for row in rows
        ]

    def _told(self, id_: str, sentence: str) -> None:
        """The photo is the server's now."""
        with self._open() as db:
            db.execute(
                "UPDATE verdict SET told_at = ?, sentence = ?, photo = NULL WHERE id = ?",
                (self._now().isoformat(), sentence, id_),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """All of it is on the disk afterwards, or nothing of it and Unavailable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._folder / _FILE, isolation_level=None)
            try:
                db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
                db.execute("PRAGMA synchronous = FULL")
                db.executescript(_SCHEMA)
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            finally:
                db.close()  # what was not committed is gone
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(
                f"verdicts cannot be kept in {self._folder}: {error}; nothing was noted"
            ) from error


def _require_possible(good: int, copies: int, weighed_g: float | None) -> None:
    if not 0 <= good <= copies:
        raise InvalidInput(f"{good} good copies cannot be: there are {copies}")
    if weighed_g is not None and not 0 < weighed_g <= HEAVIEST_G:
        raise InvalidInput(
            f"{weighed_g:g} g cannot be: weigh all copies together, in grams, up to "
            f"{HEAVIEST_G:,.0f}, or leave it out"
        )


def _verdict(row: tuple[str, str, int, str, str, str, float | None, str | None, str]) -> Verdict:
    told_at = None if row[7] is None else datetime.fromisoformat(row[7])
    at = datetime.fromisoformat(row[4])
    return Verdict(row[0], row[1], row[2], row[3], at, row[5], row[6], told_at, row[8])
