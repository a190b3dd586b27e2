"""What a value agreement says, checked as a whole: every mistake is told at once."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from commons.errors import FieldProblem, InvalidInput
from commons.quantities import Value

Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=9, decimal_places=8)]
Weight = Annotated[Decimal, Field(gt=0, le=1_000_000, max_digits=13, decimal_places=6)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]


class Kind(StrEnum):
    """What somebody can give. Likes, stars and comments are nothing of it."""

    DESIGN = "design"
    DOCUMENTATION = "documentation"
    REVIEW = "review"
    TRANSLATION = "translation"
    TESTING = "testing"
    MAKING = "making"
    CARE = "care"
    TEACHING = "teaching"
    COORDINATION = "coordination"
    MACHINE_TIME = "machine_time"
    MATERIAL = "material"
    MONEY = "money"


class Lifetime(StrEnum):
    """For how long a contribution counts in a bucket."""

    ONCE = "once"  # in the first distribution after it was accepted
    UNTIL_PAID = "until_paid"  # until its claim is settled, like a debt
    STANDING = "standing"  # in every distribution until the agreement ends, like a share


class Bucket(Value):
    """A stream of the income: its share of it, and what a unit of each kind weighs in it."""

    key: Key
    label: Line
    share: Share
    weights: Annotated[dict[Kind, Weight], Field(min_length=1)]
    lifetime: Lifetime


class Terms(Value):
    """A value agreement. What a release's parents get of its income is `upstream`; of what is left
    the buckets share. What nobody can be paid goes to the commons fund.

    `digits`: how many of the currency's stand behind the point: 2 of EUR, none of CLP and JPY.
    `held_months`: for so long a claim waits for somebody who cannot be reached. `minimum_minor`:
    less than that is paid once it has added up.
    """

    name: Line
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    digits: Annotated[int, Field(ge=0, le=4)]
    buckets: Annotated[tuple[Bucket, ...], Field(min_length=1, max_length=20)]
    upstream: Share
    reserve: Share
    reviewers: Annotated[int, Field(ge=1, le=20)]
    held_months: Annotated[int, Field(ge=1, le=120)]
    minimum_minor: Annotated[int, Field(ge=0, le=10**9)]
    ends_on: date

    def checked(self, *, adopted_on: date) -> Self:
        """The terms, which can be adopted on that day; InvalidInput lists all that is wrong."""
        if problems := list(self._problems(adopted_on)):
            raise InvalidInput(problems[0].problem, problems)
        return self

    def _problems(self, adopted_on: date) -> Iterator[FieldProblem]:
        whole = sum((bucket.share for bucket in self.buckets), Decimal(0))
        if whole != 1:
            yield FieldProblem(
                "buckets", f"the shares of the buckets are {whole} together and have to be 1"
            )
        for key, times in Counter(bucket.key for bucket in self.buckets).items():
            if times > 1:
                yield FieldProblem("buckets", f"{times} buckets are called '{key}': name each once")
        if self.ends_on <= adopted_on:
            yield FieldProblem(
                "ends_on",
                f"an agreement adopted on {adopted_on} cannot end on {self.ends_on}: give a later "
                "day, on which it is adopted anew or ends",
            )
