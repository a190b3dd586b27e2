"""The life of one attempt: fetch, prepare, prove, ask, run, report.

Nothing moves before the server has given a permit and the journal holds INTENT. Whatever goes
wrong before that gives the job back; whatever goes wrong after it is told as it is known.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from commons.errors import (
    FabError,
    InvalidInput,
    NotArmed,
    NotFound,
    ProgramRefused,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from commons.wire import (
    ControlOrder,
    EventKind,
    JobOffer,
    MachineState,
    Phase,
    ProgressReport,
    Refusal,
    Wish,
)
from fab_agent.bench import Bench, Prepared
from fab_agent.cache import Cache
from fab_agent.clearance import Clearance
from fab_agent.courier import Shown
from fab_agent.handwork import note_clear, only_stop
from fab_agent.journal import Ordered, Start
from fab_agent.machines.driver import Outcome
from fab_agent.orders import ClearBed, LocalOrder, stopped_at_the_machine
from fab_agent.running import RunWatch
from fab_agent.sandbox import unwanted

log = logging.getLogger(__name__)
# How often a journal that could not be written is tried again, s.
RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class End:
    """What the server is told, and why."""

    kind: EventKind
    sentence: str = ""
    refused: ProgramRefused | None = None


def carry_out(offer: JobOffer, bench: Bench) -> EventKind:
    """The attempt is over and the journal holds what the server must hear; the last of it.

    After LOST the journal still holds an open start, which `recovery.settle` looks into.

    Raises:
        Unavailable: the journal cannot be written. Nothing was started.
    """
    with ExitStack() as held:
        prepared = prepared_for(offer, bench, held)
        if isinstance(prepared, End):
            log.warning("attempt %s %s: %s", offer.attempt_id, prepared.kind, prepared.sentence)
            _keep_no_program(prepared, offer, bench)
            return prepared.kind
        staged_seq = bench.journal.record(
            EventKind.STAGED, offer.attempt_id, offer.fence, program=prepared.facts
        )
        if bench.made is not None:
            bench.made.staged(offer, prepared.facts)
        bench.show(Shown(offer.attempt_id, prepared.program.path))
        start = Start(offer.attempt_id, offer.fence, prepared.program.sha256)
        holding = prepared.facts.holding
        asked_at = Clearance(start, staged_seq, bench, holding=holding).asked_at()
        if asked_at is None:
            return EventKind.DECLINED
        return start_once(start, prepared, bench, asked_at=asked_at)


def _keep_no_program(end: End, offer: JobOffer, bench: Bench) -> None:
    """Why there is no proved program is durable; a refused one is shown."""
    refused = end.refused
    bench.journal.record(
        end.kind,
        offer.attempt_id,
        offer.fence,
        sentence=end.sentence,
        refusal=None if refused is None else Refusal.of(refused),
    )
    if refused is not None and refused.program is not None:
        bench.show(Shown(offer.attempt_id, refused.program, refused.known_place))


def prepared_for(offer: JobOffer, bench: Bench, held: ExitStack) -> Prepared | End:
    """The proved program, or why there is none. Nothing has moved."""

    def fetched(done: int, total: int) -> None:
        show(Phase.FETCH, done, total, f"fetching {offer.file_name}")

    def show(phase: Phase, done: int, total: int, sentence: str) -> None:
        progress = ProgressReport(attempt_id=offer.attempt_id, phase=phase, done=done, total=total)
        bench.display.show(MachineState.PREPARING, sentence, progress)

    try:
        fetched(0, offer.file_size)
        cache = held.enter_context(bench.open_cache())
        fetch = bench.jobs.fetch_program if offer.is_program else bench.jobs.fetch
        files = [
            fetch(it.file_sha256, it.file_size, cache=cache, progress=fetched)
            for it in offer.on_plate
        ]
        show(Phase.PREPARE, 0, 1, f"preparing {offer.file_name}")
        prepared = _made(offer, files, cache, bench, lambda now: show(Phase.PREPARE, 0, 1, now))
        show(Phase.PREPARE, 1, 1, f"{offer.file_name} is proved")
    except ProgramRefused as refused:
        return End(EventKind.REFUSED, str(refused), refused)
    except (InvalidInput, NotFound) as refused:
        return End(EventKind.REFUSED, str(refused))
    except FabError as problem:
        return End(EventKind.DECLINED, str(problem))
    except Exception as bug:
        log.exception("attempt %s cannot be prepared", offer.attempt_id)
        return End(EventKind.REFUSED, _unforeseen("preparing", bug))
    return prepared


def _made(
    offer: JobOffer,
    files: Sequence[Path],
    cache: Cache,
    bench: Bench,
    say: Callable[[str], None],
) -> Prepared:
    """The program, unless somebody ends the making of it halfway: then it is Unavailable."""
    before = unwanted.set(lambda: _why_unwanted(offer, bench))
    try:
        return bench.prepare(offer, files, cache, say)
    finally:
        unwanted.reset(before)


def _why_unwanted(offer: JobOffer, bench: Bench) -> str | None:
    """Why nobody wants the program any more; None while somebody does. Never waits."""
    while (order := bench.inbox.take()) is not None:
        match order:
            case ControlOrder(attempt_id=offer.attempt_id, wish=Wish.CANCEL):
                return "cancelled before the start"
            case LocalOrder(wants=Wish.CANCEL):
                order.carry_out(lambda: "it is not started; the job goes back")
                return f"{stopped_at_the_machine(order.by)} before the start"
            case LocalOrder(wants=ClearBed() as word):
                note_clear(order, word, bench)
            case LocalOrder():
                order.refuse(Unavailable("it prepares a job: wait until that is done, or stop it"))
    return "the agent was stopped before the start" if bench.inbox.leaving else None


def start_once(
    start: Start,
    prepared: Prepared,
    bench: Bench,
    *,
    asked_at: float,
    ordered: Ordered | None = None,
) -> EventKind:
    """The one place where a machine is started; how it ended.

    `asked_at` is when the permit was asked for; or when people said so without one, of what they
    have `ordered` here.
    """
    watch = RunWatch(start, prepared.program, bench)
    same_program = _sha256(prepared.program.path) == start.program_sha256
    age_s = bench.clock() - asked_at
    try:
        with bench.journal.start_section(
            start, age_s=age_s, same_program=same_program, ordered=ordered
        ) as first_byte_left:
            end = _drive(start, prepared, bench, watch.began(first_byte_left))
    except NotArmed as refused:
        log.warning("%s", refused)
        bench.journal.give_up(start, str(refused))
        return EventKind.UNUSED
    log.info("attempt %s %s %s", start.attempt_id, end.kind, end.sentence)
    _keep_end(start, end, bench, watch)
    return end.kind


def _drive(start: Start, prepared: Prepared, bench: Bench, watch: RunWatch) -> End:
    """Run the program. On every way out but the last line the machine was made safe."""
    log.info("attempt %s starts under fence %s", start.attempt_id, start.fence)
    try:
        end = bench.link.run(
            prepared.program,
            attempt=start.attempt_id,
            report=watch.report,
            controls=watch.controls,
        )
    except (TransportLost, ProtocolViolation) as lost:
        return End(EventKind.LOST, str(lost))
    except FabError as fault:
        return End(EventKind.FAILED, str(fault))
    except Exception as bug:
        log.exception(
            "attempt %s broke off at line %s", start.attempt_id, watch.progress.lines_done
        )
        return End(EventKind.LOST, _unforeseen("running", bug))
    watch.ended(end)
    if end.outcome is Outcome.FINISHED:
        return End(EventKind.FINISHED)
    return End(EventKind.FAILED, watch.why_aborted)


def _keep_end(start: Start, end: End, bench: Bench, watch: RunWatch) -> None:
    """The end is durable, however long the disk stays full; a kill meanwhile makes it LOST."""
    while True:
        try:
            bench.journal.end(start, end.kind, sentence=end.sentence, run=watch.facts())
            if bench.made is not None:
                bench.made.ended(start.attempt_id, end.kind)
            return
        except Unavailable as problem:
            bench.display.show(MachineState.FAULT, str(problem))
            if bench.inbox.stopped:
                raise
            if isinstance(order := bench.inbox.take(RETRY_S), LocalOrder):
                only_stop(order, bench, problem)


def _sha256(path: Path) -> str | None:
    """The hash of the file as it is now; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _unforeseen(doing: str, bug: Exception) -> str:
    return f"{doing} failed in a way nobody foresaw ({type(bug).__name__}); see the agent's log"
