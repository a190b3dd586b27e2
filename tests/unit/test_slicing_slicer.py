"""What we hold against a slicer's own figures."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from commons.errors import ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, PrintLimits, Process
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.plate import MeshFacts
from fab_agent.slicing.profile import print_profile
from fab_agent.slicing.slicer import SliceResult, duration_s, require_on_bed, require_whole

CUBE = MeshFacts(volume_mm3=8000, size_mm=(20, 20, 20), faces=12, turned=False)
GOOD = SliceResult(Path("raw.gcode"), 100, 20.0, 600, 2000, 6.0)
OPTIONS = PrintOptions(copies=2, infill=0.5)
PROFILE = print_profile(
    MachineProfile(
        name="ender-1",
        process=Process.FDM,
        driver=Driver.MARLIN,
        envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
        max_feed_mm_s=100,
        max_feed_z_mm_s=5,
        materials=("pla",),
        fdm=PrintLimits(),
    ),
    material="pla",
    quality="standard",
    options=OPTIONS,
)


def check(result):
    require_whole(result, CUBE, profile=PROFILE, options=OPTIONS)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h 45m 49s", 9949),
        ("1d 0h 0m 1s", 86401),
        ("59s", 59),
        ("3m", 180),
        ("", None),
        ("soon", None),
        ("-5s", None),
    ],
)
def test_a_slicers_duration_is_read_with_any_of_its_parts_missing(text, seconds):
    assert duration_s(text) == seconds


def test_a_whole_program_passes():
    check(GOOD)


def test_what_covers_the_bed_to_its_edges_passes():
    require_on_bed((2, 8, 218, 218), PROFILE.area)


@pytest.mark.parametrize(
    ("covers_mm", "over_mm"),
    [
        ((1.9, 8, 30, 30), "0.10"),
        ((2, 7.8, 30, 30), "0.20"),
        ((2, 8, 218.3, 30), "0.30"),
        ((2, 8, 30, 218.4), "0.40"),
        ((484, 484, 516, 516), "298.00"),
        ((math.nan, 8, 30, 30), "nan"),
    ],
)
def test_what_lies_beside_the_bed_is_refused_with_how_far(covers_mm, over_mm):
    with pytest.raises(ProgramRefused, match=f"reaches {over_mm} mm over the edge") as refused:
        require_on_bed(covers_mm, PROFILE.area)
    assert refused.value.rule == "slicer-off-bed"


def test_a_program_that_ends_above_the_machine_is_refused_though_the_part_is_as_high():
    tower = replace(CUBE, size_mm=(20, 20, 250))
    with pytest.raises(ProgramRefused, match=r"ends 250\.00 mm up and there is room for 249 mm"):
        require_whole(replace(GOOD, top_mm=250.0), tower, profile=PROFILE, options=OPTIONS)


def test_a_tip_thinner_than_the_nozzle_may_be_lost():
    check(replace(GOOD, top_mm=19.4))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"layers": 0}, "slicer-empty"),
        ({"claimed_filament_mm": 0.0}, "slicer-empty"),
        ({"claimed_filament_mm": None}, "slicer-empty"),
        ({"top_mm": 19.2}, "slicer-incomplete"),
        ({"top_mm": 20.8}, "slicer-incomplete"),
        ({"claimed_filament_mm": 1600.0, "claimed_filament_g": 4.77}, "slicer-incomplete"),
        ({"claimed_filament_g": None}, "slicer-filament"),  # a density of 0
        ({"claimed_filament_g": 5.0}, "slicer-filament"),  # another material's
        ({"claimed_filament_mm": 755.0}, "slicer-filament"),  # of 2.85 mm, or a metre for a yard
    ],
)
def test_what_is_missing_from_a_program_is_noticed(change, rule):
    with pytest.raises(ProgramRefused) as refused:
        check(replace(GOOD, **change))
    assert refused.value.rule == rule
