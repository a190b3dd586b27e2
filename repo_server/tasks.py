"""What the worker does. Every task may run twice, or be killed half-way, and loses nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from flask import current_app

from commons.errors import FabError
from repo_server import deliveries, facts, jobs, outgoing, uploads
from repo_server.arrivals import Arrivals
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.deliveries import Letter, Outcome
from repo_server.outgoing import Way
from repo_server.parsing.inspection import inspect
from repo_server.search import fitting
from repo_server.settings import Settings

_SENT_AT_ONCE = 8


def inspect_release(release_id: str) -> None:
    """Every file of the release that a parser knows has its facts, or the reason why not.

    Facts are stored under the file's own hash, one transaction a file, and none is open while
    a child process reads it. Then the release is found by the sizes that were measured.
    """
    engine = current_app.extensions["engine"]
    blobs: BlobStore = current_app.extensions["blobs"]
    with reading(engine) as session:
        todo = facts.files_without_facts(session, release_id)
    for sha256, kind in todo:
        findings = inspect(blobs.path(sha256), kind, blobs)
        with transaction(engine) as session:
            facts.record(session, sha256, kind, findings, now=datetime.now(UTC))
    with transaction(engine) as session:
        fitting.measure(session, release_id)


def inspect_waiting() -> None:
    """Releases whose ring was lost are inspected after all."""
    with reading(current_app.extensions["engine"]) as session:
        waiting = facts.releases_without_facts(session)
    for release_id in waiting:
        inspect_release(release_id)


def notice_silence() -> None:
    """Machines that were silent for too long have lost their lease, or are in doubt."""
    with transaction(current_app.extensions["engine"]) as session:
        jobs.notice_silence(session, datetime.now(UTC))


def deliver_waiting() -> None:
    """What webhooks are to be told now was sent, each with its outcome written down.

    No transaction is open while somebody else's server is waited for.
    """
    engine, way = current_app.extensions["engine"], current_app.extensions["way"]
    secret, now = current_app.extensions["secret"], datetime.now(UTC)
    with transaction(engine) as session:
        deliveries.forget_old(session, now)
        letters = deliveries.due(session, now)
    with ThreadPoolExecutor(_SENT_AT_ONCE) as threads:
        outcomes = threads.map(lambda letter: _send(letter, secret, way), letters)
        for letter, outcome in zip(letters, outcomes, strict=True):
            with transaction(engine) as session:
                deliveries.note(session, letter.id, outcome, now=datetime.now(UTC))


def _send(letter: Letter, secret: bytes, way: Way) -> Outcome:
    headers = letter.headers(secret, at=int(datetime.now(UTC).timestamp()))
    try:
        status = outgoing.post(letter.url, letter.body, headers, way=way)
    except FabError as error:
        return Outcome(None, str(error))
    return Outcome(status, f"it answered {status}")


def drop_abandoned_uploads() -> None:
    """What nobody went on with for as long as the settings say is gone, and its room is free."""
    arrivals: Arrivals = current_app.extensions["arrivals"]
    settings: Settings = current_app.extensions["settings"]
    before = datetime.now(UTC) - settings.upload_kept
    with transaction(current_app.extensions["engine"]) as session:
        uploads.forget_abandoned(session, before)
    arrivals.drop_abandoned(before)
