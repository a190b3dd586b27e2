"""Uploads that were begun and not finished: whose they are, how large, and how long they are kept.

A person's upload is known by the hash of the file: whoever comes with the same file again goes on
where it was cut. The bytes themselves are in repo_server/arrivals.py.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from commons.content import require_sha256
from commons.errors import Conflict, InvalidInput, NotFound
from repo_server import blobs
from repo_server.blobs import Blob
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import BlobRow, PersonRow, UploadRow

MAX_BYTES = 4 * 1024**3
# So that a great many tiny ones end, too.
_COUNTS_AT_LEAST = 1024**2


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of `size` bytes and this hash that a person is sending, or `stored`: has sent."""

    person_id: str
    sha256: str
    size: int
    touched_at: datetime
    stored: bool = False


def begin(
    session: Session, *, person_id: str, sha256: str, size: int, quota: int, now: datetime
) -> Upload:
    """The person's upload of this file, begun now or found again; over if the file is stored.

    Raises:
        InvalidInput: no hash, or more bytes than one file may have.
        Conflict: it was begun with another size, or the person's unfinished uploads would be more
            than `quota` bytes together.
    """
    _require_size(size)
    if (stored := _stored(session, person_id, sha256)) is not None:
        forget(session, stored)
        return stored
    session.get(PersonRow, person_id, with_for_update=True)  # so that two at once are both counted
    row = session.get(UploadRow, (person_id, sha256))
    if row is None:
        _require_quota(session, person_id, size, quota)
        row = UploadRow(person_id=person_id, sha256=sha256, size=size, touched_at=now)
    elif row.size != size:
        raise Conflict(
            f"the upload of {sha256} was begun with {row.size} bytes, not {size}; delete it first"
        )
    row.touched_at = now
    session.add(row)
    session.flush()
    return _upload(row)


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_BYTES:
        raise InvalidInput(f"a file of {size} bytes; 0 to {MAX_BYTES} are taken here")


def _require_quota(session: Session, person_id: str, size: int, quota: int) -> None:
    sizes = session.exec(select(UploadRow.size).where(UploadRow.person_id == person_id))
    others = [max(it, _COUNTS_AT_LEAST) for it in sizes]
    wanted = sum(others) + max(size, _COUNTS_AT_LEAST)
    if wanted > quota:
        raise Conflict(
            f"your {len(others)} unfinished uploads would be {wanted} bytes with this one, and "
            f"{quota} are allowed: finish or delete one first"
        )


def find(session: Session, person_id: str, sha256: str) -> Upload:
    """The person's upload of this file, also if it is over; NotFound when there is neither."""
    if (stored := _stored(session, person_id, sha256)) is not None:
        return stored
    row = session.get(UploadRow, (person_id, sha256))
    if row is None:
        raise NotFound(f"you have no upload of {sha256}; begin it again")
    return _upload(row)


def go_on(session: Session, person_id: str, sha256: str, *, now: datetime) -> Upload:
    """As `find`; it is kept for a while from now on."""
    row = session.get(UploadRow, (person_id, require_sha256(sha256)))
    if row is None:
        return find(session, person_id, sha256)
    row.touched_at = now
    session.add(row)
    return _upload(row)


def unfinished(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[Upload]:
    """The person's uploads, the one that was touched last first."""
    mine = select(UploadRow).where(UploadRow.person_id == person_id)
    keys = latest_first(UploadRow.touched_at, UploadRow.sha256)
    return read_page(session, mine, keys, stretch).shown(_upload)


def finish(session: Session, upload: Upload, blob: Blob, *, now: datetime) -> None:
    """The stored file is there for everybody, and the upload is over."""
    blobs.record(session, blob, now=now)
    forget(session, upload)


def forget(session: Session, upload: Upload) -> None:
    """There is no such upload any more, whether there was one or not."""
    theirs = col(UploadRow.person_id) == upload.person_id
    session.execute(delete(UploadRow).where(theirs, col(UploadRow.sha256) == upload.sha256))


def forget_abandoned(session: Session, before: datetime) -> None:
    """Uploads that nobody touched since `before` are over."""
    session.execute(delete(UploadRow).where(col(UploadRow.touched_at) < before))


def _stored(session: Session, person_id: str, sha256: str) -> Upload | None:
    row = session.get(BlobRow, require_sha256(sha256))
    if row is None:
        return None
    return Upload(person_id, sha256, row.size, row.stored_at, stored=True)


def _upload(row: UploadRow) -> Upload:
    return Upload(row.person_id, row.sha256, row.size, row.touched_at)
