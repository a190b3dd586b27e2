"""Records of starts: what an agent said of an attempt is kept as it was signed, and handed out."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import NotFound
from commons.local_starts import is_local
from commons.start_record import Beside, Clearing, SignedMessage, StartRecord
from commons.wire import ProgramFacts
from repo_server import attempts, matches, orders
from repo_server.agents import Signed
from repo_server.ids import new_id
from repo_server.tables import (
    AgentRow,
    AttemptRow,
    BedClearRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    LabRow,
    MachineRow,
    PermitRow,
    PersonRow,
    SignedMessageOfRow,
    SignedMessageRow,
)
from repo_server.tables.people import LabRole

_NO_RECORD = "there is no record of a start of attempt %s"


def keep(session: Session, said: Signed, attempt_ids: Iterable[str], *, now: datetime) -> None:
    """What the agent said of these attempts is kept as it signed it; of unknown ones nothing is."""
    wanted = set(attempt_ids)
    known = session.exec(select(AttemptRow.id).where(col(AttemptRow.id).in_(wanted))).all()
    if not known:
        return
    request = said.request
    row = SignedMessageRow(
        id=new_id(),
        agent_id=request.agent_id,
        method=request.method,
        target=request.target,
        at=request.at,
        nonce=request.nonce,
        body=request.body.decode(),
        signature=said.signature.hex(),
        received_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(SignedMessageOfRow(attempt_id=it, message_id=row.id) for it in known)


def of_attempt(session: Session, attempt_id: str, *, to: str) -> StartRecord:
    """The record of the attempt's start, for those who work at its lab: of a plate that several
    orders share it is that of the job which leads it.

    Raises NotFound when nobody permitted or gave its start, or `to` may not see it.
    """
    asked = session.get(AttemptRow, attempt_id)
    attempt = asked and attempts.leading(session, asked)
    start = _start_of(session, attempt) if attempt else None
    if attempt is None or start is None:
        raise NotFound(_NO_RECORD % attempt_id[:64])
    program_sha256, permitted_at = start
    job = session.get_one(JobRow, attempt.job_id)
    _require_worker(session, job, attempt_id, to)
    order = session.get_one(BuildOrderRow, job.order_id)
    machine = session.get_one(MachineRow, attempt.machine_id)
    return StartRecord(
        lab=session.get_one(LabRow, job.lab_id).slug,
        **_made(session, attempt).model_dump(),
        machine_id=machine.id,
        machine=machine.name,
        fence=attempt.fence,
        begun_by=order.at_panel_by if is_local(attempt.id) else None,
        also=tuple(_made(session, mate) for mate in attempts.mates(session, attempt.id)),
        program_sha256=program_sha256,
        permitted_at=permitted_at,
        started_at=attempt.started_at,
        clearing=_clearing(session, attempt.id),
        messages=tuple(_messages(session, attempt.id)),
    )


def _made(session: Session, attempt: AttemptRow) -> Beside:
    job = session.get_one(JobRow, attempt.job_id)
    order = session.get_one(BuildOrderRow, job.order_id)
    return Beside(
        job_id=job.id,
        attempt_id=attempt.id,
        what=f"{matches.build_of(session, order).title}, {order.part}",
        release_id=order.release_id,
        ordered_by=session.get_one(PersonRow, order.ordered_by).handle,
    )


def _start_of(session: Session, attempt: AttemptRow) -> tuple[str, datetime] | None:
    """Which program may have been started, and since when: by a permit, or by whoever gave the
    start at the machine without a server."""
    if (permit := session.get(PermitRow, attempt.id)) is not None:
        return permit.program_sha256, permit.given_at
    if attempt.program is None or attempt.armed_at is None or not is_local(attempt.id):
        return None
    return ProgramFacts.model_validate(attempt.program).sha256, attempt.armed_at


def _require_worker(session: Session, job: JobRow, attempt_id: str, person_id: str) -> None:
    """Names of operators are for those who work beside them, not for all who order."""
    orders.show_job(session, job.id, to=person_id)
    role = session.get(LabRoleRow, (person_id, job.lab_id))
    if role is None or role.role is LabRole.MEMBER:
        raise NotFound(_NO_RECORD % attempt_id[:64])


def _clearing(session: Session, attempt_id: str) -> Clearing | None:
    used = select(BedClearRow).where(BedClearRow.used_by == attempt_id)
    if (word := session.exec(used).first()) is None:
        return None
    if word.person_id is None:
        by = word.said_by or ""
        return Clearing(id=word.id, by=by, at=word.at, given="at the machine's panel")
    handle = session.get_one(PersonRow, word.person_id).handle
    return Clearing(id=word.id, by=handle, at=word.at, given="at the server")


def _messages(session: Session, attempt_id: str) -> Iterable[SignedMessage]:
    rows = session.exec(
        select(SignedMessageRow, AgentRow.public_key)
        .join(SignedMessageOfRow, col(SignedMessageOfRow.message_id) == col(SignedMessageRow.id))
        .join(AgentRow, col(AgentRow.id) == col(SignedMessageRow.agent_id))
        .where(SignedMessageOfRow.attempt_id == attempt_id)
        .order_by(col(SignedMessageRow.received_at), col(SignedMessageRow.id))
    )
    for row, public_key in rows:
        yield SignedMessage(
            agent_id=row.agent_id,
            public_key=public_key,
            method=row.method,
            target=row.target,
            at=row.at,
            nonce=row.nonce,
            body=row.body,
            signature=row.signature,
        )
