"""What a job's papers say: whose design it is, under which licence, and what is owed for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from unicodedata import normalize
from urllib.parse import quote

from sqlmodel import Session

from commons.errors import NotFound
from commons.licences.answers import NO_LEGAL_ADVICE, asks_for_credit
from commons.licences.scopes import Scope
from commons.licences.terms import DUTY_WORDS, Duty
from commons.variants import told
from repo_server import licensing, orders
from repo_server.tables import (
    BuildOrderRow,
    CityRow,
    DesignRow,
    JobRow,
    LabRow,
    PersonRow,
    ReleaseRow,
)

NOTE = NO_LEGAL_ADVICE
LACKING = "Some names are in letters that this paper lacks: scan the code."
# Whether a paper has all letters of a text.
Covers = Callable[[str], bool]
# A code of 34 mm that holds more has modules that a label printer and a telephone lose.
MOST_SOURCE_BYTES = 300
_OF_ADDRESSES = ":/?#[]@!$&'()*+,;=%"


@dataclass(frozen=True, slots=True)
class Credit:
    """A work that a design was made from: whose it is, under which licence, and where it is."""

    title: str
    authors: tuple[str, ...]
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What goes with the things that a job makes.

    `variant` are the values that the part was drawn with. `source` is where their designer says
    that the source is; `release` is the address of the very release here, `page` that of the job.
    `duties` are sentences. `credits` are owed to what it was made from, the nearest first; the page
    at `ancestry` names them all. `lacks_letters`: some name gave way to a plain one.
    """

    title: str
    version: str
    part: str
    variant: str
    copies: int
    of_copies: int
    material: str
    purpose: str
    authors: tuple[str, ...]
    licence: str
    duties: tuple[str, ...]
    source: str
    release: str
    page: str
    ancestry: str
    lab: str
    city: str
    ordered_by: str
    ordered_at: datetime
    credits: tuple[Credit, ...] = ()
    lacks_letters: bool = False


def of_job(session: Session, job_id: str, *, to: str, base_url: str, covers: Covers) -> Notice:
    """What the papers of this job say; NotFound when there is none that `to` may see."""
    job = orders.show_job(session, job_id, to=to)
    order = session.get_one(BuildOrderRow, job.order_id)
    release = _release(session, order)
    lab = session.get_one(LabRow, job.lab_id)
    city = session.get_one(CityRow, lab.city_id)
    person = session.get_one(PersonRow, order.ordered_by)
    plain = {
        "title": session.get_one(DesignRow, release.design_id).slug,
        "part": f"part of job {job.id}",
        "variant": "a variant" if order.variant else "",
        "lab": lab.slug,
        "city": city.slug,
        "ordered_by": person.handle,
    }
    notice = Notice(
        title=release.name,
        version=release.version,
        part=order.part,
        variant=told(order.variant or {}),
        copies=job.copies,
        of_copies=order.copies,
        material=order.material,
        purpose=order.purpose,
        authors=tuple(release.licensors),
        licence=_licence(release, order),
        duties=_duties(order),
        source=_source(release, base_url),
        release=f"{base_url}/releases/{release.id}",
        page=_page(job, lab, base_url),
        ancestry=f"{base_url}/designs/{plain['title']}/licence?release={release.id}#made-from",
        lab=lab.name,
        city=city.name,
        ordered_by=person.name,
        ordered_at=order.ordered_at,
        credits=_credits(session, release, order.part, base_url, covers),
    )
    return legible(notice, plain, covers)


def _release(session: Session, order: BuildOrderRow) -> ReleaseRow:
    if order.release_id is None:
        raise NotFound("a program of its own has no papers: nobody knows whose design it makes")
    return session.get_one(ReleaseRow, order.release_id)


def _credits(
    session: Session, release: ReleaseRow, part: str, base_url: str, covers: Covers
) -> tuple[Credit, ...]:
    """What the release was made from under licences that ask for credit, each work once however
    many releases of it there are; not the design itself."""
    found: dict[Credit, None] = {}
    for row in licensing.ancestors(session, release.id):
        licence = licensing.licences(row).of(Scope.HARDWARE, part)
        if row.design_id != release.design_id and asks_for_credit(licence):
            slug = session.get_one(DesignRow, row.design_id).slug
            title = normalize("NFC", row.name)
            authors, _ = _legible_authors(row.licensors, covers)
            source = _source(row, base_url)
            found[Credit(title if covers(title) else slug, authors, licence, source)] = None
    return tuple(found)


def legible(notice: Notice, plain: Mapping[str, str], covers: Covers) -> Notice:
    """The notice in letters that its paper has: `plain` holds what stands, field by field, for a
    name that needs others; authors whose names do are counted."""
    names = {field: normalize("NFC", str(getattr(notice, field))) for field in plain}
    instead = {field: plain[field] for field, name in names.items() if not covers(name)}
    authors, unnamed = _legible_authors(notice.authors, covers)
    shown = {**names, **instead}
    return replace(
        notice,
        title=shown["title"],
        part=shown["part"],
        variant=shown["variant"],
        lab=shown["lab"],
        city=shown["city"],
        ordered_by=shown["ordered_by"],
        authors=authors,
        lacks_letters=bool(instead or unnamed),
    )


def _legible_authors(names: Sequence[str], covers: Covers) -> tuple[tuple[str, ...], int]:
    """Those whose names the paper has the letters of, then how many others there are."""
    authors = [name for it in names if covers(name := normalize("NFC", it))]
    unnamed = len(names) - len(authors)
    if unnamed:
        authors.append(f"{unnamed} {'more ' if authors else ''}in other letters")
    return tuple(authors), unnamed


def _source(release: ReleaseRow, base_url: str) -> str:
    """Where the designer says that the source is; where it is here, if they do not say or say it
    at a length that no code can hold."""
    home = release.manifest.get("repo")
    # The same address in ASCII, which any paper and any reader of codes has.
    plain = quote(home, safe=_OF_ADDRESSES) if isinstance(home, str) else ""
    fits = 0 < len(plain) <= MOST_SOURCE_BYTES
    return plain if fits else f"{base_url}/releases/{release.id}"


def _licence(release: ReleaseRow, order: BuildOrderRow) -> str:
    """The licence by which it was allowed; of orders that were never asked, the part's."""
    if order.licence is not None:
        return str(order.licence["chosen"])
    return licensing.licences(release).of(Scope.HARDWARE, order.part)


def _duties(order: BuildOrderRow) -> tuple[str, ...]:
    owed: Iterable[object] = (order.licence or {}).get("duties") or ()  # type: ignore[assignment]
    return tuple(DUTY_WORDS[Duty(str(duty))] for duty in owed)


def _page(job: JobRow, lab: LabRow, base_url: str) -> str:
    return f"{base_url}/labs/{lab.slug}/jobs/{job.id}"
