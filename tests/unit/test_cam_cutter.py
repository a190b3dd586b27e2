"""Feeds and speeds: what the table recommends, and what the machine makes of it."""

import pytest

from commons.cutters import MillCutter
from commons.errors import InvalidInput
from commons.machine import MATERIALS, MillLimits, Process
from fab_agent.cam.cutter import chip_load_mm, cutter_for, speeds_in_words
from tests.profiles import router

SHEETS = [material.key for material in MATERIALS.values() if material.process is Process.CNC]


def with_limits(**limits):
    return router(cnc=MillLimits(**limits), max_feed_z_mm_s=20)


@pytest.mark.parametrize("material", SHEETS)
@pytest.mark.parametrize("diameter", [0.5, 1.0, 3.0, 3.175, 6.0, 8.0, 20.0])
def test_every_sheet_can_be_cut_with_every_cutter_within_the_machine(material, diameter):
    machine = with_limits(cutter_mm=diameter)
    cutter = cutter_for(machine, material)
    assert 0 < cutter.feed_mm_s <= machine.max_feed_mm_s
    assert 0 < cutter.plunge_mm_s <= min(machine.cnc.max_plunge_mm_s, machine.max_feed_z_mm_s)
    assert machine.cnc.spindle_min_rpm <= cutter.spindle_rpm <= machine.cnc.spindle_max_rpm
    assert cutter.chip_mm <= 0.4 * chip_load_mm(material, diameter) * 1.001
    assert cutter.pass_depth_mm == diameter / 2


def test_the_load_is_the_sources_own_at_its_diameters_and_between_them_in_between():
    assert chip_load_mm("plywood", 3.175) == 0.076
    assert chip_load_mm("mdf", 6.35) == 0.305
    assert chip_load_mm("pine", 8.0) == pytest.approx(0.127 + (8 - 6.35) / 3.175 * 0.025)
    assert chip_load_mm("pine", 1.5875) == pytest.approx(0.038)


def test_thicker_cutters_take_thicker_chips():
    for material in SHEETS:
        loads = [chip_load_mm(material, d) for d in (0.5, 1, 2, 3, 4, 6, 8, 12, 16)]
        assert loads == sorted(loads)


def test_a_slow_machine_turns_its_spindle_down_instead_of_rubbing():
    slow = router(max_feed_mm_s=10, max_feed_z_mm_s=5, cnc=MillLimits(cutter_mm=3))
    cutter = cutter_for(slow, "plywood")
    assert cutter.feed_mm_s == pytest.approx(10, rel=1e-3)
    assert cutter.spindle_rpm < 18000
    assert cutter.chip_mm == pytest.approx(0.4 * chip_load_mm("plywood", 3), rel=1e-3)


def test_a_spindle_with_one_speed_keeps_it_and_the_chip_gets_thinner():
    fixed = router(max_feed_mm_s=10, max_feed_z_mm_s=5,
                   cnc=MillLimits(spindle_min_rpm=24000, spindle_max_rpm=24000))  # fmt: skip
    cutter = cutter_for(fixed, "plywood")
    assert (cutter.spindle_rpm, cutter.feed_mm_s) == (24000, 10)
    assert cutter.chip_mm < 0.4 * chip_load_mm("plywood", 3)


def test_one_edge_takes_half_the_feed():
    one, two = (cutter_for(with_limits(cutter_edges=n), "plywood") for n in (1, 2))
    assert one.feed_mm_s == pytest.approx(two.feed_mm_s / 2)
    assert one.chip_mm == pytest.approx(two.chip_mm)


def test_each_cutter_takes_its_chip_by_its_own_edges():
    three = MillCutter(diameter_mm=6, edges=3)
    machine = with_limits(cutter_edges=1, more_cutters=(three, MillCutter(diameter_mm=1.5)))
    first, own, as_first = (cutter_for(machine, "mdf", it) for it in machine.cnc.cutters)
    assert [it.edges for it in (first, own, as_first)] == [1, 3, 1]
    for cutter in (first, own, as_first):
        chip = cutter.feed_mm_s * 60 / (cutter.spindle_rpm * cutter.edges)
        assert cutter.chip_mm == chip
        assert chip == pytest.approx(0.4 * chip_load_mm("mdf", cutter.diameter_mm), rel=1e-3)
    assert speeds_in_words(own).startswith("a 6 mm cutter with 3 edges at")
    assert speeds_in_words(as_first).startswith("a 1.5 mm cutter with 1 edge at")


def test_the_chip_is_told_in_words():
    words = speeds_in_words(cutter_for(with_limits(), "mdf"))
    assert words == (
        "a 3 mm cutter with 2 edges at 16000 rpm, 20.6 mm/s (5.1 mm/s down), "
        "chips of 0.039 mm, 1.5 mm deep at once"
    )


def test_what_nobody_knows_how_to_cut_is_refused_with_what_can_be_cut():
    with pytest.raises(InvalidInput, match=r"no speeds to mill pla: choose one of pine, plywood"):
        cutter_for(with_limits(), "pla")
