"""Which labs have built a design: a machine there made a part of it that a person found good.

What a simulated machine made counts for nothing, nor what only calibrates one.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from repo_server.search import index
from repo_server.search.labels import Facet, label
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    JobRow,
    LabRow,
    MachineRow,
    ReleaseRow,
)


def labs_that_built(session: Session, design_id: str) -> list[str]:
    """Slugs of the labs where a part of any of the design's releases was made and found good."""
    of_it = _first_builds().where(ReleaseRow.design_id == design_id)
    return sorted(lab for _, lab, _ in session.exec(of_it))


def last_joined(session: Session) -> dict[str, datetime]:
    """When the last of the labs that have built each design first found it good, by design id."""
    last: dict[str, datetime] = {}
    for design_id, _, at in session.exec(_first_builds()):
        if at is not None:
            last[design_id] = max(at, last.get(design_id, at))
    return last


def _first_builds() -> Select[str, str, datetime | None]:
    """Design, slug of a lab that has built it, and when a part was first found good there."""
    simulated = col(MachineRow.profile)["simulated"].as_boolean()
    return (
        select(ReleaseRow.design_id, LabRow.slug, func.min(col(AttemptRow.verdict_at)))
        .join(BuildOrderRow, col(BuildOrderRow.release_id) == col(ReleaseRow.id))
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .join(AttemptRow, col(AttemptRow.job_id) == col(JobRow.id))
        .join(MachineRow, col(MachineRow.id) == col(AttemptRow.machine_id))
        .join(LabRow, col(LabRow.id) == col(MachineRow.lab_id))
        .where(
            col(AttemptRow.good_copies) > 0,
            simulated.is_not(True),
            col(BuildOrderRow.calibrates).is_(None),
        )
        .group_by(col(ReleaseRow.design_id), col(LabRow.slug))
    )


def note(session: Session, job: JobRow) -> None:
    """The design of this job, if it is of one, is found as built by those labs that have built it.

    A lab's first build of a design puts it among the newest again.
    """
    order = session.get_one(BuildOrderRow, job.order_id)
    if order.release_id is None:
        return
    design_id = session.get_one(ReleaseRow, order.release_id).design_id
    built = [label(Facet.LAB, lab) for lab in labs_that_built(session, design_id)]
    entry = index.kept(session, design_id)
    if entry is not None and set(built) - set(entry.labels):
        labels = dict.fromkeys((*entry.labels, label(Facet.BUILT, "yes"), *built))
        index.put(session, [replace(entry, labels=tuple(labels))])
