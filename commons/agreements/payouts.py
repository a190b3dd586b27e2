"""An income shared out: who gets how much of it, and the arithmetic behind every line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from commons.agreements.lineage import Parents, arriving
from commons.agreements.terms import Bucket, Kind, Terms
from commons.errors import InvalidInput

# Who gets what nobody else can: it belongs to all.
COMMONS = "commons"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a person gave to a release: so many units of a kind.

    It counts once as many others have accepted it as the agreement asks for. What is a `gift` is
    told and not paid: others share what it would have had. `paid_in` are the buckets in which it
    was paid before.
    """

    id: str
    person: str
    release: str
    kind: Kind
    quantity: Decimal
    accepted_by: frozenset[str]
    gift: bool = False
    paid_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Income:
    """What a release earned, and what comes off before it is shared, all in minor units."""

    release: str
    gross_minor: int
    costs_minor: int
    taxes_minor: int


@dataclass(frozen=True, slots=True)
class Payout:
    """What a person gets of one bucket of one release, and from which contributions.

    `points` of `of_points` are theirs of `bucket_minor`, which was not rounded yet.
    """

    person: str
    release: str
    bucket: str
    minor: int
    points: Fraction
    of_points: Fraction
    bucket_minor: Fraction
    contributions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """How an income was shared: `reserve_minor` and the payouts are all of what was left of it."""

    gross_minor: int
    costs_minor: int
    taxes_minor: int
    reserve_minor: int
    shared_minor: int
    payouts: tuple[Payout, ...]

    @property
    def by_person(self) -> dict[str, int]:
        """What each gets in all, minor units; what nobody can be paid is `COMMONS`'."""
        totals: dict[str, int] = defaultdict(int)
        for payout in self.payouts:
            totals[payout.person] += payout.minor
        return dict(totals)


def share_out(
    terms: Terms, income: Income, contributions: Iterable[Contribution], parents: Parents
) -> Statement:
    """The income shared by the terms: costs first, then taxes and the reserve, then the releases
    it descends from, then their buckets. Nothing is left over and nothing is made up.

    Raises:
        InvalidInput: an amount is negative, more comes off than came in, a contribution is of
            nothing, told twice or accepted by whoever gave it, or the lineage is no lineage.
    """
    left = _left(income)
    reserve = int(left * Fraction(terms.reserve))
    shared = left - reserve
    staying = arriving(income.release, Fraction(shared), parents, upstream=Fraction(terms.upstream))
    given = _by_release(contributions, terms.reviewers)
    parts = [
        part
        for release in sorted(staying)
        for bucket in terms.buckets
        for part in _parts(release, bucket, staying[release], given.get(release, []))
    ]
    amounts = whole_units([_exact(part) for part in parts], shared)
    payouts = tuple(
        Payout(part.person, part.release, part.bucket, minor, part.points, part.of_points,
               part.bucket_minor, part.contributions)
        for part, minor in zip(parts, amounts, strict=True)
    )  # fmt: skip
    return Statement(
        income.gross_minor, income.costs_minor, income.taxes_minor, reserve, shared, payouts
    )


def whole_units(exact: Sequence[Fraction], total: int) -> list[int]:
    """Whole units that are `total` together, each within one of what is exact.

    What is left after rounding down goes to the largest remainders, of equal ones to the first.
    """
    down = [int(amount) for amount in exact]
    left = total - sum(down)
    by_remainder = sorted(range(len(exact)), key=lambda at: (down[at] - exact[at], at))
    for at in by_remainder[:left]:
        down[at] += 1
    return down


@dataclass(frozen=True, slots=True)
class _Part:
    person: str
    release: str
    bucket: str
    points: Fraction
    of_points: Fraction
    bucket_minor: Fraction
    contributions: tuple[str, ...]


def _exact(part: _Part) -> Fraction:
    return part.bucket_minor * part.points / part.of_points


def _left(income: Income) -> int:
    amounts = (income.gross_minor, income.costs_minor, income.taxes_minor)
    if min(amounts) < 0:
        raise InvalidInput("an income, its costs and its taxes are no less than nothing")
    left = income.gross_minor - income.costs_minor - income.taxes_minor
    if left < 0:
        raise InvalidInput(
            f"costs of {income.costs_minor} and taxes of {income.taxes_minor} are more than the "
            f"{income.gross_minor} that came in: there is nothing to share"
        )
    return left


def _by_release(
    contributions: Iterable[Contribution], reviewers: int
) -> Mapping[str, list[Contribution]]:
    """What was accepted, in the order of its ids, so that it does not matter in which it came."""
    found: dict[str, list[Contribution]] = defaultdict(list)
    known: set[str] = set()
    for it in sorted(contributions, key=lambda it: it.id):
        if it.id in known:
            raise InvalidInput(f"contribution {it.id} is told twice")
        if it.quantity <= 0:
            raise InvalidInput(f"contribution {it.id} is of {it.quantity}: give what was given")
        if it.person in it.accepted_by:
            raise InvalidInput(f"contribution {it.id} is accepted by {it.person}, who gave it: "
                               "others have to accept it")  # fmt: skip
        known.add(it.id)
        if len(it.accepted_by) >= reviewers:
            found[it.release].append(it)
    return found


def _parts(
    release: str, bucket: Bucket, amount: Fraction, given: Sequence[Contribution]
) -> list[_Part]:
    """What each has of a bucket of a release; all of it is the commons' where nobody gave."""
    worth = amount * Fraction(bucket.share)
    if not worth:
        return []
    points: dict[str, Fraction] = defaultdict(Fraction)
    whose: dict[str, list[str]] = defaultdict(list)
    for it in given:
        if _counts(it, bucket):
            points[it.person] += Fraction(it.quantity) * Fraction(bucket.weights[it.kind])
            whose[it.person].append(it.id)
    whole = sum(points.values(), Fraction(0))
    if not whole:
        return [_Part(COMMONS, release, bucket.key, Fraction(1), Fraction(1), worth, ())]
    return [
        _Part(person, release, bucket.key, mine, whole, worth, tuple(whose[person]))
        for person, mine in sorted(points.items())
    ]


def _counts(it: Contribution, bucket: Bucket) -> bool:
    is_open = bucket.lifetime == "standing" or bucket.key not in it.paid_in
    return not it.gift and it.kind in bucket.weights and is_open
