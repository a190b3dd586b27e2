"""From what was written down to the promises that were broken. Pure.

A *piece* is what a machine executed from the first line of the program to the next first line.
Lines of a program differ from each other, so a line that comes twice, too early or after the end
of its piece is seen. A piece belongs to the attempt whose INTENT was the last before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from commons.job import JobState

# What lets nothing of the same start follow: the controller began anew, or gave up.
ENDS_A_PIECE = frozenset({"boot", "alarm", "dead"})
# Where a job may rest: it is over, or a person is asked by its sentence.
AT_REST = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.REFUSED})
NEVER_STARTED = frozenset({"unused", "declined", "refused", "lapsed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the machine's record. `at` in seconds since 1970."""

    at: float
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the server knows of one try, and when its INTENT was written, if it was."""

    id: str
    armed_at: datetime | None = None
    intended_at: datetime | None = None
    outcome: str | None = None
    sentence: str = ""
    lines_sent: int | None = None
    lines_done: int | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Records:
    """All that was written down, by whom it was written.

    `counts_lines`: the agent's counts are exact. `may_skip`: see `is_in_order`. `unsafe` tells
    when heaters or spindle were found on though nothing ran; `complaints` what the campaign itself
    waited for in vain.
    """

    program: Sequence[str]
    machine: Sequence[Entry]
    attempts: Sequence[Attempt]
    job_state: JobState
    job_sentence: str
    counts_lines: bool = True
    may_skip: bool = False
    unsafe: Sequence[str] = ()
    complaints: Sequence[str] = ()


@dataclass(slots=True)
class Piece:
    """What one start executed. `closed`: the controller has begun anew since."""

    at: float
    lines: list[str] = field(default_factory=list)
    closed: bool = False


def broken_promises(records: Records) -> list[str]:
    """Every promise that was not kept, in a sentence each; empty when all were."""
    broken = [*records.complaints, *records.unsafe]
    pieces = list(_pieces(records, broken))
    starts = _starts(records, pieces, broken)
    for attempt in records.attempts:
        broken.extend(_broken_by(attempt, starts.get(attempt.id, []), records))
    if records.job_state not in AT_REST:
        broken.append(f"the job is stuck: {records.job_state}, '{records.job_sentence}'")
    if not records.job_sentence:
        broken.append(f"the job is {records.job_state} and no sentence says why")
    return broken


def _pieces(records: Records, broken: list[str]) -> Iterator[Piece]:
    """The pieces, each a beginning of the program; what breaks that goes to `broken`."""
    program, known = records.program, set(records.program)
    piece: Piece | None = None
    for entry in records.machine:
        if entry.kind in ENDS_A_PIECE and piece is not None:
            piece.closed = True
        if entry.kind != "line" or entry.text not in known:
            continue
        if entry.text == program[0]:
            piece = Piece(entry.at, [entry.text])
            yield piece
        elif piece is None:
            broken.append(f"'{entry.text}' was executed before any start")
        elif piece.closed and not records.may_skip:
            broken.append(f"'{entry.text}' was executed after the controller had given up")
        else:
            piece.lines.append(entry.text)


def _starts(records: Records, pieces: Sequence[Piece], broken: list[str]) -> dict[str, list[Piece]]:
    """The pieces of each attempt."""
    intended = sorted(
        (a.intended_at.timestamp(), a.id) for a in records.attempts if a.intended_at is not None
    )
    starts: dict[str, list[Piece]] = {}
    for piece in pieces:
        owners = [attempt for at, attempt in intended if at <= piece.at]
        if owners:
            starts.setdefault(owners[-1], []).append(piece)
        else:
            broken.append("the machine was started though no INTENT was written")
    return starts


def _broken_by(attempt: Attempt, pieces: Sequence[Piece], records: Records) -> Iterator[str]:
    name = f"attempt {attempt.id} ({attempt.outcome})"
    if len(pieces) > 1:
        yield f"{name} was started {len(pieces)} times"
    for piece in pieces:
        may_skip = records.may_skip and attempt.outcome != "done"
        if not is_in_order(records.program, piece.lines, may_skip=may_skip):
            yield from _out_of_order(name, piece.lines, records.program)
    executed = len(pieces[0].lines) if pieces else 0
    yield from _broken_permit(name, attempt, pieces)
    yield from _broken_end(name, attempt, executed, len(records.program))
    if records.counts_lines:
        yield from _miscounted(name, attempt, executed)


def _broken_permit(name: str, attempt: Attempt, pieces: Sequence[Piece]) -> Iterator[str]:
    """One word that the bed is clear, one permit, and only then a start."""
    if pieces and (attempt.armed_at is None or attempt.armed_at.timestamp() > pieces[0].at):
        yield f"{name} was started before there was a permit"
    if attempt.armed_at is not None and attempt.tokens != 1:
        yield f"{name} was permitted by {attempt.tokens} words that the bed is clear"


def _broken_end(name: str, attempt: Attempt, executed: int, line_count: int) -> Iterator[str]:
    """It ended, and what is said of its end is so."""
    if attempt.outcome is None:
        yield f"{name} has no end"
    elif attempt.outcome != "done" and not attempt.sentence:
        yield f"{name} ended and no sentence says why"
    if executed and attempt.outcome in NEVER_STARTED:
        yield f"{name} is said not to have run, and {executed} lines were executed"
    if attempt.outcome == "done" and executed != line_count:
        yield f"{name} executed {executed} of {line_count} lines"


def is_in_order(program: Sequence[str], executed: Sequence[str], *, may_skip: bool) -> bool:
    """The executed lines are the beginning of the program; with `may_skip` some may be missing.

    A controller without line numbers (GRBL) that refuses a line, or begins anew, executes what
    was on its way to it: that cannot be called back. Nothing comes twice or too early even then.
    """
    if not may_skip:
        return list(executed) == list(program[: len(executed)])
    rest = iter(program)
    return all(line in rest for line in executed)


def _out_of_order(name: str, lines: Sequence[str], program: Sequence[str]) -> Iterator[str]:
    """Where the executed lines leave the program."""
    for number, (was, should_be) in enumerate(zip(lines, program, strict=False), 1):
        if was != should_be:
            yield f"{name} executed '{was}' as line {number}, which is '{should_be}'"
            return
    yield f"{name} executed {len(lines)} lines, the program has {len(program)}"


def _miscounted(name: str, attempt: Attempt, executed: int) -> Iterator[str]:
    """What was told of a run lies between what was acknowledged and what was sent."""
    if attempt.lines_done is not None and attempt.lines_done > executed:
        yield f"{name} told {attempt.lines_done} lines done, {executed} were executed"
    if attempt.lines_sent is not None and attempt.lines_sent < executed:
        yield f"{name} told {attempt.lines_sent} lines sent, {executed} were executed"
