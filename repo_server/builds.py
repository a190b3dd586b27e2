"""Who made a design where, how often, and how it came out: counted by machines, told by people.

A job counts by itself once a person has given its verdict, or once it failed. What a lab built
outside the queue is only stated, and is kept apart everywhere. Simulated machines count nowhere.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement
from sqlmodel import Session, case, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from commons.errors import Conflict, NotFound
from commons.flows import Action
from commons.versions import in_order
from commons.wire import Asked
from repo_server import designs, directory
from repo_server.attempts import Background, Outcome, background, of_id
from repo_server.blobs import Blob, record
from repo_server.designs import Release
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.people import Person
from repo_server.tables import (
    AttemptRow,
    BlobRow,
    BuildOrderRow,
    BuildReportRow,
    DesignRow,
    EconomicEventRow,
    JobRow,
    LabRow,
    PersonRow,
    ReleaseRow,
)

MOST_THINGS = 1000
_Count = tuple[tuple[str, str], Mapping[str, int]]  # release and lab, and what to add
_STOPPED = (Outcome.FAILED, Outcome.ABORTED)

Count = Annotated[int, Field(ge=0, le=MOST_THINGS)]
Short = Annotated[str, Field(max_length=80)]


class NewBuild(Asked):
    """A report of things built. With `attempt_id` the attempt tells everything but the words;
    without one, `release_id`, `part` and how many came out good and bad are stated."""

    attempt_id: str | None = None
    release_id: str | None = None
    part: Annotated[str, Field(max_length=200)] = ""
    material: Short = ""
    machine: Short = ""
    good: Count = 0
    failed: Count = 0
    words: Annotated[str, Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if (self.attempt_id is None) == (self.release_id is None):
            raise ValueError("name an attempt, or the release of what was built elsewhere")
        if self.release_id is not None and not self.good + self.failed:
            raise ValueError("say how many came out good, and how many failed")
        return self


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one release was made in one lab. Things, not runs.

    `made` and `failed` come from jobs that a person judged, `waiting` from those that nobody has
    judged yet; the stated ones are a lab's word.
    """

    release_id: str
    slug: str
    design: str
    version: str
    lab_slug: str
    lab: str
    made: int = 0
    failed: int = 0
    waiting: int = 0
    stated_made: int = 0
    stated_failed: int = 0


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What somebody tells of things that were built. `is_stated`: no machine here counted them.

    `handle` leads to the page of who tells it, None when they have none.
    """

    id: str
    release_id: str
    version: str
    lab_slug: str
    lab: str
    part: str
    material: str
    machine: str
    good: int
    failed: int
    words: str
    photo: str | None
    by: str
    handle: str | None
    at: datetime
    is_stated: bool


def report(session: Session, wanted: NewBuild, *, lab_id: str, by: Person, now: datetime) -> str:
    """The report stands beside what it is about; its id.

    Raises NotFound for an attempt that is none of the lab's, a release or part that is not there;
    Conflict for an attempt that has not come to its end, or has its report.
    """
    if wanted.attempt_id is not None:
        row = _of_attempt(session, wanted.attempt_id, lab_id)
    else:
        row = _stated(session, wanted, lab_id)
    row.words, row.reported_by, row.reported_at = wanted.words.strip(), by.id, now
    session.add(row)
    session.flush()
    return row.id


def _of_attempt(session: Session, attempt_id: str, lab_id: str) -> BuildReportRow:
    attempt = of_id(session, attempt_id)
    behind = background(session, attempt)
    if behind.job.lab_id != lab_id:
        raise NotFound(f"there is no attempt {attempt_id[:64]} in this lab")
    release_id = _release_behind(behind)
    good = attempt.good_copies if attempt.verdict_at is not None else None
    counts = _came_of(attempt.outcome or "", behind.job.copies, good)
    if not counts.keys() & {"made", "failed"}:
        raise Conflict("nobody has said yet what came of this attempt; give its verdict first")
    same = select(BuildReportRow.id).where(BuildReportRow.attempt_id == attempt_id)
    if session.exec(same).first() is not None:
        raise Conflict("this attempt has its report already")
    return BuildReportRow(
        id=new_id(),
        release_id=release_id,
        lab_id=lab_id,
        attempt_id=attempt_id,
        part=behind.order.part,
        material=behind.order.material,
        machine=behind.machine.name,
        good=counts.get("made", 0),
        failed=counts.get("failed", 0),
    )  # type: ignore[call-arg]  # who and when are said by the caller


def _release_behind(behind: Background) -> str:
    if behind.order.release_id is None:
        raise NotFound("that attempt ran a program of its own: there is no design to report it to")
    return behind.order.release_id


def _stated(session: Session, wanted: NewBuild, lab_id: str) -> BuildReportRow:
    release = designs.show_release(session, wanted.release_id or "")
    names = [part.name for part in release.manifest.parts]
    if wanted.part and wanted.part not in names:
        listed = ", ".join(f"'{name}'" for name in names) or "none"
        raise NotFound(f"{release.manifest.name} has no part '{wanted.part[:80]}'; it has {listed}")
    return BuildReportRow(
        id=new_id(),
        release_id=release.id,
        lab_id=lab_id,
        part=wanted.part,
        material=wanted.material.strip(),
        machine=wanted.machine.strip(),
        good=wanted.good,
        failed=wanted.failed,
    )  # type: ignore[call-arg]


def release_of(session: Session, *, attempt_id: str | None, release_id: str | None) -> Release:
    """The release that a report of these is about; NotFound when there is none."""
    if attempt_id is not None:
        release_id = _release_behind(background(session, of_id(session, attempt_id)))
    return designs.show_release(session, release_id or "")


def add_photo(session: Session, report_id: str, photo: Blob, *, lab_id: str, now: datetime) -> None:
    """The report shows this picture, one that our own parser painted.

    NotFound for a report that is none of the lab's.
    """
    row = session.get(BuildReportRow, report_id)
    if row is None or row.lab_id != lab_id:
        raise NotFound(f"there is no report {report_id[:64]} of this lab")
    record(session, photo, now=now)
    row.photo_sha256 = photo.sha256
    session.add(row)


def photo_of(session: Session, report_id: str) -> str:
    """The hash of the report's picture; NotFound when it has none."""
    row = session.get(BuildReportRow, report_id)
    if row is None or row.photo_sha256 is None:
        raise NotFound(f"there is no photo of a report {report_id[:64]}")
    return session.get_one(BlobRow, row.photo_sha256).sha256


def tallies(session: Session, slug: str) -> list[Tally]:
    """How often each release of the design was made in each lab; the greatest version first."""
    of = _releases(slug)
    ordered, told = col(BuildOrderRow.release_id).in_(of), col(BuildReportRow.release_id).in_(of)
    lines = sorted(_tallies(session, ordered, told), key=lambda it: it.lab)
    return sorted(lines, key=lambda it: in_order(it.version), reverse=True)


def tallies_of_lab(session: Session, lab_id: str) -> list[Tally]:
    """How often each release was made in the lab, by the design's name."""
    here, told = col(JobRow.lab_id) == lab_id, col(BuildReportRow.lab_id) == lab_id
    lines = _tallies(session, here, told)
    return sorted(lines, key=lambda it: (it.design, it.slug, in_order(it.version)))


def _tallies(
    session: Session, of_jobs: ColumnElement[bool], of_words: ColumnElement[bool]
) -> list[Tally]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for key, more in chain(_of_jobs(session, of_jobs), _of_words(session, of_words)):
        counts.setdefault(key, Counter()).update(more)
    releases, labs = zip(*counts, strict=True) if counts else ((), ())
    rows = session.exec(
        select(ReleaseRow, DesignRow.slug)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(col(ReleaseRow.id).in_(releases))
    )
    known = {row.id: (row, slug) for row, slug in rows}
    lab_of = {row.id: row for row in session.exec(select(LabRow).where(col(LabRow.id).in_(labs)))}
    found = []
    for (release_id, lab_id), of_both in counts.items():
        (release, slug), lab = known[release_id], lab_of[lab_id]
        found.append(
            Tally(release.id, slug, release.name, release.version, lab.slug, lab.name, **of_both)
        )
    return found


def _of_jobs(session: Session, which: ColumnElement[bool]) -> Iterator[_Count]:
    """What came of the attempts that ran on real machines, by release and lab.

    Every run that ended cites its design once: that event says what was simulated.
    """
    judged = col(AttemptRow.verdict_at).is_not(None)
    done = col(AttemptRow.outcome) == Outcome.DONE
    all_or_none = case((done, col(JobRow.copies)), else_=0)
    good = func.sum(func.coalesce(AttemptRow.good_copies, all_or_none))
    keys = (BuildOrderRow.release_id, JobRow.lab_id, AttemptRow.outcome, judged)
    rows = session.execute(
        select(*keys, func.sum(JobRow.copies), good)  # type: ignore[call-overload]
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .join(AttemptRow, col(AttemptRow.job_id) == col(JobRow.id))
        .join(EconomicEventRow, col(EconomicEventRow.process_id) == col(AttemptRow.id))
        .where(
            which,
            col(BuildOrderRow.calibrates).is_(None),
            EconomicEventRow.action == Action.CITE,
            col(EconomicEventRow.simulated).is_(False),
        )
        .group_by(*keys)
    )
    for release_id, lab_id, outcome, is_judged, copies, of_them in rows:
        yield (release_id, lab_id), _came_of(outcome, copies, of_them if is_judged else None)


def _came_of(outcome: str, copies: int, good: int | None) -> dict[str, int]:
    """What so many things count as; `good` of them are good, None where nobody has looked."""
    if outcome in _STOPPED:
        return {"failed": copies}
    if outcome not in (Outcome.DONE, Outcome.REJECTED):
        return {}
    return {"waiting": copies} if good is None else {"made": good, "failed": copies - good}


def _of_words(session: Session, which: ColumnElement[bool]) -> Iterator[_Count]:
    """What labs state of things that were built outside the queue."""
    stated = select(BuildReportRow).where(which, col(BuildReportRow.attempt_id).is_(None))
    for row in session.exec(stated):
        counts = {"stated_made": row.good, "stated_failed": row.failed}
        yield (row.release_id, row.lab_id), counts


def _releases(slug: str) -> SelectOfScalar[str]:
    """The ids of all releases of a design."""
    return (
        select(ReleaseRow.id)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(DesignRow.slug == slug)
    )


def list_reports(session: Session, slug: str, stretch: Stretch = BEGINNING) -> Page[BuildReport]:
    """What people tell of things built after this design, the latest first."""
    wanted = (
        select(BuildReportRow, ReleaseRow, LabRow, PersonRow)
        .join(ReleaseRow, col(ReleaseRow.id) == col(BuildReportRow.release_id))
        .join(LabRow, col(LabRow.id) == col(BuildReportRow.lab_id))
        .join(PersonRow, col(PersonRow.id) == col(BuildReportRow.reported_by))
        .where(col(BuildReportRow.release_id).in_(_releases(slug)))
    )
    keys = latest_first(BuildReportRow.reported_at, BuildReportRow.id)
    page = read_page(session, wanted, keys, stretch)
    pages = directory.handles_of(session, {person.id for _, _, _, person in page.entries})
    return page.shown(lambda it: _report(*it, pages.get(it[3].id)))


def _report(
    row: BuildReportRow, release: ReleaseRow, lab: LabRow, person: PersonRow, handle: str | None
) -> BuildReport:
    return BuildReport(
        id=row.id,
        release_id=release.id,
        version=release.version,
        lab_slug=lab.slug,
        lab=lab.name,
        part=row.part,
        material=row.material,
        machine=row.machine,
        good=row.good,
        failed=row.failed,
        words=row.words,
        photo=row.photo_sha256,
        by=person.name,
        handle=handle,
        at=row.reported_at,
        is_stated=row.attempt_id is None,
    )
