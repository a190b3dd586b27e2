"""A design by its slug, and who keeps it and speaks for its licensor."""

from sqlmodel import Session, select

from commons.errors import NotAllowed, NotFound
from commons.texts import filled
from repo_server.tables import DesignRow, PersonRow


def design_of(session: Session, slug: str) -> DesignRow:
    """The design of this slug; NotFound when there is none."""
    design = session.exec(select(DesignRow).where(DesignRow.slug == slug)).first()
    if design is None:
        raise NotFound(filled("there is no design '%(slug)s'", slug=slug[:64]))
    return design


def stewarded(session: Session, slug: str, *, by: str) -> DesignRow:
    """The design, for its steward; NotFound when there is none, NotAllowed for everybody else."""
    design = design_of(session, slug)
    if design.steward_id != by:
        steward = session.get_one(PersonRow, design.steward_id)
        raise NotAllowed(
            filled(
                "only %(steward)s, who keeps design '%(slug)s', can speak for its licensor",
                steward=steward.name,
                slug=slug,
            )
        )
    return design


def locked(session: Session, slug: str, *, by: str) -> DesignRow:
    """As `stewarded`; until the transaction ends no other one gets past here with this design."""
    design = stewarded(session, slug, by=by)
    session.exec(select(DesignRow.id).where(DesignRow.id == design.id).with_for_update()).one()
    return design
