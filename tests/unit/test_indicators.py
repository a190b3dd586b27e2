"""Figures: unknown stays unknown, and percentages come from sums."""

import math
from dataclasses import replace

from commons.flows import Ring, State
from commons.indicators import Figure, Sum, Totals, compute, weakest

NOTHING = Totals(0, {}, None, None, 0, 0, 0, 0, 0, 0)
BUSY = Totals(
    made=6,
    material_g={
        Ring.CITY: Sum(200, 250, 300, 4, State.MODELLED),
        Ring.BEYOND: Sum(400, 500, 600, 4, State.MODELLED),
        Ring.UNKNOWN: Sum(200, 250, 300, 2, State.MODELLED),
    },
    energy_kwh=Sum(1, 2, 3, 5, State.DEFAULT),
    machine_h=Sum(9.5, 10, 10.5, 10, State.MEASURED),
    runs_ended=10,
    runs_with_energy=5,
    runs_with_material=10,
    runs_failed=2,
    verdicts_missing=2,
    designs_elsewhere=1,
)


def figures(totals: Totals) -> dict[str, Figure]:
    return {figure.key: figure for figure in compute(totals, period="2026", boundary="Hamburg")}


def test_nothing_measured_gives_no_figure_a_value() -> None:
    for figure in figures(NOTHING).values():
        assert (figure.low, figure.central, figure.high) == (None, None, None)
        assert figure.state is State.NOT_MEASURED
        assert figure.note


def test_every_figure_says_its_period_boundary_and_method() -> None:
    for figure in figures(BUSY).values():
        assert (figure.period, figure.boundary, figure.method) == (
            "2026", "Hamburg", "cosmolocal-1",
        )  # fmt: skip


def test_no_interval_is_upside_down() -> None:
    for figure in figures(BUSY).values():
        low, high = figure.low, figure.high
        assert low is not None and high is not None and low <= high
        assert figure.central is None or low <= figure.central <= high


def test_material_is_the_sum_over_rings_in_kilograms() -> None:
    material = figures(BUSY)["material"]
    assert (material.low, material.central, material.high) == (0.8, 1.0, 1.2)
    assert material.state is State.MODELLED


def test_a_partial_sum_says_that_it_is_one() -> None:
    energy = figures(BUSY)["energy"]
    assert energy.coverage == 0.5
    assert energy.note == "at least this much: 50% of the runs reported it"
    assert figures(BUSY)["material"].note == ""


def test_things_without_a_verdict_widen_what_was_made_and_what_failed() -> None:
    made, failed = figures(BUSY)["made"], figures(BUSY)["failed"]
    assert (made.low, made.central, made.high) == (6, 6, 8)
    assert (failed.low, failed.central, failed.high) == (20.0, 20.0, 40.0)


def test_the_failed_share_never_passes_a_hundred() -> None:
    all_bad = replace(BUSY, runs_failed=10, verdicts_missing=10)
    assert figures(all_bad)["failed"].high == 100.0


def test_runs_without_material_do_not_become_zero_grams() -> None:
    silent = figures(replace(BUSY, material_g={}))
    assert silent["material"].state is State.NOT_MEASURED
    assert silent["material"].low is None


def test_a_figure_is_as_weak_as_its_weakest_input() -> None:
    assert weakest([Sum(1, 1, 1, 1, s) for s in (State.MEASURED, State.DEFAULT)]) is State.DEFAULT
    assert weakest([]) is State.NOT_MEASURED


def test_no_figure_is_not_a_number() -> None:
    for figure in figures(BUSY).values():
        ends = (figure.low, figure.central, figure.high)
        assert all(math.isfinite(end) for end in ends if end is not None)
