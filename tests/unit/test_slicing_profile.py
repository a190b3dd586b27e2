"""Print profiles: our settings only, and none beyond the machine's limits."""

import pytest

from commons.errors import InvalidInput, Unavailable
from commons.machine import (
    Driver,
    Envelope,
    KeepOut,
    MachineProfile,
    MillLimits,
    PrintLimits,
    Process,
)
from commons.plates import print_area
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import print_profile, qualities

PRINTER = MachineProfile(
    name="ender-1",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=220, y_max_mm=200, z_max_mm=250),
    max_feed_mm_s=40,
    max_feed_z_mm_s=5,
    materials=("pla", "petg"),
    fdm=PrintLimits(max_extrude_mm_s=20),
)


def profile_of(machine=PRINTER, *, material="pla", quality="draft", **options):
    return print_profile(
        machine, material=material, quality=quality, options=PrintOptions(**options)
    )


@pytest.mark.parametrize("quality", qualities())
@pytest.mark.parametrize("material", ["pla", "petg"])
def test_no_speed_is_above_what_the_machine_allows(material, quality):
    settings = profile_of(material=material, quality=quality).settings
    speeds = {k: float(v) for k, v in settings.items() if k.endswith("speed") and "fan" not in k}
    pulls = {k for k in speeds if "retract" in k}
    volumetric = {"filament_max_volumetric_speed"}
    assert max(speeds[k] for k in pulls) == 20
    assert max(speeds[k] for k in speeds.keys() - pulls - volumetric) == 40
    assert settings["travel_speed_z"] == "5"


def test_the_slicer_reckons_its_time_with_the_machines_own_acceleration():
    quick = PRINTER.model_copy(update={"fdm": PrintLimits(acceleration_mm_s2=4000)})
    for key in ("x", "y", "extruding", "travel"):
        assert profile_of().settings[f"machine_max_acceleration_{key}"] == "1000"
        assert profile_of(quick).settings[f"machine_max_acceleration_{key}"] == "4000"
    assert profile_of().settings["machine_max_jerk_x"] == "8"


def test_the_bed_is_the_envelope_without_its_edges_and_the_priming_strip():
    settings = profile_of().settings
    assert settings["bed_shape"] == "2x8,218x8,218x198,2x198"
    assert settings["max_print_height"] == "249"
    assert print_area(PRINTER).room_mm(brim_mm=5) == (206, 180, 249)


def test_a_bed_whose_zero_is_its_middle_is_primed_on_the_bed():
    box = Envelope(x_min_mm=-100, x_max_mm=100, y_min_mm=-90, y_max_mm=90, z_max_mm=200)
    settings = profile_of(PRINTER.model_copy(update={"envelope": box})).settings
    assert settings["bed_shape"] == "-98x-82,98x-82,98x88,-98x88"
    assert "G1 X-95 Y-87 " in settings["start_gcode"]
    assert "G1 X-95 Y85 " in settings["end_gcode"]


def test_the_nozzle_first_rises_over_what_stands_on_the_bed():
    clip = KeepOut(name="clip", x_min_mm=0, x_max_mm=9, y_min_mm=90, y_max_mm=99, z_max_mm=12)
    box = PRINTER.envelope.model_copy(update={"keep_out": (clip,)})
    start = profile_of(PRINTER.model_copy(update={"envelope": box})).settings["start_gcode"]
    assert "G28\nG1 Z13 F" in start
    assert "G28\nG1 Z5 F" in profile_of().settings["start_gcode"]


def test_nothing_in_the_settings_runs_or_inserts_a_command():
    profile = profile_of()
    for key in ("post_process", "gcode_substitutions", "toolchange_gcode", "thumbnails"):
        assert profile.settings[key] == ""
    assert profile.optional["binary_gcode"] == "0"
    assert profile.optional["arc_fitting"] == "disabled"


def test_every_program_heats_first_and_is_cold_at_the_end():
    settings = profile_of(material="petg").settings
    start, end = (settings[key].splitlines() for key in ("start_gcode", "end_gcode"))
    assert start.index("M190 S80") < start.index("M109 S240") < start.index("G92 E0")
    assert start.index("G28") < start.index("M109 S240")
    assert end[:3] == ["M104 S0", "M140 S0", "M107"]
    assert end[-1] == "M84"


def test_without_a_heated_bed_nothing_is_said_to_it():
    limits = PrintLimits(bed_max_c=0)
    settings = profile_of(PRINTER.model_copy(update={"fdm": limits})).settings
    assert settings["bed_temperature"] == "0"
    assert "M140" not in settings["start_gcode"] + settings["end_gcode"]
    assert "M190" not in settings["start_gcode"]


def test_layers_and_lines_follow_the_nozzle():
    wide = profile_of(PRINTER.model_copy(update={"fdm": PrintLimits(nozzle_mm=0.8)}))
    assert wide.settings["nozzle_diameter"] == "0.8"
    assert wide.settings["layer_height"] == "0.56"
    assert wide.settings["extrusion_width"] == "0.96"


def test_choices_reach_the_slicer():
    settings = profile_of(infill=0.4, supports=True, brim_mm=5).settings
    assert settings["fill_density"] == "40%"
    assert settings["support_material"] == settings["support_material_auto"] == "1"
    assert settings["brim_width"] == "5"


def test_a_material_that_is_too_hot_for_the_machine_is_refused():
    cool = PRINTER.model_copy(update={"fdm": PrintLimits(hotend_max_c=230)})
    with pytest.raises(InvalidInput, match="PETG is printed at 240 °C and the hotend of ender-1"):
        profile_of(cool, material="petg")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"quality": "best"}, "no quality 'best': choose one of draft, standard, fine"),
        ({"material": "nylon"}, "no material 'nylon': choose one of pla, petg"),
    ],
)
def test_an_unknown_choice_is_answered_with_the_known_ones(wish, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        profile_of(**wish)


def test_a_router_does_not_print():
    router = MachineProfile(
        name="router-1",
        process=Process.CNC,
        driver=Driver.GRBL,
        envelope=PRINTER.envelope,
        max_feed_mm_s=40,
        max_feed_z_mm_s=10,
        materials=("plywood",),
        cnc=MillLimits(),
    )
    with pytest.raises(InvalidInput, match="router-1 does not print"):
        profile_of(router)


def test_the_same_wish_has_the_same_hash_and_another_wish_another():
    assert profile_of().sha256 == profile_of().sha256
    others = {profile_of(infill=0.2).sha256, profile_of(quality="standard").sha256}
    assert len(others | {profile_of().sha256}) == 3


def test_a_key_that_the_slicer_does_not_know_is_refused_by_name():
    profile = profile_of()
    with pytest.raises(Unavailable, match="does not know travel_speed_z: install"):
        profile.ini(frozenset(profile.settings) - {"travel_speed_z"})


def test_the_file_for_the_slicer_has_one_line_for_each_key():
    profile = profile_of()
    known = frozenset(profile.settings) | {"binary_gcode"}
    lines = profile.ini(known).splitlines()
    assert [line.split(" = ")[0] for line in lines] == sorted(known)
    assert "binary_gcode = 0" in lines
    assert any(line.startswith("start_gcode = G21\\nG90\\n") for line in lines)
