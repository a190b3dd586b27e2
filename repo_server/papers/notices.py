"""What a job's papers say: whose design it is, under which licence, and what is owed for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from commons.licences.answers import NO_LEGAL_ADVICE
from commons.licences.scopes import Scope
from commons.licences.terms import DUTY_WORDS, Duty
from repo_server import licensing, orders
from repo_server.tables import BuildOrderRow, CityRow, JobRow, LabRow, PersonRow, ReleaseRow

NOTE = NO_LEGAL_ADVICE
# A code of 34 mm that holds more has modules that a label printer and a telephone lose.
MOST_SOURCE_BYTES = 300


@dataclass(frozen=True, slots=True)
class Notice:
    """What goes with the things that a job makes.

    `source` is where their designer says that the source is; `release` is the address of the very
    release here, `page` that of the job. `duties` are sentences.
    """

    title: str
    version: str
    part: str
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
    lab: str
    city: str
    ordered_by: str
    ordered_at: datetime


def of_job(session: Session, job_id: str, *, to: str, base_url: str) -> Notice:
    """What the papers of this job say; NotFound when there is none that `to` may see."""
    job = orders.show_job(session, job_id, to=to)
    order = session.get_one(BuildOrderRow, job.order_id)
    release = session.get_one(ReleaseRow, order.release_id)
    lab = session.get_one(LabRow, job.lab_id)
    return Notice(
        title=release.name,
        version=release.version,
        part=order.part,
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
        lab=lab.name,
        city=session.get_one(CityRow, lab.city_id).name,
        ordered_by=session.get_one(PersonRow, order.ordered_by).name,
        ordered_at=order.ordered_at,
    )


def _source(release: ReleaseRow, base_url: str) -> str:
    """Where the designer says that the source is; where it is here, if they do not say or say it
    at a length that no code can hold."""
    home = release.manifest.get("repo")
    fits = isinstance(home, str) and 0 < len(home.encode()) <= MOST_SOURCE_BYTES
    return str(home) if fits else f"{base_url}/releases/{release.id}"


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
