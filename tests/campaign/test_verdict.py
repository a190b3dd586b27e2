"""A verdict that could not fail would be worthless: each promise is broken once, on paper."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from commons.job import JobState
from tests.campaign.verdict import Attempt, Entry, Records, broken_promises

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROGRAM = ("G28", "G1 X1", "G1 X2", "M84")


def entries(*texts: str, at: float = 2.0) -> list[Entry]:
    """What a machine executed from so many seconds after the start on, ten lines a second."""
    begin = START.timestamp() + at
    return [
        Entry(begin + n / 10, *(("line", text) if text[0] in "GM" else (text,)))
        for n, text in enumerate(texts)
    ]


def attempt(name: str = "a1", outcome: str = "done", **more: object) -> Attempt:
    told = {
        "armed_at": START,
        "intended_at": START + timedelta(seconds=1),
        "sentence": "as it was",
        "tokens": 1,
    }
    return Attempt(id=name, outcome=outcome, **(told | more))  # type: ignore[arg-type]


GOOD = Records(PROGRAM, entries(*PROGRAM), [attempt()], JobState.DONE, "it is good")
STOPPED = replace(
    GOOD,
    machine=entries("G28", "G1 X1"),
    attempts=[attempt(outcome="failed")],
    job_state=JobState.FAILED,
)


def test_a_run_as_it_should_be_breaks_nothing() -> None:
    assert broken_promises(GOOD) == []
    assert broken_promises(STOPPED) == []


def test_a_second_attempt_has_a_start_of_its_own() -> None:
    again = attempt("a2", intended_at=START + timedelta(seconds=9))
    machine = [*STOPPED.machine, *entries(*PROGRAM, at=10)]
    both = replace(GOOD, machine=machine, attempts=[*STOPPED.attempts, again])
    assert broken_promises(both) == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (replace(GOOD, machine=entries(*PROGRAM, *PROGRAM)), "started 2 times"),
        (replace(GOOD, machine=entries("G28", "G1 X2", "G1 X1", "M84")), "as line 2"),
        (replace(GOOD, machine=entries("G28", "G1 X1", "G1 X1", "G1 X2")), "as line 3"),
        (replace(GOOD, machine=entries("G28", "G1 X1", "M84")), "as line 3"),
        (replace(GOOD, machine=entries("G28", "G1 X1", "G1 X2")), "executed 3 of 4 lines"),
        (replace(GOOD, machine=entries(*PROGRAM, "M84")), "has 4"),
        (replace(GOOD, machine=entries("G1 X1")), "before any start"),
        (replace(STOPPED, machine=entries("G28", "boot", "G1 X1")), "after the controller"),
        (replace(STOPPED, machine=entries("G28", "alarm", "G1 X1")), "after the controller"),
        (replace(GOOD, attempts=[attempt(intended_at=None)]), "no INTENT"),
        (replace(GOOD, machine=entries(*PROGRAM, at=0.5)), "no INTENT"),
        (replace(GOOD, attempts=[attempt(armed_at=None)]), "before there was a permit"),
        (replace(GOOD, attempts=[attempt(tokens=0)]), "permitted by 0 words"),
        (replace(GOOD, attempts=[attempt(outcome=None)]), "has no end"),
        (replace(STOPPED, attempts=[attempt(outcome="failed", sentence="")]), "no sentence"),
        (replace(STOPPED, attempts=[attempt(outcome="unused")]), "said not to have run"),
        (replace(GOOD, attempts=[attempt(lines_done=5)]), "told 5 lines done"),
        (replace(GOOD, attempts=[attempt(lines_sent=3)]), "told 3 lines sent"),
        (replace(GOOD, job_state=JobState.UNCONFIRMED), "stuck"),
        (replace(GOOD, job_state=JobState.QUEUED), "stuck"),
        (replace(GOOD, job_sentence=""), "no sentence says why"),
        (replace(GOOD, unsafe=["at the end heaters were on"]), "heaters were on"),
    ],
)
def test_what_went_wrong_is_seen(broken: Records, says: str) -> None:
    assert any(says in told for told in broken_promises(broken)), broken_promises(broken)


def test_only_a_controller_without_line_numbers_may_leave_some_out_when_it_gives_up() -> None:
    skipped = replace(STOPPED, machine=entries("G28", "boot", "G1 X2"), may_skip=True)
    assert broken_promises(skipped) == []
    assert broken_promises(replace(skipped, may_skip=False))
    assert broken_promises(replace(skipped, machine=entries("G28", "G1 X2", "G1 X1")))
    assert broken_promises(replace(skipped, machine=entries("G28", "G1 X1", "G1 X1")))
    assert broken_promises(replace(GOOD, machine=entries("G28", "G1 X2", "M84"), may_skip=True))
