"""The journal on a real disk: what is promised is there after a crash, and in order."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commons.dispatch import MachineJournal
from commons.errors import NotArmed, Unavailable
from commons.wire import EventKind, FenceOrder, RunFacts
from fab_agent.journal import Journal, Outbox, Stage, Start

PROGRAM = "ab" * 32
RUN = RunFacts(lines_sent=3, lines_done=3, line_count=3, ran_s=1.5)


def start(fence: int) -> Start:
    return Start(f"attempt-{fence}", fence, PROGRAM)


def order(fence: int, machine_id: str = "ender") -> FenceOrder:
    return FenceOrder(machine_id=machine_id, attempt_id=f"attempt-{fence}", fence=fence)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, machine_id="ender")
    yield journal
    journal.close()


def intend(journal: Journal, fence: int, age_s: float = 0.0, same_program: bool = True) -> None:
    with journal.start_section(start(fence), age_s=age_s, same_program=same_program):
        pass


def kinds(folder: Path, acked: int = 0) -> list[tuple[int, str]]:
    outbox = Outbox(folder)
    events = [(event.seq, event.kind.value) for event in outbox.after(acked)]
    outbox.close()
    return events


def test_a_start_and_its_end_are_reported_in_order_without_gaps(
    journal: Journal, tmp_path: Path
) -> None:
    journal.record(EventKind.STAGED, "attempt-1", 1)
    journal.ask(start(1))
    intend(journal, 1)
    journal.end(start(1), EventKind.FINISHED, run=RUN)
    assert kinds(tmp_path) == [(1, "staged"), (2, "started"), (3, "finished")]
    assert journal.open_starts() == []


def test_no_fence_is_ever_intended_twice(journal: Journal) -> None:
    intend(journal, 2)
    for fence in (1, 2):
        with pytest.raises(NotArmed, match="was started before"):
            intend(journal, fence)
    assert journal.card == MachineJournal(intended=2)


def test_a_fence_that_was_given_up_never_starts(journal: Journal) -> None:
    journal.answer_fence(order(3))
    with pytest.raises(NotArmed, match="fence 3 was given up"):
        intend(journal, 3)
    assert journal.card == MachineJournal(fenced=3)


@pytest.mark.parametrize(("age_s", "same_program"), [(60.1, True), (0.0, False)])
def test_a_refused_start_leaves_no_trace(
    journal: Journal, tmp_path: Path, age_s: float, same_program: bool
) -> None:
    with pytest.raises(NotArmed):
        intend(journal, 1, age_s, same_program)
    assert journal.card == MachineJournal()
    assert kinds(tmp_path) == []


def test_a_fence_is_answered_only_when_the_first_byte_has_left(
    journal: Journal, tmp_path: Path
) -> None:
    with journal.start_section(start(1), age_s=0.0, same_program=True) as first_byte_left:
        journal.answer_fence(order(1))
        assert kinds(tmp_path) == [(1, "started")]
        first_byte_left()
        journal.answer_fence(order(1))
    assert kinds(tmp_path) == [(1, "started"), (2, "fenced")]


def test_a_fence_is_always_answered_and_says_whether_there_was_an_intent(
    journal: Journal, tmp_path: Path
) -> None:
    intend(journal, 2)
    for fence in (1, 2, 3):
        journal.answer_fence(order(fence))
    outbox = Outbox(tmp_path)
    answers = [(e.fence, e.intent) for e in outbox.after(0) if e.kind is EventKind.FENCED]
    outbox.close()
    assert answers == [(1, True), (2, True), (3, False)]


def test_a_fence_asked_again_is_answered_again_once_the_first_answer_has_arrived(
    journal: Journal, tmp_path: Path
) -> None:
    journal.answer_fence(order(1))
    journal.answer_fence(order(1))
    assert kinds(tmp_path) == [(1, "fenced")]
    journal.heard(1)
    journal.answer_fence(order(1))
    assert kinds(tmp_path) == [(1, "fenced"), (2, "fenced")]


def test_a_fence_for_another_machine_is_none_of_ours(journal: Journal) -> None:
    journal.answer_fence(order(1, machine_id="router"))
    assert journal.card == MachineJournal()


def test_giving_up_says_unused_and_declined_and_closes_the_start(
    journal: Journal, tmp_path: Path
) -> None:
    journal.ask(start(1))
    journal.give_up(start(1), "too late")
    assert kinds(tmp_path) == [(1, "unused"), (2, "declined")]
    assert journal.open_starts() == []
    assert journal.card.fenced == 1


def test_numbers_go_on_after_what_the_server_has_was_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path, machine_id="ender")
    boot = journal.boot
    journal.record(EventKind.STAGED, "attempt-1", 1)
    assert not journal.all_heard
    journal.heard(1)
    journal.forget()
    journal.close()
    again = Journal(tmp_path, machine_id="ender")
    assert again.boot == boot
    assert again.all_heard
    assert again.record(EventKind.STAGED, "attempt-2", 2) == 2
    assert kinds(tmp_path) == [(2, "staged")]
    again.close()


def test_after_lost_a_start_is_still_open(journal: Journal) -> None:
    intend(journal, 1)
    journal.end(start(1), EventKind.LOST)
    assert [(s.start, s.stage) for s in journal.open_starts()] == [(start(1), Stage.LOST)]
    journal.close_start(start(1))
    assert journal.open_starts() == []


def test_a_second_process_for_the_same_machine_is_refused(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="another process drives machine ender"):
        Journal(tmp_path, machine_id="ender")


def test_a_full_disk_starts_nothing_and_later_all_goes_on(journal: Journal, tmp_path: Path) -> None:
    db: sqlite3.Connection = journal._db
    size = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {size}")
    for length in (2000, 0):
        with pytest.raises(Unavailable, match="is full"):
            for number in range(1000):
                journal.record(EventKind.STAGED, f"attempt-{number}", 1, sentence="x" * length)
    entered = False
    with (
        pytest.raises(Unavailable, match="nothing is started"),
        journal.start_section(start(1), age_s=0.0, same_program=True),
    ):
        entered = True
    assert not entered
    assert journal.card == MachineJournal()
    db.execute("PRAGMA max_page_count = 100000")
    intend(journal, 1)
    numbers = [seq for seq, _ in kinds(tmp_path)]
    assert numbers == list(range(1, len(numbers) + 1))


KILLED = """
import os, signal, sys
from pathlib import Path
from fab_agent.journal import Journal, Start
journal = Journal(Path(sys.argv[1]), machine_id="ender")
journal.ask(Start("attempt-1", 1, "ab" * 32))
with journal.start_section(Start("attempt-1", 1, "ab" * 32), age_s=0.0, same_program=True):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_an_intent_outlives_a_kill_and_the_lock_does_not(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], check=False, env={**os.environ}
    )
    assert child.returncode == -9
    journal = Journal(tmp_path, machine_id="ender")
    assert [(s.start, s.stage) for s in journal.open_starts()] == [(start(1), Stage.INTENDED)]
    with pytest.raises(NotArmed, match="was started before"):
        intend(journal, 1)
    journal.close()
