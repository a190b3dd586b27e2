"""How an agent comes to be known, by a manager's code and a key of its own, and unknown again."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, or_, select

from commons.content import content_id
from commons.dispatch import JobCard, MachineCard, acknowledge_fence, next_fence
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.job import COMMITTED_STATES, JobEvent, can
from commons.machine import MachineProfile
from commons.wire import Enrolled, EnrolledMachine, Enrolment
from repo_server import attempts, cards, jobs
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import AgentRow, EnrolmentCodeRow, JobRow, MachineProfileRow, MachineRow

CODE_LIFE = timedelta(minutes=10)
_CODE_LENGTH = 8
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is read as another


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent as its lab's managers see it. `heard_at` is None until it first reports."""

    id: str
    name: str
    fingerprint: str
    machines: tuple[str, ...]
    enrolled_at: datetime
    heard_at: datetime | None
    revoked_at: datetime | None


def make_code(session: Session, *, lab_id: str, by: str, now: datetime) -> str:
    """A code that lets one agent into the lab, once, within ten minutes. Only its hash is kept."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    row = EnrolmentCodeRow(
        code_sha256=_digest(code), lab_id=lab_id, made_by=by, ends_at=now + CODE_LIFE
    )
    session.add(row)
    session.flush()
    return code


def enrol(session: Session, asked: Enrolment, *, now: datetime) -> Enrolled:
    """The agent is known by its key and speaks for its machines.

    A machine that the lab has already, by name, is taken over: whoever spoke for it speaks no
    more, and what it held counts as switched off. The same agent may ask again for a lost answer.
    """
    code = session.get(EnrolmentCodeRow, _digest(asked.code), with_for_update=True)
    known = session.exec(select(AgentRow).where(AgentRow.public_key == asked.public_key)).first()
    if code is None or code.ends_at <= now:
        raise NotAllowed("this code is wrong or over; ask a manager of the lab for a new one")
    if known is not None and (known.revoked_at is not None or known.lab_id != code.lab_id):
        raise Conflict("this key is known as another agent's; make a new one and enrol again")
    if code.used_at is not None:
        if known is None:
            raise NotAllowed("this code was used; ask a manager of the lab for a new one")
        return _enrolled(session, known)
    code.used_at = now
    session.add(code)
    agent = known or _new_agent(session, asked, code.lab_id, now)
    _bring_machines(session, agent, asked.machines, now)
    return _enrolled(session, agent)


def _digest(code: str) -> str:
    return content_id(code.strip().upper().encode())


def _new_agent(session: Session, asked: Enrolment, lab_id: str, now: datetime) -> AgentRow:
    agent = AgentRow(
        id=new_id(),
        lab_id=lab_id,
        name=asked.name,
        public_key=asked.public_key,
        enrolled_at=now,
    )
    session.add(agent)
    session.flush()
    return agent


def _bring_machines(
    session: Session, agent: AgentRow, profiles: tuple[MachineProfile, ...], now: datetime
) -> None:
    if len({profile.name for profile in profiles}) < len(profiles):
        raise InvalidInput("two machines have the same name; people must tell them apart")
    known = {
        machine.name: machine
        for machine in session.exec(select(MachineRow).where(MachineRow.lab_id == agent.lab_id))
    }
    for profile in profiles:
        machine = known.get(profile.name)
        if machine is None:
            machine = MachineRow(
                id=new_id(),
                lab_id=agent.lab_id,
                agent_id=agent.id,
                name=profile.name,
                profile={},
            )
        elif machine.agent_id != agent.id:
            _take_over(session, machine, agent, now)
        _describe(session, machine, profile, agent_id=agent.id, now=now)
    session.flush()


def change_profile(
    session: Session, machine_id: str, profile: MachineProfile, *, agent_id: str, now: datetime
) -> None:
    """The machine can do what its agent says now. Said twice it counts once.

    Conflict while an attempt of it may have started: its limits hold until that has ended.
    """
    job_id = jobs.job_on(session, jobs.machine_of(session, machine_id, agent_id=agent_id))
    job = cards.read_job(session, job_id) if job_id else None
    machine = cards.read_machine(session, machine_id)
    if machine.name != profile.name:
        raise InvalidInput(f"machine {machine_id} is called {machine.name}, not {profile.name}")
    if machine.attempt_id is not None and job is not None and job.state in COMMITTED_STATES:
        raise Conflict(
            f"{machine.name} may be at work; its new profile is taken when that attempt has ended"
        )
    _describe(session, machine, profile, agent_id=agent_id, now=now)


def _describe(
    session: Session, machine: MachineRow, profile: MachineProfile, *, agent_id: str, now: datetime
) -> None:
    """The machine has this profile; if it is another one than before, its history says so."""
    said = profile.model_dump(mode="json")
    if machine.profile == said:
        return
    machine.profile = said
    session.add(machine)
    session.flush()
    of_it = select(func.count()).where(col(MachineProfileRow.machine_id) == machine.id)
    number = session.exec(of_it).one() + 1
    session.add(
        MachineProfileRow(
            machine_id=machine.id, number=number, profile=said, agent_id=agent_id, at=now
        )
    )


def _take_over(session: Session, machine: MachineRow, agent: AgentRow, now: datetime) -> None:
    """The machine is `agent`'s. A manager let it in, and stands for the old one being off."""
    former = session.get_one(AgentRow, machine.agent_id)
    if machine.attempt_id is not None:
        attempt = attempts.of_id(session, machine.attempt_id)
        _orphan(session, cards.read_job(session, attempt.job_id), now)
    machine = cards.read_machine(session, machine.id)
    machine.agent_id, machine.cleared = agent.id, False
    machine.seen, machine.seen_at = None, None
    # Above all that the old agent may have started by itself, and told nobody of.
    machine.epoch = next_fence(machine.epoch)
    session.add(machine)
    session.flush()
    if not session.exec(select(MachineRow).where(MachineRow.agent_id == former.id)).first():
        former.revoked_at = former.revoked_at or now
        session.add(former)


def _orphan(session: Session, job: JobRow, now: datetime) -> None:
    """A prepared job is queued again; one that may have started waits for a person's word."""
    sentence = "its agent was replaced; look at the machine and say what happened"
    if can(job.state, JobEvent.SILENCE):
        jobs.fall_silent(session, job, now=now, sentence=sentence)

    def off(card: JobCard, machine: MachineCard) -> tuple[JobCard, MachineCard]:
        return acknowledge_fence(card, machine, fence=card.fence, intent=True)

    if job.attempt_id is not None:
        cards.apply(session, job, off, now=now, sentence=sentence)


def _enrolled(session: Session, agent: AgentRow) -> Enrolled:
    machines = select(MachineRow).where(MachineRow.agent_id == agent.id).order_by(MachineRow.name)
    return Enrolled(
        agent_id=agent.id,
        lab_id=agent.lab_id,
        fingerprint=fingerprint(agent.public_key),
        machines=tuple(
            EnrolledMachine(machine_id=machine.id, name=machine.name)
            for machine in session.exec(machines)
        ),
    )


def list_agents(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[AgentLine]:
    """The lab's agents by name: those that may speak, and revoked ones that nobody replaced."""
    of_lab = select(MachineRow).where(MachineRow.lab_id == lab_id).order_by(MachineRow.name)
    machines = session.exec(of_lab).all()
    shown = or_(
        col(AgentRow.revoked_at).is_(None),
        col(AgentRow.id).in_([machine.agent_id for machine in machines]),
    )
    agents = select(AgentRow).where(AgentRow.lab_id == lab_id, shown)
    page = read_page(session, agents, Keys(name=AgentRow.name, id=AgentRow.id), stretch)
    return page.shown(lambda it: _line(it, [its for its in machines if its.agent_id == it.id]))


def _line(agent: AgentRow, machines: Sequence[MachineRow]) -> AgentLine:
    heard = [machine.seen_at for machine in machines if machine.seen_at is not None]
    return AgentLine(
        id=agent.id,
        name=agent.name,
        fingerprint=fingerprint(agent.public_key),
        machines=tuple(machine.name for machine in machines),
        enrolled_at=agent.enrolled_at,
        heard_at=max(heard, default=None),
        revoked_at=agent.revoked_at,
    )


def revoke(session: Session, agent_id: str, *, lab_id: str, now: datetime) -> None:
    """The agent may not speak any more. Said twice it counts once.

    Its machines stay as they are known, until a new agent enrols with their names. What it held
    is where silence takes it: in the queue before a permit, unconfirmed after one. That its
    computer starts nothing any more is not known: only a replacement settles that.
    """
    agent = session.get(AgentRow, agent_id, with_for_update=True)
    if agent is None or agent.lab_id != lab_id:
        raise NotFound(f"there is no agent {agent_id[:64]} in this lab")
    if agent.revoked_at is not None:
        return
    agent.revoked_at = now
    session.add(agent)
    for machine in session.exec(select(MachineRow).where(MachineRow.agent_id == agent_id)).all():
        if machine.attempt_id is not None:
            job = cards.read_job(session, attempts.of_id(session, machine.attempt_id).job_id)
            _forsake(session, job, now)


def _forsake(session: Session, job: JobRow, now: datetime) -> None:
    if not can(job.state, JobEvent.SILENCE):
        return
    next_ = "look at the machine" if job.state in COMMITTED_STATES else "it is in the queue again"
    sentence = f"the agent of its machine was revoked; {next_}"
    jobs.fall_silent(session, job, now=now, sentence=sentence)


def fingerprint(public_key: str) -> str:
    """What people compare on two screens: 16 hex digits of the key's hash, in fours."""
    digest = content_id(bytes.fromhex(public_key))
    return "-".join(digest[i : i + 4] for i in range(0, 16, 4))
