"""What a person can do next, read off the board: what sets most going comes first."""

from datetime import UTC, datetime

from commons.job import JobState
from commons.machine import Process
from repo_server.actions import Act, next_actions
from repo_server.boards import Board, BoardJob, BoardLab, BoardMachine
from repo_server.conditions import Condition
from repo_server.waits import BoardAnswer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def machine(name: str, state: Condition = Condition.READY, **more: object) -> BoardMachine:
    values = {
        "id": name, "name": name, "process": Process.FDM, "simulated": False, "state": state,
        "sentence": "", "cleared": state is Condition.READY, "lot": None, "hotend_c": None,
        "bed_c": None, "job_id": None, "attempt_id": None, "progress": None,
    }  # fmt: skip
    return BoardMachine.model_validate(values | more)


def answer(name: str, code: str, then: str = "") -> BoardAnswer:
    return BoardAnswer(machine_id=name, machine=name, code=code, sentence="", then=then)


def job(number: int, *waits: BoardAnswer, **more: object) -> BoardJob:
    values = {
        "id": f"job-{number}", "order_id": "o", "release_id": "r", "title": "Hook", "part": "hook",
        "copy_number": 1, "copies": 1, "plate": 1, "good_copies": None, "variant": "",
        "material": "pla", "process": Process.FDM, "state": JobState.QUEUED, "sentence": "",
        "machine_id": None, "machine": None, "attempt_id": None, "has_passport": False,
        "queued_at": NOW, "changed_at": NOW, "program": None, "acts": (), "urgent_because": None,
        "deadline": None, "not_before": None, "attended_only": False, "pinned_to": None,
        "set_id": None, "waits": waits,
    }  # fmt: skip
    return BoardJob.model_validate(values | more)


def told(machines: list[BoardMachine], *jobs: BoardJob) -> list[tuple[Act, str, str, int]]:
    lab = BoardLab(slug="corner", name="Corner", city_slug="c", city="C")
    board = Board(lab=lab, machines=tuple(machines), jobs=jobs, past=(), queued=len(jobs))
    return [(it.act, it.machine, it.what, it.jobs) for it in next_actions(board)]


def test_where_nothing_waits_nobody_has_to_do_anything() -> None:
    assert told([machine("A"), machine("B", Condition.AWAIT_CLEAR)]) == []


def test_what_sets_most_going_comes_first() -> None:
    machines = [
        machine("Fault", Condition.FAULT),
        machine("Full", Condition.AWAIT_CLEAR),
        machine("Held", Condition.HELD),
        machine("Idle"),
    ]
    jobs = [
        *(job(n, answer("Idle", "material"), material="petg") for n in range(3)),
        *(job(n, answer("Full", "next")) for n in (3, 4)),
        job(5, state=JobState.FINISHED, machine="Full", machine_id="Full"),
        job(6, state=JobState.FAILED, machine="Held", machine_id="Held"),
    ]
    assert told(machines, *jobs) == [
        (Act.LOAD, "Idle", "petg", 3),
        (Act.CLEAR, "Full", "", 2),
        (Act.GO_ON, "Held", "", 1),
        (Act.LOOK, "Fault", "", 0),
        (Act.JUDGE, "Full", "hook", 0),
        (Act.DECIDE, "Held", "hook", 0),
    ]


def test_nobody_changes_a_machine_for_a_job_that_another_makes_anyway() -> None:
    waits = (answer("Busy", "busy"), answer("Idle", "material"))
    assert told([machine("Busy", Condition.RUNNING), machine("Idle")], job(1, *waits)) == []


def test_nobody_mends_a_machine_for_a_job_that_it_could_not_make() -> None:
    machines = [machine("Off", Condition.OFFLINE), machine("Idle")]
    cannot = answer("Off", "offline", then="Off does CNC, this part needs FDM")
    assert told(machines, job(1, cannot, answer("Idle", "size"))) == []
    assert told(machines, job(1, answer("Off", "offline"), answer("Idle", "size"))) == [
        (Act.SWITCH_ON, "Off", "", 1)
    ]


def test_a_material_is_loaded_on_one_machine_and_on_one_that_stands_still() -> None:
    machines = [machine("A", Condition.RUNNING, job_id="x"), machine("B"), machine("C")]
    waits = tuple(answer(it.name, "material") for it in machines)
    jobs = [job(n, *waits, material="petg") for n in range(4)]
    assert told(machines, *jobs) == [(Act.LOAD, "B", "petg", 4)]


def test_where_time_helps_or_no_change_does_nobody_is_sent() -> None:
    """Hours and bookings end by themselves, a downtime does not; what lies with whoever ordered,
    or with those who chose machines, is nothing to do at a machine."""
    machines = [machine("A"), machine("B")]
    for code in ("hours", "reserved", "quota"):
        assert told(machines, job(1, answer("A", code), answer("B", "material"))) == []
    machines[0] = machine("A", Condition.DOWN)
    waits = (answer("A", "hours"), answer("B", "material"))
    assert told(machines, job(1, *waits)) == [(Act.LOAD, "B", "pla", 1)]
    for code in ("not_chosen", "training", "temperature"):
        assert told([machine("A")], job(1, answer("A", code))) == []


def test_an_order_whose_forerunner_is_not_made_asks_for_one_word() -> None:
    jobs = [job(n, follows="…", acts=("go_on",)) for n in range(3)]
    assert told([machine("A")], *jobs) == [(Act.ALLOW, "", "hook", 3)]


def test_every_change_that_a_person_can_make_is_asked_for() -> None:
    codes = {
        "mass_left": Act.REFILL, "sheet": Act.REFILL, "thickness": Act.REFILL,
        "tool": Act.SET_UP, "plate": Act.SET_UP, "material": Act.LOAD, "offline": Act.SWITCH_ON,
        "maintenance": Act.SERVICE,
    }  # fmt: skip
    for code, act in codes.items():
        ((told_act, *_),) = told([machine("A")], job(1, answer("A", code)))
        assert told_act is act
