"""The figures of a city, or of a coalition, from the tally of its labs' events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from commons.flows import Action, Mode, Ring, State, Unit
from commons.footprints import (
    Factor,
    Footprint,
    Term,
    footprint,
    footprint_figure,
    of_grid,
    of_material,
    of_mode,
    per_good_item,
)
from commons.indicators.figure import Figure, Place, nothing, summed
from commons.indicators.losses import Freight, freight, scrap_share
from commons.indicators.materials import Made, local_material, local_parts, provenance
from commons.indicators.places import placed
from commons.indicators.sums import WHO_KNOWS, Local, Sum, together
from commons.indicators.supply import Consumption, Delivered, consumption, self_supply
from commons.indicators.tally import TRANSFERS, Line, Tally
from commons.texts import later

_G_PER_KG, _G_KM_PER_T_KM = 1000, 1_000_000
_INPUTS = ("lot", "material")
_UNTOLD = Sum(0, 0, 0, 0, State.NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class Context:
    """What events do not say: whose city this is, and what others know of it.

    `members` are the ids of the cities inside the boundary; `materials` the words for what lots
    are made of, by `lot:id`; `country` that of the electricity, None where members differ.
    """

    members: frozenset[str]
    factors: Mapping[str, Factor]
    country: str | None = None
    materials: Mapping[str, str] = field(default_factory=dict)
    consumption: Consumption | None = None


def figures(of: Tally, context: Context, place: Place) -> list[Figure]:
    """I1, I2, I4 to I6, I11 to I14 and I19, in the order in which they are shown."""
    local = _local_parts(of, context.members)
    used = [
        (line.quantity, local.get(line.resource) or _origin(line, context.members))
        for line in _consumed(of, Unit.GRAM)
        if not line.into_lot
    ]
    deliveries = list(_deliveries(of, local, context.members))
    good = _good(of)
    prints = gases(of, context)
    return [
        _made_items(good, place),
        _made_kg(good, place),
        local_material(used, place),
        provenance(used, place),
        consumption(context.consumption, place),
        *self_supply(deliveries, context.consumption, place),
        scrap_share(_scrap(of), together(total for total, _ in used), place),
        _energy(of, place),
        freight(_freight(of), place),
        footprint_figure(prints, place),
        per_good_item(prints, round(sum(line.quantity.central for line in good)), place),
    ]


def _local_parts(of: Tally, members: frozenset[str]) -> dict[str, Local]:
    """How local everything is that was made here, and what that was made of."""
    made = {it.output for it in of.inputs}
    lots: dict[str, Local | Made] = {}
    masses: dict[str, dict[str, float]] = {}
    for it in of.inputs:
        # An origin that was put right stands beside the wrong one, whose sum is then nothing.
        name = it.resource if it.resource in made else f"{it.resource} {it.ring} {it.city}"
        if name not in made:
            lots[name] = placed(it.ring, it.city, members)
        taken = masses.setdefault(it.output, {})
        taken[name] = taken.get(name, 0.0) + it.mass_g
    return local_parts(lots | {name: Made(taken) for name, taken in masses.items()})


def _origin(line: Line, members: frozenset[str]) -> Local:
    return placed(line.ring, line.from_city, members)


def _consumed(of: Tally, unit: Unit) -> Iterable[Line]:
    return (it for it in of.lines if it.action is Action.CONSUME and it.unit is unit)


def _good(of: Tally) -> list[Line]:
    """I1: what was found good; failed prints are scrap, and lots are made to be used here."""
    return [it for it in of.lines if it.action is Action.PRODUCE and it.kind == "part"]


def _made_items(good: list[Line], place: Place) -> Figure:
    key, label = "made", later("Made here")
    total = together(line.quantity for line in good)
    if total is None:
        return nothing(key, label, "things", place, later("nothing was found good yet"))
    return summed(key, label, "things", total, place)


def _made_kg(good: list[Line], place: Place) -> Figure:
    key, label = "made_kg", later("Mass of what was made here")
    total = together(line.mass_g for line in good if line.mass_g is not None)
    if total is None:
        return nothing(key, label, "kg", place, later("nothing that was made was weighed"))
    unweighed = sum(line.unweighed for line in good)
    coverage = total.events / (total.events + unweighed)
    note = later("incomplete: some of it was not weighed") if unweighed else ""
    return summed(key, label, "kg", total.times(1 / _G_PER_KG), place, coverage=coverage, note=note)


def _deliveries(
    of: Tally, local: Mapping[str, Local], members: frozenset[str]
) -> Iterable[Delivered]:
    """What labs gave away, once each: the receiver's own note of it is no second delivery."""
    for line in of.lines:
        if line.action in TRANSFERS and line.given and line.kind == "part":
            to = placed(line.to_ring or Ring.UNKNOWN, line.to_city, members)
            material = local.get(line.resource, WHO_KNOWS)
            if line.mass_g is not None:
                yield Delivered(line.mass_g.times(1 / _G_PER_KG), to, material)
            if line.unweighed:
                yield Delivered(None, to, material)


def _scrap(of: Tally) -> Sum | None:
    scrap = (it for it in of.lines if it.action is Action.PRODUCE and it.kind == "scrap")
    return together(it.mass_g for it in scrap if it.mass_g is not None)


def _energy(of: Tally, place: Place) -> Figure:
    key, label = "energy", later("Electricity used by machines")
    total = together(line.quantity for line in _consumed(of, Unit.KILOWATT_HOUR))
    if total is None:
        return nothing(key, label, "kWh", place, later("no machine has a meter or a rated power"))
    coverage = of.runs_with_energy / of.runs if of.runs else None
    note = later("incomplete: some runs did not tell theirs") if _dark(of) else ""
    return summed(key, label, "kWh", total, place, coverage=coverage, note=note)


def _dark(of: Tally) -> bool:
    """Whether a run did not tell its electricity."""
    return of.runs_with_energy < of.runs


def _freight(of: Tally) -> Freight:
    """I14, of inputs: where they are set down, or else where they are bought.

    Picking up is the same journey as setting down, and so is buying what was set down.
    """
    inputs = [it for it in of.lines if it.kind in _INPUTS]
    dropped = [it for it in inputs if it.action is Action.DROPOFF]
    brought = {it.resource for it in dropped}
    got = [it for it in inputs if it.action in TRANSFERS and not it.given]
    bought = [it for it in got if it.resource not in brought]
    by_mode: dict[Mode, list[Sum]] = {}
    for line in (*dropped, *bought):
        if line.g_km is not None:
            by_mode.setdefault(line.mode or Mode.UNKNOWN, []).append(line.g_km)
    sums = {mode: total.times(1 / _G_KM_PER_T_KM)
            for mode, parts in by_mode.items() if (total := together(parts))}  # fmt: skip
    return Freight(sums, sum(line.unmoved for line in (*dropped, *bought)))


def gases(of: Tally, context: Context) -> Footprint | None:
    """I12: of materials, electricity and freight; what was wasted is in the materials."""
    return footprint(
        [*_of_materials(of, context), *_of_energy(of, context), *_of_freight(of, context)]
    )


def _of_materials(of: Tally, context: Context) -> Iterable[Term]:
    """What came into the boundary; a lot made here is counted by what it was made of."""
    made_here = {it.output for it in of.inputs}
    for line in _consumed(of, Unit.GRAM):
        if line.resource in made_here:
            continue
        name = context.materials.get(line.resource) or line.resource.partition(":")[2]
        factor = of_material(context.factors, name)
        yield Term(name, line.quantity.times(1 / _G_PER_KG), factor)


def _of_energy(of: Tally, context: Context) -> Iterable[Term]:
    factor = of_grid(context.factors, context.country) if context.country else None
    for line in _consumed(of, Unit.KILOWATT_HOUR):
        yield Term("electricity", line.quantity, factor)
    if _dark(of):
        yield Term("electricity of some runs", _UNTOLD, None)


def _of_freight(of: Tally, context: Context) -> Iterable[Term]:
    journeys = _freight(of)
    for mode, t_km in journeys.by_mode.items():
        yield Term(f"freight by {mode}", t_km, of_mode(context.factors, mode))
    if journeys.unknown:
        yield Term("some freight", _UNTOLD, None)
