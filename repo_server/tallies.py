"""The tally of a boundary's events, added up by the database: one line for all that are alike."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, case, func, select
from sqlmodel import Session, col

from commons.flows import Action, Unit
from commons.indicators.sums import Sum
from commons.indicators.tally import TRANSFERS, Input, Line, Tally
from repo_server.tables import EconomicEventRow

Where = tuple[ColumnElement[bool], ...]

_E = EconomicEventRow
_COUNTED = (Action.CONSUME, Action.PRODUCE, Action.USE, Action.DROPOFF, *sorted(TRANSFERS))
_PROCESS = func.coalesce(_E.process_id, _E.activity_id)
_ALIKE = ("action", "resource", "unit", "ring", "to_ring", "from_city_id", "to_city_id", "mode",
          "state", "mass_state", "given", "into_lot")  # fmt: skip


def tally(session: Session, where: Where) -> Tally:
    """What commons.indicators.tally makes of the same events, in a few grouped questions."""
    runs, metered = _runs(session, where)
    return Tally(
        lines=tuple(_line(row) for row in session.execute(_grouped(where))),
        inputs=tuple(_inputs(session, where)),
        runs=runs,
        runs_with_energy=metered,
    )


def _grouped(where: Where) -> Select[Any]:
    each = _each(where)
    is_first = each.c.is_first
    alike = [each.c[name] for name in _ALIKE]
    told = each.c.mass.is_not(None)
    way = each.c.distance_km
    sums = [func.sum(each.c[name]).label(name) for name in (*_ENDS, *_MASSES)]
    ways = [func.sum(each.c[name] * way).label(f"{name}_km") for name in _MASSES]
    moved = told & way.is_not(None)
    return select(
        *alike,
        *sums,
        *ways,
        func.sum(is_first).label("events"),
        func.sum(case((told, is_first), else_=0)).label("weighed"),
        func.sum(case((moved, is_first), else_=0)).label("moved"),
    ).group_by(*alike)


_ENDS, _MASSES = ("low", "quantity", "high"), ("mass_low", "mass", "mass_high")


def _each(where: Where) -> Subquery:
    """Every event with its mass, whether that is its quantity or told beside it."""
    grams = col(_E.unit) == Unit.GRAM
    lots = _made(where, ("lot:",))
    as_told = [col(getattr(_E, name)) for name in _ALIKE[:9]]
    return (
        select(
            *as_told,
            case((grams, _E.state), else_=_E.mass_state).label("mass_state"),
            case((col(_E.provider) == col(_E.lab_id), 1), else_=0).label("given"),
            case(((col(_E.action) == Action.CONSUME) & _PROCESS.in_(select(lots.c.process)), 1),
                 else_=0).label("into_lot"),
            *(col(getattr(_E, name)) for name in _ENDS),
            case((grams, _E.low), else_=_E.mass_low_g).label("mass_low"),
            case((grams, _E.quantity), else_=_E.mass_g).label("mass"),
            case((grams, _E.high), else_=_E.mass_high_g).label("mass_high"),
            col(_E.distance_km),
            case((col(_E.corrects).is_(None), 1), else_=0).label("is_first"),
        )
        .where(*where, col(_E.action).in_(_COUNTED))
        .subquery()
    )  # fmt: skip


def _made(where: Where, kinds: tuple[str, ...]) -> Subquery:
    """Each process with each good thing of these kinds that came of it, once."""
    of_kind = [col(_E.resource).startswith(kind, autoescape=True) for kind in kinds]
    either = of_kind[0] if len(of_kind) == 1 else of_kind[0] | of_kind[1]
    return (
        select(_PROCESS.label("process"), col(_E.resource).label("output"))
        .where(*where, col(_E.action) == Action.PRODUCE, either, _PROCESS.is_not(None))
        .distinct()
        .subquery()
    )


def _line(row: Row[Any]) -> Line:
    it = row._mapping
    mass_g = g_km = None
    if it["mass"] is not None:
        mass_g = Sum(it["mass_low"], it["mass"], it["mass_high"], it["weighed"], it["mass_state"])
    if it["mass_km"] is not None:
        g_km = Sum(it["mass_low_km"], it["mass_km"], it["mass_high_km"], it["moved"],
                   it["mass_state"])  # fmt: skip
    return Line(
        action=it["action"],
        resource=it["resource"],
        unit=it["unit"],
        ring=it["ring"],
        to_ring=it["to_ring"],
        from_city=it["from_city_id"],
        to_city=it["to_city_id"],
        mode=it["mode"],
        given=bool(it["given"]),
        into_lot=bool(it["into_lot"]),
        quantity=Sum(it["low"], it["quantity"], it["high"], it["events"], it["state"]),
        mass_g=mass_g,
        unweighed=it["events"] - it["weighed"],
        g_km=g_km,
        unmoved=it["events"] - it["moved"],
    )


def _inputs(session: Session, where: Where) -> list[Input]:
    made = _made(where, ("part:", "lot:"))
    # Added up first: a database joins two such lists by what they have in common, and would look
    # for the events of each process among all of them.
    kinds = (_PROCESS.label("process"), col(_E.resource), col(_E.ring), col(_E.from_city_id))
    used = (
        select(*kinds, func.sum(_E.quantity).label("mass_g"))
        .where(*where, col(_E.action) == Action.CONSUME, col(_E.unit) == Unit.GRAM)
        .group_by(*kinds)
        .subquery()
    )
    keys = (made.c.output, used.c.resource, used.c.ring, used.c.from_city_id)
    joined = select(*keys, func.sum(used.c.mass_g)).join(used, used.c.process == made.c.process)
    return [Input(*row) for row in session.execute(joined.group_by(*keys))]


def _runs(session: Session, where: Where) -> tuple[int, int]:
    """How many processes used a machine, and how many of these told their electricity."""
    ran = _with(where, Action.USE, "machine:").subquery()
    metered = _with(where, Action.CONSUME, "energy:").subquery()
    both = select(func.count()).select_from(ran).join(metered, metered.c.process == ran.c.process)
    count = select(func.count()).select_from(ran)
    return int(session.execute(count).scalar_one()), int(session.execute(both).scalar_one())


def _with(where: Where, action: Action, prefix: str) -> Select[Any]:
    """Each process with such an event, once."""
    named = col(_E.resource).startswith(prefix, autoescape=True)
    wanted = select(_PROCESS.label("process")).where(*where, col(_E.action) == action, named)
    return wanted.where(_PROCESS.is_not(None)).distinct()
