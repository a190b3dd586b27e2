"""A lab in a database: people, an agent, machines with material, a published design.

Time stands still until a test moves it. What the agent says goes through the same messages and
use-cases as in the server; only HTTP and signatures are left out.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, select

from commons.content import content_id
from commons.flows import Action, Ring
from commons.job import JobState
from commons.machine import MachineProfile, Process
from commons.wire import (
    AgentEvent,
    ArmRequest,
    Enrolment,
    EventKind,
    JobOffer,
    MachineReport,
    MachineState,
    Permit,
    ProgramFacts,
    RunFacts,
    SyncReply,
    SyncRequest,
)
from repo_server import (
    decisions,
    designs,
    enrolment,
    jobs,
    labs,
    lot_loading,
    lots,
    orders,
    replies,
    reports,
)
from repo_server.db import make_engine, transaction
from repo_server.order_requests import OrderRequest
from repo_server.people import Person
from repo_server.submissions import Upload
from repo_server.tables import (
    AttemptRow,
    BlobRow,
    EconomicEventRow,
    JobRow,
    MachineRow,
    MaterialLotRow,
    PersonRow,
)
from tests.profiles import printer, router

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MANIFEST = b"""
okhv = "OKH-LOSHv1.0"
name = "Shelf hook"
repo = "https://example.org/hook"
version = "1.0.0"
license = "CERN-OHL-S-2.0"
licensor = "Ada Maker <ada@example.org>"
function = "Holds a shelf."

[[part]]
name = "hook"
source = ["hook.scad"]
export = ["hook.stl"]
tsdc = ["3DP"]
material = "PLA"
mass = 20
outer-dimensions = {width = 60, depth = 40, height = 30}

[[part]]
name = "board"
source = ["board.py"]
export = ["board.dxf"]
tsdc = ["CNC"]
material = "plywood"
thickness-mm = 12
mass = 200
outer-dimensions = {width = 300, depth = 200, height = 12}

[[part]]
name = "tower"
source = ["tower.scad"]
export = ["tower.stl"]
tsdc = ["3DP"]
outer-dimensions = {width = 60, depth = 40, height = 900}

[[part]]
name = "screw"
source = ["screw.txt"]
"""
FILES = ("hook.stl", "board.dxf", "tower.stl", "hook.scad", "board.py", "tower.scad", "screw.txt")
_OF_STOCK = (Action.MOVE, Action.RAISE, Action.LOWER)
PROGRAM = ProgramFacts(
    sha256="ab" * 32,
    line_count=1000,
    duration_s=3600.0,
    material_g=18.0,
    prepared_with="PrusaSlicer 2.9",
    profile_sha256="cd" * 32,
)


def run(done: int = 1000, ran_s: float = 3500.0, **more: float) -> RunFacts:
    return RunFacts(lines_sent=done, lines_done=done, line_count=1000, ran_s=ran_s, **more)


def fresh_engine(file: Path) -> Engine:
    """An empty database in a new file."""
    engine = make_engine(f"sqlite:///{file}")
    SQLModel.metadata.create_all(engine)
    return engine


@dataclass
class Floor:
    """The lab. `seq` counts the agent's events, `boot` names its journal."""

    engine: Engine
    now: datetime = START
    city_id: str = ""
    lab_id: str = ""
    agent_id: str = ""
    release_id: str = ""
    manager: str = "manager"
    machines: dict[str, str] = field(default_factory=dict)
    boot: str = "journal-1"
    seq: int = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        with transaction(self.engine) as session:
            yield session

    def later(self, **how_long: float) -> datetime:
        self.now += timedelta(**how_long)
        return self.now

    # What people do

    def order(
        self, part: str = "hook", copies: int = 1, *, by: str | None = None, **more: object
    ) -> list[str]:
        wanted = OrderRequest(release_id=self.release_id, part=part, copies=copies, **more)
        with self.session() as session:
            placed = orders.place(
                session, wanted, lab_id=self.lab_id, by=by or self.manager, now=self.now
            )
        return [job.id for job in placed.jobs]

    def clear(self, machine: str = "Printer") -> None:
        with self.session() as session:
            decisions.confirm_clear(
                session, self.machines[machine], lab_id=self.lab_id, by=self.manager, now=self.now
            )

    # What the agent does

    def lease(self, machine: str = "Printer", *, shares_plates: bool = False) -> JobOffer | None:
        with self.session() as session:
            return jobs.lease_next_job(
                session,
                self.machines[machine],
                agent_id=self.agent_id,
                now=self.now,
                shares_plates=shares_plates,
            )

    def event(self, kind: EventKind, offer: JobOffer, **facts: object) -> AgentEvent:
        self.seq += 1
        return AgentEvent(
            seq=self.seq,
            at=self.now,
            kind=kind,
            machine_id=offer.machine_id,
            attempt_id=offer.attempt_id,
            fence=offer.fence,
            **facts,
        )

    def send(self, *events: AgentEvent, machines: tuple[MachineReport, ...] = ()) -> int:
        request = SyncRequest(boot=self.boot, events=events, machines=machines)
        with self.session() as session:
            return reports.take_sync(session, request, agent_id=self.agent_id, now=self.now)

    def tell(self, kind: EventKind, offer: JobOffer, **facts: object) -> int:
        return self.send(self.event(kind, offer, **facts))

    def sees(self, machine: str, state: MachineState, **more: object) -> int:
        report = MachineReport(machine_id=self.machines[machine], state=state, **more)
        return self.send(machines=(report,))

    def reply(self, *machines: str) -> SyncReply:
        reports_ = tuple(
            MachineReport(machine_id=self.machines[name], state=MachineState.IDLE)
            for name in machines
        )
        request = SyncRequest(boot=self.boot, machines=reports_)
        with self.session() as session:
            return replies.reply(
                session, request, agent_id=self.agent_id, acked=self.seq, now=self.now
            )

    def arm(self, offer: JobOffer, sha256: str = PROGRAM.sha256) -> Permit:
        ask = ArmRequest(attempt_id=offer.attempt_id, fence=offer.fence, program_sha256=sha256)
        with self.session() as session:
            return jobs.permit_start(session, ask, agent_id=self.agent_id, now=self.now)

    def staged(self, machine: str = "Printer") -> JobOffer:
        offer = self.lease(machine)
        assert offer is not None
        self.tell(EventKind.STAGED, offer, program=PROGRAM)
        return offer

    def armed(self, machine: str = "Printer") -> JobOffer:
        offer = self.staged(machine)
        self.clear(machine)
        self.arm(offer)
        return offer

    def running(self, machine: str = "Printer") -> JobOffer:
        offer = self.armed(machine)
        self.tell(EventKind.STARTED, offer)
        return offer

    # What is written down

    def job(self, job_id: str) -> JobRow:
        with self.session() as session:
            return session.get_one(JobRow, job_id)

    def state(self, job_id: str) -> JobState:
        return self.job(job_id).state

    def attempt(self, attempt_id: str) -> AttemptRow:
        with self.session() as session:
            return session.get_one(AttemptRow, attempt_id)

    def machine(self, name: str = "Printer") -> MachineRow:
        with self.session() as session:
            return session.get_one(MachineRow, self.machines[name])

    def lot(self, name: str = "Printer") -> MaterialLotRow:
        with self.session() as session:
            machine = session.get_one(MachineRow, self.machines[name])
            return session.get_one(MaterialLotRow, machine.lot_id)

    def ledger(self) -> list[EconomicEventRow]:
        """What was used and produced; where material is, and how it was weighed, is `stock`."""
        return [row for row in self._events() if row.action not in _OF_STOCK]

    def stock(self) -> list[EconomicEventRow]:
        return [row for row in self._events() if row.action in _OF_STOCK]

    def _events(self) -> list[EconomicEventRow]:
        with self.session() as session:
            rows = session.exec(select(EconomicEventRow)).all()
        return sorted(rows, key=lambda row: (row.created_at, row.action, row.resource))


def furnish(
    engine: Engine,
    *profiles: MachineProfile,
    manager: Person | None = None,
    public_key: str = "",
    lab: str = "corner",
    city: str = "hamburg",
) -> Floor:
    """A lab with these machines (a printer and a router when none are named), each loaded."""
    floor = Floor(engine)
    with floor.session() as session:
        person = manager or _person(session, floor)
        floor.manager = person.id
        city_row = labs.create_city(
            session, labs.NewCity(slug=city, name=city.title(), country="DE")
        )
        lab_row = labs.create_lab(
            session, labs.NewLab(slug=lab, name=f"{lab.title()} Lab", city=city), by=person.id
        )
        floor.city_id, floor.lab_id = city_row.id, lab_row.id
        floor.release_id = publish(session, person, floor.now)
        _enrol(session, floor, public_key, profiles or (printer(), router()))
        _load(session, floor)
    return floor


def _person(session: Session, floor: Floor) -> Person:
    session.add(
        PersonRow(
            id=floor.manager,
            handle="manu",
            name="Manu",
            email="manu@example.org",
            password="-",
            created_at=floor.now,
        )
    )
    session.flush()
    return Person(floor.manager, "manu", "Manu", is_admin=True)


def publish(session: Session, person: Person, now: datetime) -> str:
    """The shelf hook is published by `person`, its files as good as stored."""
    files = {path: content_id(path.encode()) for path in FILES}
    for sha256 in (*files.values(), content_id(MANIFEST)):
        session.add(BlobRow(sha256=sha256, size=84, stored_at=now))
    session.flush()
    upload = Upload("shelf-hook", MANIFEST, files)
    release_id, _ = designs.publish_release(
        session, upload, by=person, design_id="design-1", now=now
    )
    return release_id


def _enrol(
    session: Session, floor: Floor, public_key: str, profiles: tuple[MachineProfile, ...]
) -> None:
    code = enrolment.make_code(session, lab_id=floor.lab_id, by=floor.manager, now=floor.now)
    asked = Enrolment(
        code=code, name="agent", public_key=public_key or secrets.token_hex(32), machines=profiles
    )
    enrolled = enrolment.enrol(session, asked, now=floor.now)
    floor.agent_id = enrolled.agent_id
    floor.machines = {machine.name: machine.machine_id for machine in enrolled.machines}


def _load(session: Session, floor: Floor) -> None:
    for machine_id in floor.machines.values():
        fdm = session.get_one(MachineRow, machine_id).profile["process"] == Process.FDM
        wanted = (
            lots.NewLot(material="pla", name="white PLA", ring=Ring.CITY, mass_left_g=500)
            if fdm
            else lots.NewLot(material="plywood", name="birch sheet", thickness_mm=12)
        )
        told = {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}
        lot = lots.add(session, wanted, **told)
        lot_loading.put_on(session, machine_id, lot.id, **told)
