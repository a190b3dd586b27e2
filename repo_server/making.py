"""On which machines of which labs a part has room, and how it lies there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlmodel import Session, col, select

from commons.machine import Process
from commons.matching import BuildNeed, MachineOffer, candidates
from repo_server import matches
from repo_server.matches import Buildable
from repo_server.tables import LabRoleRow, LabRow, MachineRow

MOST_MACHINES = 200  # that are asked; a reader's own labs come first


class Lying(StrEnum):
    """How a part lies on the machine's bed."""

    AS_DRAWN = "as_drawn"
    ON_ITS_FRONT = "on_its_front"  # or its back
    ON_ITS_SIDE = "on_its_side"


# Which edges of the drawn box become width, depth and height; a quarter turn about the upright is
# tried by the filter of sizes itself.
_EDGES = {
    Lying.AS_DRAWN: (0, 1, 2),
    Lying.ON_ITS_FRONT: (0, 2, 1),
    Lying.ON_ITS_SIDE: (2, 1, 0),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A machine of a lab, as a stranger may see it."""

    lab: str
    lab_name: str
    machine: MachineOffer


@dataclass(frozen=True, slots=True)
class Room:
    """One machine's answer: how the part lies on it, or the sentence why it has no room."""

    bench: Bench
    lying: Lying | None
    refusal: str


def benches(session: Session, process: Process, *, to: str | None) -> list[Bench]:
    """Machines of this process by lab and name, at most MOST_MACHINES of them; those of labs that
    the person `to` belongs to before all others."""
    own = select(LabRoleRow.lab_id).where(LabRoleRow.person_id == to)
    rows = session.exec(
        select(LabRow.slug, LabRow.name, MachineRow)
        .join(MachineRow, col(MachineRow.lab_id) == col(LabRow.id))
        .where(
            col(MachineRow.profile)["process"].as_string() == process.value,
            col(MachineRow.retired_at).is_(None),
        )
        .order_by(col(LabRow.id).in_(own).desc(), col(LabRow.slug), col(MachineRow.name))
        .limit(MOST_MACHINES)
    )
    return [Bench(slug, name, matches.offer_of(row, None)) for slug, name, row in rows]


def rooms(part: Buildable, on: Iterable[Bench]) -> list[Room]:
    """What each machine answers, whatever is loaded on it now."""
    return [_room(part, bench) for bench in on]


def _room(part: Buildable, bench: Bench) -> Room:
    need = BuildNeed(process=part.process, size_mm=part.size_mm, material="any")
    offer = replace(bench.machine, loaded_material="any")
    refusals = []
    for lying in Lying if part.process is Process.FDM else (Lying.AS_DRAWN,):
        (answer,) = candidates(_laid(need, lying), [offer])
        if answer.refusal is None:
            return Room(bench, lying, "")
        refusals.append(answer.sentence)
    return Room(bench, None, refusals[0])


def _laid(need: BuildNeed, lying: Lying) -> BuildNeed:
    if need.size_mm is None:
        return need
    x, y, z = (need.size_mm[edge] for edge in _EDGES[lying])
    return replace(need, size_mm=(x, y, z))
