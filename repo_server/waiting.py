"""Orders that wait: for a word that their licence asks of somebody, or for OpenSCAD."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, not_, select
from sqlmodel.sql.expression import SelectOfScalar

from commons.errors import Conflict, FabError, NotFound
from commons.licences.terms import Fact
from commons.matching import Refusal
from commons.texts import later
from commons.variants import told
from repo_server import (
    announcements,
    grants,
    licensing,
    orders,
    parties,
    people,
    renderings,
    stewards,
    variants,
)
from repo_server.grants import NewGrant
from repo_server.ids import new_id
from repo_server.licensing import LicenceAsks
from repo_server.order_requests import OrderRequest
from repo_server.orders import PlacedOrder
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.parties import Party, Statement
from repo_server.tables import (
    DesignRow,
    LabRoleRow,
    LabRow,
    PersonRow,
    ReleaseRow,
    RenderingRow,
    WaitingOrderRow,
)
from repo_server.tables.people import LabRole
from repo_server.variants import BeingRendered

MOST_RENDERED = 20  # of one person, at once
# Those that wait for a word, and not for OpenSCAD.
_ASKED = col(WaitingOrderRow.rendering_id).is_(None)


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order that waits, or waited, as people read it.

    `code` is why no machine may have it: as matching calls it, or that its body is still drawn.

    `is_rendered`: OpenSCAD draws its body now, and nobody has to say anything. `missing` are facts
    that would settle it, if `of_lab` those of the lab, else of `ordered_by`.
    """

    id: str
    slug: str
    title: str
    release_id: str
    part: str
    copies: int
    purpose: str
    lab: str
    lab_slug: str
    ordered_by: str
    ordered_by_id: str
    ordered_at: datetime
    variant: str
    is_rendered: bool
    code: str
    sentence: str
    missing: tuple[Fact, ...]
    of_lab: bool
    quote: str | None
    settled_at: datetime | None
    order_id: str | None
    said: str


def place_or_wait(
    session: Session, wanted: OrderRequest, *, lab_id: str, by: str, now: datetime,
    set_id: str | None = None, guest_id: str | None = None,
) -> PlacedOrder | WaitingOrder:  # fmt: skip
    """The order stands with its jobs, or waits: where the licence asks, or its body is still to be
    drawn. Raises as `orders.place` does for everything else: a licence that says no is refused,
    never left waiting."""
    orders.require_time(session, wanted.when, lab_id=lab_id, by=by, now=now)
    try:
        return orders.place(
            session, wanted, lab_id=lab_id, by=by, now=now, set_id=set_id, guest_id=guest_id
        )
    except (LicenceAsks, BeingRendered) as reason:
        if isinstance(reason, BeingRendered):
            _require_few(session, by)
        row = WaitingOrderRow(
            id=new_id(),
            lab_id=lab_id,
            design_id=session.get_one(ReleaseRow, wanted.release_id).design_id,
            wanted=wanted.model_dump(mode="json"),
            answer={},
            ordered_by=by,
            ordered_at=now,
            set_id=set_id,
            guest_id=guest_id,
        )
        _wait(session, row, reason, now)
        return _shown(session, row)


def _wait(
    session: Session, row: WaitingOrderRow, reason: LicenceAsks | BeingRendered, now: datetime
) -> None:
    """The order waits for this. Whose word is missing is told, once."""
    if isinstance(reason, BeingRendered):
        row.rendering_id, row.answer = reason.rendering_id, {"sentence": str(reason)}
        is_new = False
    else:
        # The next of those that it was made from may have to say a word after the first.
        before = (row.design_id, row.rendering_id) if row.answer else None
        row.rendering_id, row.design_id = None, reason.design_id
        row.answer = licensing.kept(reason.answer)
        is_new = before != (row.design_id, None)
    session.add(row)
    session.flush()
    if is_new:
        _tell(session, row, now)


def _require_few(session: Session, person_id: str) -> None:
    """One person's wishes keep nobody else's waiting for long."""
    theirs = (WaitingOrderRow.ordered_by == person_id, col(WaitingOrderRow.settled_at).is_(None))
    rendered = select(func.count(col(WaitingOrderRow.id))).where(*theirs, not_(_ASKED))
    if (count := session.exec(rendered).one()) >= MOST_RENDERED:
        raise Conflict(f"{count} of your orders are being rendered; wait until some of them are")


def _tell(session: Session, row: WaitingOrderRow, now: datetime) -> None:
    steward_id = session.get_one(DesignRow, row.design_id).steward_id
    announcements.tell_of_waiting(session, row, steward_id=steward_id, now=now)


def look_again(
    session: Session, *, now: datetime, design_id: str | None = None,
    person_id: str | None = None, lab_id: str | None = None, rendering_id: str | None = None,
) -> None:  # fmt: skip
    """Every waiting order of the design, person or lab, or for the rendering, was asked for once
    more: it is placed, is refused, or waits on with what its licence says now."""
    open_ = select(WaitingOrderRow).where(col(WaitingOrderRow.settled_at).is_(None))
    for column, value in (
        (WaitingOrderRow.design_id, design_id),
        (WaitingOrderRow.ordered_by, person_id),
        (WaitingOrderRow.lab_id, lab_id),
        (WaitingOrderRow.rendering_id, rendering_id),
    ):
        if value is not None:
            open_ = open_.where(col(column) == value)
    # Who speaks at the same time waits for the lock, and then finds the order settled.
    mine = open_.order_by(col(WaitingOrderRow.ordered_at)).with_for_update()
    for row in session.exec(mine).all():
        _try(session, row, now)


def _try(session: Session, row: WaitingOrderRow, now: datetime) -> None:
    wanted = OrderRequest.model_validate(row.wanted)
    try:
        placed = orders.place(
            session, wanted, lab_id=row.lab_id, by=row.ordered_by, now=now, set_id=row.set_id,
            guest_id=row.guest_id,
        )  # fmt: skip
    except (LicenceAsks, BeingRendered) as reason:
        _wait(session, row, reason, now)
    except FabError as error:
        row.settled_at, row.said = now, str(error)
    else:
        row.settled_at, row.order_id = now, placed.order.id
    session.add(row)
    session.flush()


def state(session: Session, party: Party, said: Statement, *, by: str, now: datetime) -> None:
    """The statement counts for the party, and its waiting orders were asked for again."""
    parties.state(session, party, said, by=by, now=now)
    look_again(session, now=now, person_id=party.person_id, lab_id=party.lab_id)


def grant(session: Session, slug: str, wanted: NewGrant, *, by: str, now: datetime) -> str:
    """The id of the new grant; the design's waiting orders were asked for again."""
    row = grants.give(session, slug, wanted, by=by, now=now)
    look_again(session, now=now, design_id=row.design_id)
    return row.id


def quote(
    session: Session, waiting_id: str, consideration: str, *, by: str, now: datetime
) -> WaitingOrder:
    """Who ordered it is told for which fee or contribution its steward would allow it."""
    row = _open(session, waiting_id)
    _require_steward(session, row, by)
    row.quote, row.quoted_at = consideration, now
    session.add(row)
    session.flush()
    return _shown(session, row)


def accept(session: Session, waiting_id: str, *, by: str, now: datetime) -> WaitingOrder:
    """The quote is agreed: it is a grant to whoever acts, and the order is asked for again.

    A manager accepts for a lab that is paid; for all else whoever ordered it does. The grant can
    not be taken back: something was given for it.
    """
    row = _open(session, waiting_id)
    wanted = OrderRequest.model_validate(row.wanted)
    made = variants.ask(session, wanted.release_id, wanted.part, wanted.variant, now=now)
    party = licensing.acting(wanted.purpose, lab_id=row.lab_id, by=row.ordered_by)
    if row.quote is None:
        raise Conflict("its steward has not named a fee or contribution yet")
    if party.lab_id is not None:
        lab = session.get_one(LabRow, party.lab_id)
        people.require_lab_role(session, person_id=by, lab_slug=lab.slug, role=LabRole.MANAGER)
    elif by != row.ordered_by:
        raise NotFound(f"there is no waiting order {waiting_id[:64]}")
    design = session.get_one(DesignRow, row.design_id)
    grants.give_to(
        session,
        design.id,
        party,
        events=licensing.Use(wanted.part, wanted.purpose, adapted=bool(made.values)).events,
        consideration=row.quote,
        days=(now, None),
        revocable=False,
        by=design.steward_id,
        now=now,
    )
    _try(session, row, now)
    return _shown(session, row)


def decline(
    session: Session, waiting_id: str, word: str, *, by: str, now: datetime
) -> WaitingOrder:
    """Its steward said no, in a word; the order waits no more."""
    row = _open(session, waiting_id)
    _require_steward(session, row, by)
    return _settle(session, row, word or later("its steward declined"), now)


def withdraw(session: Session, waiting_id: str, *, by: str, now: datetime) -> WaitingOrder:
    """Whoever ordered it does not want it any more."""
    row = _open(session, waiting_id)
    if row.ordered_by != by:
        raise NotFound(f"there is no waiting order {waiting_id[:64]} of yours")
    return _settle(session, row, later("withdrawn"), now)


def withdraw_set(session: Session, set_id: str, *, now: datetime) -> None:
    """What waits of the set is not wanted any more."""
    open_ = select(WaitingOrderRow).where(
        WaitingOrderRow.set_id == set_id, col(WaitingOrderRow.settled_at).is_(None)
    )
    for row in session.exec(open_.with_for_update()).all():
        _settle(session, row, later("withdrawn"), now)


def _settle(session: Session, row: WaitingOrderRow, said: str, now: datetime) -> WaitingOrder:
    row.settled_at, row.said = now, said
    session.add(row)
    session.flush()
    return _shown(session, row)


def _open(session: Session, waiting_id: str) -> WaitingOrderRow:
    row = session.get(WaitingOrderRow, waiting_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no waiting order {waiting_id[:64]}")
    if row.settled_at is not None:
        raise Conflict(f"this order waits no more: {row.said or 'it was placed'}")
    return row


def _require_steward(session: Session, row: WaitingOrderRow, by: str) -> None:
    stewards.stewarded(session, session.get_one(DesignRow, row.design_id).slug, by=by)


def show(session: Session, waiting_id: str, *, to: str) -> WaitingOrder:
    """The waiting order for who ordered it, the lab's people and the design's steward."""
    row = session.get(WaitingOrderRow, waiting_id)
    if row is None or not _may_see(session, row, to):
        raise NotFound(f"there is no waiting order {waiting_id[:64]}")
    return _shown(session, row)


def _may_see(session: Session, row: WaitingOrderRow, person_id: str) -> bool:
    steward = session.get_one(DesignRow, row.design_id).steward_id
    of_lab = session.get(LabRoleRow, (person_id, row.lab_id)) is not None
    return of_lab or person_id in (row.ordered_by, steward)


def of_design(
    session: Session, slug: str, stretch: Stretch = BEGINNING, *, by: str
) -> Page[WaitingOrder]:
    """The orders that wait for the steward's word, the oldest first."""
    design = stewards.stewarded(session, slug, by=by)
    return _listed(session, (col(WaitingOrderRow.design_id) == design.id) & _ASKED, stretch)


def asks(session: Session, slug: str, *, person_id: str) -> int:
    """How many orders wait for the person's word on the design; none where they do not keep it."""
    theirs = (DesignRow.slug == slug, DesignRow.steward_id == person_id)
    return session.exec(
        select(func.count(col(WaitingOrderRow.id)))
        .join(DesignRow, col(DesignRow.id) == col(WaitingOrderRow.design_id))
        .where(*theirs, _ASKED, col(WaitingOrderRow.settled_at).is_(None))
    ).one()


def of_steward(
    session: Session, person_id: str, stretch: Stretch = BEGINNING
) -> Page[WaitingOrder]:
    """The orders that wait for the person's word, of all designs that they keep, oldest first."""
    which = col(WaitingOrderRow.design_id).in_(_kept_by(person_id)) & _ASKED
    return _listed(session, which, stretch)


def number_for(person_id: str) -> SelectOfScalar[int]:
    """Asks how many `of_steward` lists."""
    return select(func.count(col(WaitingOrderRow.id))).where(
        col(WaitingOrderRow.design_id).in_(_kept_by(person_id)),
        _ASKED,
        col(WaitingOrderRow.settled_at).is_(None),
    )


def _kept_by(person_id: str) -> SelectOfScalar[str]:
    return select(DesignRow.id).where(DesignRow.steward_id == person_id)


def of_lab(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[WaitingOrder]:
    """The lab's orders that wait, the oldest first."""
    return _listed(session, WaitingOrderRow.lab_id == lab_id, stretch)


def _listed(
    session: Session, which: bool | ColumnElement[bool], stretch: Stretch
) -> Page[WaitingOrder]:
    wanted = select(WaitingOrderRow).where(which, col(WaitingOrderRow.settled_at).is_(None))
    keys = Keys(at=WaitingOrderRow.ordered_at, id=WaitingOrderRow.id)
    return read_page(session, wanted, keys, stretch).shown(lambda it: _shown(session, it))


def _sentence(session: Session, row: WaitingOrderRow) -> str:
    """What it waits for: a rendering may say that it cannot be made here now."""
    if row.rendering_id is not None and row.settled_at is None:
        held_back = session.get_one(RenderingRow, row.rendering_id).sentence
        return held_back or renderings.WAITS
    return str(row.answer["sentence"])


def _shown(session: Session, row: WaitingOrderRow) -> WaitingOrder:
    wanted = OrderRequest.model_validate(row.wanted)
    release = session.get_one(ReleaseRow, wanted.release_id)
    lab = session.get_one(LabRow, row.lab_id)
    missing: Iterable[object] = row.answer.get("missing") or ()  # type: ignore[assignment]
    return WaitingOrder(
        id=row.id,
        slug=session.get_one(DesignRow, row.design_id).slug,
        title=f"{release.name} {release.version}",
        release_id=release.id,
        part=wanted.part,
        copies=wanted.copies,
        purpose=wanted.purpose,
        lab=lab.name,
        lab_slug=lab.slug,
        ordered_by=session.get_one(PersonRow, row.ordered_by).name,
        ordered_by_id=row.ordered_by,
        ordered_at=row.ordered_at,
        variant=told(wanted.variant),
        is_rendered=row.rendering_id is not None,
        code=Refusal.LICENCE if row.rendering_id is None else "rendering",
        sentence=_sentence(session, row),
        missing=tuple(Fact(str(fact)) for fact in missing),
        of_lab=licensing.acting(wanted.purpose, lab_id=lab.id, by=row.ordered_by).lab_id
        is not None,
        quote=row.quote,
        settled_at=row.settled_at,
        order_id=row.order_id,
        said=row.said,
    )
