"""One machine with one bed, a server, and people who start it with and without that.

Breadth-first over every interleaving, as in test_no_second_start.py: questions and answers come
late, twice or never, the agent crashes at any step, its reports come in their order, and whether
they came it may not know. People speak the truth: who says that the bed is clear has looked, and it
is. The functions walked are the ones that the server and the agent run.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from commons.dispatch import (
    ATTENDED_S,
    AWAY_S,
    FENCE_STEP,
    FRESH,
    ClearWord,
    JobCard,
    MachineCard,
    MachineJournal,
    after,
    arm,
    give_up,
    grant_lease,
    intend,
    local_fence,
    next_fence,
    refuse_start,
    report,
    require_local,
    take_local,
)
from commons.errors import Conflict, FabError, NotArmed
from commons.job import JobEvent, JobState

MOST_LEASES, MOST_LOCAL = 2, 1
EMPTY = MachineJournal()
UNASKED, UNUSED = JobCard(), MachineCard("m")
E = JobEvent


@dataclass(frozen=True, slots=True)
class Rules:
    """Which of the rules hold."""

    voids_words: bool = True  # the server, once it is told of a start without it
    gives_up: bool = True  # the agent, what it held when people start without a server


@dataclass(frozen=True, slots=True)
class World:
    """`held` is the lease that the agent prepares, `asked` the fence for which a permit may exist;
    `outbox` are its reports that the server has not had, in order: what it has heard to be staged
    stands behind every start without it. `word` was given at the machine."""

    job: JobCard = UNASKED
    machine: MachineCard = UNUSED
    local: JobCard | None = None
    journal: MachineJournal = EMPTY
    held: int = 0
    asked: int = 0
    word: bool = False
    outbox: tuple[tuple[str, int], ...] = ()
    messages: frozenset[tuple[str, int, bool]] = frozenset()
    used: bool = False  # something lies on the bed
    starts: tuple[int, ...] = ()
    wrong: str = ""


def told(world: World, *events: tuple[str, int]) -> World:
    return replace(world, outbox=(*world.outbox, *events))


def said(world: World, kind: str, fence: int, flag: bool = False) -> World:
    return replace(world, messages=world.messages | {(kind, fence, flag)})


def started(world: World, fence: int) -> World:
    """The machine moves, under this fence."""
    job_again = fence % FENCE_STEP == 0 and any(it % FENCE_STEP == 0 for it in world.starts)
    wrong = "on a used bed" if world.used else world.wrong
    wrong = "twice" if fence in world.starts or job_again else wrong
    kept = intend(world.journal, fence)
    return replace(world, journal=kept, starts=(*world.starts, fence), used=True, word=False,
                   held=0, asked=0, wrong=wrong)  # fmt: skip


def people(world: World, rules: Rules) -> Iterator[World]:
    if world.used:
        yield replace(world, used=False)
        return
    if not world.word:
        yield replace(world, word=True)
    if not world.machine.cleared and world.job.state is not JobState.RUNNING:
        yield replace(world, machine=replace(world.machine, cleared=True))
    if world.word and sum(fence % FENCE_STEP != 0 for fence in world.starts) < MOST_LOCAL:
        yield without_server(world, rules)


def without_server(world: World, rules: Rules) -> World:
    """Somebody starts it at the panel; whatever the agent held it has given up before."""
    given_up = world.asked or world.held
    journal = world.journal
    if world.asked and rules.gives_up:
        journal = give_up(journal, world.asked)
    fence = local_fence(journal, heard=world.held if rules.gives_up else 0)
    require_local(replace(world.machine, cleared=world.word), FRESH, silent_s=AWAY_S)
    back = [("unused", given_up), ("decline", given_up)] if given_up else []
    before = told(replace(world, journal=journal), *back)
    moved = started(before, fence)
    return told(moved, ("ordered", fence), ("finish", fence))


def agent(world: World) -> Iterator[World]:
    if world.held and ("stage", world.held) not in world.outbox:
        yield said(replace(world, asked=world.held), "ask", world.held, world.word)
    if world.held or world.word:
        yield crashed(world)


def crashed(world: World) -> World:
    """What it asked for it gives up at its next start; all else it has forgotten."""
    kept = replace(world, held=0, asked=0, word=False)
    if not world.asked:
        return kept
    given_up = replace(kept, journal=give_up(world.journal, world.asked))
    return told(given_up, ("unused", world.asked), ("decline", world.asked))


def server(world: World, rules: Rules) -> Iterator[World]:
    free = world.job.state is JobState.QUEUED and world.machine.attempt_id is None
    if free and world.machine.epoch < MOST_LEASES * FENCE_STEP:
        fence = next_fence(world.machine.epoch)
        job, machine = grant_lease(world.job, world.machine, f"a{fence}")
        yield said(replace(world, job=job, machine=machine), "offer", fence)
    if world.job.state in (JobState.LEASED, JobState.STAGED):
        job, machine = after(world.job, world.machine, E.SILENCE)
        yield replace(world, job=job, machine=machine)
    if world.outbox:
        first, *rest = world.outbox
        yield heard(replace(world, outbox=tuple(rest)), *first, rules)


EVENTS = {"stage": E.STAGE, "decline": E.DECLINE, "unused": E.UNUSED, "started": E.STARTED,
          "finish": E.FINISH}  # fmt: skip


def heard(world: World, kind: str, fence: int, rules: Rules) -> World:
    """The server has the report; one that can change nothing any more changes nothing."""
    if kind == "ordered":
        return ordered(world, fence, rules)
    if world.local and world.local.fence == fence:
        _, machine = after(replace(world.local, state=JobState.RUNNING), world.machine, E.FINISH)
        return replace(world, local=None, machine=machine)
    try:
        cards = report(world.job, world.machine, EVENTS[kind], attempt_id=f"a{fence}", fence=fence)
    except FabError:
        return world
    return replace(world, job=cards[0], machine=cards[1])


def ordered(world: World, fence: int, rules: Rules) -> World:
    if world.job.state in (JobState.LEASED, JobState.STAGED):
        job, machine = after(world.job, world.machine, E.SILENCE)
        world = replace(world, job=job, machine=machine)
    local, machine = take_local(world.machine, attempt_id=f"local{fence}", fence=fence)
    if not rules.voids_words:
        machine = replace(machine, cleared=world.machine.cleared)
    return replace(world, local=local, machine=machine)


def delivered(world: World, kind: str, fence: int, flag: bool, rules: Rules) -> Iterator[World]:
    if kind == "offer":
        if not (world.held or world.outbox):
            yield told(replace(world, held=fence), ("stage", fence))
    elif kind == "ask":
        spoken = replace(world.machine, cleared=world.machine.cleared or flag)
        try:
            job, machine = arm(world.job, spoken, attempt_id=f"a{fence}", fence=fence)
        except FabError:
            return
        used = world.machine if job is world.job else machine  # asked again: as it was
        yield said(replace(world, job=job, machine=used), "permit", fence)
    else:
        if refuse_start(world.journal, fence=fence, age_s=0.0, same_program=True) is None:
            yield told(started(world, fence), ("started", fence), ("finish", fence))


def steps(world: World, rules: Rules) -> Iterator[World]:
    yield from people(world, rules)
    yield from agent(world)
    yield from server(world, rules)
    for message in world.messages:
        yield from delivered(world, *message, rules)


def walk(rules: Rules) -> tuple[int, str]:
    """How many worlds can be reached, and what goes wrong in the first in which anything does."""
    seen, todo = {World()}, deque([World()])
    while todo:
        for new in steps(todo.popleft(), rules):
            if new.wrong:
                return len(seen), new.wrong
            if new not in seen:
                seen.add(new)
                todo.append(new)
    return len(seen), ""


@pytest.mark.slow
def test_no_start_is_given_twice_or_onto_a_used_bed() -> None:
    worlds, wrong = walk(Rules())
    assert wrong == ""
    assert worlds > 10_000


@pytest.mark.parametrize("rules", [Rules(voids_words=False), Rules(gives_up=False)])
def test_each_rule_is_needed(rules: Rules) -> None:
    assert walk(rules)[1] == "on a used bed"


def test_both_count_their_own_fences_and_older_ones_go_on() -> None:
    assert [next_fence(epoch) for epoch in (0, 7, 1023, 1024, 1025)] == [1024] * 3 + [2048] * 2
    assert local_fence(MachineJournal(intended=3, fenced=5), heard=2) == 6
    assert local_fence(EMPTY, heard=2048) == 2049
    with pytest.raises(Conflict, match="1023 starts in a row were given here"):
        local_fence(MachineJournal(intended=1023), heard=0)
    with pytest.raises(Conflict, match="is one of the server's"):
        take_local(MachineCard("m"), attempt_id="local-1", fence=2048)


def test_what_an_earlier_attempt_holds_stays_held() -> None:
    doubtful = MachineCard("m", epoch=1024, cleared=True, attempt_id="a1024")
    local, machine = take_local(doubtful, attempt_id="local-1", fence=1025)
    assert machine == replace(doubtful, epoch=1025, cleared=False)
    running, machine = after(local, machine, E.STARTED)
    assert after(running, machine, E.FINISH)[1].attempt_id == "a1024"


def test_people_start_it_only_while_the_server_is_away_and_the_bed_is_clear() -> None:
    clear = MachineCard("m", cleared=True)
    require_local(clear, FRESH, silent_s=AWAY_S)
    with pytest.raises(Conflict, match="the server is back: order it there"):
        require_local(clear, FRESH, silent_s=AWAY_S - 1)
    with pytest.raises(NotArmed, match="waits for someone to confirm"):
        require_local(MachineCard("m"), FRESH, silent_s=AWAY_S)
    old = ClearWord(age_s=ATTENDED_S + 1, attended_only=True)
    with pytest.raises(NotArmed, match="more than 10 minutes ago"):
        require_local(clear, old, silent_s=AWAY_S)
