"""What one machine has been told to do and what it did, durable before it matters.

One folder, one SQLite file, one machine, one process: whoever holds the folder's lock is the
only one who may start the machine. Every commit is on the disk before the call returns.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from commons.dispatch import MachineJournal, give_up, intend, refuse_start
from commons.errors import NotArmed
from commons.local_starts import LocalStart, is_local
from commons.wire import AgentEvent, EventKind, FenceOrder, ProgramFacts, Refusal, RunFacts
from fab_agent.journal_file import locked, opened, unavailable

_BATCH = 200


class Stage(StrEnum):
    """How far an attempt came on its way to the machine."""

    ASKED = "asked"  # a permit may exist; nothing was sent
    INTENDED = "intended"  # the first byte may have been sent
    LOST = "lost"  # the server knows that we do not know
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Start:
    """One start, whether it happens or not: this attempt, under this fence, of this program."""

    attempt_id: str
    fence: int
    program_sha256: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the server has to be told of a start that no permit of its allowed."""

    local: LocalStart
    program: ProgramFacts


@dataclass(frozen=True, slots=True)
class OpenStart:
    """A start that the journal has not seen end."""

    start: Start
    stage: Stage


def _utc() -> datetime:
    return datetime.now(UTC)


class Journal:
    """The journal of one machine. One thread writes; others read the outbox by `Outbox`.

    `announce` is called whenever something new was written.

    Invariants: a fence that was intended or given up is never intended again; `intended` and
    `fenced` only grow; events are numbered without gaps from 1 as long as the file lives.
    """

    def __init__(
        self,
        folder: Path,
        *,
        machine_id: str,
        announce: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        self._machine_id, self._folder = machine_id, folder
        self._announce, self._now = announce, now
        self._starting = False
        self._lock = locked(folder, machine_id)
        try:
            self._db = opened(folder)
            with self._transaction():
                self._make_boot()
            self._acked: int = self._db.execute(
                "SELECT coalesce((SELECT min(seq) - 1 FROM outbox), last_seq) FROM machine"
            ).fetchone()[0]
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Another process may drive this machine now."""
        self._db.close()
        os.close(self._lock)

    @property
    def boot(self) -> str:
        """The random name of this file, made with it."""
        return str(self._db.execute("SELECT boot FROM machine").fetchone()[0])

    @property
    def card(self) -> MachineJournal:
        """The greatest fences that were intended and given up."""
        intended, fenced = self._db.execute("SELECT intended, fenced FROM machine").fetchone()
        return MachineJournal(intended, fenced)

    @property
    def acked(self) -> int:
        """The highest event that is known to be safe with the server."""
        return self._acked

    @property
    def all_heard(self) -> bool:
        """The server has every event."""
        last: int = self._db.execute("SELECT last_seq FROM machine").fetchone()[0]
        return last <= self._acked

    def open_starts(self) -> list[OpenStart]:
        """Starts that were asked for or intended and have no end, oldest first."""
        rows = self._db.execute(
            "SELECT attempt_id, fence, program_sha256, stage FROM attempt WHERE stage <> ? "
            "ORDER BY fence",
            (Stage.ENDED,),
        )
        return [OpenStart(Start(*row[:3]), Stage(row[3])) for row in rows]

    def record(
        self,
        kind: EventKind,
        attempt_id: str,
        fence: int,
        *,
        sentence: str = "",
        program: ProgramFacts | None = None,
        refusal: Refusal | None = None,
    ) -> int:
        """The event is durable; its number. For what happens before a permit is asked for."""
        with self._transaction():
            return self._append(
                kind, attempt_id, fence, sentence=sentence, program=program, refusal=refusal
            )

    def ask(self, start: Start) -> None:
        """It is durable that a permit for `start` may exist from now on."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO attempt VALUES (?, ?, ?, ?, ?)",
                (
                    start.fence,
                    start.attempt_id,
                    start.program_sha256,
                    Stage.ASKED,
                    self._now().isoformat(),
                ),
            )

    @contextmanager
    def start_section(
        self, start: Start, *, age_s: float, same_program: bool, ordered: Ordered | None = None
    ) -> Iterator[Callable[[], None]]:
        """INTENT is durable, and inside the first byte may be sent, once and for ever.

        With it is what to tell of a start that was `ordered` at the machine, without a permit.
        No fence is acknowledged before the function that this yields is called (the first byte
        has left) or the section is left; the server asks again.

        Raises:
            NotArmed: this start is refused; nothing was written.
            Unavailable: INTENT could not be written; nothing may be sent.
        """
        refusal = refuse_start(self.card, fence=start.fence, age_s=age_s, same_program=same_program)
        if refusal is not None:
            raise NotArmed(f"attempt {start.attempt_id} is not started: {refusal}", reason="agent")
        with self._transaction():
            self._db.execute(
                "UPDATE machine SET intended = ?", (intend(self.card, start.fence).intended,)
            )
            self._stage(start, Stage.INTENDED)
            if ordered is not None:
                self._append(
                    EventKind.ORDERED, start.attempt_id, start.fence,
                    local=ordered.local, program=ordered.program,
                )  # fmt: skip
            self._append(EventKind.STARTED, start.attempt_id, start.fence)
        self._starting = True
        try:
            yield self._first_byte_left
        finally:
            self._starting = False

    def end(
        self,
        start: Start,
        kind: EventKind,
        *,
        sentence: str = "",
        run: RunFacts | None = None,
    ) -> None:
        """How an intended start ended is durable. After LOST, later evidence may still come."""
        with self._transaction():
            self._stage(start, Stage.LOST if kind is EventKind.LOST else Stage.ENDED)
            self._append(kind, start.attempt_id, start.fence, sentence=sentence, run=run)

    def resume(self, start: Start) -> None:
        """It is known again that `start`, told as LOST, runs on."""
        with self._transaction():
            self._stage(start, Stage.INTENDED)
            self._append(EventKind.STARTED, start.attempt_id, start.fence)

    def close_start(self, start: Start) -> None:
        """Nothing more will be learned about `start`; what the server was told last stands."""
        with self._transaction():
            self._stage(start, Stage.ENDED)

    def give_up(self, start: Start, sentence: str) -> None:
        """It is durable that `start`, never intended, will never happen.

        Both UNUSED and DECLINED are reported: whether the permit was ever given is not known,
        and exactly one of the two applies. Of what was ordered here the server never heard.
        """
        with self._transaction():
            self._fence(start.fence)
            self._stage(start, Stage.ENDED)
            told = () if is_local(start.attempt_id) else (EventKind.UNUSED, EventKind.DECLINED)
            for kind in told:
                self._append(kind, start.attempt_id, start.fence, sentence=sentence)

    def answer_fence(self, order: FenceOrder) -> None:
        """It is durable that nothing up to the fence will start, and the answer is on its way.

        Also for a fence that was intended or given up before, or the job would hang; not inside
        a start section, and not twice while the first answer is under way.
        """
        if self._starting or order.machine_id != self._machine_id:
            return
        under_way = self._db.execute(
            "SELECT 1 FROM outbox WHERE kind = ? AND fence = ? AND seq > ?",
            (EventKind.FENCED, order.fence, self._acked),
        ).fetchone()
        if under_way:
            return
        with self._transaction():
            self._fence(order.fence)
            intent = self.card.intended >= order.fence
            self._append(EventKind.FENCED, order.attempt_id, order.fence, intent=intent)

    def heard(self, acked: int) -> None:
        """The server has every event up to `acked`."""
        self._acked = max(self._acked, acked)

    def forget(self) -> None:
        """Events that the server has are gone from the outbox."""
        if self._db.execute("SELECT 1 FROM outbox WHERE seq <= ?", (self._acked,)).fetchone():
            with self._transaction():
                self._db.execute("DELETE FROM outbox WHERE seq <= ?", (self._acked,))

    def _first_byte_left(self) -> None:
        self._starting = False

    def _make_boot(self) -> None:
        if self._db.execute("SELECT 1 FROM machine").fetchone() is None:
            self._db.execute("INSERT INTO machine VALUES (?, 0, 0, 0)", (secrets.token_hex(16),))

    def _fence(self, fence: int) -> None:
        self._db.execute("UPDATE machine SET fenced = ?", (give_up(self.card, fence).fenced,))

    def _stage(self, start: Start, stage: Stage) -> None:
        self._db.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (fence) DO UPDATE SET stage = excluded.stage, at = excluded.at",
            (start.fence, start.attempt_id, start.program_sha256, stage, self._now().isoformat()),
        )

    def _append(
        self,
        kind: EventKind,
        attempt_id: str,
        fence: int,
        *,
        sentence: str = "",
        program: ProgramFacts | None = None,
        run: RunFacts | None = None,
        intent: bool | None = None,
        refusal: Refusal | None = None,
        local: LocalStart | None = None,
    ) -> int:
        (seq,) = self._db.execute(
            "UPDATE machine SET last_seq = last_seq + 1 RETURNING last_seq"
        ).fetchone()
        event = AgentEvent(
            seq=seq,
            at=self._now(),
            kind=kind,
            machine_id=self._machine_id,
            attempt_id=attempt_id,
            fence=fence,
            sentence=sentence[:2000],
            program=program,
            run=run,
            intent=intent,
            refusal=refusal,
            local=local,
        )
        self._db.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?)", (seq, kind, fence, event.model_dump_json())
        )
        return int(seq)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it is on the disk afterwards, or nothing of it and Unavailable."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise unavailable(self._folder, error) from error
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        self._announce()


class Outbox:
    """The events that wait for the server, for the thread that talks with it. Only reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = opened(folder)
        self._db.execute("PRAGMA query_only = ON")

    def after(self, acked: int) -> tuple[AgentEvent, ...]:
        """The next events after number `acked`, oldest first, as many as fit one request."""
        try:
            rows = self._db.execute(
                "SELECT event FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (acked, _BATCH)
            ).fetchall()
        except sqlite3.Error as error:
            raise unavailable(self._folder, error) from error
        return tuple(AgentEvent.model_validate_json(row[0]) for row in rows)

    def kept_from(self) -> int:
        """The number of the oldest event that is still kept, or of the next one to come."""
        try:
            row = self._db.execute(
                "SELECT coalesce((SELECT min(seq) FROM outbox), last_seq + 1) FROM machine"
            ).fetchone()
        except sqlite3.Error as error:
            raise unavailable(self._folder, error) from error
        return int(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
