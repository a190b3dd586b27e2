"""At most one start: the rules of lease, permit, fence and journal, as pure functions.

Four rules together, none of which suffices without the others:

1. Two phases. A *lease* is the right to prepare and may run out. A *permit* is the right to
   start once, bound to one attempt, one fence and one program.
2. A journal. The agent writes INTENT, durably, before the first byte, and never starts a fence
   that is not greater than every fence it has intended or given up.
3. No clock after the permit. Silence makes an armed job UNCONFIRMED, never QUEUED.
4. A fence. Before a person may free an unconfirmed job, the agent has promised that nothing up
   to that fence will start any more.

`tests/unit/test_no_second_start.py` walks every interleaving of one job and two machines with
these functions, and shows for each rule that leaving it out lets a machine start twice;
`tests/unit/test_starts_without_a_server.py` does so for starts that people give without a server.
"""

from dataclasses import dataclass, replace

from commons.errors import Conflict, LeaseLost, NotArmed
from commons.job import HELD_STATES, JobEvent, JobState, next_state

# A permit is good for this long on the agent's own monotonic clock, counted from its request.
# Safety does not need it; it limits surprise: a machine never starts long after it was cleared.
PERMIT_VALID_S = 60.0
# A machine that nobody may leave alone starts at most this long after somebody stood at it.
ATTENDED_S = 600.0
# The server counts fences in steps of this. What lies between two of its fences is the agent's, for
# starts that people at the machine give while no server is heard: so no fence is given by both.
FENCE_STEP = 1024
# A server that was not heard for this long is away, s: people at the machine may start it then.
AWAY_S = 60.0

S = JobState


@dataclass(frozen=True, slots=True)
class JobCard:
    """What the server knows about one job. `fence` is 0 when no machine holds it."""

    state: JobState = JobState.QUEUED
    machine_id: str | None = None
    attempt_id: str | None = None
    fence: int = 0
    fence_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class ClearWord:
    """Somebody's word that the bed is clear, at the moment when a permit is asked for.

    It was given `age_s` ago; `touched_s` ago somebody last worked at the machine by hand (None:
    nobody did). `attended_only`: the machine starts only while somebody is there.
    """

    age_s: float = 0.0
    touched_s: float | None = None
    attended_only: bool = False

    @property
    def lapsed(self) -> bool:
        """Whether it was given too long ago to mean that somebody is there."""
        return self.attended_only and self.age_s > ATTENDED_S


FRESH = ClearWord()


@dataclass(frozen=True, slots=True)
class MachineCard:
    """What the server knows about one machine.

    `epoch` only grows; `cleared` is the bed-clear token, used up by one ARM; `attempt_id` is the
    attempt that holds the machine.
    """

    machine_id: str
    epoch: int = 0
    cleared: bool = False
    attempt_id: str | None = None


def next_fence(epoch: int) -> int:
    """The first fence above `epoch` that is the server's to give."""
    return (epoch // FENCE_STEP + 1) * FENCE_STEP


def grant_lease(job: JobCard, machine: MachineCard, attempt_id: str) -> tuple[JobCard, MachineCard]:
    """The job is the machine's to prepare, under a fence that no earlier attempt had."""
    if machine.attempt_id is not None:
        raise Conflict(f"machine {machine.machine_id} already holds attempt {machine.attempt_id}")
    state = next_state(job.state, JobEvent.LEASE)
    fence = next_fence(machine.epoch)
    return (
        JobCard(state, machine.machine_id, attempt_id, fence),
        replace(machine, epoch=fence, attempt_id=attempt_id),
    )


def arm(
    job: JobCard,
    machine: MachineCard,
    *,
    attempt_id: str,
    fence: int,
    word: ClearWord = FRESH,
) -> tuple[JobCard, MachineCard]:
    """The attempt may start once; the machine's clear-bed token is used up.

    Asking again for a permit that was given changes nothing, so that a lost answer can be
    asked for again.
    """
    require_current(job, attempt_id=attempt_id, fence=fence)
    if job.state is JobState.ARMED:
        return job, machine
    if job.state is JobState.STAGED:
        require_clear(machine, word)
    armed = replace(job, state=next_state(job.state, JobEvent.ARM))
    return armed, replace(machine, cleared=False)


def require_clear(machine: MachineCard, word: ClearWord) -> None:
    """Pass only when somebody's word that the bed is clear still holds."""
    if not machine.cleared:
        raise NotArmed(
            f"machine {machine.machine_id} waits for someone to confirm that its bed is clear",
            reason="bed_not_clear",
        )
    if word.touched_s is not None and word.touched_s <= word.age_s:
        raise NotArmed(
            f"somebody worked at machine {machine.machine_id} by hand after its bed was confirmed "
            "clear: confirm it once more",
            reason="bed_not_clear",
        )
    if word.lapsed:
        raise NotArmed(
            f"machine {machine.machine_id} starts only while somebody is there, and its bed was "
            f"confirmed clear more than {ATTENDED_S / 60:.0f} minutes ago: confirm it once more",
            reason="attended_only",
        )


def require_current(job: JobCard, *, attempt_id: str, fence: int) -> None:
    """Pass only for the attempt and fence that hold the job; LeaseLost for any older one."""
    if (job.attempt_id, job.fence) != (attempt_id, fence):
        raise LeaseLost(
            f"attempt {attempt_id} with fence {fence} no longer holds this job; "
            "make the machine safe and forget the attempt"
        )


def after(job: JobCard, machine: MachineCard, event: JobEvent) -> tuple[JobCard, MachineCard]:
    """Both cards after `event`; the machine is free when the job no longer holds it.

    A machine that was let go is never clear by itself: somebody looks first. One that another
    attempt holds, of which nobody knows what it came to, stays held.
    """
    state = next_state(job.state, event)
    if state in HELD_STATES:
        return replace(job, state=state), machine
    holds = machine.attempt_id == job.attempt_id
    freed = replace(machine, attempt_id=None) if holds else machine
    if state is JobState.QUEUED:
        return JobCard(state), freed
    return replace(job, state=state), freed


def report(
    job: JobCard, machine: MachineCard, event: JobEvent, *, attempt_id: str, fence: int
) -> tuple[JobCard, MachineCard]:
    """Both cards after the agent's report; LeaseLost when an older fence speaks."""
    require_current(job, attempt_id=attempt_id, fence=fence)
    return after(job, machine, event)


def acknowledge_fence(
    job: JobCard, machine: MachineCard, *, fence: int, intent: bool
) -> tuple[JobCard, MachineCard]:
    """Both cards after the agent promised to start nothing up to `fence`.

    Without INTENT in its journal nothing has moved, and the job is free again. With INTENT it
    may have: the job waits for the machine's evidence or for a person.
    """
    # An answer about another attempt changes nothing, nor one about a run that is on its way:
    # once the agent has said STARTED only the end can be reported.
    if fence != job.fence or job.state not in (S.ARMED, S.UNCONFIRMED, S.CANCELLING):
        return job, machine
    if intent:
        return replace(job, fence_acknowledged=True), machine
    return after(job, machine, JobEvent.UNUSED)


def attest(job: JobCard, machine: MachineCard, *, nothing_ran: bool) -> tuple[JobCard, MachineCard]:
    """Both cards after a person at the machine said what happened.

    Conflict unless the agent has acknowledged the fence: until then a permit may still be on
    its way, and the person's word would be true today and wrong tomorrow.
    """
    if not job.fence_acknowledged:
        raise Conflict(
            "the agent has not yet promised that it will not start this attempt; "
            "wait until it answers, or switch the machine off and enrol its agent anew"
        )
    return after(job, machine, JobEvent.NOTHING_RAN if nothing_ran else JobEvent.IT_RAN)


def take_local(machine: MachineCard, *, attempt_id: str, fence: int) -> tuple[JobCard, MachineCard]:
    """Both cards after an agent told of a start that a person at it gave without a server.

    The job stands as if this start had been permitted here. Whatever was said about the bed before
    counts no longer: it may lie under what was made since. A machine that an earlier attempt may
    still have started stays that one's.

    Raises:
        Conflict: `fence` is one that only the server gives.
    """
    if fence % FENCE_STEP == 0:
        raise Conflict(f"fence {fence} is one of the server's: no start at the machine can have it")
    holder = attempt_id if machine.attempt_id is None else machine.attempt_id
    epoch = max(machine.epoch, fence)
    job = JobCard(S.ARMED, machine.machine_id, attempt_id, fence)
    return job, replace(machine, epoch=epoch, cleared=False, attempt_id=holder)


@dataclass(frozen=True, slots=True)
class MachineJournal:
    """What one machine's durable journal says: the greatest fence intended and given up."""

    intended: int = 0
    fenced: int = 0


def local_fence(journal: MachineJournal, *, heard: int) -> int:
    """The fence of a start that a person at the machine gives without a server: above all others.

    `heard` is the greatest one that the server is known to have given. What was leased under a
    lesser fence can never start afterwards.

    Raises:
        Conflict: the fences up to the server's next are used up.
    """
    fence = max(journal.intended, journal.fenced, heard) + 1
    if fence % FENCE_STEP == 0:
        raise Conflict(
            f"{FENCE_STEP - 1} starts in a row were given here without the server: it has to hear "
            "of them before there can be more"
        )
    return fence


def require_local(machine: MachineCard, word: ClearWord, *, silent_s: float) -> None:
    """Pass when a person at the machine may start it without a server, which uses the word up.

    `silent_s` is how long the server was not heard; `machine.cleared` whether anybody gave a word.

    Raises:
        Conflict: the server is not away.
        NotArmed: nobody's word that the bed is clear still holds.
    """
    if silent_s < AWAY_S:
        raise Conflict("the server is back: order it there")
    require_clear(machine, word)


def refuse_start(
    journal: MachineJournal, *, fence: int, age_s: float, same_program: bool
) -> str | None:
    """Why the agent must not start under this permit, or None when it may, once.

    Args:
        fence: the permit's, or that of a start which a person at the machine gives.
        age_s: seconds since the permit was asked for, or the start given, on the agent's clock.
        same_program: whether the file that would be sent has the hash that the permit names.
    """
    if fence <= journal.intended:
        return f"fence {fence} was started before"
    if fence <= journal.fenced:
        return f"fence {fence} was given up"
    if age_s > PERMIT_VALID_S:
        return f"the permit is {age_s:.0f} s old, more than {PERMIT_VALID_S:.0f} s"
    if not same_program:
        return "the prepared program is not the one that was permitted"
    return None


def intend(journal: MachineJournal, fence: int) -> MachineJournal:
    """The journal after INTENT; written durably before the first byte leaves."""
    return replace(journal, intended=max(journal.intended, fence))


def give_up(journal: MachineJournal, fence: int) -> MachineJournal:
    """The journal after the promise that nothing up to `fence` will start any more."""
    return replace(journal, fenced=max(journal.fenced, fence))
