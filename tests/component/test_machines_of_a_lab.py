"""What a machine is given and may start: its hours, downtimes, maintenance, power, calibrations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from commons.errors import Conflict, InvalidInput, NotArmed
from commons.flows import Action
from commons.hours import Week
from commons.utilisation import Use
from commons.wire import EventKind, JobOffer, MachineState
from repo_server import boards, calibrations, decisions, downtimes, labs, rules, upkeep, utilisation
from repo_server.calibrations import NewCalibration
from repo_server.db import make_engine
from repo_server.downtimes import NewDowntime
from repo_server.rules import LabRules, MachineRules
from repo_server.tables import LabRow, MachineRow
from repo_server.upkeep import Counters, NewMaintenance
from tests.floor import PROGRAM, Floor, fresh_engine, furnish, run
from tests.profiles import printer, router

# The floor's clock begins on a Sunday at noon.
ALWAYS = dict.fromkeys(Week.model_fields, ("00:00-24:00",))


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    return furnish(fresh_engine(tmp_path / "lab.sqlite"), printer(), router())


def keep(floor: Floor, machine: str = "", **said: object) -> None:
    """The lab, or the machine of this name, keeps to these rules."""
    with floor.session() as session:
        if machine:
            row = session.get_one(MachineRow, floor.machines[machine])
            rules.set_machine(session, row, MachineRules.model_validate(said, strict=False))
        else:
            row = session.get_one(LabRow, floor.lab_id)
            rules.set_lab(session, row, LabRules.model_validate(said, strict=False))


def why(floor: Floor, job_id: str, machine: str = "Printer") -> tuple[str, str]:
    """The code and the sentence of one machine on the board, which is heard of and at rest."""
    floor.sees(machine, MachineState.IDLE)
    with floor.session() as session:
        board = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    (job,) = [it for it in board.jobs if it.id == job_id]
    (answer,) = [it for it in job.waits if it.machine == machine]
    return answer.code, answer.sentence


def begins(floor: Floor, job_id: str) -> timedelta | None:
    with floor.session() as session:
        board = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    (job,) = [it for it in board.jobs if it.id == job_id]
    return job.forecast and job.forecast.begins_at and job.forecast.begins_at - floor.now


def down(floor: Floor, **said: object) -> str:
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        wanted = NewDowntime.model_validate({"reason": "new belts", **said})
        made = downtimes.take_down(session, machine, wanted, by=floor.manager, now=floor.now)
        return made.id


def test_a_lab_that_opens_tomorrow_gives_no_work_today_and_says_when_it_begins(floor: Floor):
    (job,) = floor.order()
    floor.sees("Printer", MachineState.IDLE)
    assert why(floor, job)[0] == "next"
    keep(floor, time_zone="Europe/Berlin", open={"mon": ("09:00-18:00",)})
    assert floor.lease() is None
    assert why(floor, job) == (
        "hours",
        "Printer may not be left alone, and the lab is closed until Mon 09:00",
    )
    assert begins(floor, job) == timedelta(hours=20)  # 09:00 there is 08:00 UTC
    floor.later(hours=20)
    assert floor.lease() is not None


def test_what_would_run_past_closing_waits_unless_the_machine_may_be_left_alone(tmp_path: Path):
    engine = fresh_engine(tmp_path / "lab.sqlite")
    floor = furnish(engine, printer(attended_only=False), router())
    keep(floor, open={**ALWAYS, "sun": ("00:00-13:00",), "mon": ()})
    floor.order()
    offer = floor.staged()  # nobody knows yet how long it takes: an hour, by its program
    floor.clear()
    with pytest.raises(NotArmed, match=r"the lab closes at 13:00: this takes about 60 min"):
        floor.arm(offer)
    assert not floor.reply("Printer").work  # asking again would lead to nothing
    keep(floor, "Printer", unattended=True)
    assert floor.reply("Printer").work
    assert floor.arm(offer).fence == offer.fence
    keep(floor, "Printer", unattended=False)
    assert floor.arm(offer).fence == offer.fence  # a lost answer is asked for again


def test_a_planned_downtime_drains_and_one_without_an_end_lasts_until_it_is_ended(floor: Floor):
    floor.order()
    first = floor.running()
    floor.tell(EventKind.FINISHED, first, run=run())
    (job,) = floor.order()
    floor.clear()
    planned = down(floor, begins_at=floor.now + timedelta(minutes=50), ends_at=None)
    code, sentence = why(floor, job)
    assert (code, sentence) == (
        "maintenance",
        "Printer is down from 12:50 on (new belts): this takes about 60 min",
    )
    assert floor.lease() is None
    with pytest.raises(Conflict, match=r"is down already from 2026-03-01 12:50 until somebody"):
        down(floor, begins_at=floor.now + timedelta(hours=4))
    floor.later(minutes=55)
    assert why(floor, job)[1] == "Printer is down: new belts"
    with floor.session() as session:
        shown = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
        assert [it.state for it in shown.machines if it.name == "Printer"] == ["down"]
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        downtimes.end(session, machine, planned, by=floor.manager, now=floor.now)
    assert floor.lease() is not None


def test_a_downtime_that_is_over_or_ends_before_it_begins_is_refused(floor: Floor):
    hour = timedelta(hours=1)
    with pytest.raises(InvalidInput, match="ends_at: has passed already"):
        down(floor, ends_at=floor.now - hour)
    with pytest.raises(ValueError, match="is not after begins_at; are they exchanged"):
        down(floor, begins_at=floor.now + 2 * hour, ends_at=floor.now + hour)


def test_overdue_maintenance_that_blocks_keeps_work_away_until_somebody_has_done_it(floor: Floor):
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        said = Counters(hours=1200, starts=300)
        upkeep.say_counters(session, machine, said, by=floor.manager, now=floor.now)
        wanted = NewMaintenance(name="grease the rods", every_hours=0.5, blocking=True)
        task = upkeep.plan(session, machine, wanted, by=floor.manager, now=floor.now)
    floor.order(copies=2)
    ran = floor.running()
    floor.later(hours=1)
    floor.tell(EventKind.FINISHED, ran, run=run(ran_s=3600.0))
    floor.clear()
    assert floor.lease() is None
    (job,) = floor.order()
    assert why(floor, job) == (
        "maintenance",
        "Printer is to be looked after first, 'grease the rods' is 0.5 h late; whoever has done "
        "it says so on the machine's page",
    )
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        found = upkeep.counters(session, machine.id)[0]
        assert (found.hours, found.starts) == (pytest.approx(1201), 301)
        upkeep.done(session, machine, task.id, note="PTFE", by=floor.manager, now=floor.now)
        ((name, row),) = upkeep.last_done(session, machine.id)
        assert (name, row.note, row.hours) == ("grease the rods", "PTFE", pytest.approx(1201))
    assert floor.lease() is not None


def test_machines_that_are_cleared_at_once_never_draw_more_than_the_lab_may(database: str):
    """Each asks in a transaction of its own, all at the same time."""
    engine = make_engine(database)
    SQLModel.metadata.create_all(engine)
    names = [f"Printer {number}" for number in range(6)]
    floor = furnish(engine, *map(printer, names), router("Press", rated_power_w=9000))
    keep(floor, power_limit_w=250)  # each heats with 100 W
    floor.order(copies=6)
    offers = []
    for name in names:
        offers.append(floor.staged(name))
        floor.clear(name)

    def ask(offer: JobOffer) -> str:
        try:
            return floor.arm(offer).attempt_id
        except NotArmed as refused:
            assert "waits for power until " in str(refused)
            return refused.reason

    with ThreadPoolExecutor(len(names)) as threads:
        told = list(threads.map(ask, offers))
    assert told.count("power") == 4
    began = next(it for it in offers if it.attempt_id in told)
    assert ask(began) == began.attempt_id  # the same permit again
    (board,) = floor.order("board")
    code, sentence = why(floor, board, "Press")
    assert (code, "can never start here: it draws 9000 W" in sentence) == ("maintenance", True)
    engine.dispose()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"time_zone": "Europe/Berln"}, "time_zone: 'Europe/Berln' is not known: did you mean "
                                       "Europe/Berlin"),
        ({"power_limit_w": 99}, "under 99 W no machine could ever start: Printer draws least, 100"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_kept_are_refused(floor: Floor, said, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        keep(floor, **said)


def test_a_calibration_is_made_on_its_machine_and_counts_as_no_production(tmp_path: Path):
    floor = furnish(fresh_engine(tmp_path / "lab.sqlite"), printer("A"), printer("B"))
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["B"])
        wanted = NewCalibration(release_id=floor.release_id, part="hook")
        placed = calibrations.order(session, machine, wanted, by=floor.manager, now=floor.now)
        (job,) = placed.jobs
    assert floor.lease("A") is None
    assert why(floor, job.id, "A")[0] == "not_chosen"
    offer = floor.running("B")
    floor.tell(EventKind.FINISHED, offer, run=run())
    with floor.session() as session:
        row = decisions.job_in(session, job.id, lab_id=floor.lab_id)
        decisions.give_verdict(session, row, good=1, note="", by=floor.manager, now=floor.now)
        last = calibrations.last(session, floor.machines["B"])
        assert last and (last.good, last.by, last.at) == (True, "Manu", floor.now)
        assert calibrations.last(session, floor.machines["A"]) is None
    assert {row.action for row in floor.ledger()} == {Action.CITE, Action.USE, Action.CONSUME}
    assert PROGRAM.material_g


def test_a_week_says_what_each_machine_did_and_how_much_of_it_is_known(floor: Floor):
    """Sunday 12:00 it joined; it printed for an hour, its bed was cleared two hours after that."""
    floor.order(copies=2)
    first = floor.running()
    floor.later(hours=1)
    floor.tell(EventKind.FINISHED, first, run=run())
    floor.later(hours=2)
    floor.clear()
    floor.later(hours=1)
    down(floor)
    floor.later(hours=3)
    with floor.session() as session:
        lab = session.get_one(LabRow, floor.lab_id)
        weeks = utilisation.of_lab(session, lab, weeks=2, now=floor.now)
    (this, before) = [it for it in weeks if it.machine == "Printer"]
    assert this.week_begins_at == datetime(2026, 2, 23, tzinfo=UTC)
    assert {use: h for use, h in this.hours.items() if h} == {
        Use.RUNNING: 1, Use.WAITING: 2, Use.IDLE_WHILE_WORK: 1, Use.DOWN: 3,
    }  # fmt: skip
    assert this.coverage == pytest.approx(7 / 168)
    assert (sum(before.hours.values()), before.coverage) == (0, 0)
