"""How long somebody's word that the bed is clear is good for a start."""

import pytest

from commons.dispatch import ATTENDED_S, ClearWord, JobCard, MachineCard, arm
from commons.errors import NotArmed
from commons.job import JobState

CLEAR = MachineCard("m", epoch=1, cleared=True, attempt_id="a")


def job(state: JobState = JobState.STAGED) -> JobCard:
    return JobCard(state, "m", "a", 1)


def refusal(word: ClearWord, machine: MachineCard = CLEAR) -> str | None:
    """The reason why there is no permit; None when there is one."""
    try:
        armed, used = arm(job(), machine, attempt_id="a", fence=1, word=word)
    except NotArmed as refused:
        return refused.reason
    assert (armed.state, used.cleared) == (JobState.ARMED, False)
    return None


@pytest.mark.parametrize("touched_s", [None, 0.0, 1e9])
@pytest.mark.parametrize("attended_only", [True, False])
def test_without_a_word_nothing_starts(attended_only: bool, touched_s: float | None) -> None:
    nobody = MachineCard("m", epoch=1, attempt_id="a")
    word = ClearWord(0.0, touched_s, attended_only)
    assert refusal(word, nobody) == "bed_not_clear"


@pytest.mark.parametrize(
    ("age_s", "attended_only", "reason"),
    [
        (0.0, True, None),
        (ATTENDED_S, True, None),
        (ATTENDED_S + 0.1, True, "attended_only"),
        (float("inf"), True, "attended_only"),
        (float("inf"), False, None),
    ],
)
def test_a_machine_that_nobody_may_leave_starts_within_ten_minutes_of_the_word(
    age_s: float, attended_only: bool, reason: str | None
) -> None:
    assert refusal(ClearWord(age_s, None, attended_only)) == reason


@pytest.mark.parametrize(
    ("age_s", "touched_s", "reason"),
    [
        (30.0, None, None),
        (30.0, 40.0, None),
        (30.0, 30.0, "bed_not_clear"),
        (30.0, 0.0, "bed_not_clear"),
        (float("inf"), 40.0, "bed_not_clear"),
    ],
)
def test_a_word_from_before_somebody_worked_at_it_by_hand_counts_no_longer(
    age_s: float, touched_s: float | None, reason: str | None
) -> None:
    assert refusal(ClearWord(age_s, touched_s)) == reason


def test_a_permit_that_was_given_is_given_again_however_old_the_word_is() -> None:
    armed = (job(JobState.ARMED), MachineCard("m", epoch=1, attempt_id="a"))
    old = ClearWord(float("inf"), 0.0, attended_only=True)
    assert arm(*armed, attempt_id="a", fence=1, word=old) == armed
