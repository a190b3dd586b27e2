"""Bookings: who gets the machine, what waits for it, and who did not come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine

from commons.errors import Conflict, InvalidInput, NotAllowed, NotArmed
from commons.wire import MachineState
from repo_server import boards, booking_rules, bookings, labs
from repo_server import rules as lab_rules
from repo_server.booking_rules import BookingRules
from repo_server.bookings import Booking, NewBooking
from repo_server.rules import LabRules
from repo_server.tables import LabRoleRow, PersonRow
from repo_server.tables.people import LabRole
from tests.floor import Floor, furnish

ON_ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine)
    with floor.session() as session:
        for handle in ("mem", "nel"):
            email = f"{handle}@example.org"
            session.add(PersonRow(id=handle, handle=handle, name=handle.title(), email=email,
                                  password="-", created_at=floor.now))  # fmt: skip
            session.flush()
            session.add(LabRoleRow(person_id=handle, lab_id=floor.lab_id, role=LabRole.MEMBER))
    for name in floor.machines:
        floor.sees(name, MachineState.IDLE)
    return floor


def book(floor: Floor, begin_h: float, hours: float = 1.0, by: str = "mem") -> Booking:
    begins_at = floor.now + timedelta(hours=begin_h)
    wanted = NewBooking(
        machine_id=floor.machines["Printer"],
        begins_at=begins_at,
        ends_at=begins_at + timedelta(hours=hours),
    )
    with floor.session() as session:
        return bookings.book(session, wanted, lab_id=floor.lab_id, by=by, now=floor.now)


def why(floor: Floor) -> list[tuple[str, str]]:
    with floor.session() as session:
        shown = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    return [(it.code, it.sentence) for it in shown.jobs[0].waits if it.machine == "Printer"]


def test_of_two_who_book_the_same_time_at_once_one_gets_it(floor: Floor) -> None:
    together = Barrier(2)

    def ask(by: str) -> Booking | Conflict:
        together.wait(10)
        try:
            return book(floor, 1, by=by)
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(ask, ("mem", "nel")))
    (refused,) = [it for it in answers if isinstance(it, Conflict)]
    (made,) = [it for it in answers if isinstance(it, Booking)]
    assert str(refused) == (
        f"Printer is booked by {made.person} from 13:00 UTC until 14:00 UTC; for so long it is "
        "free from 14:00 UTC on"
    )
    assert book(floor, 2, by="nel").person == "Nel"


@ON_ONE
def test_a_booked_machine_gets_no_job_that_would_cross_it_and_its_bookers_own_within(
    floor: Floor,
) -> None:
    book(floor, 0.5, by="manager")
    (job,) = floor.order()
    assert floor.lease() is None
    said = (
        "Printer is booked by Manu from 12:30 UTC, and how long this takes is not known: 1 h are "
        "kept free"
    )
    assert why(floor) == [("reserved", said)]
    floor.later(hours=0.5)
    floor.sees("Printer", MachineState.IDLE)
    offer = floor.lease()
    assert offer is not None and offer.job_id == job
    floor.later(minutes=20)  # their own job is on it: nobody can say that they did not come
    with pytest.raises(Conflict, match="is booked by Manu"):
        book(floor, 0)


@ON_ONE
def test_what_was_prepared_before_starts_only_if_it_ends_before(floor: Floor) -> None:
    floor.order()
    offer = floor.staged()  # PROGRAM takes an hour, and a fifth more is kept free
    floor.clear()
    made = book(floor, 1.1)
    with pytest.raises(NotArmed, match="is booked by Mem from 13:06 UTC, and this may take 1 h"):
        floor.arm(offer)
    with floor.session() as session:
        bookings.cancel(session, made.id, "", lab_id=floor.lab_id, by="mem", now=floor.now)
    assert floor.arm(offer)


@ON_ONE
def test_who_does_not_come_leaves_the_machine_to_others(floor: Floor) -> None:
    made = book(floor, 0)
    floor.order()
    assert floor.lease() is None and why(floor)[0][0] == "reserved"
    floor.later(minutes=15)
    floor.sees("Printer", MachineState.IDLE)
    with floor.session() as session, pytest.raises(Conflict, match="does not count now"):
        bookings.come(session, made.id, lab_id=floor.lab_id, by="mem", now=floor.now)
    assert floor.lease() is not None


@ON_ONE
def test_others_bookings_are_cancelled_by_managers_with_a_reason(floor: Floor) -> None:
    made = book(floor, 1)

    def cancel(by: str, reason: str = "") -> Booking:
        with floor.session() as session:
            return bookings.cancel(
                session, made.id, reason, lab_id=floor.lab_id, by=by, now=floor.now
            )

    with pytest.raises(NotAllowed):
        cancel("nel", "I want it")
    with pytest.raises(InvalidInput, match="say why"):
        cancel("manager")
    done = cancel("manager", "the nozzle leaks")
    assert (done.cancelled_by, done.reason, done.sequence) == ("Manu", "the nozzle leaks", 1)
    with pytest.raises(Conflict, match="cancelled already"):
        cancel("mem")
    book(floor, 1, by="nel")


@ON_ONE
def test_a_booking_over_the_night_of_the_clocks_is_as_long_as_it_was_booked(floor: Floor) -> None:
    floor.now = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
    with floor.session() as session:
        with pytest.raises(InvalidInput, match="did you mean Europe/Berlin"):
            booking_rules.set_rules(session, floor.lab_id, BookingRules(time_zone="Europe/Berlim"))
        rules = BookingRules(time_zone="Europe/Berlin", longest_minutes=600)
        booking_rules.set_rules(session, floor.lab_id, rules)
        lab = labs.lab_of(session, "corner")
        assert lab_rules.of_lab(lab).time_zone == "Europe/Berlin"  # its hours are in the same zone
        lab_rules.set_lab(session, lab, LabRules(power_limit_w=3000))
        booking_rules.set_rules(session, floor.lab_id, BookingRules(longest_minutes=600))
        assert booking_rules.rules_of(session, floor.lab_id).time_zone == "Europe/Berlin"
    made = book(floor, 4, 3)  # from 1:00 CET; at 2:00 it is 3:00 CEST
    assert made.ends_at - made.begins_at == timedelta(hours=3)
    with pytest.raises(Conflict, match="from 29 March 01:00 CET until 29 March 05:00 CEST"):
        book(floor, 6.9, by="nel")
    assert book(floor, 7, by="nel")
