"""One job, two machines, and everything that can go wrong between server and agents.

Breadth-first over every interleaving. The network is a set of messages that are never taken
out of it: each may be delivered late, twice, out of order or not at all. Agents crash at any
step; the server's clock runs out at any step; a person at the machine tells the truth as it is
at that moment. The functions walked are the ones the server and the agent run.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from commons.dispatch import (
    FENCE_STEP,
    JobCard,
    MachineCard,
    MachineJournal,
    acknowledge_fence,
    after,
    arm,
    attest,
    give_up,
    grant_lease,
    intend,
    next_fence,
    refuse_start,
    report,
)
from commons.errors import FabError
from commons.job import COMMITTED_STATES, JobEvent, JobState, can, next_state

MAX_EPOCH = 2 * FENCE_STEP
NOTHING_WRITTEN = MachineJournal()
UNASKED = JobCard()


@dataclass(frozen=True, slots=True)
class Rules:
    """Which of the four rules hold."""

    two_phase: bool = True
    journal: bool = True
    no_requeue: bool = True
    fence: bool = True


@dataclass(frozen=True, slots=True)
class Agent:
    """`prepared` and `starting` are memory; the journal survives a crash."""

    journal: MachineJournal = NOTHING_WRITTEN
    prepared: int = 0
    starting: int = 0


@dataclass(frozen=True, slots=True)
class World:
    job: JobCard = UNASKED
    machines: tuple[MachineCard, ...] = (MachineCard("a"), MachineCard("b"))
    agents: tuple[Agent, ...] = (Agent(), Agent())
    messages: frozenset[tuple[str, int, int, bool]] = frozenset()
    started: tuple[tuple[int, int], ...] = ()
    # A start of a job that the server had already called cancelled.
    after_cancel: bool = False


def attempt_of(m: int, fence: int) -> str:
    return f"{'ab'[m]}{fence}"


def with_machine(world: World, m: int, job: JobCard, machine: MachineCard) -> World:
    machines = tuple(machine if i == m else x for i, x in enumerate(world.machines))
    return replace(world, job=job, machines=machines)


def with_agent(world: World, m: int, agent: Agent) -> World:
    return replace(world, agents=tuple(agent if i == m else x for i, x in enumerate(world.agents)))


def said(world: World, kind: str, m: int, fence: int, flag: bool = False) -> World:
    return replace(world, messages=world.messages | {(kind, m, fence, flag)})


def tidied(world: World, rules: Rules) -> World:
    """The same world without the messages that everybody will refuse for ever.

    Attempts never come back, so a report of another attempt than the job's is dead, and with a
    durable journal so is a permit or offer for a fence that was intended or given up.
    """
    current = ("ab".find(world.job.machine_id or "-"), world.job.fence)
    gone = [max(a.journal.intended, a.journal.fenced) if rules.journal else 0 for a in world.agents]
    kept = frozenset(
        (kind, m, fence, flag)
        for kind, m, fence, flag in world.messages
        if (fence > gone[m] if kind in ("offer", "permit") else (m, fence) == current)
    )
    return world if kept == world.messages else replace(world, messages=kept)


def server_steps(world: World, rules: Rules) -> Iterator[World]:
    if world.job.state is JobState.QUEUED:
        yield from leases(world)
    if world.job.machine_id is None:
        return
    job, m = world.job, "ab".index(world.job.machine_id)
    if can(job.state, JobEvent.SILENCE):
        yield silent(world, m, rules)
    if can(job.state, JobEvent.CANCEL):
        state = next_state(job.state, JobEvent.CANCEL)
        yield replace(world, job=replace(job, state=state))
    if job.state in (JobState.UNCONFIRMED, JobState.CANCELLING):
        yield said(world, "fence", m, job.fence)
        yield from attested(world, m, rules)


def leases(world: World) -> Iterator[World]:
    for m, machine in enumerate(world.machines):
        if machine.epoch < MAX_EPOCH and machine.attempt_id is None:
            fence = next_fence(machine.epoch)
            leased = grant_lease(world.job, machine, attempt_of(m, fence))
            yield said(with_machine(world, m, *leased), "offer", m, fence)


def attested(world: World, m: int, rules: Rules) -> Iterator[World]:
    """A person at the machine says that nothing ran, when nothing has."""
    job, machine = world.job, world.machines[m]
    if (m, job.fence) in world.started:
        return
    answered = job if rules.fence else replace(job, fence_acknowledged=True)
    yield from attempt_step(
        lambda: with_machine(world, m, *attest(answered, machine, nothing_ran=True))
    )


def silent(world: World, m: int, rules: Rules) -> World:
    job, machine = world.job, world.machines[m]
    if rules.no_requeue or job.state not in COMMITTED_STATES:
        return with_machine(world, m, *after(job, machine, JobEvent.SILENCE))
    return with_machine(world, m, JobCard(), replace(machine, attempt_id=None))


def attempt_step(step: Callable[[], World]) -> Iterator[World]:
    """The world after `step`, or nothing where the rules refuse it."""
    try:
        yield step()
    except FabError:
        return


REPORTS = {"stage": JobEvent.STAGE, "decline": JobEvent.DECLINE, "started": JobEvent.STARTED,
           "finish": JobEvent.FINISH, "lost": JobEvent.LOST}  # fmt: skip


def delivered_to_server(world: World, m: int, kind: str, fence: int, flag: bool) -> World:
    job, machine = world.job, world.machines[m]
    if kind == "ack":
        if job.machine_id != machine.machine_id:
            return world
        return with_machine(world, m, *acknowledge_fence(job, machine, fence=fence, intent=flag))
    attempt_id = attempt_of(m, fence)
    if kind == "ask":
        # The worst case: somebody confirms a clear bed whenever it helps a start.
        armed = arm(job, replace(machine, cleared=True), attempt_id=attempt_id, fence=fence)
        return said(with_machine(world, m, *armed), "permit", m, fence)
    changed = report(job, machine, REPORTS[kind], attempt_id=attempt_id, fence=fence)
    return with_machine(world, m, *changed)


def delivered_to_agent(world: World, m: int, kind: str, fence: int, rules: Rules) -> World:
    agent = world.agents[m]
    if agent.starting:
        return world  # the start section holds the lock
    if kind == "offer":
        return said(with_agent(world, m, replace(agent, prepared=fence)), "stage", m, fence)
    if kind == "fence":
        kept = give_up(agent.journal, fence)
        answer = said(world, "ack", m, fence, kept.intended >= fence)
        return with_agent(answer, m, replace(agent, journal=kept, prepared=0))
    refusal = refuse_start(agent.journal, fence=fence, age_s=0.0, same_program=True)
    return world if refusal else begin(world, m, fence)


def begin(world: World, m: int, fence: int) -> World:
    agent = world.agents[m]
    return with_agent(world, m, Agent(intend(agent.journal, fence), prepared=0, starting=fence))


def agent_steps(world: World, m: int, rules: Rules) -> Iterator[World]:
    agent = world.agents[m]
    if agent.prepared:
        if rules.two_phase:
            yield said(world, "ask", m, agent.prepared)
        elif not refuse_start(agent.journal, fence=agent.prepared, age_s=0.0, same_program=True):
            yield begin(world, m, agent.prepared)
        yield said(with_agent(world, m, replace(agent, prepared=0)), "decline", m, agent.prepared)
    if agent.starting:
        yield first_byte(world, m)
    if agent != Agent(agent.journal):
        yield crashed(world, m, rules)


def first_byte(world: World, m: int) -> World:
    """The machine moves; the agent may yet report any end of it, or crash."""
    agent = world.agents[m]
    moved = replace(
        world,
        started=(*world.started, (m, agent.starting)),
        after_cancel=world.after_cancel or world.job.state is JobState.CANCELLED,
    )
    for kind in ("started", "finish", "lost"):
        moved = said(moved, kind, m, agent.starting)
    return with_agent(moved, m, replace(agent, starting=0))


def crashed(world: World, m: int, rules: Rules) -> World:
    """Memory is gone. At boot an INTENT without an end is reported as lost."""
    journal = world.agents[m].journal if rules.journal else NOTHING_WRITTEN
    down = with_agent(world, m, Agent(journal))
    return said(down, "lost", m, journal.intended) if journal.intended else down


def steps(world: World, rules: Rules) -> Iterator[World]:
    yield from server_steps(world, rules)
    for m in range(2):
        yield from agent_steps(world, m, rules)
        if not rules.journal:
            yield crashed(world, m, rules)
    for kind, m, fence, flag in world.messages:
        if kind in ("offer", "permit", "fence"):
            yield delivered_to_agent(world, m, kind, fence, rules)
        else:
            yield from attempt_step(
                lambda m=m, kind=kind, fence=fence, flag=flag: delivered_to_server(
                    world, m, kind, fence, flag
                )
            )


@dataclass(slots=True)
class Walk:
    depth_of: dict[World, int] = field(default_factory=dict)
    before: dict[World, set[World]] = field(default_factory=dict)
    second_start: int | None = None


def out_of_epochs(world: World) -> bool:
    """Back in the queue with every fence of the walk used up: its end lies outside of it."""
    return world.job.state is JobState.QUEUED and all(
        machine.epoch == MAX_EPOCH for machine in world.machines
    )


def wrong(world: World) -> bool:
    return len(world.started) > 1 or world.after_cancel


def walk(rules: Rules) -> Walk:
    """Every world that can be reached; stops at the first that holds a second start."""
    seen = Walk({World(): 0})
    todo = deque([World()])
    while todo:
        world = todo.popleft()
        for new in (tidied(step, rules) for step in steps(world, rules)):
            seen.before.setdefault(new, set()).add(world)
            if new in seen.depth_of:
                continue
            seen.depth_of[new] = seen.depth_of[world] + 1
            if wrong(new):
                seen.second_start = seen.depth_of[new]
                return seen
            todo.append(new)
    return seen


@pytest.mark.slow
def test_no_interleaving_starts_a_job_twice_and_every_job_can_still_end() -> None:
    seen = walk(Rules())
    assert seen.second_start is None
    assert len(seen.depth_of) > 10_000
    ends = [w for w in seen.depth_of if w.job.state in (JobState.FINISHED, JobState.CANCELLED)]
    can_end = set(ends)
    todo = deque(ends)
    while todo:
        for earlier in seen.before.get(todo.popleft(), ()):
            if earlier not in can_end:
                can_end.add(earlier)
                todo.append(earlier)
    stuck = [w for w in seen.depth_of if w not in can_end and not out_of_epochs(w)]
    assert not stuck


WEAKENED = {
    "a lease alone, freed by a clock": Rules(False, False, False, False),
    "with a journal": Rules(False, True, False, False),
    "two phases, freed by a clock": Rules(True, False, False, False),
    "two phases and a journal, freed by a clock": Rules(True, True, False, False),
    "no clock, but a person frees it without a fence or journal": Rules(True, False, True, False),
    "no clock and a journal, but a person frees it without a fence": Rules(True, True, True, False),
    "no clock and a fence, but no journal": Rules(True, False, True, True),
    "journal and fence, but a single phase": Rules(False, True, True, True),
}


@pytest.mark.slow
@pytest.mark.parametrize("rules", WEAKENED.values(), ids=WEAKENED.keys())
def test_each_rule_is_needed(rules: Rules) -> None:
    assert walk(rules).second_start is not None
