"""Orders of programs that people bring: stored, queued and proved like any other."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from sqlmodel import Session, col, select

from commons.errors import InvalidInput, NotFound
from commons.machine import Process
from commons.own_programs import SUFFIXES, ProgramTraits, read_traits
from commons.wire import Asked, Id, MillOptions, PrintOptions
from repo_server import following, matches, orders, program_rights
from repo_server.blobs import Blob
from repo_server.ids import new_id
from repo_server.order_requests import When
from repo_server.orders import PlacedOrder
from repo_server.tables import AgentRow, BuildOrderRow, OwnProgramRow

MAX_COPIES = 20
_MOST_NAME = 120
_PIECE = 1 << 20
_USUAL = {Process.FDM: PrintOptions(), Process.CNC: MillOptions()}
_TRAITS = TypeAdapter(ProgramTraits)


class ProgramRequest(Asked):
    """A program that somebody wants run, `copies` times. Without `material` it is the one that its
    slicer names, and if that names none, whatever is loaded. `machines` are the ids of those that
    may run it, `after` is the id of an order that is to be done before."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    copies: Annotated[int, Field(ge=1, le=MAX_COPIES)] = 1
    material: Annotated[str, Field(max_length=40)] | None = None
    when: When = When()
    machines: Annotated[tuple[Id, ...], Field(min_length=1, max_length=64)] | None = None
    attended_only: bool = False
    after: Id | None = None

    def kept(self) -> dict[str, Any]:
        """What an order keeps of it as it was sent, by column."""
        return {
            **self.model_dump(include={"copies", "attended_only"}),
            **self.when.model_dump(),
            "machines": None if self.machines is None else list(self.machines),
            "after_id": self.after,
        }


def read_program(path: Path) -> ProgramTraits:
    """What the program at `path` tells of itself; InvalidInput when it is none."""

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    return read_traits(pieces())


def place(
    session: Session,
    wanted: ProgramRequest,
    stored: Blob,
    traits: ProgramTraits,
    *,
    lab_id: str,
    by: str,
    now: datetime,
) -> PlacedOrder:
    """The order stands, with a queued job for each copy. The program is in the program store.

    Raises NotAllowed without the right to bring programs here, InvalidInput for a name or material
    that cannot be, Conflict with each machine's reason when none could run it.
    """
    program_rights.require(session, lab_id=lab_id, person_id=by)
    orders.require_time(session, wanted.when, lab_id=lab_id, by=by, now=now)
    material = _material(wanted.material, traits)
    program = _program(session, wanted, stored, traits, lab_id=lab_id, by=by, now=now)
    build = matches.of_program(program)
    need = replace(build.need(material, PrintOptions()), ordered_by=by, begins_at=now)
    only = wanted.machines
    answers, _ = orders.able_machines(session, build, need, only, lab_id=lab_id, now=now)
    following.require_possible(session, wanted.after, lab_id=lab_id)
    session.add(program)
    session.flush()
    order = BuildOrderRow(
        id=new_id(),
        lab_id=lab_id,
        program_id=program.id,
        part=program.name,
        material=material,
        options=_USUAL[traits.process].model_dump(mode="json"),
        answers=orders.kept(answers),
        ordered_by=by,
        ordered_at=now,
        **wanted.kept(),
    )
    each = [(number, 1) for number in range(1, wanted.copies + 1)]
    return orders.stand(session, order, each, build)


def _program(
    session: Session,
    wanted: ProgramRequest,
    stored: Blob,
    traits: ProgramTraits,
    *,
    lab_id: str,
    by: str,
    now: datetime,
) -> OwnProgramRow:
    """The program as it is kept. The same bytes under the same name, that the same person brought
    to this lab before, are the same one: what is known of it, such as its time, still is."""
    name = _name(wanted.name)
    same = select(OwnProgramRow).where(
        OwnProgramRow.sha256 == stored.sha256,
        OwnProgramRow.lab_id == lab_id,
        OwnProgramRow.name == name,
        OwnProgramRow.brought_by == by,
    )
    before = session.exec(same.order_by(col(OwnProgramRow.brought_at))).first()
    return before or OwnProgramRow(
        id=new_id(),
        lab_id=lab_id,
        sha256=stored.sha256,
        size=stored.size,
        name=name,
        traits=_TRAITS.dump_python(traits, mode="json"),
        brought_by=by,
        brought_at=now,
    )


def stored_for(session: Session, sha256: str, *, agent_id: str) -> None:
    """Pass for a program that somebody brought to the agent's lab; NotFound otherwise."""
    of_lab = (
        select(OwnProgramRow.id)
        .join(AgentRow, col(AgentRow.lab_id) == col(OwnProgramRow.lab_id))
        .where(OwnProgramRow.sha256 == sha256, AgentRow.id == agent_id)
    )
    if session.exec(of_lab).first() is None:
        raise NotFound(f"nobody brought a program with the hash {sha256[:64]} to this lab")


def _name(given: str) -> str:
    """The last part of what the slicer or browser called the file."""
    name = given.replace("\\", "/").rpartition("/")[2].strip()[-_MOST_NAME:]
    if not name or not name.isprintable():
        raise InvalidInput("name: must be printable: what is the program's file called?")
    if not name.lower().endswith(SUFFIXES):
        raise InvalidInput(
            f"name: '{name[:80]}' is not the name of a program; it ends in {', '.join(SUFFIXES)}"
        )
    return name


def _material(told: str | None, traits: ProgramTraits) -> str:
    return orders.material_of(told, traits.process) if told else traits.material
