"""I3: how much of what was paid stayed with people who live here."""

from collections.abc import Iterable
from dataclasses import dataclass

from commons.flows import State
from commons.indicators.figure import Figure, Place, nothing, shared
from commons.indicators.sums import WHO_KNOWS, Local, Share, Sum, share_of
from commons.texts import later


@dataclass(frozen=True, slots=True)
class Cost:
    """A part of the value in minor units: labour, machines, design, energy, material or other.

    `local` is the share of it paid to residents or to what they own; of material, its own local
    value-added share.
    """

    minor: int
    local: Local


def value_added_share(value_minor: int | None, costs: Iterable[Cost]) -> Share | None:
    """The local share of the agreed value; what no cost explains may be local or not.

    None where nobody agreed on a value, and for gifts: unpaid work is told in hours, never in
    money. Where the costs are above the value, they are the whole.
    """
    if not value_minor:
        return None
    told = tuple(costs)
    rest = max(0, value_minor - sum(cost.minor for cost in told))
    parts = [*told, Cost(rest, WHO_KNOWS)]
    return share_of((_sum(cost.minor), cost.local) for cost in parts)


def value_added(share: Share | None, place: Place) -> Figure:
    """I3 of the share, or of cities' shares added together."""
    key, label = "value_added", later("Local value-added share")
    if share is None:
        return nothing(key, label, "%", place, later("no price was agreed; gifts have none"))
    return shared(key, label, "%", share, place, note=later("unpaid work is not in it"))


def _sum(minor: int) -> Sum:
    return Sum(minor, minor, minor, 1, State.DECLARED)
