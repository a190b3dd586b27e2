"""A seed, and what will go wrong: pure, so that the same seed is the same schedule everywhere."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from commons.machine import Driver


class Moment(StrEnum):
    """When a fault happens: where the agent stands, or what the machine has done."""

    # The agent's machine process is frozen exactly there.
    FETCHING = "while the file is fetched"
    PREPARING = "before the program is prepared"
    PREPARED = "after the program is prepared"
    ARMING = "before the permit is asked for"
    PERMITTED = "after the permit has come"
    INTENDED = "between INTENT and the first byte"
    ENDED = "after the last answer, before the end is written down"
    SETTLING = "while an earlier start is looked into"
    # The machine is frozen there, or, at a print host, seen there.
    LINE = "at line"
    RESENDING = "at resend"
    # What people see.
    STAGED = "while it waits for a clear bed"
    HELD = "while it is held, at line"


AGENT_MOMENTS = (
    Moment.FETCHING, Moment.PREPARING, Moment.PREPARED, Moment.ARMING, Moment.PERMITTED,
    Moment.INTENDED, Moment.ENDED,
)  # fmt: skip


class What(StrEnum):
    """What happens. All of it is SIGKILL, SIGSTOP or a pulled plug; nothing can tidy up."""

    KILL_AGENT = "kill the agent"
    KILL_MACHINE_PROCESS = "kill the machine's process"
    KILL_SUPERVISOR = "kill the supervisor"
    END_AGENT = "ask the agent to end"
    KILL_SERVER = "kill the server"
    KILL_BOTH = "kill agent and server"
    FREEZE_AGENT = "freeze the agent"
    FREEZE_SERVER = "freeze the server"
    PULL_CABLE = "pull the cable"
    PULL_PLUG = "pull the machine's plug"
    PULL_PLUG_AND_KILL = "kill the agent, pull the machine's plug"
    KILL_HOST = "kill the print host"
    HOUR_PASSES = "an hour passes for the server"
    CANCEL = "somebody cancels"
    SECOND_AGENT = "somebody starts a second agent"


ANYWHERE = (
    (What.KILL_AGENT, 5), (What.KILL_MACHINE_PROCESS, 3), (What.KILL_SUPERVISOR, 2),
    (What.END_AGENT, 1), (What.KILL_SERVER, 5), (What.KILL_BOTH, 4), (What.FREEZE_AGENT, 2),
    (What.FREEZE_SERVER, 2), (What.HOUR_PASSES, 2), (What.CANCEL, 2), (What.SECOND_AGENT, 1),
)  # fmt: skip
AT_A_CABLE = ((What.PULL_CABLE, 4), (What.PULL_PLUG, 3), (What.PULL_PLUG_AND_KILL, 2))
# A print host takes long to come up again, so it is killed seldom.
AT_A_HOST = ((What.KILL_HOST, 2),)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `late`: what was broken is mended only after all faults."""

    when: Moment
    what: What
    at: int = 0
    late: bool = False

    def __str__(self) -> str:
        where = f"{self.when} {self.at}" if self.at else f"{self.when}"
        return f"{where}: {self.what}{', mended late' * self.late}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is decided beforehand. `knobs` are the simulated machine's own faults.

    `again`: a job that failed is tried once more after everything was mended, and must succeed.
    """

    seed: int
    machine: Driver
    line_count: int
    faults: tuple[Fault, ...] = ()
    knobs: tuple[tuple[str, float], ...] = ()
    again: bool = False

    @property
    def may_skip(self) -> bool:
        """The controller refuses a line or begins anew, and has no line numbers."""
        names = {name for name, _ in self.knobs}
        return self.machine is Driver.GRBL and bool(names & {"reset_at_line", "error_at_line"})

    def __str__(self) -> str:
        knobs = [f"{name}={value:g}" for name, value in self.knobs]
        story = "; ".join([*knobs, *map(str, self.faults)]) or "nothing goes wrong"
        again = "; tried again" if self.again else ""
        return f"seed {self.seed}: {self.machine}, {self.line_count} lines: {story}{again}"


def schedule_of(seed: int) -> Schedule:
    """The schedule of this seed, the same for ever as long as this file stays as it is."""
    random = Random(seed)
    kinds, weights = (Driver.MARLIN, Driver.GRBL, Driver.OCTOPRINT), (9, 7, 4)
    (machine,) = random.choices(kinds, weights)
    line_count = random.randint(100, 300) if machine.hosted else random.randint(100, 400)
    count = random.choices((0, 1, 2, 3), (1, 5, 4, 2))[0]
    faults = _in_order(_fault(random, machine, line_count) for _ in range(count))
    knobs = () if machine.hosted else _knobs(random, machine, line_count)
    return Schedule(seed, machine, line_count, faults, knobs, again=random.random() < 0.4)


def _fault(random: Random, machine: Driver, line_count: int) -> Fault:
    when, at = _moment(random, machine, line_count)
    choices = [*ANYWHERE, *(AT_A_HOST if machine.hosted else AT_A_CABLE)]
    ((what, _),) = random.choices(choices, [weight for _, weight in choices])
    return Fault(when, what, at, late=random.random() < 0.3)


def _moment(random: Random, machine: Driver, line_count: int) -> tuple[Moment, int]:
    kind = random.random()
    if kind < 0.3:
        return random.choice(AGENT_MOMENTS), 0
    if kind < 0.37:
        return Moment.STAGED, 0
    if kind < 0.42:
        return Moment.SETTLING, 0
    if kind < 0.5:
        return Moment.HELD, random.randint(2, line_count // 2)
    if kind < 0.58 and machine is Driver.MARLIN:
        return Moment.RESENDING, random.randint(1, 4)
    where = random.random()
    if where < 0.25:
        return Moment.LINE, random.randint(1, 8)
    if where < 0.4:
        return Moment.LINE, line_count - random.randint(0, 3)
    return Moment.LINE, random.randint(9, line_count - 4)


def _in_order(faults: object) -> tuple[Fault, ...]:
    """As an attempt comes by them; recovery is looked into after what made it necessary."""
    order = [Moment.FETCHING, Moment.PREPARING, Moment.PREPARED, Moment.STAGED, Moment.ARMING,
             Moment.PERMITTED, Moment.INTENDED]  # fmt: skip

    def place(fault: Fault) -> tuple[int, int]:
        if fault.when in order:
            return order.index(fault.when), 0
        last = {Moment.ENDED: 98, Moment.SETTLING: 99}.get(fault.when, 50)
        return last, fault.at if fault.when is not Moment.RESENDING else 10 * fault.at

    return tuple(sorted(faults, key=place))  # type: ignore[call-overload]


def _knobs(random: Random, machine: Driver, line_count: int) -> tuple[tuple[str, float], ...]:
    """Something odd about the line in two of three; in one of six the firmware gives up."""
    odd = _MARLIN_ODD if machine is Driver.MARLIN else _GRBL_ODD
    ends = _MARLIN_ENDS if machine is Driver.MARLIN else _GRBL_ENDS
    chosen: dict[str, float] = {}
    if random.random() < 0.66:
        for name, values in random.sample(odd, random.randint(1, 3)):
            chosen[name] = random.choice(values)
    if random.random() < 0.16:
        name = random.choice(ends)
        chosen[name] = random.randint(2, line_count) if name.endswith("line") else 1
    return tuple(sorted(chosen.items()))


_MARLIN_ODD: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("bad_line_ratio", (0.01, 0.05, 0.1)),
    ("resend_every", (7, 23, 61)),
    ("doubled_resend", (1,)),
    ("ok_after_resend", (0,)),
    ("garbage_every", (11, 37)),
    ("lost_ok_every", (170,)),
    ("advanced_ok", (1,)),
    ("buffer_size", (2, 8)),
    ("planner_blocks", (4, 32)),
    ("second_start", (1,)),
    ("echo_every", (5,)),
    ("wait_every_s", (1,)),
)
_MARLIN_ENDS = ("reset_at_line", "kill_at_line", "heater_runs_away", "heater_fails", "homing_fails")
_GRBL_ODD: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("garbage_at_line", (3, 50, 99)),
    ("rx_buffer", (64, 255)),
    ("planner_blocks", (4, 32)),
    ("grblhal", (1,)),
    ("door_at_line", (7, 60)),
)
_GRBL_ENDS = ("reset_at_line", "limit_at_line", "error_at_line")
