"""A use held against what people allotted to it of a limit of the planet, or of a social need.

A limit alone says nothing about a lab: whose part of it is how large is a decision, so that
without the record of one there is context and no judgement. Amounts are of one year, in the unit
of the limit.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import prod
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from commons.errors import FieldProblem, InvalidInput
from commons.quantities import Value

Line = Annotated[str, Field(min_length=1, max_length=200)]
Link = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)]
Part = Annotated[Decimal, Field(gt=0, le=1, max_digits=13, decimal_places=12)]
Amount = Annotated[Decimal, Field(ge=0, le=10**15, max_digits=24)]


class Measure(StrEnum):
    """What is counted. Amounts of different measures are never compared as if they were one."""

    RAW_MATERIAL_CONSUMPTION = "raw_material_consumption"
    DOMESTIC_MATERIAL_CONSUMPTION = "domestic_material_consumption"
    WEIGHED_MATERIAL = "weighed_material"  # what labs weighed, without what lies behind it
    TOTAL_ABIOTIC_MATERIAL = "total_abiotic_material"
    TOTAL_BIOTIC_MATERIAL = "total_biotic_material"
    MATERIAL_USE = "material_use"
    LIFESTYLE_CARBON = "lifestyle_carbon"
    BIOCAPACITY = "biocapacity"
    CROPLAND = "cropland"
    OTHER = "other"  # named by the threshold's label


# What each measure is the least of: behind what was weighed there is more that nobody weighed.
_FLOORS = {
    Measure.DOMESTIC_MATERIAL_CONSUMPTION: {Measure.RAW_MATERIAL_CONSUMPTION},
    Measure.WEIGHED_MATERIAL: {
        Measure.RAW_MATERIAL_CONSUMPTION, Measure.DOMESTIC_MATERIAL_CONSUMPTION,
        Measure.MATERIAL_USE,
    },
}  # fmt: skip


class Side(StrEnum):
    """On which side of a threshold one has to stay."""

    BELOW = "below"  # of a natural capital: not to exceed
    ABOVE = "above"  # of a social one: not to fall below


class Threshold(Value):
    """A limit per person and year, and where it comes from. Of a single value both ends are it."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    label: Line
    measure: Measure
    low: Amount
    high: Amount
    unit: Annotated[str, Field(min_length=1, max_length=20)]
    side: Side
    source: Line
    read: Line

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        if not 0 < self.low <= self.high:
            raise ValueError(
                f"its low end {self.low} has to be above 0 and no more than its high end "
                f"{self.high}"
            )
        return self


class Way(StrEnum):
    """How people came to a decision."""

    CONSENT = "consent"
    VOTE = "vote"


class Rule(StrEnum):
    """By what people divided the limit; it is told, the parts say how much."""

    EQUAL_PER_PERSON = "equal_per_person"
    CAPABILITY = "capability"
    NEEDS = "needs"
    GRANDFATHERING = "grandfathering"


class Share(Value):
    """A part of what stands before it, as decided: of a class of goods, then of a lab."""

    of: Line
    share: Part


class Allocation(Value):
    """The record of a decision: how much of a threshold whose use may be, until it is looked at
    again. For so many `persons`, and of theirs the product of the shares; none is all of it."""

    threshold: Line
    whose: Line
    rule: Rule
    persons: Annotated[int, Field(ge=1, le=10**10)]
    shares: tuple[Share, ...]
    proposed_by: Line
    discussion: Link
    decided_by: Way
    decided_on: date
    review_on: date

    @model_validator(mode="after")
    def _reviewed_later(self) -> Self:
        if self.review_on <= self.decided_on:
            raise ValueError(
                f"what was decided on {self.decided_on} cannot be looked at again on "
                f"{self.review_on}: give a later day"
            )
        return self

    def holds_on(self, day: date) -> bool:
        """From the day of the decision to the day before its review."""
        return self.decided_on <= day < self.review_on


class Use(Value):
    """What was used in a year, between two ends; `high` is None where nobody knows it."""

    measure: Measure
    low: Amount
    high: Amount | None = None
    unit: str
    year: Annotated[int, Field(ge=1900, le=2200)]

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        if self.high is not None and self.high < self.low:
            raise ValueError(f"its low end {self.low} is more than its high end {self.high}")
        return self


class Verdict(StrEnum):
    """Where a use stands, if all that may be true agrees on it."""

    WITHIN = "within"
    OVER = "over"
    UNDER = "under"  # of a social need: less than it takes
    NOT_CONCLUSIVE = "not_conclusive"


@dataclass(frozen=True, slots=True)
class Ends:
    """From `low` to `high`; an end is None where it is not known."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A use beside what is allotted to it: `balance` is what is left, `quotient` use by allotted.

    `is_floor`: the use is the least of what the threshold is of, and its high end is not known.
    """

    allotted: Ends
    balance: Ends
    quotient: Ends
    verdict: Verdict
    is_floor: bool


def weigh(threshold: Threshold, allocation: Allocation, use: Use, *, on: date) -> Weighed | None:
    """Where the use stands; None where the decision does not hold on that day: then there is the
    context, and no judgement.

    Raises:
        InvalidInput: the allocation is of another threshold, or the use is of another unit or of
            a measure that says nothing about the threshold's.
    """
    _require_comparable(threshold, allocation, use)
    if not allocation.holds_on(on):
        return None
    is_floor = use.measure is not threshold.measure
    high = None if is_floor else use.high
    part = allocation.persons * prod((it.share for it in allocation.shares), start=Decimal(1))
    least, most = threshold.low * part, threshold.high * part
    return Weighed(
        Ends(least, most),
        Ends(None if high is None else least - high, most - use.low),
        Ends(use.low / most, None if high is None else high / least),
        _verdict(threshold.side, (least, most), (use.low, high)),
        is_floor,
    )


def _verdict(
    side: Side, allotted: tuple[Decimal, Decimal], use: tuple[Decimal, Decimal | None]
) -> Verdict:
    """By the worst and the best that may be true; never by the middle."""
    (least, most), (low, high) = allotted, use
    if side is Side.BELOW:
        within, crossed = high is not None and high <= least, low > most
    else:
        within, crossed = low >= most, high is not None and high < least
    if within:
        return Verdict.WITHIN
    if crossed:
        return Verdict.OVER if side is Side.BELOW else Verdict.UNDER
    return Verdict.NOT_CONCLUSIVE


def _require_comparable(threshold: Threshold, allocation: Allocation, use: Use) -> None:
    problems = []
    if allocation.threshold != threshold.key:
        problems.append(FieldProblem("allocation.threshold", f"it is of '{allocation.threshold}', "
                                     f"and the threshold is '{threshold.key}'"))  # fmt: skip
    if use.unit != threshold.unit:
        problems.append(FieldProblem("use.unit", f"the threshold is in {threshold.unit}: give the "
                                     f"use in {threshold.unit}, not in {use.unit}"))  # fmt: skip
    known = {use.measure, *_FLOORS.get(use.measure, set())}
    if threshold.measure not in known:
        problems.append(FieldProblem("use.measure", f"{use.measure} says nothing about "
                                     f"{threshold.measure}: they cannot be compared"))  # fmt: skip
    if problems:
        raise InvalidInput("; ".join(map(str, problems)), problems)
