"""A city's figures: sums over its labs' events, rehearsals apart, unknown never zero."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from commons.flows import Event, Ring, State, Unit, measure
from commons.indicators import Totals
from commons.indicators.city import Context, figures
from commons.indicators.tally import tally
from commons.wire import EventKind
from repo_server import coalitions, decisions, labs, ledger, tallies
from repo_server.factors import shipped
from repo_server.tables import (
    ActivityRow,
    CityRow,
    EconomicEventRow,
    LabRoleRow,
    MaterialLotRow,
)
from tests.docs.test_worked_city import events
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer
from tests.shop import API, Someone, open_shop
from tests.steps import steps_of

K = EventKind


def build(
    floor: Floor,
    machine: str = "Printer",
    *,
    end: EventKind = K.FINISHED,
    good: bool | None = True,
    done: int = 1000,
) -> None:
    """One job on the machine, run to its end, with or without a verdict."""
    part = "hook" if "Printer" in machine else "board"
    (job_id,) = floor.order(part)
    offer = floor.running(machine)
    floor.later(hours=1)
    floor.tell(end, offer, run=run(done=done, ran_s=3600))
    if end is K.FINISHED and good is not None:
        with floor.session() as session:
            job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
            decisions.give_verdict(
                session, job, good=int(good), note="", by=floor.manager, now=floor.now
            )


def totals(floor: Floor, period: int = 2026, *, simulated: bool = False) -> Totals:
    with floor.session() as session:
        return coalitions.totals(session, [floor.city_id], period=period, simulated=simulated)


def origin(floor: Floor, ring: Ring) -> None:
    lot_id = floor.lot().id
    with floor.session() as session:
        lot = session.get_one(MaterialLotRow, lot_id)
        lot.ring = ring
        session.add(lot)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def test_a_city_where_nothing_happened_has_no_sums_and_no_zeros(floor: Floor) -> None:
    assert totals(floor) == Totals(0, {}, None, None, 0, 0, 0, 0, 0, 0)


def test_runs_are_summed_by_what_they_used_and_where_that_came_from(floor: Floor) -> None:
    build(floor)
    origin(floor, Ring.UNKNOWN)
    build(floor)
    build(floor, end=K.FAILED, done=500)
    build(floor, good=False)
    build(floor, good=None)
    build(floor, "Router")
    found, grams = totals(floor), PROGRAM.material_g
    assert found.made == 3
    assert found.material_g[Ring.CITY].central == grams
    assert found.material_g[Ring.UNKNOWN].central == pytest.approx(4.5 * grams)
    assert found.material_g[Ring.UNKNOWN].state is State.MODELLED
    assert found.machine_h is not None and found.machine_h.central == pytest.approx(6)
    assert found.energy_kwh is not None
    assert found.energy_kwh.central == pytest.approx(4.5 * 0.1 * 0.431)
    assert (found.runs_ended, found.runs_with_material, found.runs_with_energy) == (6, 6, 5)
    assert (found.runs_failed, found.verdicts_missing) == (2, 1)


def test_a_stopped_run_counts_as_failed(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.cancel(session, job, by=floor.manager, now=floor.now)
    floor.tell(K.FAILED, offer, run=run(done=10))
    assert (totals(floor).runs_ended, totals(floor).runs_failed) == (1, 1)


def test_what_never_ran_and_what_is_still_unknown_is_in_no_sum(floor: Floor) -> None:
    floor.order(copies=2)
    floor.tell(K.UNUSED, floor.armed())
    floor.tell(K.LOST, floor.running(), run=run(done=10))
    assert totals(floor).runs_ended == 0


def test_a_year_begins_and_ends_at_midnight_utc(floor: Floor) -> None:
    floor.now = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    build(floor)  # ends one second before midnight
    build(floor)  # and the next one an hour later
    assert (totals(floor, 2026).made, totals(floor, 2027).made) == (1, 1)


def test_rehearsals_are_never_added_to_what_was_made(engine: Engine) -> None:
    floor = furnish(engine, printer("Printer"), printer("Printer 2", simulated=True))
    build(floor, "Printer")
    for _ in range(2):
        build(floor, "Printer 2")
    assert (totals(floor).made, totals(floor, simulated=True).made) == (1, 2)
    with floor.session() as session:
        city = labs.city_of(session, "hamburg")
        inside = coalitions.Inside(city.name, (city,))
        shown = coalitions.show_figures(session, inside, period=2026)
    assert (shown.figures[0].central, shown.rehearsal[0].central) == (1, 2)
    assert "simulated" in shown.rehearsal[0].boundary
    assert shown.material_g == {Ring.CITY: PROGRAM.material_g}


def test_a_correction_is_in_the_sum_of_what_it_corrects(floor: Floor) -> None:
    build(floor)
    (used,) = [row for row in floor.ledger() if row.unit is Unit.GRAM]
    with floor.session() as session:
        ledger.correct(session, used.id, measure(30, Unit.GRAM, State.MEASURED), now=floor.now)
    found = totals(floor)
    assert found.material_g[Ring.CITY].central == 30
    assert (found.runs_ended, found.runs_with_material) == (1, 1)


def test_a_design_from_elsewhere_is_one_whose_steward_has_no_part_in_the_citys_labs(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    build(shop.floor)
    assert totals(shop.floor).designs_elsewhere == 0
    with shop.floor.session() as session:
        session.delete(session.get_one(LabRoleRow, (shop.manager.id, shop.floor.lab_id)))
    assert totals(shop.floor).designs_elsewhere == 1


# Over HTTP


def test_figures_are_public_as_json_and_as_csv_and_say_the_same(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    build(shop.floor)
    browser = app.test_client()
    shown = browser.get(f"{API}/cities/hamburg/figures?period=2026").json
    assert (shown["city"]["slug"], shown["period"], shown["rehearsal"]) == ("hamburg", "2026", [])
    made = shown["figures"][0]
    assert (made["key"], made["central"], made["state"]) == ("made", 1, "declared")
    answer = browser.get(f"{API}/cities/hamburg/figures.csv?period=2026")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["key"] for row in rows] == [figure["key"] for figure in shown["figures"]]
    for row, figure in zip(rows, shown["figures"], strict=True):
        assert row["city"] == "hamburg"
        for end in ("low", "central", "high"):
            assert row[end] == ("" if figure[end] is None else str(figure[end]))


def test_a_period_without_runs_has_empty_cells_and_no_zeros(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    open_shop(app, sign_up)
    answer = app.test_client().get(f"{API}/cities/hamburg/figures.csv?period=2020")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows and {row["central"] for row in rows} == {""}
    assert {row["state"] for row in rows} == {"not_measured"}


def test_a_period_that_is_no_year_and_a_city_that_is_none_are_refused(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    open_shop(app, sign_up)
    browser = app.test_client()
    for period in ("spring", "26", "2026-01", "99999"):
        answer = browser.get(f"{API}/cities/hamburg/figures?period={period}")
        assert answer.status_code == 422
    assert browser.get(f"{API}/cities/atlantis/figures").status_code == 404


def test_a_passport_tells_what_is_not_known_and_exists_only_of_what_ran(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    shop.floor.order("board")
    offer = shop.floor.running("Router")
    path = f"{API}/things/{offer.attempt_id}"
    assert shop.stranger.get(path).status_code == 404
    shop.floor.tell(K.FINISHED, offer, run=run())
    shown = shop.stranger.get(path).json
    assert shown["outcome"] == "done" and not shown["simulated"]
    for key in ("energy", "ring", "evidence", "verdict"):
        entry = shown["entries"][key]
        assert (entry["value"], entry["state"]) == (None, "not_measured")
    assert shop.stranger.get(f"{API}/things/nothing").status_code == 404


# The tally


def keep(session: Session, floor: Floor, told: list[Event]) -> None:
    """The events stand in the ledger of the floor's lab, as its activities."""
    session.merge(CityRow(id="Vila Velha", slug="vila-velha", name="Vila Velha", country="PT"))
    for name in {event.process for event in told if event.process}:
        session.add(ActivityRow(id=name, kind="imported", lab_id=floor.lab_id,
                                happened_at=floor.now, created_at=floor.now))  # fmt: skip
    session.flush()
    for event in told:
        ours = event.draft.provider == event.lab_id
        draft = replace(event.draft, evidence="worked by hand",
                        provider=floor.lab_id if ours else "supplier")  # fmt: skip
        occasion = ledger.Occasion(floor.lab_id, None, False, floor.now, event.process)
        (id_,) = ledger.append(session, [draft], occasion, now=floor.now)
        session.flush()
        if event.corrects is not None:
            row = session.get_one(EconomicEventRow, id_)
            row.corrects = session.exec(
                select(EconomicEventRow.id).where(
                    EconomicEventRow.activity_id == event.process,
                    EconomicEventRow.resource == draft.resource,
                    EconomicEventRow.id != id_,
                )
            ).one()


def test_the_database_adds_up_what_the_events_one_by_one_do(floor: Floor) -> None:
    with floor.session() as session:
        keep(session, floor, events())
    with floor.session() as session:
        where = (col(EconomicEventRow.evidence) == "worked by hand",)
        found = tallies.tally(session, where)
        rows = session.exec(select(EconomicEventRow).where(*where)).all()
        apart = tally(ledger.event(row) for row in rows)
    used = totals(floor, floor.now.year).material_g.values()
    assert sum(it.central for it in used) == 2500, "what became a lot is not counted twice"
    assert (found.runs, found.runs_with_energy) == (apart.runs, apart.runs_with_energy) == (3, 3)
    context = Context(frozenset({floor.city_id}), shipped(), "PT")
    one, other = (figures(it, context, {"period": "", "boundary": ""}) for it in (found, apart))
    assert len(found.lines) < len(apart.lines)
    for figure, same in zip(one, other, strict=True):
        for end in ("low", "central", "high", "coverage"):
            assert getattr(figure, end) == pytest.approx(getattr(same, end)), figure.key
        assert (figure.state, figure.note) == (same.state, same.note)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_ten_times_the_events_cost_the_database_ten_times_as_much_and_not_a_hundred(
    floor: Floor,
) -> None:
    told = events()

    def steps_after(more: int) -> int:
        with floor.session() as session:
            for number in range(more):
                again = [
                    replace(it, process=it.process and f"{it.process}-{more}-{number}")
                    for it in told
                    if it.corrects is None
                ]
                keep(session, floor, again)
        with floor.session() as session:
            city = coalitions.Inside("Hamburg", (labs.city_of(session, "hamburg"),))
            return steps_of(session, lambda: coalitions.show_figures(session, city, period=2026))

    few = steps_after(10)
    assert steps_after(90) < 15 * few
