"""What the worker does. Every task may run twice, or be killed half-way, and loses nothing."""

from datetime import UTC, datetime

from flask import current_app

from repo_server import facts, jobs
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.parsing.inspection import inspect
from repo_server.search import fitting


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
