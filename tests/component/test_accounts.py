"""Prices, accounts and quotas: charged as measured, and nobody gets more than their quota."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from commons.errors import Conflict, NotFound
from commons.job import JobState
from commons.prices import PriceList, Rates
from commons.wire import EventKind, MachineState
from repo_server import accounts, boards, decisions, prices, quotas
from repo_server.quotas import NewQuota
from repo_server.tables import JobRow, LabRow, MachineRow
from tests.floor import Floor, furnish, run

PRICES = PriceList(
    currency="EUR",
    rates=(Rates(per_g=Decimal("0.05"), per_hour=Decimal(2), per_order=Decimal(1)),),
)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine)
    floor.sees("Printer", MachineState.IDLE)
    return floor


def made(floor: Floor, *, good: int = 1, ran_s: float = 3600.0) -> str:
    """The next job is made and judged; its order."""
    offer = floor.running()
    floor.tell(EventKind.FINISHED, offer, run=run(ran_s=ran_s))
    with floor.session() as session:
        job = decisions.job_in(session, offer.job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=good, note="", by=floor.manager, now=floor.now)
        return job.order_id


def entries(floor: Floor) -> list[accounts.Entry]:
    with floor.session() as session:
        return list(accounts.every_entry(session, lab_id=floor.lab_id))


def balance(floor: Floor) -> int:
    with floor.session() as session:
        return sum(it.amount for it in accounts.balances_at(session, floor.lab_id))


def set_quota(floor: Floor, **limits: float) -> None:
    wanted = NewQuota.model_validate({"handle": "manu", **limits})
    with floor.session() as session:
        quotas.set_quota(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now)
    floor.later(seconds=1)


def test_what_was_made_is_charged_as_measured_and_at_most_what_was_agreed(floor: Floor) -> None:
    with floor.session() as session:
        prices.set_prices(session, PRICES, lab_id=floor.lab_id, by=floor.manager, now=floor.now)
    floor.order()
    made(floor, good=0)  # a bad copy costs nothing
    assert entries(floor) == []
    floor.order()
    made(floor)
    (charge,) = entries(floor)
    assert charge.lines == {"material": 90, "machine": 200, "order": 100}  # 18 g and an hour
    assert (charge.amount, charge.prints, charge.grams, charge.minutes) == (-390, 1, 18.0, 60.0)
    assert charge.attempt_id
    floor.order()  # by now it is known what one takes: 3.90 EUR are agreed
    floor.later(seconds=1)
    order_id = made(floor, ran_s=7200.0)
    capped = entries(floor)[1]
    assert (capped.amount, capped.above_cap) == (-468, 122)
    with floor.session() as session:
        with pytest.raises(NotFound):
            accounts.open_cap(session, order_id, by="somebody", now=floor.now)
        for _ in range(2):  # said twice it counts once
            accounts.open_cap(session, order_id, by=floor.manager, now=floor.later(seconds=1))
    assert balance(floor) == -390 - 468 - 122


def test_an_entry_stays_and_is_taken_back_once_by_another(floor: Floor) -> None:
    paid = accounts.Payment(handle="manu", amount=2000, currency="EUR", why="cash at the desk")
    at = {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}
    with floor.session() as session:
        entry = accounts.pay(session, paid, **at)
        undone = accounts.take_back(session, entry.id, "it was 10", **at)
        assert (undone.amount, undone.corrects) == (-2000, entry.id)
        for again in (entry.id, undone.id):
            with pytest.raises(Conflict, match="taken back already"):
                accounts.take_back(session, again, "once more", **at)
    assert balance(floor) == 0
    assert [it.taken_back for it in entries(floor) if it.id == entry.id] == [True]


def waiting(floor: Floor, job_ids: list[str]) -> list[bool]:
    """Whether each of the jobs waits for the quota."""
    with floor.session() as session:
        return [session.get_one(JobRow, it).over_quota is not None for it in job_ids]


def test_what_waits_is_freed_as_the_quota_the_term_or_another_job_lets_it(floor: Floor) -> None:
    set_quota(floor, grams=50)
    jobs = []
    for _ in range(4):  # 20 g each, as its designer says
        jobs += floor.order()
        floor.later(seconds=1)
    assert waiting(floor, jobs) == [False, False, True, True]
    assert floor.job(jobs[2]).sentence == (
        "it waits for the quota: 10 g of 50 g are left until 31 March, this needs 20 g: "
        "ask Manu or order fewer"
    )
    with floor.session() as session:
        lab = session.get_one(LabRow, floor.lab_id)
        board = boards.show_board(session, lab, now=floor.now)
    told = {job.id: [it.code for it in job.waits if it.machine == "Printer"] for job in board.jobs}
    assert told == {jobs[0]: ["next"], jobs[1]: ["next"], jobs[2]: ["quota"], jobs[3]: ["quota"]}
    with floor.session() as session:
        decisions.cancel(session, session.get_one(JobRow, jobs[0]), by=floor.manager, now=floor.now)
    assert waiting(floor, jobs[1:]) == [False, False, True]
    made(floor)  # it took 18 g, not 20: that is not enough for another
    assert waiting(floor, jobs[2:]) == [False, True]
    set_quota(floor, grams=58)
    assert waiting(floor, jobs[2:]) == [False, False]
    set_quota(floor, grams=40)
    assert waiting(floor, jobs[2:]) == [False, True]
    floor.later(days=31)
    with floor.session() as session:
        quotas.begin_terms(session, now=floor.now)
    assert waiting(floor, jobs[2:]) == [False, False]


def test_two_at_the_same_moment_get_exactly_what_the_quota_allows(floor: Floor) -> None:
    set_quota(floor, prints=3)
    with ThreadPoolExecutor(8) as threads:
        jobs = [job for ids in threads.map(lambda _: floor.order(), range(8)) for job in ids]
    assert sorted(waiting(floor, jobs)) == [False] * 3 + [True] * 5
    leased = 0
    while (offer := floor.lease()) is not None:
        leased += 1
        with floor.session() as session:
            # As if it lay finished on the bed of another machine: it counts, this one is free.
            job = decisions.job_in(session, offer.job_id, lab_id=floor.lab_id)
            job.state, job.silent_after = JobState.FINISHED, None
            machine = session.get_one(MachineRow, offer.machine_id)
            machine.attempt_id = None
            session.add_all([job, machine])
    assert leased == 3


def test_a_role_has_a_quota_and_a_person_their_own(floor: Floor) -> None:
    with floor.session() as session:
        for limits in ({"role": "manager", "prints": 1}, {"handle": "manu", "prints": 2}):
            wanted = NewQuota.model_validate(limits)
            at = floor.later(seconds=1)
            quotas.set_quota(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=at)
        known = quotas.standing(session, floor.lab_id, floor.manager, now=floor.now)
        assert known is not None and known.limits.prints == 2
        assert [it.role for it in quotas.list_quotas(session, floor.lab_id)] == [None, "manager"]
        assert quotas.told_to(
            session,
            quotas.Amounts(prints=3),
            lab_id=floor.lab_id,
            by=floor.manager,
            now=floor.now + timedelta(days=40),
        )
