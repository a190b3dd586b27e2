"""Economic events in the words of Valueflows 1.0: who gave what to whom, how much, and how well
that is known.

Events are never changed; one that `corrects` another carries the signed difference. What an event
refers to is named `kind:name`: release, machine, lot, material, part, energy, scrap, work, …
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """The nineteen actions of Valueflows 1.0.

    RAISE and LOWER correct what is in stock, MOVE says where it is: none of them is production,
    and none is consumption.
    """

    CITE = "cite"
    CONSUME = "consume"
    USE = "use"
    WORK = "work"
    PRODUCE = "produce"
    DELIVER_SERVICE = "deliverService"
    PICKUP = "pickup"
    DROPOFF = "dropoff"
    ACCEPT = "accept"
    MODIFY = "modify"
    COMBINE = "combine"
    SEPARATE = "separate"
    TRANSFER = "transfer"
    TRANSFER_ALL_RIGHTS = "transferAllRights"
    TRANSFER_CUSTODY = "transferCustody"
    MOVE = "move"
    COPY = "copy"
    RAISE = "raise"
    LOWER = "lower"


class Unit(StrEnum):
    """Units of quantities; each maps to one unit of the OM ontology."""

    EACH = "each"
    GRAM = "g"
    KILOWATT_HOUR = "kWh"
    HOUR = "h"
    KILOMETRE = "km"
    LITRE = "l"
    SQUARE_METRE = "m2"


class Mode(StrEnum):
    """How things travel, as far as freight factors tell it apart; unknown is none of them."""

    FOOT_OR_BICYCLE = "foot_or_bicycle"
    VAN = "van"
    BATTERY_VAN = "battery_van"
    LORRY = "lorry"
    RAIL = "rail"
    SHIP = "ship"
    AIR = "air"
    UNKNOWN = "unknown"


class State(StrEnum):
    """How well a quantity is known, from best to worst."""

    MEASURED = "measured"
    DECLARED = "declared"
    MODELLED = "modelled"
    DEFAULT = "default"
    CHECKED_EMPTY = "checked_empty"
    NOT_MEASURED = "not_measured"
    OUT_OF_SCOPE = "out_of_scope"


class Ring(StrEnum):
    """How far away a material's last substantial transformation was."""

    LAB = "lab"
    CITY = "city"
    REGION = "region"
    COALITION = "coalition"
    BEYOND = "beyond"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What people give to a design: the skill that a `work` event names."""

    DESIGN = "design"
    DOCUMENTATION = "documentation"
    REVIEW = "review"
    TRANSLATION = "translation"
    TESTING = "testing"


# Relative half-widths by state: our convention, until a lab measures its own.
HALF_WIDTH = {State.MEASURED: 0.05, State.DECLARED: 0.30, State.MODELLED: 0.20, State.DEFAULT: 0.50}


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity with its unit, its interval and how well it is known."""

    central: float
    unit: Unit
    state: State
    low: float
    high: float


def measure(value: float, unit: Unit, state: State) -> Measure:
    """`value` with the interval that its state implies; a count is exact."""
    half = 0.0 if unit is Unit.EACH else abs(value) * HALF_WIDTH[state]
    return Measure(value, unit, state, value - half, value + half)


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An economic event before it is written down; `resource` names what flows.

    provider and receiver are ids of agents (people, labs, parties); both the lab for what stays
    inside. `ring` is where `resource` was last substantially made, `to_ring` where it goes; the
    cities say the same by name, where they are members here. `to_resource` is what it becomes part
    of at the receiver's, `mass_g` what a count of things weighs. `price_minor` is what was agreed
    for all of it, in minor units of `currency`: None where nobody said so, 0 for a gift.
    """

    action: Action
    resource: str
    quantity: Measure
    provider: str
    receiver: str
    ring: Ring = Ring.UNKNOWN
    to_ring: Ring | None = None
    to_resource: str | None = None
    from_city_id: str | None = None
    to_city_id: str | None = None
    mass_g: Measure | None = None
    distance_km: float | None = None
    mode: Mode | None = None
    price_minor: int | None = None
    currency: str | None = None
    evidence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the ledger.

    `process` is the attempt or the activity that it is an input or an output of; `lab_id` is None
    for work that is given to a design. `corrects` names the event whose sum this one puts right.
    """

    id: str
    draft: EventDraft
    process: str | None
    lab_id: str | None
    happened_at: datetime
    created_at: datetime
    corrects: str | None = None
    simulated: bool = False


class Side(StrEnum):
    """On which side of its process an event stands."""

    INPUT = "inputOf"
    OUTPUT = "outputOf"


_INPUTS = frozenset(
    {Action.CITE, Action.CONSUME, Action.USE, Action.WORK, Action.PICKUP, Action.ACCEPT}
)
_OUTPUTS = frozenset({Action.PRODUCE, Action.DELIVER_SERVICE, Action.DROPOFF, Action.MODIFY})


def side_of(action: Action) -> Side | None:
    """Where an event of that action stands; None for what changes hands or stock outside of any
    process. Things combined go in and those separated come out, as we use the words."""
    if action in _INPUTS or action is Action.COMBINE:
        return Side.INPUT
    if action in _OUTPUTS or action is Action.SEPARATE:
        return Side.OUTPUT
    return None
