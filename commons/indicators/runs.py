"""What machines ran, used and made, as figures: from sums over the events of runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.flows import Ring, State
from commons.indicators.figure import Figure, nothing
from commons.indicators.sums import Sum, weakest
from commons.texts import later

# Rings that count as local to the city; the coalition's other cities are not this city.
LOCAL_RINGS = frozenset({Ring.LAB, Ring.CITY})


@dataclass(frozen=True, slots=True)
class Totals:
    """What one city's labs did in one period, as sums over their events."""

    made: int
    material_g: Mapping[Ring, Sum]
    energy_kwh: Sum | None
    machine_h: Sum | None
    runs_ended: int
    runs_with_energy: int
    runs_with_material: int
    runs_failed: int
    verdicts_missing: int
    designs_elsewhere: int


def compute(totals: Totals, *, period: str, boundary: str) -> list[Figure]:
    """The figures of one city and period, in the order in which they are shown."""
    place = {"period": period, "boundary": boundary}
    return [
        _made(totals, place),
        _material(totals, place),
        _local_share(totals, place),
        _provenance(totals, place),
        _energy(totals, place),
        _machine_time(totals, place),
        _failures(totals, place),
    ]


def _made(totals: Totals, place: Mapping[str, str]) -> Figure:
    judged = totals.made
    open_ = totals.verdicts_missing
    if not totals.runs_ended:
        return nothing(
            "made", later("Made here"), later("things"), place, later("no machine has reported yet")
        )
    note = f"{open_} more wait for a person's verdict" if open_ else ""
    return Figure("made", later("Made here"), later("things"), judged, judged, judged + open_,
                  State.DECLARED, None, **place, note=note)  # fmt: skip


def _material(totals: Totals, place: Mapping[str, str]) -> Figure:
    key, label = "material", later("Material used")
    if not totals.material_g:
        return nothing(key, label, "kg", place, later("no run has reported material"))
    low, central, high = (
        sum(getattr(ring, end) for ring in totals.material_g.values()) / 1000
        for end in ("low", "central", "high")
    )
    coverage = _share(totals.runs_with_material, totals.runs_ended)
    return Figure(key, label, "kg", low, central, high, weakest(totals.material_g.values()),
                  coverage, **place, note=_incomplete(coverage))  # fmt: skip


def _local_share(totals: Totals, place: Mapping[str, str]) -> Figure:
    """I2: unknown origin counts as brought in at the low end and as local at the high end."""
    key, label = "local_material", later("Local material share")
    all_g = sum(ring.central for ring in totals.material_g.values())
    if not all_g:
        return nothing(key, label, "%", place, later("no run has reported material"))
    local = sum(s.central for ring, s in totals.material_g.items() if ring in LOCAL_RINGS)
    unknown = _grams(totals, Ring.UNKNOWN)
    low, high = 100 * local / all_g, 100 * (local + unknown) / all_g
    return Figure(key, label, "%", low, None if unknown else low, high,
                  weakest(totals.material_g.values()), 1 - unknown / all_g, **place,
                  note=later("a local shop is not a local origin"))  # fmt: skip


def _provenance(totals: Totals, place: Mapping[str, str]) -> Figure:
    """I19: the share of the mass whose origin somebody stated."""
    key, label = "provenance", later("Material of known origin")
    all_g = sum(ring.central for ring in totals.material_g.values())
    if not all_g:
        return nothing(key, label, "%", place, later("no run has reported material"))
    known = 100 * (1 - _grams(totals, Ring.UNKNOWN) / all_g)
    state = weakest(totals.material_g.values())
    return Figure(key, label, "%", known, known, known, state, None, **place)


def _energy(totals: Totals, place: Mapping[str, str]) -> Figure:
    key, label = "energy", later("Electricity used by machines")
    if totals.energy_kwh is None:
        return nothing(key, label, "kWh", place, later("no machine has a meter or a rated power"))
    coverage = _share(totals.runs_with_energy, totals.runs_ended)
    e = totals.energy_kwh
    return Figure(key, label, "kWh", e.low, e.central, e.high, e.state, coverage, **place,
                  note=_incomplete(coverage))  # fmt: skip


def _machine_time(totals: Totals, place: Mapping[str, str]) -> Figure:
    key, label = "machine_time", later("Machine time")
    if totals.machine_h is None:
        return nothing(key, label, "h", place, later("no machine has reported yet"))
    t = totals.machine_h
    return Figure(key, label, "h", t.low, t.central, t.high, t.state, 1.0, **place)


def _failures(totals: Totals, place: Mapping[str, str]) -> Figure:
    """I11: hiding failures would flatter every other figure."""
    key, label = "failed", later("Runs that failed")
    if not totals.runs_ended:
        return nothing(key, label, "%", place, later("no machine has reported yet"))
    failed = 100 * totals.runs_failed / totals.runs_ended
    unjudged = 100 * totals.verdicts_missing / totals.runs_ended
    return Figure(key, label, "%", failed, failed, min(100.0, failed + unjudged),
                  State.DECLARED, None, **place)  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _incomplete(coverage: float | None) -> str:
    if coverage is None or coverage >= 1:
        return ""
    return f"at least this much: {coverage:.0%} of the runs reported it"


def _grams(totals: Totals, ring: Ring) -> float:
    return totals.material_g[ring].central if ring in totals.material_g else 0.0
