"""The transition table, read whole: finite tables are enumerated."""

from collections.abc import Iterable

import pytest

from commons.errors import IllegalTransition
from commons.job import (
    COMMITTED_STATES,
    FINAL_STATES,
    HELD_STATES,
    TRANSITIONS,
    JobEvent,
    JobState,
    can,
    next_state,
)

S, E = JobState, JobEvent
EVERYTHING = [(state, event) for state in S for event in E]
# Who says an event: a clock, the server by itself, the agent, or a person.
CLOCK = {E.SILENCE}
PERSON = {E.NOTHING_RAN, E.IT_RAN, E.GOOD, E.BAD, E.AGAIN, E.CANCEL}
AFTER_THE_RUN = {S.FINISHED, S.FAILED, S.DONE, S.REJECTED}


def leads(events: Iterable[JobEvent]) -> list[tuple[JobState, JobEvent, JobState]]:
    return [(a, event, b) for (a, event), b in TRANSITIONS.items() if event in set(events)]


def test_no_clock_leads_from_a_committed_state_to_anywhere_a_machine_could_take_it_again() -> None:
    after_clock = {b for a, _, b in leads(CLOCK) if a in COMMITTED_STATES}
    assert after_clock == {S.UNCONFIRMED, S.CANCELLING}
    assert not after_clock & {S.QUEUED, S.LEASED, S.STAGED}


def test_only_evidence_or_a_person_leads_out_of_a_committed_state() -> None:
    out = {event for (a, event), b in TRANSITIONS.items()
           if a in COMMITTED_STATES and b not in COMMITTED_STATES}  # fmt: skip
    assert out == {E.FINISH, E.FAIL, E.UNUSED, E.NOTHING_RAN, E.IT_RAN}


def test_a_committed_job_is_queued_again_only_when_somebody_knows_that_nothing_ran() -> None:
    back = {event for (a, event), b in TRANSITIONS.items()
            if a in COMMITTED_STATES and b is S.QUEUED}  # fmt: skip
    assert back == {E.UNUSED, E.NOTHING_RAN}


def test_a_running_job_is_never_unused() -> None:
    assert not can(S.RUNNING, E.UNUSED)
    assert not can(S.RUNNING, E.NOTHING_RAN)


def test_the_permit_is_the_only_way_into_a_committed_state() -> None:
    into = {(a, event) for (a, event), b in TRANSITIONS.items()
            if b in COMMITTED_STATES and a not in COMMITTED_STATES}  # fmt: skip
    assert into == {(S.STAGED, E.ARM)}


def test_a_job_is_leased_only_from_the_queue() -> None:
    assert [(a, event) for (a, event), b in TRANSITIONS.items() if b is S.LEASED] == [
        (S.QUEUED, E.LEASE)
    ]


def test_a_cancelled_run_ends_only_when_the_machine_or_a_person_has_spoken() -> None:
    ends = {event for (a, event), b in TRANSITIONS.items()
            if a is S.CANCELLING and b is not S.CANCELLING}  # fmt: skip
    assert ends == {E.UNUSED, E.FAIL, E.FINISH, E.NOTHING_RAN, E.IT_RAN}


def test_every_committed_state_is_held_and_no_state_after_the_run_is() -> None:
    assert COMMITTED_STATES < HELD_STATES
    assert not HELD_STATES & (AFTER_THE_RUN | FINAL_STATES | {S.QUEUED, S.REFUSED})


def test_nothing_leads_out_of_a_final_state() -> None:
    assert not [a for a, _ in TRANSITIONS if a in FINAL_STATES]


def test_every_state_can_be_reached_and_every_job_can_end() -> None:
    reached, todo = {S.QUEUED}, [S.QUEUED]
    while todo:
        state = todo.pop()
        for new in {b for (a, _), b in TRANSITIONS.items() if a is state} - reached:
            reached.add(new)
            todo.append(new)
    assert reached == set(S)
    can_end = set(FINAL_STATES)
    while more := {a for (a, _), b in TRANSITIONS.items() if b in can_end} - can_end:
        can_end |= more
    assert can_end == set(S)


def test_a_persons_word_on_a_doubtful_run_is_asked_in_doubtful_states_alone() -> None:
    assert {a for a, event, _ in leads({E.NOTHING_RAN, E.IT_RAN})} == {S.UNCONFIRMED, S.CANCELLING}


@pytest.mark.parametrize(("state", "event"), EVERYTHING)
def test_the_table_is_all_that_can_happen(state: JobState, event: JobEvent) -> None:
    assert can(state, event) == ((state, event) in TRANSITIONS)
    if can(state, event):
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"a {state} job cannot take '{event}'"):
            next_state(state, event)
