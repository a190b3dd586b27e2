"""What making a thing costs in a lab: its rates, the estimate before, and the charge afterwards.

Rates are in whole currency (0.05 is five cents a gram), amounts in the currency's smallest unit:
what is charged is always a whole number of cents, or of whatever the currency has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from commons.machine import MATERIALS, Process
from commons.wire import Asked

Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
_THOUSANDTHS = Decimal("0.001")


class Group(StrEnum):
    """Who orders: one of the lab's people by their role, or somebody without an account."""

    GUEST = "guest"
    MEMBER = "member"
    OPERATOR = "operator"
    MANAGER = "manager"


class Rates(Asked):
    """What is asked of a group, for a kind of machine and a material; None is any."""

    group: Group | None = None
    process: Process | None = None
    material: Annotated[str, Field(max_length=40)] | None = None
    per_g: Price = Decimal(0)
    per_hour: Price = Decimal(0)
    per_order: Price = Decimal(0)

    def fits(self, group: Group, process: Process, material: str) -> bool:
        """Whether these are asked of that group for that."""
        return (
            self.group in (None, group)
            and self.process in (None, process)
            and self.material in (None, material)
        )


class PriceList(Asked):
    """A lab's prices. Of its rates the first that fit count; where none do, nothing is asked.

    At most `most` times what was agreed is charged. Copies that came out bad are charged only
    where `charges_failed` says so.
    """

    currency: Annotated[str, Field(min_length=3, max_length=3)]
    rates: Annotated[tuple[Rates, ...], Field(max_length=50)]
    most: Annotated[Decimal, Field(ge=1, le=10, decimal_places=2)] = Decimal("1.2")
    charges_failed: bool = False

    def rates_for(self, group: Group, process: Process, material: str) -> Rates:
        """The first that fit, or such as ask for nothing."""
        fitting = (it for it in self.rates if it.fits(group, process, material))
        return next(fitting, Rates())

    def unknown_materials(self) -> list[str]:
        """Those that the rates name and nobody knows."""
        return [it.material for it in self.rates if it.material and it.material not in MATERIALS]


@dataclass(frozen=True, slots=True)
class Span:
    """Something between `low` and `high`; both are the same once it was measured."""

    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> "Span":
        """That, and nothing else."""
        return cls(value, value)


@dataclass(frozen=True, slots=True)
class Use:
    """What a number of copies take together; None is not known."""

    grams: Span | None
    minutes: Span | None


class Item(StrEnum):
    MATERIAL = "material"
    MACHINE = "machine"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a price, in smallest units; None where what it depends on is not known."""

    item: Item
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Sum:
    """A price with its parts. A part that is not known makes the whole unknown."""

    lines: tuple[Line, ...]

    @property
    def low(self) -> int | None:
        """The least that it may come to."""
        return _added([it.low for it in self.lines])

    @property
    def high(self) -> int | None:
        """The most."""
        return _added([it.high for it in self.lines])

    @property
    def known(self) -> int:
        """What is known of it: a charge asks for nothing that nobody measured."""
        return sum(it.high or 0 for it in self.lines)


def _added(amounts: Sequence[int | None]) -> int | None:
    known = [it for it in amounts if it is not None]
    return sum(known) if len(known) == len(amounts) else None


def price(rates: Rates, use: Use, *, digits: int, with_order: bool = True) -> Sum:
    """What `use` costs by these rates; `digits` are those behind the currency's point.

    `with_order`: with what each order costs once, whatever is made.
    """
    hours = use.minutes and Span(use.minutes.low / 60, use.minutes.high / 60)
    lines = [
        _line(Item.MATERIAL, rates.per_g, use.grams, digits),
        _line(Item.MACHINE, rates.per_hour, hours, digits),
        _line(Item.ORDER, rates.per_order, Span.exactly(1.0 if with_order else 0.0), digits),
    ]
    return Sum(tuple(it for it in lines if it is not None))


def _line(item: Item, rate: Decimal, span: Span | None, digits: int) -> Line | None:
    """None where it is free."""
    if rate == 0 or span == Span(0.0, 0.0):
        return None
    if span is None:
        return Line(item, None, None)
    return Line(item, _minor(rate, span.low, digits), _minor(rate, span.high, digits))


def _minor(rate: Decimal, quantity: float, digits: int) -> int:
    exact = rate * Decimal(quantity).quantize(_THOUSANDTHS) * 10**digits
    return int(exact.to_integral_value(ROUND_HALF_EVEN))


def cap(agreed: int | None, most: Decimal) -> int | None:
    """The most that is charged for what was agreed; None where no price could be agreed."""
    return None if agreed is None else int(agreed * most)


def within(amount: int, *, cap: int | None, charged: int) -> int:
    """What of `amount` may still be charged when `charged` was already."""
    return amount if cap is None else max(0, min(amount, cap - charged))
