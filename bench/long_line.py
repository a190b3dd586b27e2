"""A long line in a lab: 10,000 jobs wait in 2,500 orders of 40 members, a few urgent or due."""

from datetime import datetime, timedelta

from commons.job import JobState
from commons.machine import Process
from commons.turn import begin_by
from commons.wire import MachineState
from repo_server import places
from repo_server.db import insert_rows
from repo_server.order_requests import OrderedOptions
from repo_server.tables import BuildOrderRow, JobRow, MachineUseRow, PersonRow
from tests.floor import Floor

MEMBERS, ORDERS, COPIES = 40, 2500, 4


def fill(floor: Floor) -> None:
    """The line is as long as the bench says, and every machine was heard of just now."""
    numbers = range(ORDERS)
    with floor.session() as session:
        insert_rows(session, PersonRow, [_member(number, floor.now) for number in range(MEMBERS)])
        insert_rows(session, BuildOrderRow, [_order(floor, number) for number in numbers])
        insert_rows(session, MachineUseRow, [_use(floor, it) for it in range(0, MEMBERS, 2)])
        insert_rows(session, JobRow, [row for number in numbers for row in _jobs(floor, number)])
    for name in floor.machines:
        floor.sees(name, MachineState.IDLE)


def _member(number: int, now: datetime) -> dict[str, object]:
    name = f"member{number}"
    email = f"{name}@example.org"
    row = PersonRow(id=name, handle=name, name=name, email=email, password="", created_at=now)
    return row.model_dump()


def _use(floor: Floor, number: int) -> dict[str, object]:
    """Every other member had machines lately, up to two days of them."""
    lately = floor.now - timedelta(days=number % 7)
    return MachineUseRow(
        lab_id=floor.lab_id, person_id=f"member{number}", minutes=72.0 * number, at=lately
    ).model_dump()


def _order(floor: Floor, number: int) -> dict[str, object]:
    return BuildOrderRow(
        id=f"order{number}",
        lab_id=floor.lab_id,
        release_id=floor.release_id,
        part="hook",
        copies=COPIES,
        material="pla",
        options=OrderedOptions(scale=round(0.5 + number % 50 / 100, 2)).model_dump(mode="json"),
        answers=[],
        ordered_by=f"member{number % MEMBERS}",
        ordered_at=_queued_at(floor, number),
        urgent_because="the clinic waits" if number % 500 == 0 else None,
        deadline=_deadline(floor, number),
    ).model_dump()


def _jobs(floor: Floor, number: int) -> list[dict[str, object]]:
    at = _queued_at(floor, number)
    return [
        JobRow(
            id=f"job{number}-{copy}",
            order_id=f"order{number}",
            lab_id=floor.lab_id,
            copy_number=copy,
            process=Process.FDM,
            state=JobState.QUEUED,
            queued_at=at,
            place=places.place_of(at) + copy,
            changed_at=at,
            material="pla",
            urgent=number % 500 == 0,
            begin_by=begin_by(at, _deadline(floor, number)),
            claimant=f"member{number % MEMBERS}",
        ).model_dump()
        for copy in range(1, COPIES + 1)
    ]


def _deadline(floor: Floor, number: int) -> datetime | None:
    return floor.now + timedelta(hours=number) if number % 20 == 0 else None


def _queued_at(floor: Floor, number: int) -> datetime:
    return floor.now - timedelta(minutes=ORDERS - number)
