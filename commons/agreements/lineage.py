"""How much of an income arrives at each release that a made one descends from."""

from collections.abc import Mapping
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter

from commons.errors import InvalidInput

# The parents of each release, and what each of them has of what goes upstream from it.
Parents = Mapping[str, Mapping[str, Fraction]]


def equal_shares(parents: Mapping[str, list[str]]) -> dict[str, dict[str, Fraction]]:
    """Each parent of a release has as much as any other, unless people reviewed it otherwise."""
    return {
        release: {parent: Fraction(1, len(of)) for parent in of}
        for release, of in parents.items()
        if of
    }


def arriving(
    root: str, amount: Fraction, parents: Parents, *, upstream: Fraction
) -> dict[str, Fraction]:
    """What stays with each release of what arrives at `root`; all of it together is `amount`.

    Of what arrives at a release its parents have the share `upstream`, by their shares of that; the
    rest stays. One without parents keeps all. Releases with nothing are left out.

    Raises:
        InvalidInput: the shares of a release's parents are not 1, one is negative, or a release
            descends from itself.
    """
    for release, of in parents.items():
        _require_whole(release, of)
    reached = _reached(root, parents)
    order = _oldest_last(reached, parents)
    comes, stays = dict.fromkeys(order, Fraction(0)), {}
    comes[root] = amount
    for release in order:
        of = parents.get(release, {})
        onward = comes[release] * upstream if of else Fraction(0)
        for parent, share in of.items():
            comes[parent] += onward * share
        stays[release] = comes[release] - onward
    return {release: kept for release, kept in stays.items() if kept}


def _require_whole(release: str, of: Mapping[str, Fraction]) -> None:
    if of and sum(of.values()) != 1:
        raise InvalidInput(
            f"the parents of {release} have {float(sum(of.values())):g} of it together, and have "
            "to have 1"
        )
    for parent, share in of.items():
        if share < 0:
            raise InvalidInput(f"{parent} has less than nothing of {release}")


def _reached(root: str, parents: Parents) -> set[str]:
    found, waiting = {root}, [root]
    while waiting:
        for parent in parents.get(waiting.pop(), {}):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def _oldest_last(reached: set[str], parents: Parents) -> list[str]:
    """Each release before its parents; of those that could stand in any order by their id."""
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {release: sorted(parents.get(release, {})) for release in sorted(reached)}
    )
    try:
        return list(sorter.static_order())[::-1]
    except CycleError as cycle:
        ring = " ← ".join(cycle.args[1])
        raise InvalidInput(f"a release cannot descend from itself: {ring}") from cycle
