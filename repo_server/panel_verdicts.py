"""Verdicts that operators gave at an agent's panel, with what they weighed and photographed."""

from base64 import b64decode
from binascii import Error as NotBase64
from datetime import datetime, timedelta
from io import BytesIO

from sqlmodel import Session

from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import HELD_STATES, JobState
from commons.texts import filled, later
from commons.verdict import PanelVerdict, VerdictReceipt
from repo_server import attempts, cards, decisions, jobs, orders
from repo_server.blobs import BlobStore
from repo_server.tables import AttemptRow

_JPEG = b"\xff\xd8\xff"
_LONGEST = timedelta(days=3650)


def take(
    session: Session, asked: PanelVerdict, *, agent_id: str, store: BlobStore, now: datetime
) -> VerdictReceipt:
    """The verdict stands as if it had been given here, or the receipt says why it does not.

    Asked again it is answered the same. Conflict while the end of the attempt has not been heard
    here: the agent's reports come first.
    """
    attempt = attempts.of_id(session, asked.attempt_id)
    jobs.machine_of(session, attempt.machine_id, agent_id=agent_id)
    job = cards.read_job(session, attempt.job_id)
    if attempt.verdict_at is not None:
        same = (attempt.said_by, attempt.good_copies) == (asked.by, asked.good_copies)
        return VerdictReceipt(taken=same, sentence=later("it has its verdict already"))
    if job.attempt_id == attempt.id and job.state in HELD_STATES:
        raise Conflict("the end of this attempt has not been heard here yet: report it first")
    if job.attempt_id != attempt.id or job.state is not JobState.FINISHED:
        return VerdictReceipt(
            taken=False, sentence=filled("a %(state)s job waits for no verdict", state=job.state)
        )
    attempt.said_by, attempt.weighed_g = asked.by, asked.weighed_g
    attempt.photo_sha256 = _kept(asked, store)
    session.add(attempt)
    at = now - min(timedelta(seconds=min(asked.age_s, 1e9)), _LONGEST)
    decisions.give_verdict(
        session, job, good=asked.good_copies, note=asked.note, by=None, now=now, at=at
    )
    return VerdictReceipt(taken=True)


def _kept(asked: PanelVerdict, store: BlobStore) -> str | None:
    if asked.photo is None:
        return None
    try:
        photo = b64decode(asked.photo, validate=True)
    except (NotBase64, ValueError) as error:
        raise InvalidInput("the photo is no base 64") from error
    if not photo.startswith(_JPEG):
        raise InvalidInput("the photo is no JPEG")
    return store.put(BytesIO(photo)).sha256


def photo_of(session: Session, attempt_id: str, *, to: str) -> str:
    """The hash of the photo of what came of the attempt; NotFound when `to` may see none."""
    attempt = session.get(AttemptRow, attempt_id)
    if attempt is None or attempt.photo_sha256 is None:
        raise NotFound(f"there is no photo of attempt {attempt_id[:64]}")
    orders.show_job(session, attempt.job_id, to=to)
    return attempt.photo_sha256
