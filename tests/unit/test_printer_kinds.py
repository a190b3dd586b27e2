"""Kinds of printers: what ours say can be, and a lab adds its own with one file."""

import re

import pytest
from pydantic import ValidationError

from commons.errors import InvalidInput
from commons.machine import MATERIALS, Driver, Macro, PrintLimits, Process
from fab_agent.gcode.proof import prove
from fab_agent.printers import kinds as module
from fab_agent.printers.kinds import filled_in, kind_key, kind_of, kinds, recognised
from fab_agent.settings import MachineSettings
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import print_profile, qualities
from tests.printers import machine_of
from tests.profiles import printer

OURS = tuple(kinds())
OWN = """
title = "Our own"
firmware = "marlin"
drivers = ["marlin"]
nozzles_mm = [0.4]
materials = ["pla"]
[gcode]
start = "G28"
end = "M84"
"""


def settings_of(machine, material="pla", quality="standard"):
    wish = {"material": material, "quality": quality, "options": PrintOptions()}
    return print_profile(machine, **wish).settings


def test_makerspaces_printers_are_there():
    assert {"prusa-mk3s", "prusa-mk4", "prusa-mini", "creality-ender3", "voron-2.4"} <= set(OURS)
    assert {"voron-trident", "generic-marlin", "generic-klipper"} <= set(OURS)


@pytest.mark.parametrize("key", OURS)
def test_what_a_kind_suggests_is_a_machine_that_can_be(key):
    kind, machine = kinds()[key], machine_of(key)
    assert kind_of(machine) is kind
    assert set(kind.materials) <= set(machine.materials)
    assert not machine.envelope.keep_out


@pytest.mark.parametrize("key", OURS)
def test_what_a_kind_says_of_itself_is_enough_for_its_own_materials(key):
    kind = kinds()[key]
    limits = PrintLimits(**kind.machine.get("fdm", {}))
    for material in kind.materials:
        assert MATERIALS[material].lacking(limits) is None, material
        assert (MATERIALS[material].nozzle_c or 0) <= limits.hotend_max_c


@pytest.mark.parametrize("key", OURS)
def test_the_frame_of_a_kind_is_proved_for_it_in_every_material(key):
    machine = machine_of(key)
    for material in machine.materials:
        settings = settings_of(machine, material)
        end = re.sub(r"\{min\(max\(.*?\), (.*?)\)\}", r"\1", settings["end_gcode"])
        text = f"{settings['start_gcode']}\nG1 Z1 F300\nG1 X50 Y50 E1 F1200\n{end}"
        proof = prove(text.splitlines(), machine, material=MATERIALS[material])
        assert proof.hotend_max_c == MATERIALS[material].nozzle_c


@pytest.mark.parametrize("key", OURS)
def test_every_material_and_quality_of_a_kind_stays_within_its_limits(key):
    machine = machine_of(key)
    for material in machine.materials:
        for quality in qualities():
            settings = settings_of(machine, material, quality)
            speeds = [float(v) for k, v in settings.items() if k.endswith("_speed")]
            assert max(speeds) <= machine.max_feed_mm_s
            assert float(settings["retract_speed"]) <= machine.fdm.max_extrude_mm_s


def test_a_machine_that_names_no_kind_is_a_generic_one_of_its_firmware():
    assert kind_key(printer()) == kind_key(printer(driver=Driver.OCTOPRINT)) == "generic-marlin"
    assert kind_key(printer(driver=Driver.MOONRAKER)) == "generic-klipper"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "prusa-mk9"}, "no kind of printer 'prusa-mk9': known are creality-ender3"),
        ({"model": "voron-2.4"}, "a voron-2.4 is driven as moonraker, and Printer as marlin"),
    ],
)
def test_a_kind_that_is_unknown_or_driven_in_another_way_is_named(changes, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        kind_of(printer(**changes))


def test_agent_toml_names_a_kind_that_there_is():
    machine = printer(model="prusa-mk3").model_dump() | {"port": "/dev/ttyUSB0"}
    with pytest.raises(ValidationError, match="there is no kind of printer 'prusa-mk3'"):
        MachineSettings.model_validate(machine)


def test_a_kind_is_recognised_by_its_firmwares_words():
    assert recognised(["Prusa i3 MK3S"], Driver.MARLIN) == "prusa-mk3s"
    assert recognised(["Marlin", "Ender-3 Pro"], Driver.MARLIN) == "creality-ender3"
    assert recognised(["Prusa i3 MK3S"], Driver.MOONRAKER) is None
    assert recognised(["3D Printer"], Driver.MARLIN) is None


def test_lines_without_a_value_are_left_out_and_an_unknown_name_is_named():
    assert filled_in("G28\nM140 S$bed\nM84", {"bed": None}) == "G28\nM84"
    with pytest.raises(InvalidInput, match=r"'M140 S\$bett' has \$bett; known are bed"):
        filled_in("M140 S$bett", {"bed": "60"})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An account with a folder for its own kinds."""
    monkeypatch.setattr(module.Path, "home", lambda: tmp_path)
    folder = tmp_path / module.OWN
    folder.mkdir(parents=True)
    return folder


def test_a_lab_adds_its_own_kind_with_one_file(home):
    (home / "ours.toml").write_text(OWN)
    assert kind_of(printer(model="ours")).title == "Our own"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("prusa-mk4.toml", OWN, "there is a kind 'prusa-mk4' already"),
        ("ours.toml", "title =", "ours.toml is not TOML"),
        ("ours.toml", OWN.replace("marlin", "sailfish"), "ours.toml: firmware: "),
        ("ours.toml", OWN.replace('"pla"', '"cheese"'), "'cheese' is no known material"),
        ("ours.toml", OWN + 'ende = "G28"', "ours.toml: gcode.ende: "),
    ],
)
def test_a_labs_own_kind_that_cannot_be_used_is_named(home, name, text, sentence):
    (home / name).write_text(text)
    with pytest.raises(InvalidInput, match=sentence):
        kinds()


def test_a_labs_macros_begin_and_end_its_prints_and_level_its_gantry():
    macros = (
        Macro(name="PRINT_START", at="start", bed="BED", nozzle="EXTRUDER"),
        Macro(name="PRINT_END", at="end"),
    )
    plain = machine_of("voron-2.4")
    limits = plain.fdm.model_copy(update={"macros": macros})
    own = settings_of(plain.model_copy(update={"fdm": limits}), "abs")
    assert "\nPRINT_START BED=100 EXTRUDER=250\n" in own["start_gcode"]
    assert "\nPRINT_END\nM104 S0\n" in own["end_gcode"]
    assert "QUAD_GANTRY_LEVEL" not in own["start_gcode"]
    assert "\nQUAD_GANTRY_LEVEL\nG28\n" in settings_of(plain)["start_gcode"]


def test_linear_advance_follows_material_and_nozzle_and_is_off_where_nobody_measured_it():
    assert "M900 K0.08\n" in settings_of(machine_of("prusa-mk3s"), "petg")["start_gcode"]
    assert "M900 K0\n" in settings_of(machine_of("prusa-mk3s"), "tpu")["start_gcode"]
    assert "M900" not in settings_of(machine_of("prusa-mk4"))["start_gcode"]


@pytest.mark.parametrize(
    ("material", "limits", "sentence"),
    [
        ("abs", {}, "'abs' needs an enclosed printer: set enclosed = true .*or leave it out"),
        ("asa", {"enclosed": True, "bed_max_c": 60}, "'asa' needs a bed of at least 80 °C"),
        ("petg-cf", {}, "'petg-cf' needs a hardened nozzle"),
        ("tpu", {"nozzle_mm": 0.25}, "needs a nozzle of at least 0.4 mm, or it clogs"),
    ],
)
def test_a_machine_cannot_take_what_it_is_not_built_for(material, limits, sentence):
    with pytest.raises(ValidationError, match=sentence):
        printer(materials=("pla", material), fdm=PrintLimits(**limits))


def test_macros_are_klippers_and_none_of_its_own_commands():
    with pytest.raises(ValidationError, match="macros are Klipper's"):
        printer(fdm=PrintLimits(macros=(Macro(name="PRINT_START", at="start"),)))
    with pytest.raises(ValidationError, match="'SAVE_CONFIG' is Klipper's own command"):
        Macro(name="SAVE_CONFIG", at="end")


def test_all_filaments_have_a_table_of_their_own():
    machine = machine_of("generic-marlin")
    filaments = {m.key for m in MATERIALS.values() if m.process is Process.FDM}
    assert {key for key in filaments if settings_of(machine, key)} == filaments
