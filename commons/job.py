"""The life of a job: its states, what can happen to it, and the one table of transitions.

The line that matters runs through ARMED. Before it nothing can have moved, so a silent agent
loses the job to the queue. After it only evidence moves the job: the machine's report, the
agent's answer to a fence, or a named person at the machine. No clock ever does.
"""

from enum import StrEnum

from commons.errors import IllegalTransition


class JobState(StrEnum):
    """Where a job stands. A job is one thing to make on one machine."""

    QUEUED = "queued"
    LEASED = "leased"
    STAGED = "staged"
    ARMED = "armed"
    RUNNING = "running"
    UNCONFIRMED = "unconfirmed"
    FINISHED = "finished"
    FAILED = "failed"
    REFUSED = "refused"
    DONE = "done"
    REJECTED = "rejected"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What can happen to a job, named after who says it."""

    LEASE = "lease"  # the server gives it to a machine to prepare
    STAGE = "stage"  # the agent holds a proved program
    DECLINE = "decline"  # the agent gives it back: not now, not here
    REFUSE = "refuse"  # the agent found that it cannot be made as it is
    ARM = "arm"  # the server permits one start: the point of no return
    STARTED = "started"  # the agent sent the first byte
    FINISH = "finish"  # the machine reached the end of the program
    FAIL = "fail"  # the machine stopped before the end, and says so
    LOST = "lost"  # the agent no longer knows what the machine does
    UNUSED = "unused"  # the agent will never start it: fence acknowledged, no INTENT
    SILENCE = "silence"  # nobody has heard of the agent for longer than a lease
    NOTHING_RAN = "nothing_ran"  # a person at the machine attests it, behind a fence
    IT_RAN = "it_ran"  # a person at the machine attests a spoiled or stopped run
    GOOD = "good"  # a person's verdict on the thing
    BAD = "bad"
    AGAIN = "again"  # a person asks for a new attempt
    CANCEL = "cancel"  # a person no longer wants it


S, E = JobState, JobEvent

TRANSITIONS: dict[tuple[JobState, JobEvent], JobState] = {
    (S.QUEUED, E.LEASE): S.LEASED,
    (S.LEASED, E.STAGE): S.STAGED,
    (S.LEASED, E.DECLINE): S.QUEUED,
    (S.LEASED, E.REFUSE): S.REFUSED,
    (S.LEASED, E.SILENCE): S.QUEUED,  # no permit was issued: nothing can have moved
    (S.STAGED, E.DECLINE): S.QUEUED,
    (S.STAGED, E.REFUSE): S.REFUSED,
    (S.STAGED, E.SILENCE): S.QUEUED,  # likewise
    (S.STAGED, E.ARM): S.ARMED,  # the permit is given: point of no return
    (S.ARMED, E.STARTED): S.RUNNING,
    (S.ARMED, E.UNUSED): S.QUEUED,  # the agent promised never to use this permit
    (S.ARMED, E.SILENCE): S.UNCONFIRMED,  # no clock ever takes it back to the queue
    (S.RUNNING, E.FINISH): S.FINISHED,
    (S.RUNNING, E.FAIL): S.FAILED,
    (S.RUNNING, E.LOST): S.UNCONFIRMED,
    (S.RUNNING, E.SILENCE): S.UNCONFIRMED,
    (S.UNCONFIRMED, E.STARTED): S.RUNNING,  # the agent was only away
    (S.UNCONFIRMED, E.FINISH): S.FINISHED,
    (S.UNCONFIRMED, E.FAIL): S.FAILED,
    (S.UNCONFIRMED, E.LOST): S.UNCONFIRMED,
    (S.UNCONFIRMED, E.UNUSED): S.QUEUED,
    (S.UNCONFIRMED, E.NOTHING_RAN): S.QUEUED,
    (S.UNCONFIRMED, E.IT_RAN): S.FAILED,
    (S.FINISHED, E.GOOD): S.DONE,
    (S.FINISHED, E.BAD): S.REJECTED,
    (S.FAILED, E.AGAIN): S.QUEUED,
    (S.REJECTED, E.AGAIN): S.QUEUED,
    (S.REFUSED, E.AGAIN): S.QUEUED,
    (S.QUEUED, E.CANCEL): S.CANCELLED,
    (S.LEASED, E.CANCEL): S.CANCELLED,
    (S.STAGED, E.CANCEL): S.CANCELLED,
    (S.FAILED, E.CANCEL): S.CANCELLED,
    (S.REFUSED, E.CANCEL): S.CANCELLED,
    # Behind the point of no return cancelling is a wish: the agent stops and reports.
    (S.ARMED, E.CANCEL): S.CANCELLING,
    (S.RUNNING, E.CANCEL): S.CANCELLING,
    (S.UNCONFIRMED, E.CANCEL): S.CANCELLING,
    (S.CANCELLING, E.STARTED): S.CANCELLING,
    (S.CANCELLING, E.LOST): S.CANCELLING,
    (S.CANCELLING, E.SILENCE): S.CANCELLING,
    (S.CANCELLING, E.UNUSED): S.CANCELLED,
    (S.CANCELLING, E.FAIL): S.CANCELLED,
    (S.CANCELLING, E.FINISH): S.FINISHED,  # the wish came too late
    (S.CANCELLING, E.NOTHING_RAN): S.CANCELLED,
    (S.CANCELLING, E.IT_RAN): S.CANCELLED,
}

# States in which an attempt is bound to a machine: the machine takes no other job meanwhile.
HELD_STATES = frozenset({S.LEASED, S.STAGED, S.ARMED, S.RUNNING, S.UNCONFIRMED, S.CANCELLING})
# States in which a permit has been given and has not been accounted for.
COMMITTED_STATES = frozenset({S.ARMED, S.RUNNING, S.UNCONFIRMED, S.CANCELLING})
FINAL_STATES = frozenset({S.DONE, S.CANCELLED})


def next_state(state: JobState, event: JobEvent) -> JobState:
    """The state of a job after `event`; IllegalTransition if that cannot happen to it."""
    if (state, event) not in TRANSITIONS:
        raise IllegalTransition(f"a {state} job cannot take '{event}'")
    return TRANSITIONS[state, event]


def can(state: JobState, event: JobEvent) -> bool:
    """Whether `event` may happen to a job in `state`."""
    return (state, event) in TRANSITIONS
