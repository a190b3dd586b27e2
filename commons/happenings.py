"""What people of a lab write down beside what machines tell: one form for each kind of activity,
and the economic events that it stands for.

A thing that flows is named `kind:name`, as in commons.flows. Where something comes from or goes to
is unknown until somebody says it, and never taken for local.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from commons.activities import Kind
from commons.errors import FieldProblem, InvalidInput
from commons.flows import Action, EventDraft, Measure, Mode, Ring, State, Unit, measure
from commons.texts import later

AHEAD = timedelta(minutes=5)  # clocks of people and servers differ by so much at most

Words = Annotated[str, Field(max_length=400)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Thing = Annotated[str, Field(pattern=r"^[a-z_]{1,20}:[^\s:][^\x00-\x1f]{0,119}$")]
Grams = Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24, allow_inf_nan=False)]
Kilometres = Annotated[float, Field(ge=0, le=40_000, allow_inf_nan=False)]
KilowattHours = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Minor = Annotated[int, Field(ge=0, le=10**9)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


@dataclass(frozen=True, slots=True)
class Sides:
    """Ids of whom something happens between: the lab, who writes it down, and the party outside
    that the form names; None where it names nobody."""

    lab: str
    person: str
    party: str | None = None


class _Happening(BaseModel):
    """What every form asks for: when it happened, and what more there is to say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    happened_at: AwareDatetime
    evidence: Words = ""
    note: Words = ""


class _Priced(_Happening):
    """`price_minor` is in the smallest unit of `currency`: not given is not said, 0 is a gift."""

    price_minor: Minor | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _price_has_a_currency(self) -> Self:
        if self.price_minor and self.currency is None:
            raise ValueError("currency: is missing; say in which the price is, such as EUR")
        return self


class TimeGiven(_Happening):
    """Hours that the person gave: work, care, review or teaching."""

    kind: Literal["work", "care", "review", "teaching"]
    hours: Hours
    skill: Name


class Delivery(_Priced):
    """Things left the lab for somebody, whose name is `to`."""

    kind: Literal["delivery"]
    what: Thing
    count: Annotated[int, Field(ge=1, le=10**6)] = 1
    mass_g: Grams | None = None
    weighed: bool = False
    to: Name
    to_ring: Ring = Ring.UNKNOWN


class Transport(_Priced):
    """Something was carried; `carrier` is who did it where that was not the lab itself."""

    kind: Literal["transport"]
    what: Thing
    mass_g: Grams
    distance_km: Kilometres
    mode: Mode = Mode.UNKNOWN
    carrier: Name | None = None
    ring: Ring = Ring.UNKNOWN
    to_ring: Ring = Ring.UNKNOWN


class Purchase(_Priced):
    """Material came into the lab. `ring` is where it was last substantially made, which the place
    of the shop does not tell."""

    kind: Literal["purchase"]
    what: Thing
    mass_g: Grams
    supplier: Name
    ring: Ring = Ring.UNKNOWN

    @model_validator(mode="after")
    def _origin_is_evidenced(self) -> Self:
        if self.ring is not Ring.UNKNOWN and not self.evidence.strip():
            raise ValueError("evidence: is missing; say how you know where it was made")
        return self


class Energy(_Happening):
    """Electricity that the lab used beside what its machines told of themselves."""

    kind: Literal["energy"]
    kwh: KilowattHours
    metered: bool = False


class Scrap(_Happening):
    """Material that was thrown away, or put aside to be recycled."""

    kind: Literal["scrap"]
    material: Name
    mass_g: Grams
    weighed: bool = False


class Part(BaseModel):
    """Material that went into a repair."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    what: Thing
    mass_g: Grams
    ring: Ring = Ring.UNKNOWN


class Repair(_Happening):
    """A thing was mended. It is the same thing afterwards, so nothing is produced."""

    kind: Literal["repair"]
    what: Thing
    parts: Annotated[tuple[Part, ...], Field(max_length=20)] = ()
    hours: Hours | None = None


class Reuse(_Happening):
    """Material that would have been thrown away is in stock again; it was not made by that."""

    kind: Literal["reuse"]
    what: Thing
    mass_g: Grams
    weighed: bool = False
    ring: Ring = Ring.UNKNOWN


Happening = Annotated[
    TimeGiven | Delivery | Transport | Purchase | Energy | Scrap | Repair | Reuse,
    Field(discriminator="kind"),
]


def require_past(happened_at: datetime, now: datetime) -> None:
    """InvalidInput for what would happen later than now; clocks may differ by five minutes."""
    if happened_at > now + AHEAD:
        problem = FieldProblem("happened_at", later("is in the future: write down what happened"))
        raise InvalidInput(str(problem), [problem])


def party_named(it: Happening) -> tuple[str, str] | None:
    """Name and kind (receiver, carrier, supplier) of the party outside; None without one."""
    match it:
        case Delivery():
            return it.to, "receiver"
        case Purchase():
            return it.supplier, "supplier"
        case Transport(carrier=str(carrier)):
            return carrier, "carrier"
    return None


def kind_of(it: Happening) -> Kind:
    """The activity that the events of the form are part of."""
    return Kind(it.kind)


def events_of(it: Happening, sides: Sides) -> list[EventDraft]:
    """The events that the form stands for, in the order in which they happen."""
    match it:
        case Delivery() | Purchase():
            return [_transfer(it, sides)]
        case Transport():
            return _carried(it, sides)
        case Repair():
            return _mended(it, sides)
        case TimeGiven():
            return [_work(it, f"work:{it.skill}", it.hours, sides)]
    return [_of_the_lab(it, sides.lab)]


def _transfer(it: Delivery | Purchase, sides: Sides) -> EventDraft:
    outside = sides.party
    if outside is None:
        raise ValueError("whoever a thing comes from or goes to is known before its events are")
    priced = {
        "price_minor": it.price_minor, "currency": it.currency,
        "evidence": it.evidence, "note": it.note,
    }  # fmt: skip
    if isinstance(it, Purchase):
        mass = _mass(it.mass_g, weighed=False)
        return EventDraft(Action.TRANSFER, it.what, mass, outside, sides.lab, it.ring,
                          to_ring=Ring.LAB, **priced)  # type: ignore[arg-type]  # fmt: skip
    return EventDraft(
        Action.TRANSFER,
        it.what,
        measure(it.count, Unit.EACH, State.DECLARED),
        sides.lab,
        outside,
        Ring.LAB,
        to_ring=it.to_ring,
        mass_g=None if it.mass_g is None else _mass(it.mass_g, weighed=it.weighed),
        **priced,  # type: ignore[arg-type]
    )


def _carried(it: Transport, sides: Sides) -> list[EventDraft]:
    """Picked up and dropped off; the price of carrying is said once, with the end of it."""
    carrier = sides.party or sides.lab
    one = {
        "resource": it.what, "quantity": _mass(it.mass_g, weighed=False), "provider": carrier,
        "receiver": sides.lab, "ring": it.ring, "to_ring": it.to_ring, "mode": it.mode,
        "distance_km": it.distance_km, "evidence": it.evidence, "note": it.note,
    }  # fmt: skip
    return [
        EventDraft(action=Action.PICKUP, **one),  # type: ignore[arg-type]
        EventDraft(action=Action.DROPOFF, price_minor=it.price_minor,
                   currency=it.currency, **one),  # type: ignore[arg-type]
    ]  # fmt: skip


def _mended(it: Repair, sides: Sides) -> list[EventDraft]:
    one, lab = measure(1, Unit.EACH, State.DECLARED), sides.lab
    parts = [
        EventDraft(Action.CONSUME, part.what, _mass(part.mass_g, weighed=False), lab, lab,
                   part.ring)
        for part in it.parts
    ]  # fmt: skip
    hours = [] if it.hours is None else [_work(it, "work:repair", it.hours, sides)]
    return [
        EventDraft(Action.ACCEPT, it.what, one, lab, lab),
        *parts,
        *hours,
        EventDraft(
            Action.MODIFY, it.what, one, lab, lab, evidence=it.evidence, note=it.note
        ),
    ]  # fmt: skip


def _work(it: TimeGiven | Repair, skill: str, hours: float, sides: Sides) -> EventDraft:
    effort = measure(hours, Unit.HOUR, State.DECLARED)
    return EventDraft(Action.WORK, skill, effort, sides.person, sides.lab,
                      evidence=it.evidence, note=it.note)  # fmt: skip


def _of_the_lab(it: Energy | Scrap | Reuse, lab: str) -> EventDraft:
    if isinstance(it, Energy):
        state = State.MEASURED if it.metered else State.DECLARED
        used = measure(it.kwh, Unit.KILOWATT_HOUR, state)
        return EventDraft(Action.CONSUME, "energy:electricity", used, lab, lab,
                          evidence=it.evidence, note=it.note)  # fmt: skip
    mass = _mass(it.mass_g, weighed=it.weighed)
    if isinstance(it, Scrap):
        return EventDraft(Action.PRODUCE, f"scrap:{it.material}", mass, lab, lab, Ring.LAB,
                          evidence=it.evidence, note=it.note)  # fmt: skip
    return EventDraft(Action.RAISE, it.what, mass, lab, lab, it.ring,
                      evidence=it.evidence, note=it.note)  # fmt: skip


def _mass(grams: float, *, weighed: bool) -> Measure:
    return measure(grams, Unit.GRAM, State.MEASURED if weighed else State.DECLARED)
