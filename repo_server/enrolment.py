"""How an agent comes to be known: a code from a manager, once, and the agent's own public key."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, select

from commons.content import content_id
from commons.dispatch import JobCard, MachineCard, acknowledge_fence
from commons.errors import Conflict, InvalidInput, NotAllowed
from commons.job import JobEvent, can
from commons.machine import MachineProfile
from commons.wire import Enrolled, EnrolledMachine, Enrolment
from repo_server import attempts, cards, jobs
from repo_server.ids import new_id
from repo_server.tables import AgentRow, EnrolmentCodeRow, JobRow, MachineRow

CODE_LIFE = timedelta(minutes=10)
_CODE_LENGTH = 8
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is read as another


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
        machine.profile = profile.model_dump(mode="json")
        session.add(machine)
    session.flush()


def _take_over(session: Session, machine: MachineRow, agent: AgentRow, now: datetime) -> None:
    """The machine is `agent`'s. A manager let it in, and stands for the old one being off."""
    former = session.get_one(AgentRow, machine.agent_id)
    if machine.attempt_id is not None:
        attempt = attempts.of_id(session, machine.attempt_id)
        _orphan(session, cards.read_job(session, attempt.job_id), now)
    machine = cards.read_machine(session, machine.id)
    machine.agent_id, machine.cleared = agent.id, False
    machine.seen, machine.seen_at = None, None
    machine.epoch += 1
    session.add(machine)
    session.flush()
    if not session.exec(select(MachineRow).where(MachineRow.agent_id == former.id)).first():
        former.revoked_at = now
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


def fingerprint(public_key: str) -> str:
    """What people compare on two screens: 16 hex digits of the key's hash, in fours."""
    digest = content_id(bytes.fromhex(public_key))
    return "-".join(digest[i : i + 4] for i in range(0, 16, 4))
