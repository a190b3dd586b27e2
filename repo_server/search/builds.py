"""Which labs have built a design: a machine there made a part of it that a person found good.

What a simulated machine made counts for nothing.
"""

from dataclasses import replace

from sqlmodel import Session, col, select

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
    simulated = col(MachineRow.profile)["simulated"].as_boolean()
    good = (
        select(LabRow.slug)
        .join(MachineRow, col(MachineRow.lab_id) == col(LabRow.id))
        .join(AttemptRow, col(AttemptRow.machine_id) == col(MachineRow.id))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .join(ReleaseRow, col(ReleaseRow.id) == col(BuildOrderRow.release_id))
        .where(ReleaseRow.design_id == design_id, col(AttemptRow.good_copies) > 0)
        .where(simulated.is_not(True))
    )
    return list(session.exec(good.distinct().order_by(LabRow.slug)))


def note(session: Session, job: JobRow) -> None:
    """The design of this job is found as one that was built by those labs that have built it.

    A lab's first build of a design puts it among the newest again.
    """
    order = session.get_one(BuildOrderRow, job.order_id)
    design_id = session.get_one(ReleaseRow, order.release_id).design_id
    built = [label(Facet.LAB, lab) for lab in labs_that_built(session, design_id)]
    entry = index.kept(session, design_id)
    if entry is not None and set(built) - set(entry.labels):
        labels = dict.fromkeys((*entry.labels, label(Facet.BUILT, "yes"), *built))
        index.put(session, [replace(entry, labels=tuple(labels))])
