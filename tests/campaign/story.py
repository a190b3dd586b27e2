"""One schedule from its beginning to its verdict: what breaks, who mends it, what is judged."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commons.job import JobState
from commons.machine import Driver
from commons.wire import MachineState, Wish
from tests.campaign.machines import Machine
from tests.campaign.office import Seen
from tests.campaign.processes import pause
from tests.campaign.schedule import Fault, Moment, Schedule, What
from tests.campaign.template import Template
from tests.campaign.verdict import AT_REST, Records, broken_promises
from tests.campaign.world import World

# A moment that has not come after so long without any news will not come any more, s.
# With something broken that is mended late there is less to wait for.
QUIET_S, BROKEN_QUIET_S = 8.0, 3.0
# Two processes have started by then, on a computer that does much else, s.
UP_S = 40.0
# In a whole world a job comes to rest within this; the longest clock of the agent is 60 s.
PATIENCE_S = 150.0
# How often people look at the board, s.
LOOK_S = 0.05
# Held by a person for so long when nothing else happens, s.
HELD_S = 0.3
SAFE_WITHIN_S = 20.0
# The agent of a working machine asks for wishes once a second.
TOLD_S = 1.5
_AT_WORK = (MachineState.RUNNING, MachineState.HELD)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one schedule. `broken` is empty when every promise was kept."""

    schedule: Schedule
    broken: tuple[str, ...]
    happened: tuple[str, ...]
    outcomes: tuple[str, ...]
    took_s: float


def play(schedule: Schedule, folder: Path, machine: Machine, template: Template) -> Result:
    """The schedule happened in a world of its own, which is gone again; its records stay."""
    began = time.monotonic()
    world = World(schedule, folder, machine, template)
    story = _Story(world)
    try:
        world.open()
        story.tell()
        records = story.records()
    except Exception as problem:  # one world that breaks off must not hide what all others tell
        why = f"the story broke off: {problem!r}"
        return Result(schedule, (why,), tuple(story.happened), (), time.monotonic() - began)
    finally:
        world.close()
    return Result(
        schedule,
        tuple(broken_promises(records)),
        tuple(story.happened),
        tuple(f"{a.outcome}: {a.sentence}" for a in records.attempts),
        time.monotonic() - began,
    )


class _Story:
    """The one thread of a world: it breaks, mends, and plays every person in it."""

    def __init__(self, world: World) -> None:
        self._world, self._schedule = world, world.schedule
        self.happened: list[str] = []
        self._complaints: list[str] = []
        self._unsafe: list[str] = []
        self._tries_left = int(self._schedule.again)
        self._coming: Fault | None = None
        self._holds = self._is_broken = self._whole = False

    def tell(self) -> None:
        for fault in self._schedule.faults:
            self._let_happen(fault)
        self._world.mend()
        self._settle()

    def records(self) -> Records:
        world, seen = self._world, self._world.office.look()
        return Records(
            program=world.program,
            machine=world.machine.entries(),
            attempts=world.office.attempts(),
            job_state=seen.state,
            job_sentence=seen.sentence,
            counts_lines=world.schedule.machine is not Driver.OCTOPRINT,
            may_skip=world.schedule.may_skip,
            unsafe=self._unsafe,
            complaints=self._complaints,
        )

    # What goes wrong

    def _let_happen(self, fault: Fault) -> None:
        world, self._coming = self._world, fault
        world.expect(fault)
        if self._comes(fault):
            if fault.when is Moment.HELD:
                self._hold()
            world.break_by(fault)
            self.happened.append(str(fault))
        world.forget(fault)
        self._coming = None
        if self._holds and fault.what is not What.CANCEL:
            self._wait(lambda _: False, HELD_S)
            world.office.wish(Wish.RESUME)
            self._holds = False
        if fault.late:
            self._is_broken = True
        else:
            world.mend()

    def _comes(self, fault: Fault) -> bool:
        """The fault's moment comes; False when the job has ended or nothing moves any more."""
        quiet_s = BROKEN_QUIET_S if self._is_broken else QUIET_S
        return self._wait(lambda _: self._world.has_come(fault), quiet_s, until_end=True)

    def _hold(self) -> None:
        """A person holds the machine; the wish is with the agent before it moves on."""
        world = self._world
        world.office.wish(Wish.HOLD)
        self._holds = True
        self._wait(lambda seen: _state(seen) is MachineState.HELD, TOLD_S)
        world.machine.go_on()
        self._wait(lambda seen: _state(seen) is MachineState.HELD, QUIET_S, until_end=True)

    # Waiting, while people go about their work

    def _wait(
        self, true: Callable[[Seen], bool], quiet_s: float, *, until_end: bool = False
    ) -> bool:
        """Whether it came true before everything was quiet for so long."""
        last: object = None
        since = time.monotonic()
        while True:
            seen = self._world.office.look()
            if true(seen):
                return True
            if until_end and _has_ended(seen):
                return False
            self._act(seen)
            now = (seen.state, seen.attempt_id, _state(seen), len(self._world.machine.entries()))
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > (quiet_s if seen.machine or self._is_broken else UP_S):
                return False
            pause(LOOK_S)

    def _act(self, seen: Seen) -> None:
        """What an honest operator does at any time: clear the bed, close the door and go on."""
        waits = self._coming is not None and self._coming.when is Moment.STAGED
        if seen.state is JobState.STAGED and not seen.cleared and not waits:
            self._world.office.clear()
        if _state(seen) is MachineState.HELD and not self._holds:
            self._world.office.wish(Wish.RESUME)  # its door was open, and is closed again
        if seen.state is JobState.QUEUED:
            self._world.office.rest_is_over()

    # Mended: the job comes to rest

    def _settle(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            seen = self._world.office.look()
            self._act(seen)
            if not self._decides(seen) and self._is_at_rest(seen):
                self._judge_safety("at the end")
                self._judge_second_try(seen)
                return
            pause(LOOK_S)
        seen = self._world.office.look()
        told = seen.machine and f"{seen.machine.state}, '{seen.machine.sentence}'"
        self._complaints.append(
            f"after {PATIENCE_S:.0f} s the job is {seen.state} and the machine {told}"
        )

    def _decides(self, seen: Seen) -> bool:
        """Whether the operator did something about the job, after a look at the real machine."""
        office, world = self._world.office, self._world
        if world.machine.needs_a_person():
            self._judge_safety("before somebody switched the machine off and on")
            world.look_after_machine()
        if seen.state is JobState.FINISHED:
            office.say_good()
        elif seen.state in (JobState.UNCONFIRMED, JobState.CANCELLING):
            if seen.fence_acknowledged and _state(seen) is not MachineState.RUNNING:
                office.attest(nothing_ran=not self._has_run(seen))
        elif seen.state is JobState.FAILED and self._tries_left:
            self._tries_left -= 1
            self._whole = world.machine.is_whole()
            office.try_again()
        else:
            return False
        return True

    def _has_run(self, seen: Seen) -> bool:
        """Whether there is something on the bed since this attempt was permitted."""
        attempt = next(a for a in self._world.office.attempts() if a.id == seen.attempt_id)
        since = attempt.armed_at.timestamp() if attempt.armed_at else 0.0
        lines = (e for e in self._world.machine.entries() if e.kind == "line")
        return any(e.at >= since for e in lines)

    def _is_at_rest(self, seen: Seen) -> bool:
        """The job is over, and the agent says that its machine waits for the next one."""
        return seen.state in AT_REST and _state(seen) is MachineState.IDLE

    def _judge_second_try(self, seen: Seen) -> None:
        """What was tried again when all was mended has succeeded."""
        failed = self._tries_left < self._schedule.again and seen.state is JobState.FAILED
        if failed and self._whole:
            self._complaints.append(f"tried again in a whole world it failed: {seen.sentence}")

    def _judge_safety(self, when: str) -> None:
        """Heaters and spindle are off, or will be in a moment."""
        end = time.monotonic() + SAFE_WITHIN_S
        while not self._world.machine.is_safe():
            if time.monotonic() > end:
                self._unsafe.append(f"{when} heaters or spindle were on")
                return
            pause(LOOK_S)


def _has_ended(seen: Seen) -> bool:
    """Nothing more will happen of this attempt."""
    lost = seen.state is JobState.UNCONFIRMED and _state(seen) not in _AT_WORK
    return lost or seen.state in AT_REST or seen.state is JobState.FINISHED


def _state(seen: Seen) -> MachineState | None:
    return seen.machine and seen.machine.state
