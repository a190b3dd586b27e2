"""E-mails that a fork owes to the licensors of what it was made from, and who has sent them.

Some licences ask whoever publishes a changed design to mail it to every licensor who left an
address. This server sends none: each is a task of the design's steward until they say it is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, case, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from commons.errors import NotFound
from commons.licences.answers import ask_licence
from commons.licences.scopes import licences_of
from commons.licences.terms import Duty, Event
from commons.manifest.forms import mail_of, name_of
from repo_server import licensing, stewards
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import DesignRow, MailingRow, PersonRow, ReleaseRow


@dataclass(frozen=True, slots=True)
class Mailing:
    """An e-mail about the release `title`, owed to `name` at `address`, who licenses `made_from`;
    `sent_by` and `sent_at` are None while nobody has sent it."""

    id: str
    slug: str
    release_id: str
    title: str
    name: str
    address: str
    made_from: str
    clause: str
    sent_by: str | None
    sent_at: datetime | None


def record(session: Session, release_id: str) -> None:
    """The e-mails that this release owes are tasks of its design's steward, one an address."""
    release = session.get_one(ReleaseRow, release_id)
    owed: dict[str, MailingRow] = {}
    for parent in licensing.ancestors(session, release_id):
        if (
            parent.design_id == release.design_id
            or clause_of(parent.license, parent.manifest) is None
        ):
            continue
        for name, address in licensors_of(parent.manifest):
            row = MailingRow(
                id=new_id(), release_id=release_id, parent_id=parent.id, name=name, address=address
            )
            owed.setdefault(address.casefold(), row)
    session.add_all(owed.values())


def clause_of(license: str, manifest: Mapping[str, object]) -> str | None:
    """By which clause whoever changes a release with this licence and manifest has to mail it; None
    when nothing asks for that."""
    expression = licences_of({**manifest, "license": license}).for_event(Event.PUBLISH_FORK)
    answer = ask_licence(expression, Event.PUBLISH_FORK)
    return "; ".join(answer.clauses) if Duty.MAIL_LICENSORS in answer.duties else None


def licensors_of(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Name and address of those who left one."""
    written = manifest.get("licensor")
    for licensor in written if isinstance(written, list) else [written]:
        if address := mail_of(licensor):
            yield name_of(licensor) or address, address


def of_design(
    session: Session, slug: str, stretch: Stretch = BEGINNING, *, by: str
) -> Page[Mailing]:
    """Every e-mail that the design's releases owe or owed, for its steward: the unsent first,
    by address."""
    design = stewards.stewarded(session, slug, by=by)
    return _listed(session, stretch, ReleaseRow.design_id == design.id)


def owed_by(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[Mailing]:
    """The e-mails that the designs which the person keeps owe and have not sent."""
    theirs = DesignRow.steward_id == person_id
    return _listed(session, stretch, theirs, col(MailingRow.sent_at).is_(None))


def number_for(person_id: str) -> SelectOfScalar[int]:
    """Asks how many `owed_by` lists."""
    return (
        select(func.count(col(MailingRow.id)))
        .join(ReleaseRow, col(ReleaseRow.id) == col(MailingRow.release_id))
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(DesignRow.steward_id == person_id, col(MailingRow.sent_at).is_(None))
    )


def mark_sent(session: Session, mailing_id: str, *, by: str, now: datetime) -> Mailing:
    """It is kept that `by` sent this e-mail now; what was kept before stays.

    NotFound when there is none; NotAllowed for everybody but the design's steward.
    """
    row = session.get(MailingRow, mailing_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no e-mail {mailing_id[:64]} to be sent")
    release = session.get_one(ReleaseRow, row.release_id)
    design = session.get_one(DesignRow, release.design_id)
    stewards.stewarded(session, design.slug, by=by)
    if row.sent_at is None:
        row.sent_by, row.sent_at = by, now
        session.add(row)
        session.flush()
    return _shown(session, row, release, design)


def _listed(
    session: Session, stretch: Stretch, *which: bool | ColumnElement[bool]
) -> Page[Mailing]:
    sent = case((col(MailingRow.sent_at).is_(None), 0), else_=1)
    keys = Keys(sent=sent, address=MailingRow.address, id=MailingRow.id)
    wanted = (
        select(MailingRow, ReleaseRow, DesignRow)
        .join(ReleaseRow, col(ReleaseRow.id) == col(MailingRow.release_id))
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(*which)
    )
    return read_page(session, wanted, keys, stretch).shown(lambda it: _shown(session, *it))


def _shown(session: Session, row: MailingRow, release: ReleaseRow, design: DesignRow) -> Mailing:
    parent = session.get_one(ReleaseRow, row.parent_id)
    sender = session.get(PersonRow, row.sent_by) if row.sent_by else None
    return Mailing(
        id=row.id,
        slug=design.slug,
        release_id=release.id,
        title=f"{release.name} {release.version}",
        name=row.name,
        address=row.address,
        made_from=f"{parent.name} {parent.version}",
        clause=clause_of(parent.license, parent.manifest) or "",
        sent_by=sender.name if sender else None,
        sent_at=row.sent_at,
    )
