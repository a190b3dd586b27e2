"""What an agent may let people make while this server is away: told while it is not."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from commons import trainings
from commons.licences.purposes import Purpose
from commons.local_builds import LocalBuilds, MachineTold, Makeable, Maker
from commons.texts import later
from repo_server import entitled, licensing, matches
from repo_server.agents import Agent
from repo_server.licensing import LicenceAsks, LicenceForbids, Use
from repo_server.matches import Buildable
from repo_server.tables import (
    BuildOrderRow,
    LabRoleRow,
    MachineRow,
    MaterialLotRow,
    PersonRow,
    YankRow,
)
from repo_server.tables.people import LabRole

MOST_BUILDS = 30
_MAKERS = (LabRole.OPERATOR, LabRole.MANAGER)
_YANKED = later("it was yanked: order what replaced it once the server is back")


def told(session: Session, agent: Agent, *, now: datetime) -> LocalBuilds:
    """What the agent's lab ordered lately, who works there, and the agent's machines as they are.

    Whether a part may be made is what its licence says to a person of the lab who makes it for
    their own use, and of whom nothing else is known.
    """
    people = _people(session, agent.lab_id)
    return LocalBuilds(
        makeable=tuple(_makeable(session, agent.lab_id, people, now)),
        people=tuple(people),
        machines=tuple(_machines(session, agent, people, now)),
    )


def _people(session: Session, lab_id: str) -> list[Maker]:
    rows = session.exec(
        select(PersonRow)
        .join(LabRoleRow, col(LabRoleRow.person_id) == col(PersonRow.id))
        .where(LabRoleRow.lab_id == lab_id, col(LabRoleRow.role).in_(_MAKERS))
        .order_by(PersonRow.handle)
    )
    return [Maker(person_id=it.id, names=(it.handle, it.name)) for it in rows]


def _makeable(
    session: Session, lab_id: str, people: Sequence[Maker], now: datetime
) -> list[Makeable]:
    latest = func.max(col(BuildOrderRow.ordered_at)).desc()
    keys = session.exec(
        select(BuildOrderRow.release_id, BuildOrderRow.part)
        .where(
            BuildOrderRow.lab_id == lab_id,
            col(BuildOrderRow.release_id).is_not(None),
            col(BuildOrderRow.rendering_id).is_(None),
            col(BuildOrderRow.calibrates).is_(None),
        )
        .group_by(col(BuildOrderRow.release_id), col(BuildOrderRow.part))
        .order_by(latest)
        .limit(MOST_BUILDS)
    ).all()
    wanted = [(str(release_id), part) for release_id, part in keys]
    builds = matches.buildables(session, wanted)
    by = people[0].person_id if people else ""
    return [
        _told(session, builds[key], lab_id, by, now) for key in wanted if people and key in builds
    ]


def _told(session: Session, build: Buildable, lab_id: str, by: str, now: datetime) -> Makeable:
    return Makeable(
        release_id=build.of,
        title=build.title,
        part=build.part.name,
        process=build.process,
        material=(build.part.material or "").strip().lower() or None,
        file_name=build.file_name,
        file_sha256=build.file_sha256,
        file_size=build.file_size,
        refusal=_refusal(session, build, lab_id, by, now),
    )


def _refusal(session: Session, build: Buildable, lab_id: str, by: str, now: datetime) -> str:
    if session.get(YankRow, build.of) is not None:
        return _YANKED
    use = Use(build.part.name, Purpose.OWN_USE)
    try:
        licensing.require_leave(session, build.of, use, lab_id=lab_id, by=by, now=now)
    except (LicenceAsks, LicenceForbids) as refused:
        return str(refused)
    return ""


def _machines(
    session: Session, agent: Agent, people: Sequence[Maker], now: datetime
) -> list[MachineTold]:
    asked = entitled.classes_asked(session, agent.lab_id)
    rows = session.exec(
        select(MachineRow, MaterialLotRow)
        .join(MaterialLotRow, col(MaterialLotRow.id) == col(MachineRow.lot_id), isouter=True)
        .where(MachineRow.agent_id == agent.id, col(MachineRow.retired_at).is_(None))
        .order_by(MachineRow.name)
    )
    return [_machine(machine, lot, asked, people, now) for machine, lot in rows]


def _machine(
    machine: MachineRow,
    lot: MaterialLotRow | None,
    asked: Sequence[entitled.Asked],
    people: Sequence[Maker],
    now: datetime,
) -> MachineTold:
    process = str(machine.profile["process"])
    required = [it.required for it in asked if it.is_for(machine.id, process)]
    return MachineTold(
        machine_id=machine.id,
        fence=machine.epoch,
        lot_id=lot.id if lot else None,
        material=lot.material if lot else None,
        mass_left_g=lot.mass_left_g if lot else None,
        thickness_mm=lot.thickness_mm if lot else None,
        sheet_mm=lot.sheet_mm if lot else None,
        grain=lot.grain if lot else None,
        makers=tuple(
            it.person_id
            for it in people
            if not any(trainings.missing(one, it.person_id, at=now) for one in required)
        ),
    )
