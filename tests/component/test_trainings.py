"""Trainings: signed, revoked, ended; and what a machine gives to whom."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from commons.errors import Conflict, InvalidInput, NotAllowed, NotArmed, NotFound
from commons.wire import EventKind, MachineState
from repo_server import boards, bookings, decisions, labs, trainings
from repo_server.bookings import NewBooking
from repo_server.tables import LabRoleRow, PersonRow
from repo_server.tables.people import LabRole
from repo_server.trainings import NewClass, NewTraining
from tests.floor import PROGRAM, Floor, furnish

ON_ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine)
    with floor.session() as session:
        for handle, role in (("olga", LabRole.OPERATOR), ("mem", LabRole.MEMBER)):
            email = f"{handle}@example.org"
            session.add(PersonRow(id=handle, handle=handle, name=handle.title(), email=email,
                                  password="-", created_at=floor.now))  # fmt: skip
            session.flush()
            session.add(LabRoleRow(person_id=handle, lab_id=floor.lab_id, role=role))
    for name in floor.machines:
        floor.sees(name, MachineState.IDLE)
    return floor


def ask_for(floor: Floor, **more: object) -> str:
    wanted = NewClass(name="FDM printers", process="fdm", days=365, trainers=("olga",), **more)
    with floor.session() as session:
        return trainings.set_class(session, floor.lab_id, wanted).id


def sign(floor: Floor, class_id: str, by: str = "olga", **more: object) -> trainings.Training:
    wanted = NewTraining(**{"handle": "manu", **more})
    with floor.session() as session:
        return trainings.sign(session, class_id, wanted, lab_id=floor.lab_id, by=by, now=floor.now)


def revoke(floor: Floor, training_id: str, by: str = "olga") -> None:
    with floor.session() as session:
        trainings.revoke(session, training_id, "left the key in", lab_id=floor.lab_id, by=by,
                         now=floor.now)  # fmt: skip


def book(floor: Floor, **ahead: float) -> None:
    """For an hour, so far ahead."""
    begins_at = floor.now + timedelta(**ahead)
    wanted = NewBooking(machine_id=floor.machines["Printer"], begins_at=begins_at,
                        ends_at=begins_at + timedelta(hours=1))  # fmt: skip
    with floor.session() as session:
        bookings.book(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now)


def why(floor: Floor) -> list[tuple[str, str]]:
    with floor.session() as session:
        shown = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    return [(it.code, it.sentence) for it in shown.jobs[0].waits if it.machine == "Printer"]


def test_an_order_waits_for_its_submitters_training_and_is_made_once_it_is_signed_again(
    floor: Floor,
) -> None:
    class_id = ask_for(floor, for_ordering=True)
    sign(floor, class_id, ends_at=floor.now + timedelta(days=2))
    (job,) = floor.order()
    floor.later(days=2)
    floor.sees("Printer", MachineState.IDLE)
    assert floor.lease() is None
    assert floor.reply("Printer").work == ()
    said = (
        "Printer asks whoever orders for a training: the training for FDM printers ended on "
        "3 March: ask Olga (trainer)"
    )
    assert why(floor) == [("training", said)]
    assert floor.order()  # it is taken, and waits like the other
    sign(floor, class_id)
    offer = floor.lease()
    assert offer is not None and offer.job_id == job


@ON_ONE
def test_nothing_starts_for_a_training_that_ended_while_it_was_prepared(floor: Floor) -> None:
    class_id = ask_for(floor, for_ordering=True)
    signed = sign(floor, class_id)
    floor.order()
    offer = floor.staged()
    floor.clear()
    revoke(floor, signed.id)
    with pytest.raises(NotArmed, match="revoked on 1 March") as refused:
        floor.arm(offer)
    assert refused.value.reason == "training"
    sign(floor, class_id)
    assert floor.arm(offer)


@ON_ONE
def test_only_trained_people_clear_beds_and_their_word_ends_with_their_training(
    floor: Floor,
) -> None:
    class_id = ask_for(floor, for_operating=True)
    floor.order()
    offer = floor.lease()
    assert offer is not None  # nothing is asked of those who order
    floor.tell(EventKind.STAGED, offer, program=PROGRAM)
    with pytest.raises(NotAllowed, match=r"a training for FDM printers is missing: ask Olga"):
        floor.clear()
    signed = sign(floor, class_id)
    floor.clear()
    revoke(floor, signed.id)
    with pytest.raises(NotArmed, match="was revoked"):
        floor.arm(offer)
    with floor.session() as session, pytest.raises(NotAllowed, match="was revoked"):
        decisions.confirm_clear(
            session, floor.machines["Printer"], lab_id=floor.lab_id, by="manager", now=floor.now
        )
    with floor.session() as session:  # the router is of another class
        decisions.confirm_clear(
            session, floor.machines["Router"], lab_id=floor.lab_id, by="manager", now=floor.now
        )


def test_a_machine_is_booked_by_those_alone_who_are_trained_until_that_is_over(
    floor: Floor,
) -> None:
    class_id = ask_for(floor, for_operating=True)
    lacking = "Printer is for trained people, and a training for FDM printers is missing: ask Olga"
    with pytest.raises(NotAllowed, match=lacking):
        book(floor, days=1)
    sign(floor, class_id, ends_at=floor.now + timedelta(days=2))
    book(floor, days=1)
    book(floor, days=2, hours=-1)  # it is over as the training ends
    with pytest.raises(NotAllowed, match="ends on 3 March, before that is over: ask Olga"):
        book(floor, days=2, minutes=-30)
    floor.later(days=3)
    with pytest.raises(NotAllowed, match="ended on 3 March: ask Olga"):
        book(floor, days=1)


@ON_ONE
def test_what_cannot_be_signed_is_told_and_history_stays(floor: Floor) -> None:
    class_id = ask_for(floor, for_ordering=True)
    with pytest.raises(NotFound, match="nobody here has the handle 'nobody'"):
        sign(floor, class_id, handle="nobody")
    with pytest.raises(InvalidInput, match="ends_at"):
        sign(floor, class_id, ends_at=floor.now)
    with pytest.raises(NotAllowed, match="only the trainers for FDM printers"):
        sign(floor, class_id, by="mem")
    signed = sign(floor, class_id, handle="MEM", note="with the cover shut")
    assert signed.ends_at == floor.now + timedelta(days=365)
    revoke(floor, signed.id)
    with pytest.raises(Conflict, match="revoked already"):
        revoke(floor, signed.id, by="manager")
    with floor.session() as session:
        (told,) = trainings.of_person(session, "mem").entries
    assert (told.signed_by, told.revoked_by, told.reason) == ("Olga", "Olga", "left the key in")


@ON_ONE
def test_people_are_warned_a_month_before_unless_they_are_signed_for_longer(floor: Floor) -> None:
    class_id = ask_for(floor)
    sign(floor, class_id, handle="mem")

    def ending() -> int:
        with floor.session() as session:
            found = trainings.ending(session, "mem", now=floor.now)
            assert session.exec(trainings.number_ending("mem", floor.now)).one() == len(found)
            return len(found)

    assert ending() == 0
    floor.later(days=340)
    assert ending() == 1
    sign(floor, class_id, handle="mem")
    assert ending() == 0
