"""What orders ask of machines and what machines have to offer, read from rows for matching."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from pydantic import TypeAdapter
from sqlalchemy import Text, bindparam, cast
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from commons.availability import Availability
from commons.errors import InvalidInput, NotFound
from commons.machine import MachineProfile, Process
from commons.manifest import Format, Manifest, Part, format_of
from commons.matching import BuildNeed, MachineOffer
from commons.own_programs import ProgramTraits
from commons.plates import BRIM_MM, print_margin_mm
from commons.wire import MillOptions, Orientation, PrintOptions
from repo_server import designs, files, print_estimate, published, renderings
from repo_server.db import look
from repo_server.designs import Release
from repo_server.files import File
from repo_server.mesh_facts import Conversion, derived_mesh
from repo_server.parsing import kind_of
from repo_server.published import Published
from repo_server.tables import (
    BuildOrderRow,
    FileFactsRow,
    MachineRow,
    MaterialLotRow,
    OwnProgramRow,
)

_TRAITS = TypeAdapter(ProgramTraits)
PartKey = tuple[str, str]  # release id, name of the part
# What an order is of (id of a release or of a program that somebody brought), the name of the part
# or program, and the rendering that is made, if one is.
OrderKey = tuple[str, str, str | None]

_AS_USUAL = MillOptions()
_MOST_EXPORTS = 1024
# Made once: every order asks it.
_FACTS = columns(cast(col(FileFactsRow.facts), Text)).where(
    col(FileFactsRow.sha256) == bindparam("sha256"), col(FileFactsRow.kind) == bindparam("kind")
)


@dataclass(frozen=True, slots=True)
class Buildable:
    """A part of a release that a machine can be fed with, and the file it is fed with.

    `conversion` is None for the designer's own file; of a mesh that we made of it, how. Of a
    program that somebody brought, `of` is that one's id, and `traits` is what it tells of itself.
    """

    of: str
    title: str
    part: Part
    process: Process
    file_name: str
    file_sha256: str
    file_size: int
    size_mm: tuple[float, float, float] | None
    conversion: Conversion | None = None
    facts: Mapping[str, object] | None = None
    traits: ProgramTraits | None = None

    def need(
        self,
        material: str,
        options: PrintOptions,
        copies: int = 1,
        *,
        milling: MillOptions = _AS_USUAL,
        proved_g: float | None = None,
    ) -> BuildNeed:
        """What so many copies, made of `material` at once, ask of a machine.

        A print is as large and as heavy as its scale makes it; a milled part is cut as drawn. Where
        its designer has not weighed it, a print is as heavy as its volume lets expect. What a
        program of all copies was proved to take (`proved_g`) is known better than either.
        """
        printed = self.process is Process.FDM
        scale = options.scale if printed else 1.0
        size, each_g = self.size_mm, self._mass_g(material, scale)
        expected_g = None if each_g is None else each_g * copies
        brim_mm = BRIM_MM if options.brim else 0.0
        return BuildNeed(
            process=self.process,
            size_mm=size and (size[0] * scale, size[1] * scale, size[2] * scale),
            material=material,
            mass_g=expected_g if proved_g is None else proved_g,
            thickness_mm=self.part.thickness_mm,
            copies=copies,
            margin_mm=print_margin_mm(brim_mm=brim_mm, supports=options.supports),
            any_side=printed and options.orientation is Orientation.SUGGESTED,
            program=self.traits,
            nozzle_mm=options.nozzle_mm if printed else None,
            carved=False if format_of(self.file_name) is Format.DRAWING else _is_carved(milling),
        )

    def _mass_g(self, material: str, scale: float) -> float | None:
        """One copy's, by its designer's word or an estimate; None where nothing is known."""
        if self.part.mass_g is not None:
            return self.part.mass_g * scale**3
        if self.process is not Process.FDM:
            return None
        estimate = print_estimate.of_facts(self.facts, material, scale)
        return sum(estimate.mass_g) / 2 if estimate else None


def _is_carved(milling: MillOptions) -> bool | None:
    """Whether a surface is asked for, or a plate that is cut out; None: as its file tells."""
    return None if milling.way == "auto" else milling.way == "surface"


def part_of(manifest: Manifest, part: str) -> Part:
    """The part of this name; NotFound lists those that there are."""
    named = {p.name: p for p in manifest.parts}
    if part not in named:
        listed = ", ".join(f"'{name}'" for name in named) or "none"
        title = f"{manifest.name} {manifest.version}"
        raise NotFound(f"{title} has no part '{part[:80]}'; it has {listed}")
    return named[part]


def buildable(
    session: Session, release_id: str, part: str, rendering_id: str | None = None
) -> Buildable:
    """The part, ready for a machine, as that rendering drew it where one is named; NotFound or
    InvalidInput says what is missing."""
    release = published.show(session, release_id)
    named = part_of(release.manifest, part)
    if rendering_id is None and (export := release.files.get(named.file or "")):
        kind = kind_of(named.file or "") or ""
        facts = look(session, _FACTS, sha256=export.sha256, kind=kind).scalar()
        found = _exported(release, named, facts)
    else:
        body = None
        if rendering_id is not None:
            body = files.body_of(renderings.shown(session, [rendering_id])[rendering_id])
        found = _buildable(designs.show_release(session, release_id), named, body)
    if found is None:
        raise InvalidInput(
            f"part '{part}' of {release.manifest.name} names no file that a machine can be fed "
            "with; a printed part (tsdc 3DP) needs an STL, 3MF or OBJ, or a STEP file of closed "
            "solids that has been read; a milled one (CNC) a DXF or SVG, or one of those; or an "
            "OpenSCAD source that draws one"
        )
    return found


@lru_cache(maxsize=_MOST_EXPORTS)
def _exported(release: Published, part: Part, facts: str | None) -> Buildable | None:
    """The part as its export is, of which the database keeps these facts; None where no machine can
    be fed with it. Parts are ordered again and again, so that what came of it is remembered."""
    export = release.files[part.file or ""]
    found = None if facts is None else json.loads(facts)
    file = File(part.file or "", export.sha256, export.size, kind_of(part.file or ""), found)
    return _fed(release.id, release.manifest.name, part, file)


def buildables(session: Session, keys: Iterable[PartKey]) -> dict[PartKey, Buildable]:
    """Those of the parts that a machine can be fed with; few queries however many they are."""
    wanted = set(keys)
    if not wanted:
        return {}
    return {
        (release.id, part.name): found
        for release in designs.show_releases(session, sorted({id_ for id_, _ in wanted}))
        for part in release.manifest.parts
        if (release.id, part.name) in wanted and (found := _buildable(release, part))
    }


def ordered(session: Session, keys: Iterable[OrderKey]) -> dict[OrderKey, Buildable]:
    """Those of what orders ask for that a machine can be fed with; few queries, too."""
    wanted = set(keys)
    if not wanted:
        return {}
    found = _brought(session, wanted)
    others = {of for of, *_ in wanted - found.keys()}
    shown = designs.show_releases(session, sorted(others))
    parts = {(it.id, part.name): (it, part) for it in shown for part in it.manifest.parts}
    drawn = renderings.shown(session, {id_ for *_, id_ in wanted if id_})
    for key in wanted - found.keys():
        release_id, name, rendering_id = key
        if (release_id, name) in parts:
            release, part = parts[release_id, name]
            body = files.body_of(drawn[rendering_id]) if rendering_id else None
            if build := _buildable(release, part, body):
                found[key] = build
    return found


def _brought(session: Session, wanted: Collection[OrderKey]) -> dict[OrderKey, Buildable]:
    """Those of them that are programs which somebody brought."""
    ids = {of for of, *_ in wanted}
    rows = session.exec(select(OwnProgramRow).where(col(OwnProgramRow.id).in_(ids)))
    return {(it.id, it.name, None): of_program(it) for it in rows}


def of_program(row: OwnProgramRow) -> Buildable:
    """The program, ready for the machines that it was made for."""
    traits = _TRAITS.validate_python(row.traits)
    return Buildable(
        of=row.id,
        title=row.name,
        part=Part(
            name=row.name, process=traits.process, file=row.name, material=traits.material or None,
            quantity=1, mass_g=traits.mass_g, size_mm=None, thickness_mm=None, image=None,
        ),
        process=traits.process,
        file_name=row.name,
        file_sha256=row.sha256,
        file_size=row.size,
        size_mm=None,
        traits=traits,
    )  # fmt: skip


def _buildable(release: Release, part: Part, body: File | None = None) -> Buildable | None:
    """The part as its file is, or as another `body` that its source has drawn."""
    # Its designer weighed the part as it was published.
    made = replace(part, mass_g=None) if body else part
    return _fed(release.id, release.manifest.name, made, body or release.fed(part))


def _fed(of: str, title: str, part: Part, file: File | None) -> Buildable | None:
    if part.process is None or file is None:
        return None
    own = Buildable(
        of=of,
        title=title,
        part=part,
        process=part.process,
        file_name=PurePosixPath(file.path).name,
        file_sha256=file.sha256,
        file_size=file.size,
        size_mm=_box(file.facts) or part.size_mm,
        facts=file.facts,
    )
    return _converted(own, file) if format_of(file.path) is Format.SOLID else own


def can_be_fed(file: File) -> bool:
    """Whether a machine can be fed with what such a file holds: a solid needs a mesh made of it."""
    return format_of(file.path) is not Format.SOLID or derived_mesh(file.facts) is not None


def _converted(solid: Buildable, file: File) -> Buildable | None:
    """The same, fed with the mesh that was made of the file; None where there is none."""
    mesh = derived_mesh(file.facts)
    if mesh is None:
        return None
    return replace(
        solid,
        file_name=f"{PurePosixPath(file.path).stem}.3mf",
        file_sha256=mesh.sha256,
        file_size=mesh.size,
        conversion=Conversion(
            of=file.sha256, mesh=mesh.sha256, chord_mm=mesh.chord_mm, turn_deg=mesh.turn_deg
        ),
    )


def _box(facts: Mapping[str, object] | None) -> tuple[float, float, float] | None:
    """The measured edges (x, y, z) in mm; a drawing has no height."""
    box = (facts or {}).get("box_mm")
    if not isinstance(box, list) or len(box) not in (2, 3):
        return None
    x, y, z = (*map(float, box), 0.0)[:3]
    return x, y, z


def build_of(session: Session, order: BuildOrderRow) -> Buildable:
    """What the order asks for; raises as `buildable` does."""
    if order.release_id is None:
        return buildables_of(session, [order])[order.id]
    return buildable(session, order.release_id, order.part, order.rendering_id)


def buildables_of(session: Session, orders: Sequence[BuildOrderRow]) -> dict[str, Buildable]:
    """What each order asks for, by order id."""
    keys = {it.id: (it.of, it.part, it.rendering_id) for it in orders}
    found = ordered(session, keys.values())
    return {order_id: found[key] for order_id, key in keys.items() if key in found}


def machines_of(session: Session, lab_id: str) -> list[tuple[MachineRow, MaterialLotRow | None]]:
    """The machines that the lab uses, by name, each with the lot that is loaded."""
    rows = session.exec(
        select(MachineRow, MaterialLotRow)
        .join(MaterialLotRow, col(MaterialLotRow.id) == col(MachineRow.lot_id), isouter=True)
        .where(MachineRow.lab_id == lab_id, col(MachineRow.retired_at).is_(None))
        .order_by(MachineRow.name, MachineRow.id)
    )
    return list(rows)


def following(session: Session, lab_id: str) -> dict[str, MaterialLotRow]:
    """The lot that follows the loaded one on the lab's machines, by their ids, where one does."""
    rows = session.exec(
        select(MachineRow.id, MaterialLotRow)
        .join(MaterialLotRow, col(MaterialLotRow.id) == col(MachineRow.next_lot_id))
        .where(MachineRow.lab_id == lab_id)
    )
    return dict(rows.all())


def offer_of(
    machine: MachineRow,
    lot: MaterialLotRow | None,
    follows: MaterialLotRow | None = None,
    available: Availability | None = None,
) -> MachineOffer:
    """The machine as matching sees it; without `available` whatever the hour."""
    offer = _offer(machine.id, machine.name, machine.profile, lot, follows)
    return replace(offer, available=available)


def _offer(
    machine_id: str,
    name: str,
    profile: Mapping[str, object],
    lot: MaterialLotRow | None,
    follows: MaterialLotRow | None,
) -> MachineOffer:
    checked = MachineProfile.model_validate(profile)
    if lot is None:
        return MachineOffer(machine_id, name, checked, None)
    return MachineOffer(
        machine_id,
        name,
        checked,
        lot.material,
        lot.mass_left_g,
        lot.thickness_mm,
        lot.sheet_mm,
        follows.name if follows else "",
        follows.mass_left_g if follows else None,
    )
