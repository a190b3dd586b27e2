"""Lines of a bill that are objects of other designs, settled when a release is published.

Such a line then means one release of that design for ever, as its own release stays for ever. So
no release can come to need itself, and a design that would is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from commons.bom import BomLine, Origin, read_bom
from commons.errors import FieldProblem
from commons.versions import in_order
from repo_server.db import insert_rows
from repo_server.tables import ComponentRow, DesignRow, ReleaseRow, YankRow

MOST_COMPONENTS = 100
# How much of what its components need is looked at before a bill is taken for too large.
MOST_BELOW = 500


@dataclass(frozen=True, slots=True)
class Settled:
    """The release behind each line that is another design, and why others have none."""

    components: dict[int, str]
    problems: list[FieldProblem]


def settle(session: Session, slug: str, bom: bytes | None) -> Settled:
    """What the bill of a new release of `slug` means by other designs.

    A line without a version means the release that stands for its design now.
    """
    settled = Settled({}, [])
    lines = [it for it in read_bom(bom or b"") or () if it.origin is Origin.DESIGN]
    if len(lines) > MOST_COMPONENTS:
        problem = f"names {len(lines)} designs; {MOST_COMPONENTS} are allowed"
        settled.problems.append(FieldProblem("bom", problem))
        return settled
    for line in lines:
        found = _release_of(session, line)
        problem = found if isinstance(found, str) else _circle(session, slug, found)
        if problem:
            where = f"bom line {line.number}"
            settled.problems.append(FieldProblem(where, f"'{line.item}': {problem}"))
        elif isinstance(found, ReleaseRow):
            settled.components[line.number] = found.id
    return settled


def record(session: Session, release_id: str, settled: Settled) -> None:
    """The release's components stand beside it."""
    rows = [
        {"release_id": release_id, "line": line, "component_id": component}
        for line, component in settled.components.items()
    ]
    insert_rows(session, ComponentRow, rows)


def _release_of(session: Session, line: BomLine) -> ReleaseRow | str:
    """The release that the line means, or why there is none."""
    design = session.exec(select(DesignRow).where(DesignRow.slug == line.target)).first()
    if design is None:
        return f"there is no design '{line.target[:63]}'"
    if line.version is None:
        head = session.get(ReleaseRow, design.head_id) if design.head_id else None
        return head or f"every release of '{design.slug}' was yanked"
    of_design = session.exec(select(ReleaseRow).where(ReleaseRow.design_id == design.id))
    wanted = in_order(line.version)
    found = next((it for it in of_design if in_order(it.version) == wanted), None)
    if found is None:
        return f"'{design.slug}' has no release {line.version[:40]}"
    yank = session.get(YankRow, found.id)
    return f"{design.slug} {found.version} was yanked: {yank.reason}" if yank else found


def _circle(session: Session, slug: str, component: ReleaseRow | str) -> str:
    """How the component would need the design that is to hold it; empty when it does not."""
    if isinstance(component, str):
        return component
    ways: dict[str, tuple[str, ...]] = {component.id: ()}
    todo = [component.id]
    while todo:
        id_ = todo.pop(0)
        of_id = (
            select(ReleaseRow, DesignRow.slug)
            .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
            .where(ReleaseRow.id == id_)
        )
        row, of = session.exec(of_id).one()
        way = (*ways[id_], f"{of} {row.version}")
        if of == slug:
            return _told(slug, way)
        of_release = select(ComponentRow.component_id).where(ComponentRow.release_id == id_)
        below = session.exec(of_release.order_by(col(ComponentRow.line))).all()
        ways |= {it: way for it in below if it not in ways}
        todo += [it for it in below if ways[it] is way]
        if len(ways) > MOST_BELOW:
            return f"it needs more than {MOST_BELOW} other releases; name fewer"
    return ""


def _told(slug: str, way: Sequence[str]) -> str:
    """The circle as a sentence."""
    needs = ", which needs ".join(way)
    return f"'{slug}' would need {needs}: nothing can be a part of itself"
