"""What machines ran, used and made, as figures: from sums over the events of runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.flows import Ring, State
from commons.indicators.figure import Figure, nothing
from commons.indicators.sums import Sum, weakest
from commons.texts import later


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
    """What is told of runs in one city and period, in the order in which it is shown."""
    place = {"period": period, "boundary": boundary}
    return [
        _made(totals, place),
        _material(totals, place),
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
