"""What every driver promises, in the words of the shop floor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from fab_agent.gcode.program import GcodeProgram


class Control(StrEnum):
    """What a person asks of a running machine."""

    HOLD = "hold"
    RESUME = "resume"
    ABORT = "abort"


class Outcome(StrEnum):
    """How a run ended, as far as the machine itself says."""

    FINISHED = "finished"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines sent to the machine and lines it has acknowledged, of `line_count` in all."""

    lines_sent: int
    lines_done: int
    line_count: int


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Measured and wanted temperatures in °C; None where there is no such heater."""

    hotend_c: float | None = None
    hotend_target_c: float | None = None
    bed_c: float | None = None
    bed_target_c: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something the machine said that is neither progress nor a fault."""

    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """The machine stands still because a person (or its door, or the program) asked for it.

    `at_stop`: it waits for another cutter, and what a person may do there.
    """

    why: str
    at_stop: "CutterStop | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The machine moves on."""


MachineEvent = Progress | Temperatures | Message | Held | Resumed
Report = Callable[[MachineEvent], None]
# The next thing a person asks, or None; never blocks.
Controls = Callable[[], Control | None]


@dataclass(frozen=True, slots=True)
class MachineIdentity:
    """What the machine or its host says it is; `guarded` is None when it does not say.

    `guarded`: the firmware watches its heaters by itself (Marlin: thermal protection).
    """

    firmware: str
    details: tuple[str, ...] = ()
    guarded: bool | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The end of one run: what was sent, what the machine acknowledged, how it ended."""

    outcome: Outcome
    lines_sent: int
    lines_done: int


@dataclass(frozen=True, slots=True)
class Home:
    """Find the limit switches: the machine knows afterwards where it is."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """A person has looked at the alarm: the machine may move again, its position is doubtful."""


@dataclass(frozen=True, slots=True)
class Jog:
    """Move by so much, mm, at `feed_mm_s`, and stand again."""

    x_mm: float = 0.0
    y_mm: float = 0.0
    z_mm: float = 0.0
    feed_mm_s: float = 10.0


@dataclass(frozen=True, slots=True)
class SetZero:
    """Here is the zero of the work for these axes, such as "XY" or "Z"."""

    axes: str = "XYZ"


def nobody_stops() -> bool:
    """Whoever watches a step lets it go on."""
    return False


# What a trained person does by hand before a start.
Step = Home | Unlock | Jog | SetZero


class CutterStop(Protocol):
    """A run that stands, spindle off, until a person has changed the cutter.

    For the thread that runs the program, from its Held until its Resumed or its end.
    """

    def operate(self, step: Step, *, wants_stop: Callable[[], bool]) -> str:
        """Carry out a jog or the zero of Z, as MachineDriver.operate; NotAllowed for the others.

        A step that was stopped ends the run, and so does a MachineError.
        """
        ...

    def resume(self, *, same_length: bool) -> str:
        """The program goes on, since a person has asked for it.

        `same_length`: that person says that the new cutter needs no zero of its own.

        Raises:
            Conflict: not yet, and why.
        """
        ...


class Evidence(StrEnum):
    """What can be learned afterwards about a start that nobody saw end."""

    NOTHING_RAN = "nothing_ran"
    STILL_RUNNING = "still_running"
    FINISHED = "finished"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class MachineDriver(Protocol):
    """One machine, owned exclusively from construction to `close`.

    All methods may raise TransportLost, ProtocolViolation and MachineFault (commons.errors).
    """

    def identify(self) -> MachineIdentity:
        """What is connected. Moves and heats nothing."""
        ...

    def ready(self) -> Temperatures | None:
        """Return when the machine could start now; Unavailable says why it cannot.

        What is returned is how warm it is, where that was asked on the way.

        Moves and heats nothing. A GRBL machine in alarm, a busy print host, a heater error
        are reasons.
        """
        ...

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Send every line of `program` once, in order, and return when the machine has ended.

        `attempt` names this start in the machine's own records where it keeps some. `report` is
        called from this thread. After ABORT the machine is made safe and the end is ABORTED; so
        it is, once, whatever ends a run before its last line.

        Raises, besides what all methods may: ProgramRefused when the file is not the program
        that was proved, Conflict when the machine's records know this attempt already,
        Unavailable and NotAllowed when a print host refuses; nothing has moved then.
        """
        ...

    def make_safe(self) -> None:
        """Stop motion, heaters and spindle, as far as the machine can still be reached.

        Never raises for a machine that is gone: there is nothing more that could be done.
        """
        ...

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        """Carry out one step of setting up by hand; return where the machine is, in words.

        `wants_stop` is asked at least every 20 ms while it moves: Unavailable is raised then, the
        machine is told to stop and made safe.

        NotAllowed: this kind of machine is not set up from here. Unavailable: not now.
        InvalidInput: the step would leave the machine's travel or pass its limits.
        """
        ...

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """What the machine's own records say about an earlier start under this name."""
        ...

    def close(self) -> None:
        """Let go of the port or host. Safe to call twice."""
        ...
