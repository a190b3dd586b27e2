"""The whole list of what an object takes: its own bill, and the bills of all that it is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from commons.bom import Bill, BomLine, How, Need, add_up
from commons.licences.answers import Answer
from commons.licences.combining import may_stand_together
from commons.licences.scopes import Scope, licences_of
from commons.machine import MATERIALS
from repo_server import designs
from repo_server.comparisons import Read, bom_of
from repo_server.designs import Release
from repo_server.tables import ComponentRow, DesignRow, LabRow, MaterialLotRow, ReleaseRow

# Releases whose bills are read for one list; the others stay single lines.
MOST_BILLS = 200


@dataclass(frozen=True, slots=True)
class Component:
    """The release that stands behind a line of a bill. `newer` is the version to use now, where
    that is another one."""

    id: str
    slug: str
    name: str
    version: str
    license: str
    newer: str | None
    yanked: bool


@dataclass(frozen=True, slots=True)
class Assembly:
    """A release with its bill, and the bills of all releases in it, by id.

    `components` tells of each release in it; `needs` adds everything up for one object. Of each
    material that is to come from stock, `labs` are those that have it. `together` is what the
    licences say of standing together in one object, None for a release without components.
    `is_whole` is False when there are more than MOST_BILLS releases in it.
    """

    release: Release
    bills: dict[str, Bill]
    components: dict[str, Component]
    needs: tuple[Need, ...]
    labs: dict[str, tuple[str, ...]]
    together: Answer | None
    is_whole: bool

    @property
    def lines(self) -> tuple[BomLine, ...]:
        """The release's own bill."""
        return self.bills[self.release.id].lines

    def component(self, release_id: str, line: BomLine) -> Component | None:
        """The release behind a line of the bill of `release_id`."""
        return self.components.get(self.bills[release_id].components.get(line.number, ""))


def show_assembly(session: Session, release_id: str, *, read: Read) -> Assembly:
    """The release and everything that one object of it needs; NotFound when there is none."""
    release = designs.show_release(session, release_id)
    bills: dict[str, Bill] = {}
    todo = [release]
    while todo:
        bills |= {it.id: _bill(session, it, read) for it in todo}
        below = dict.fromkeys(id_ for it in todo for id_ in bills[it.id].components.values())
        room = MOST_BILLS - len(bills)
        todo = designs.show_releases(session, [it for it in below if it not in bills][:room])
    named = {id_ for bill in bills.values() for id_ in bill.components.values()}
    needs = tuple(add_up(release_id, bills))
    components = designs.show_releases(session, sorted(named))
    return Assembly(
        release=release,
        bills=bills,
        components=_told(session, components),
        needs=needs,
        labs=_labs_with(session, {it.source for it in needs if it.how is How.STOCK}),
        together=_together([release, *components]) if components else None,
        is_whole=named <= bills.keys(),
    )


def _together(releases: Iterable[Release]) -> Answer:
    """What the licences of these say of being parts of one object."""
    return may_stand_together(licences_of(it.manifest.data).of(Scope.HARDWARE) for it in releases)


def _bill(session: Session, release: Release, read: Read) -> Bill:
    rows = session.exec(select(ComponentRow).where(ComponentRow.release_id == release.id))
    return Bill(
        title=release.manifest.name,
        lines=bom_of(release, read),
        made={part.name: part.process for part in release.manifest.parts},
        components={row.line: row.component_id for row in rows},
    )


def _told(session: Session, shown: Sequence[Release]) -> dict[str, Component]:
    """The components by id, with the release that stands for each of their designs now."""
    heads = session.exec(
        select(DesignRow.slug, ReleaseRow.id, ReleaseRow.version)
        .join(ReleaseRow, col(ReleaseRow.id) == col(DesignRow.head_id))
        .where(col(DesignRow.slug).in_({it.slug for it in shown}))
    )
    head_of = {slug: (id_, version) for slug, id_, version in heads}
    found = {}
    for it in shown:
        head_id, version = head_of.get(it.slug, (it.id, None))
        newer = None if head_id == it.id else version
        found[it.id] = Component(
            id=it.id,
            slug=it.slug,
            name=it.manifest.name,
            version=it.version,
            license=it.manifest.license,
            newer=newer,
            yanked=it.yank is not None,
        )
    return found


def _labs_with(session: Session, materials: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The labs that have a lot of each material, by name; none for a material that nobody knows."""
    known = [it for it in materials if it in MATERIALS]
    rows = session.exec(
        select(MaterialLotRow.material, LabRow.name)
        .join(LabRow, col(LabRow.id) == col(MaterialLotRow.lab_id))
        .where(col(MaterialLotRow.material).in_(known))
        .distinct()
        .order_by(LabRow.name)
    )
    found: dict[str, tuple[str, ...]] = {}
    for material, lab in rows:
        found[material] = (*found.get(material, ()), lab)
    return found
