"""What the worker does. Every task may run twice, or be killed half-way, and loses nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from flask import current_app

from commons.errors import FabError, NotFound, Unavailable
from repo_server import (
    calendar_reading,
    deliveries,
    facts,
    guest_erasure,
    jobs,
    letters,
    news,
    outgoing,
    quotas,
    renderings,
    repairs,
    shape_changes,
    uploads,
    waiting,
)
from repo_server.arrivals import Arrivals
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.deliveries import Letter, Outcome
from repo_server.outgoing import Way
from repo_server.parsing import drawing
from repo_server.parsing.inspection import compare, inspect, repair
from repo_server.renderings import Recipe
from repo_server.search import fitting
from repo_server.settings import Settings

_SENT_AT_ONCE = 8
_DRAWN_AT_ONCE = 20


def inspect_release(release_id: str) -> bool:
    """One more file of the release that a parser knows has its facts, or the reason why not.

    Answers whether files are left; then the release stands in line again, behind others. After the
    last one it is found by the sizes that were measured. Several workers may be at one release, and
    never at the same file. Facts are stored under the file's own hash, and no transaction is open
    while a child process reads it.
    """
    engine = current_app.extensions["engine"]
    with reading(engine) as session:
        todo = facts.files_without_facts(session, release_id)
    is_done = any(_inspect(sha256, kind) for sha256, kind in todo)
    with reading(engine) as session:
        is_left = bool(facts.files_without_facts(session, release_id))
    if not is_left:
        with transaction(engine) as session:
            fitting.measure(session, release_id)
            # Releases that an older server published are drawn like those of this one.
            renderings.ask_for_release(session, release_id, now=datetime.now(UTC))
    elif is_done:  # otherwise whoever is at the others will do so
        current_app.extensions["queue"].inspect(release_id)
    return is_left


def _inspect(sha256: str, kind: str) -> bool:
    """Whether the file has its facts by now; False when another worker is at it."""
    blobs: BlobStore = current_app.extensions["blobs"]
    with blobs.claimed(sha256) as is_ours:
        if is_ours:
            findings = inspect(blobs.path(sha256), kind, blobs)
            with transaction(current_app.extensions["engine"]) as session:
                facts.record(session, sha256, kind, findings, now=datetime.now(UTC))
        return is_ours


def render_waiting() -> None:
    """Sources that somebody waits for were drawn, as far as OpenSCAD is here, the oldest wish
    first; orders that waited for them were asked for again."""
    engine = current_app.extensions["engine"]
    tried: set[str] = set()
    while len(tried) < _DRAWN_AT_ONCE:
        with reading(engine) as session:
            left = (it for it in renderings.waiting(session) if it not in tried)
            rendering_id = next(left, None)
            if rendering_id is None:
                return
            recipe = renderings.recipe(session, rendering_id)
        tried.add(rendering_id)
        try:
            _draw(rendering_id, recipe)
        except (Unavailable, NotFound) as missing:
            with transaction(engine) as session:
                renderings.hold_back(session, rendering_id, str(missing))


def _draw(rendering_id: str, recipe: Recipe) -> None:
    """The rendering is made, unless another worker is at its source. No transaction is open while
    OpenSCAD, or the reader of what it drew, is at work."""
    blobs: BlobStore = current_app.extensions["blobs"]
    with blobs.claimed(recipe.sources[recipe.path]) as is_ours:
        if not is_ours:
            return
        drawn = drawing.draw(recipe.path, recipe.sources, recipe.values, blobs)
        now = datetime.now(UTC)
        with transaction(current_app.extensions["engine"]) as session:
            renderings.record(session, rendering_id, drawn, now=now)
            waiting.look_again(session, rendering_id=rendering_id, now=now)


def inspect_waiting() -> None:
    """Releases whose ring was lost stand in line after all."""
    with reading(current_app.extensions["engine"]) as session:
        unread = facts.releases_without_facts(session)
    for release_id in unread:
        current_app.extensions["queue"].inspect(release_id)


def repair_waiting() -> None:
    """Every mesh for which that was asked has its repaired copy, or the reason why not."""
    engine = current_app.extensions["engine"]
    store: BlobStore = current_app.extensions["blobs"]
    with reading(engine) as session:
        todo = repairs.waiting(session)
    for sha256, kind in todo:
        with store.claimed(sha256) as is_ours:
            if is_ours:
                _repair(store, sha256, kind)


def _repair(store: BlobStore, sha256: str, kind: str) -> None:
    """The file has its copy, unless another worker has come to it before."""
    engine = current_app.extensions["engine"]
    with reading(engine) as session:
        if not repairs.is_waiting(session, sha256, kind):
            return
    made = repair(store.path(sha256), kind, store)
    findings = None
    if made.copy is not None:
        findings = inspect(store.path(made.copy.sha256), repairs.COPY_KIND, store)
    with transaction(engine) as session:
        repairs.record(session, sha256, kind, made, findings=findings, now=datetime.now(UTC))


def compare_waiting() -> None:
    """It is known how all meshes differ for which that was asked, or why it is not."""
    engine = current_app.extensions["engine"]
    store: BlobStore = current_app.extensions["blobs"]
    with reading(engine) as session:
        todo = shape_changes.waiting(session)
    for key in todo:
        with store.claimed(key[1]) as is_ours:
            if is_ours:
                _compare(store, key)


def _compare(store: BlobStore, key: shape_changes.Key) -> None:
    """It is known how the two differ, unless another worker has come to them before."""
    engine = current_app.extensions["engine"]
    with reading(engine) as session:
        if not shape_changes.is_waiting(session, key):
            return
    before, after, kinds = key
    findings = compare(store.path(before), store.path(after), kinds, store)
    with transaction(engine) as session:
        shape_changes.record(session, key, findings, now=datetime.now(UTC))


def notice_silence() -> None:
    """Machines that were silent for too long have lost their lease, or are in doubt."""
    with transaction(current_app.extensions["engine"]) as session:
        jobs.notice_silence(session, datetime.now(UTC))


def begin_terms() -> None:
    """What waited for the next term of a quota waits no longer, as far as that reaches."""
    with transaction(current_app.extensions["engine"]) as session:
        quotas.begin_terms(session, now=datetime.now(UTC))


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


def read_calendars() -> None:
    """Calendars that labs follow were read, as far as it was time."""
    calendar_reading.read_due(
        current_app.extensions["engine"],
        current_app.extensions["fetcher"],
        now=datetime.now(UTC),
    )


def mail_waiting() -> None:
    """The e-mails that are to be sent now were handed in, where this server can; news that are too
    old are gone. No transaction is open while another server is waited for."""
    engine, now = current_app.extensions["engine"], datetime.now(UTC)
    settings: Settings = current_app.extensions["settings"]
    with transaction(engine) as session:
        news.forget_old(session, now)
        secret = current_app.extensions["secret"]
        waiting_ = letters.due(session, settings.base_url, secret, now)
    if settings.post is None or not waiting_:
        return
    try:
        with letters.handing_in(settings.post) as smtp:
            for letter in waiting_:
                problem = letters.send(smtp, letter, settings.post.sender)
                with transaction(engine) as session:
                    letters.note(session, letter.id, problem, now=datetime.now(UTC))
    except Unavailable as error:
        with transaction(engine) as session:
            for letter in waiting_:
                letters.note(session, letter.id, str(error), now=datetime.now(UTC))


def erase_guests() -> None:
    """Of guests' requests that ended as long ago as the settings say, nothing personal is left;
    what nobody answered for as long has ended."""
    settings: Settings = current_app.extensions["settings"]
    with transaction(current_app.extensions["engine"]) as session:
        guest_erasure.erase(session, settings.guests_kept, now=datetime.now(UTC))


def drop_abandoned_uploads() -> None:
    """What nobody went on with for as long as the settings say is gone, and its room is free."""
    arrivals: Arrivals = current_app.extensions["arrivals"]
    settings: Settings = current_app.extensions["settings"]
    before = datetime.now(UTC) - settings.upload_kept
    with transaction(current_app.extensions["engine"]) as session:
        uploads.forget_abandoned(session, before)
    arrivals.drop_abandoned(before)
