"""I2, I10, I19: where the mass that was used comes from.

Printing here with filament from elsewhere is making here, and not local material.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from commons.errors import InvalidInput
from commons.indicators.figure import Figure, Place, nothing, shared
from commons.indicators.sums import HERE, NOT_HERE, WHO_KNOWS, Local, Sum, share_of
from commons.texts import later


@dataclass(frozen=True, slots=True)
class Made:
    """What a lot that was made here was made of: masses in g by the lot's name."""

    of: Mapping[str, float]


def local_parts(lots: Mapping[str, Local | Made]) -> dict[str, Local]:
    """The local part of every lot: stated of those that came from outside, reckoned for others.

    A lot made here is as local as what it is made of, low end from low ends and high from high; of
    one whose inputs nobody wrote down, or that are in no list, nothing is known. InvalidInput
    where a lot is made of itself.
    """
    inputs = {name: it.of.keys() for name, it in lots.items() if isinstance(it, Made)}
    try:
        order = tuple(TopologicalSorter(inputs).static_order())
    except CycleError as error:
        round_ = " from ".join(str(name) for name in error.args[1])
        raise InvalidInput(f"a lot cannot be made of itself: {round_}") from None
    found = {name: it for name, it in lots.items() if isinstance(it, Local)}
    for name in order:
        if isinstance(made := lots.get(name, WHO_KNOWS), Made):
            found[name] = _mixed(made, found)
        else:
            found[name] = made
    return found


def _mixed(made: Made, found: Mapping[str, Local]) -> Local:
    whole = sum(made.of.values())
    if whole <= 0:
        return WHO_KNOWS
    return Local(
        sum(mass * found[name].low for name, mass in made.of.items()) / whole,
        sum(mass * found[name].high for name, mass in made.of.items()) / whole,
    )


def local_material(used: Iterable[tuple[Sum, Local]], place: Place) -> Figure:
    """I2: unknown origin counts as brought in at the low end and as local at the high end."""
    key, label = "local_material", later("Local material share")
    share = share_of(used)
    if share is None:
        return nothing(key, label, "%", place, later("no run has reported material"))
    return shared(key, label, "%", share, place, note=later("a local shop is not a local origin"))


def provenance(used: Iterable[tuple[Sum, Local]], place: Place) -> Figure:
    """I19: the share of the mass of which it is known whether it is local."""
    key, label = "provenance", later("Material of known origin")
    stated = [(total, Local(known, known))
              for total, local in used for known in (1 - (local.high - local.low),)]  # fmt: skip
    share = share_of(stated)
    if share is None:
        return nothing(key, label, "%", place, later("no run has reported material"))
    return shared(key, label, "%", share, place)


@dataclass(frozen=True, slots=True)
class Secondary:
    """Masses that were used, by their life before: None where nobody said which."""

    all: Sum
    reused: Sum | None
    recycled: Sum | None
    mill_scrap: Sum | None
    unsaid: Sum | None


def secondary(used: Secondary | None, place: Place) -> Figure:
    """I10: reused or recycled after use. What is left over in a mill is told in the note: it has
    not been anybody's thing before."""
    key, label = "secondary", later("Secondary material")
    if used is None or used.all.central <= 0:
        return nothing(key, label, "%", place, later("no run has reported material"))
    again = [(it, HERE) for it in (used.reused, used.recycled) if it is not None]
    unsaid = [(used.unsaid, WHO_KNOWS)] if used.unsaid is not None else []
    share = share_of([*again, *unsaid, (_rest(used), NOT_HERE)])
    if share is None or share.high - share.low >= share.whole:
        return nothing(key, label, "%", place, later("nobody said whether it was used before"))
    scrap = used.mill_scrap.central / 1000 if used.mill_scrap is not None else 0.0
    note = f"{scrap:.2g} kg of mill scrap are not in it" if scrap else ""
    return shared(key, label, "%", share, place, note=note)


def _rest(used: Secondary) -> Sum:
    taken = sum(it.central for it in (used.reused, used.recycled, used.unsaid) if it is not None)
    rest = used.all.central - taken
    return Sum(rest, rest, rest, 0, used.all.state)
