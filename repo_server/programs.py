"""What programs look like: agents show them, and who may see a job may see its program."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from sqlmodel import Session, col, func, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import JobState
from commons.toolpath import MAX_PROGRAM_BYTES, Sketch
from commons.turn import Turn
from commons.wire import ProgramFacts, Refusal
from repo_server import attempts, changes, jobs, matches, orders, renderings, shared_plates, turns
from repo_server.attempts import Outcome
from repo_server.blobs import BlobStore
from repo_server.changes import Change
from repo_server.renderings import DrawnBody
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, LabRow, MachineRow, ToolpathRow

_PIECE = 1 << 20


_LEADING = func.coalesce(col(AttemptRow.led_by), col(AttemptRow.id))


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt at a job, as people look at it. None: not known, or not there."""

    attempt: AttemptRow
    machine: str
    program: ProgramFacts | None
    refusal: Refusal | None
    toolpath: ToolpathRow | None
    others: int


@dataclass(frozen=True, slots=True)
class JobStory:
    """A job with all its attempts, and what people changed while it waited, each the last one
    first. `drawn` is what OpenSCAD drew for it, `turn` what gives it its turn while it waits."""

    job: JobRow
    order: BuildOrderRow
    drawn: DrawnBody | None
    title: str
    tries: tuple[Try, ...]
    changes: tuple[Change, ...]
    turn: Turn | None


def story_of(session: Session, job_id: str, *, lab: LabRow, to: str, now: datetime) -> JobStory:
    """The job of this lab and what was tried; NotFound when there is none that `to` may see."""
    job = orders.show_job(session, job_id, to=to)
    if job.lab_id != lab.id:
        raise NotFound(f"there is no job {job_id[:64]} in this lab")
    order = session.get_one(BuildOrderRow, job.order_id)
    build = matches.build_of(session, order)
    rows = session.exec(
        select(AttemptRow, MachineRow.name, ToolpathRow)
        .join(MachineRow, col(MachineRow.id) == col(AttemptRow.machine_id))
        .join(ToolpathRow, col(ToolpathRow.attempt_id) == _LEADING, isouter=True)
        .where(AttemptRow.job_id == job.id)
        .order_by(col(AttemptRow.leased_at).desc(), col(AttemptRow.fence).desc())
    )
    drawn = renderings.drawn_for(session, order)
    tries = tuple(_try(*row, shared_plates.others_on(session, row[0])) for row in rows)
    changed = changes.of_jobs(session, [job.id]).get(job.id, [])
    waits = job.state is JobState.QUEUED
    turn = turns.turn_of(session, job, now=now) if waits else None
    return JobStory(job, order, drawn, build.title, tries, tuple(changed), turn)


def _try(attempt: AttemptRow, machine: str, toolpath: ToolpathRow | None, others: int) -> Try:
    return Try(
        attempt,
        machine,
        ProgramFacts.model_validate(attempt.program) if attempt.program else None,
        Refusal.model_validate(attempt.refusal) if attempt.refusal else None,
        toolpath,
        others,
    )


def toolpath_of(session: Session, attempt_id: str, *, to: str) -> ToolpathRow:
    """What the attempt's program looks like; NotFound when that is not there for `to`."""
    attempt = session.get(AttemptRow, attempt_id)
    led = attempt and attempts.leading(session, attempt)
    toolpath = session.get(ToolpathRow, led.id) if led else None
    if attempt is None or toolpath is None:
        raise NotFound(f"there is no picture of a program of attempt {attempt_id[:64]}")
    orders.show_job(session, attempt.job_id, to=to)
    return toolpath


def packed_of(toolpath: ToolpathRow) -> str:
    """The hash of the program as it was sent; NotFound where it was too large for that."""
    if toolpath.packed_sha256 is None:
        raise NotFound(f"the program of attempt {toolpath.attempt_id} was not sent here")
    return toolpath.packed_sha256


def read_sketch(store: BlobStore, toolpath: ToolpathRow) -> Sketch:
    """The sketch as its agent drew it."""
    return Sketch.model_validate_json(store.path(toolpath.sketch_sha256).read_bytes())


def keep_sketch(
    session: Session, attempt_id: str, sketch: Sketch, *, agent_id: str, store: BlobStore,
    now: datetime,
) -> bool:  # fmt: skip
    """The sketch of the attempt's program is kept; whether the program itself is wanted, too.

    Raises:
        Conflict: the attempt was neither staged nor refused yet, or with another program.
    """
    attempt = _own(session, attempt_id, agent_id)
    if attempt.program is None and attempt.outcome != Outcome.REFUSED:
        raise Conflict(f"attempt {attempt_id} has no program yet: say first that it is staged")
    facts = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    before = session.get(ToolpathRow, attempt_id)
    known = facts.sha256 if facts else before.program_sha256 if before else sketch.program_sha256
    if known != sketch.program_sha256:
        raise Conflict(f"the program of attempt {attempt_id} is {known[:12]}, this is another one")
    kept = store.put(BytesIO(sketch.model_dump_json(exclude_defaults=True).encode()))
    row = before or ToolpathRow(
        attempt_id=attempt_id, program_sha256=known, sketch_sha256=kept.sha256, told_at=now
    )
    row.sketch_sha256 = kept.sha256
    if row.packed_sha256 is None and (same := _same_program(session, attempt, known)):
        row.packed_sha256, row.packed_size = same.packed_sha256, same.packed_size
    session.add(row)
    session.flush()
    return row.packed_sha256 is None


def keep_program(
    session: Session, attempt_id: str, packed: bytes, *, agent_id: str, store: BlobStore
) -> None:
    """The attempt's program, sent under gzip, is kept.

    Raises:
        Conflict: the sketch comes first.
        InvalidInput: it is no gzip, too large, or not the program of the attempt.
    """
    _own(session, attempt_id, agent_id)
    row = session.get(ToolpathRow, attempt_id)
    if row is None:
        raise Conflict(f"attempt {attempt_id} has no sketch yet: send that first")
    found = _hash_inside(packed)
    if found != row.program_sha256:
        raise InvalidInput(
            f"the program that arrived has the hash {found[:12]}, that of attempt {attempt_id} "
            f"has {row.program_sha256[:12]}"
        )
    kept = store.put(BytesIO(packed))
    row.packed_sha256, row.packed_size = kept.sha256, kept.size
    session.add(row)
    session.flush()


def _own(session: Session, attempt_id: str, agent_id: str) -> AttemptRow:
    """The attempt, if this agent speaks for its machine."""
    attempt = attempts.of_id(session, attempt_id)
    jobs.machine_of(session, attempt.machine_id, agent_id=agent_id)
    return attempt


def _same_program(session: Session, attempt: AttemptRow, sha256: str) -> ToolpathRow | None:
    """The same program as it was sent for another attempt of the same lab.

    Not of another lab: a hash is no secret, and nobody may see a program for knowing it.
    """
    lab_id = session.get_one(JobRow, attempt.job_id).lab_id
    rows: Sequence[ToolpathRow] = session.exec(
        select(ToolpathRow)
        .join(AttemptRow, col(AttemptRow.id) == col(ToolpathRow.attempt_id))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .where(
            ToolpathRow.program_sha256 == sha256,
            col(ToolpathRow.packed_sha256).is_not(None),
            JobRow.lab_id == lab_id,
        )
        .limit(1)
    ).all()
    return rows[0] if rows else None


def _hash_inside(packed: bytes) -> str:
    """The hash of what gzip packed; never more than MAX_PROGRAM_BYTES are unpacked."""
    unzip, digest, size = zlib.decompressobj(wbits=31), hashlib.sha256(), 0
    rest = packed
    try:
        while not unzip.eof and (piece := unzip.decompress(rest, _PIECE)):
            rest = unzip.unconsumed_tail
            size += len(piece)
            digest.update(piece)
            if size > MAX_PROGRAM_BYTES:
                raise InvalidInput(f"this program has more than {MAX_PROGRAM_BYTES} bytes")
    except zlib.error as error:
        raise InvalidInput("what arrived is no gzip: pack the program again") from error
    if not unzip.eof or unzip.unused_data:
        raise InvalidInput("what arrived is not one whole gzip file: pack the program again")
    return digest.hexdigest()
