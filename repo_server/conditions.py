"""What a machine is doing, from what its agent reports and what its attempt is entitled to."""

from datetime import datetime, timedelta
from enum import StrEnum

from commons.job import COMMITTED_STATES, JobState
from commons.wire import MachineReport, MachineState
from repo_server.tables import MachineRow

# An agent asks at least every 25 s (its longest poll); twice missed and it counts as away.
HEARD_WITHIN = timedelta(seconds=60)


class Condition(StrEnum):
    """The states of a machine as people see them on the lab's board."""

    OFFLINE = "offline"  # its agent, or the machine itself, does not answer
    FAULT = "fault"  # a person has to look at it
    MANUAL = "manual"  # it moves, and not for us: somebody uses it by hand
    UNCONFIRMED = "unconfirmed"  # it may have made something; nobody knows
    RUNNING = "running"
    HELD = "held"
    PREPARING = "preparing"
    AWAIT_CLEAR = "await_clear"  # a person has to confirm that the bed is clear
    READY = "ready"


# Conditions in which a machine may be given a job to prepare.
FREE = frozenset({Condition.AWAIT_CLEAR, Condition.READY})


def seen(machine: MachineRow) -> MachineReport | None:
    """The last report about the machine; None when its agent has not reported yet."""
    return None if machine.seen is None else MachineReport.model_validate(machine.seen)


def condition(machine: MachineRow, job_state: JobState | None, *, heard: bool) -> Condition:
    """The machine's condition.

    Args:
        job_state: of the job that holds the machine; None when none does.
        heard: whether its agent is there; true when it is the one who asks.
    """
    report = seen(machine)
    state = MachineState.IDLE if report is None else report.state
    if job_state is JobState.UNCONFIRMED:
        return Condition.UNCONFIRMED
    if not heard or state is MachineState.OFFLINE:
        return Condition.OFFLINE
    if state is MachineState.FAULT:
        return Condition.FAULT
    if job_state in COMMITTED_STATES:
        return Condition.HELD if state is MachineState.HELD else Condition.RUNNING
    if state in (MachineState.RUNNING, MachineState.HELD):
        return Condition.MANUAL
    if job_state is JobState.LEASED:
        return Condition.PREPARING
    return Condition.READY if machine.cleared else Condition.AWAIT_CLEAR


def heard_lately(machine: MachineRow, now: datetime) -> bool:
    """Whether the machine's agent spoke of it not long ago."""
    return machine.seen_at is not None and now - machine.seen_at <= HEARD_WITHIN
