"""What a machine is doing, from what its agent reports and what its attempt is entitled to."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from commons.dispatch import ClearWord
from commons.job import COMMITTED_STATES, JobState
from commons.wire import MachineReport, MachineState
from repo_server.tables import MachineRow

# An agent asks at least every 25 s (its longest poll); twice missed and it counts as away.
HEARD_WITHIN = timedelta(seconds=60)


class Condition(StrEnum):
    """The states of a machine as people see them on the lab's board."""

    OFFLINE = "offline"  # its agent, or the machine itself, does not answer
    FAULT = "fault"  # a person has to look at it
    MANUAL = "manual"  # somebody uses it by hand, or it moves and not for us
    UNCONFIRMED = "unconfirmed"  # it may have made something; nobody knows
    RUNNING = "running"
    HELD = "held"
    PREPARING = "preparing"
    AWAIT_CLEAR = "await_clear"  # a person has to confirm that the bed is clear
    READY = "ready"
    DOWN = "down"  # somebody has taken it out of use


# Conditions in which a machine may be given a job to prepare.
FREE = frozenset({Condition.AWAIT_CLEAR, Condition.READY})


def seen(machine: MachineRow) -> MachineReport | None:
    """The last report about the machine; None when its agent has not reported yet."""
    return None if machine.seen is None else MachineReport.model_validate(machine.seen)


def clear_word(
    machine: MachineRow, now: datetime, *, touched_s: float | None = None, attended: bool = False
) -> ClearWord:
    """How much the word about the machine's bed is worth now. One without a time is old.

    `attended`: it is for a job that starts only while somebody is there, whatever the machine.
    """
    at = machine.cleared_at
    return ClearWord(
        age_s=float("inf") if at is None else (now - at).total_seconds(),
        touched_s=touched_s,
        attended_only=attended or bool(machine.profile.get("attended_only", True)),
    )


def is_clear(machine: MachineRow, now: datetime, *, attended: bool = False) -> bool:
    """Whether somebody's word that the bed is clear would allow a start now."""
    ours = clear_word(machine, now, attended=attended)
    if machine.cleared and not ours.lapsed:
        return True
    report = seen(machine)
    if report is None or report.clear is None or machine.seen_at is None:
        return False
    # Its agent holds a word that was given beside it, and presents it when it asks to start.
    age_s = report.clear.age_s + (now - machine.seen_at).total_seconds()
    return not replace(ours, age_s=age_s).lapsed


def condition(
    machine: MachineRow, job_state: JobState | None, *, heard: bool, now: datetime,
    attended: bool = False,
) -> Condition:  # fmt: skip
    """The machine's condition.

    Args:
        job_state: of the job that holds the machine; None when none does.
        heard: whether its agent is there; true when it is the one who asks.
        attended: whether that job starts only while somebody is there.
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
    if state in (MachineState.RUNNING, MachineState.HELD, MachineState.MANUAL):
        return Condition.MANUAL
    if job_state is JobState.LEASED:
        return Condition.PREPARING
    clear = is_clear(machine, now, attended=attended)
    return Condition.READY if clear else Condition.AWAIT_CLEAR


def heard_lately(machine: MachineRow, now: datetime) -> bool:
    """Whether the machine's agent spoke of it not long ago."""
    return machine.seen_at is not None and now - machine.seen_at <= HEARD_WITHIN
