"""What labs ask: their price lists, and what an order is expected to take and to cost."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from commons import prices
from commons.errors import FieldProblem, InvalidInput
from commons.licences.purposes import Purpose
from commons.machine import MATERIALS, Process
from commons.own_programs import ProgramTraits
from commons.prices import Group, PriceList, Rates, Span, Sum, Use
from commons.wire import PrintOptions
from repo_server import currencies, print_estimate
from repo_server.db import look
from repo_server.ids import new_id
from repo_server.matches import Buildable
from repo_server.mesh_facts import mesh_facts
from repo_server.tables import (
    AgreementRow,
    AttemptRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    MachineRow,
    PersonRow,
    PriceListRow,
)

_REMEMBERED = 20  # programs of a part that are looked through for one of the same

# Made once: every order asks them.
_PRICES = (
    sa.select(col(PriceListRow.prices))
    .where(col(PriceListRow.lab_id) == bindparam("lab_id"))
    .order_by(col(PriceListRow.set_at).desc(), col(PriceListRow.id).desc())
    .limit(1)
)
_DURATION_S = col(AttemptRow.program)["duration_s"].as_float()
_PROGRAMS = (
    sa.select(
        _DURATION_S,
        col(AttemptRow.program)["material_g"].as_float(),
        col(JobRow.copies),
        col(BuildOrderRow.options),
    )
    # From the machines, so that no job that waits is looked at.
    .join(MachineRow, col(MachineRow.id) == col(AttemptRow.machine_id))
    .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
    .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
    .where(
        col(MachineRow.lab_id) == bindparam("lab_id"),
        col(BuildOrderRow.part) == bindparam("part"),
        col(BuildOrderRow.rendering_id).is_not_distinct_from(bindparam("rendering_id")),
        col(BuildOrderRow.material) == bindparam("material"),
        _DURATION_S.is_not(None),
        col(AttemptRow.share) == 1,  # of a plate that others shared nobody knows its part
    )
    .order_by(col(AttemptRow.leased_at).desc())
    .limit(_REMEMBERED)
)
_PROGRAMS_OF_RELEASE = _PROGRAMS.where(col(BuildOrderRow.release_id) == bindparam("of"))
_PROGRAMS_OF_OWN = _PROGRAMS.where(col(BuildOrderRow.program_id) == bindparam("of"))


@dataclass(frozen=True, slots=True)
class PricesSet:
    """A lab's prices as they hold, who set them, and when."""

    prices: PriceList
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order is expected to take and to cost; `sum` is None where the lab has no prices."""

    use: Use
    currency: str | None
    sum: Sum | None
    cap: int | None


def set_prices(
    session: Session, wanted: PriceList, *, lab_id: str, by: str, now: datetime
) -> PricesSet:
    """These are the lab's prices for what is ordered from now on. InvalidInput for a currency or a
    material that nobody knows."""
    currencies.digits(wanted.currency)
    if unknown := wanted.unknown_materials():
        known = ", ".join(MATERIALS)
        problems = [
            FieldProblem("rates", f"'{it}' is no material; known are {known}") for it in unknown
        ]
        raise InvalidInput("; ".join(map(str, problems)), problems)
    kept = wanted.model_dump(mode="json")
    row = PriceListRow(id=new_id(), lab_id=lab_id, prices=kept, set_by=by, set_at=now)
    session.add(row)
    session.flush()
    return _shown(session, row)


def prices_of(session: Session, lab_id: str) -> PricesSet | None:
    """The lab's prices as they hold; None where it never set any."""
    row = _newest(session, lab_id)
    return None if row is None else _shown(session, row)


def _newest(session: Session, lab_id: str) -> PriceListRow | None:
    newest = select(PriceListRow).where(PriceListRow.lab_id == lab_id)
    ordered = newest.order_by(col(PriceListRow.set_at).desc(), col(PriceListRow.id).desc())
    return session.exec(ordered.limit(1)).first()


def _shown(session: Session, row: PriceListRow) -> PricesSet:
    name = session.get_one(PersonRow, row.set_by).name
    return PricesSet(PriceList.model_validate(row.prices), name, row.set_at)


def group_of(session: Session, person_id: str, lab_id: str) -> Group:
    """As what the person orders in the lab."""
    held = session.get(LabRoleRow, (person_id, lab_id))
    return Group.GUEST if held is None else Group(held.role)


def estimate(session: Session, build: Buildable, order: BuildOrderRow) -> Estimate:
    """What the order, which need not stand yet, is expected to take and to cost."""
    use = _expected(session, build, order)
    if (asked := _asked(session, order.lab_id)) is None:
        return Estimate(use, None, None, None)
    sum_ = _sum(asked, _rates(session, asked, build.process, order), use)
    return Estimate(use, asked.currency, sum_, prices.cap(sum_.high, asked.most))


def _asked(session: Session, lab_id: str) -> PriceList | None:
    """The lab's prices; None where it never set any."""
    found = look(session, _PRICES, lab_id=lab_id).scalar()
    return None if found is None else PriceList.model_validate(found)


def _sum(asked: PriceList, rates: Rates, use: Use) -> Sum:
    return prices.price(rates, use, digits=currencies.digits(asked.currency))


def _rates(session: Session, asked: PriceList, process: Process, order: BuildOrderRow) -> Rates:
    """Those of whom it is made for; what is made for a guest as a gift costs nobody anything."""
    if order.guest_id is not None and order.purpose == Purpose.GIFT:
        return Rates()
    guest = order.guest_id is not None
    group = Group.GUEST if guest else group_of(session, order.ordered_by, order.lab_id)
    return asked.rates_for(group, process, order.material)


def agreement(session: Session, build: Buildable, order: BuildOrderRow) -> AgreementRow:
    """What the order is expected to take and to cost, as it is to be kept with it."""
    use, asked = _expected(session, build, order), _asked(session, order.lab_id)
    row = AgreementRow(
        order_id=order.id,
        grams=use.grams.high if use.grams else None,
        minutes=use.minutes.high if use.minutes else None,
    )
    if asked is not None:
        rates = _rates(session, asked, build.process, order)
        sum_ = _sum(asked, rates, use)
        row.currency, row.charges_failed = asked.currency, asked.charges_failed
        row.rates = rates.model_dump(mode="json")
        row.low, row.high, row.cap = sum_.low, sum_.high, prices.cap(sum_.high, asked.most)
    return row


def _expected(session: Session, build: Buildable, order: BuildOrderRow) -> Use:
    """As the lab's latest program of the same says, else as size and designer let expect."""
    if known := _of_program(session, order):
        return known
    if build.traits is not None:
        return _as_its_slicer_says(build.traits, order.copies)
    scale = PrintOptions.model_validate(order.options).scale
    mass_g = build.part.mass_g
    grams = None if mass_g is None else Span.exactly(mass_g * scale**3 * order.copies)
    facts, material = mesh_facts(build.facts), MATERIALS.get(order.material)
    if build.process is not Process.FDM or facts is None or material is None:
        return Use(grams, None)
    if facts.volume_mm3 is None:
        return Use(grams, None)
    print_ = print_estimate.estimate(
        volume_mm3=facts.volume_mm3 * scale**3,
        area_mm2=facts.area_mm2 * scale**2,
        height_mm=facts.box_mm[2] * scale,
        density_g_cm3=material.density_g_cm3,
    )
    low_g, high_g = (each * order.copies for each in print_.mass_g)
    low, high = (each * order.copies / 60 for each in print_.time_s)
    return Use(Span(low_g, high_g), Span(low, high))


def _as_its_slicer_says(of: ProgramTraits, copies: int) -> Use:
    """Of a program that somebody brought; what it does not say is not known."""
    return Use(
        None if of.mass_g is None else Span.exactly(of.mass_g * copies),
        None if of.duration_s is None else Span.exactly(of.duration_s / 60 * copies),
    )


def _of_program(session: Session, order: BuildOrderRow) -> Use | None:
    """What the latest program of the same says of one copy, times the order's copies."""
    rows = look(
        session,
        _PROGRAMS_OF_RELEASE if order.program_id is None else _PROGRAMS_OF_OWN,
        lab_id=order.lab_id,
        of=order.of,
        part=order.part,
        rendering_id=order.rendering_id,
        material=order.material,
    )
    for seconds, grams, at_once, options in rows:
        if options == order.options:
            share = order.copies / at_once
            made = None if grams is None else Span.exactly(grams * share)
            return Use(made, Span.exactly(seconds / 60 * share))
    return None
