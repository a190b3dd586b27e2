"""What is asked of a new machine: the firmware goes first, and a guess is named as one."""

from pathlib import Path

import pytest

from commons.errors import InvalidInput
from commons.machine import Driver, Process
from fab_agent.firmware_facts import Firmware
from fab_agent.new_machine import (
    GIVEN,
    GUESS,
    USUAL,
    as_its_kind,
    attended,
    free_name,
    questions,
    read_answer,
    shown,
    suggestions,
    table,
    unknowable,
)
from fab_agent.settings import parse_settings
from fab_agent.settings_text import Entry, Setting, head_text, machine_text

TOLD: dict[str, float | bool | str] = {
    "envelope.x_max_mm": 235.0,
    "envelope.y_max_mm": 220.0,
    "envelope.z_max_mm": 250.0,
    "max_feed_mm_s": 400.0,
    "max_feed_z_mm_s": 5.0,
}
MARLIN = Firmware(Driver.MARLIN, "Marlin 2.1.2", True, facts=TOLD)
GRBL = Firmware(Driver.GRBL, "GRBL 1.1h")
PRINTS, MILLS = Process.FDM, Process.CNC


def test_what_the_firmware_says_goes_before_a_guess_and_both_are_named() -> None:
    found = suggestions(MARLIN, taken=())
    assert found["envelope.x_max_mm"] == Entry("envelope.x_max_mm", 235.0, "from the firmware")
    assert found["fdm.nozzle_mm"] == Entry("fdm.nozzle_mm", 0.4, GUESS)
    assert "rated_power_w" not in found


def test_what_the_firmware_says_and_cannot_be_is_no_suggestion() -> None:
    wild = Firmware(Driver.MARLIN, "Marlin", facts={"envelope.x_max_mm": 1e9})
    assert suggestions(wild, taken=())["envelope.x_max_mm"].origin == GUESS


MK3S = Firmware(
    Driver.MARLIN,
    "Prusa-Firmware 3.13.0 based on Marlin",
    facts={"name": "Prusa i3 MK3S", "envelope.x_max_mm": 255.0},
)


def test_a_printer_that_says_which_it_is_is_suggested_as_its_kind() -> None:
    found = suggestions(MK3S, taken=())
    assert found["model"] == Entry("model", "prusa-mk3s", "from the firmware")
    assert found["envelope.x_max_mm"].value == 255
    assert found["envelope.y_min_mm"] == Entry("envelope.y_min_mm", -4.0, USUAL)
    assert found["fdm.hotend_max_c"] == Entry("fdm.hotend_max_c", 300.0, USUAL)
    assert found["materials"].value == ("pla", "petg", "tpu")


def test_a_printer_that_does_not_is_a_generic_one_until_a_person_names_its_kind() -> None:
    found = suggestions(MARLIN, taken=())
    assert found["model"] == Entry("model", "generic-marlin", GUESS)
    named = as_its_kind(found | {"model": Entry("model", "creality-ender3", GIVEN)})
    assert named["envelope.x_max_mm"].value == 235  # its firmware says so
    assert named["fdm.hotend_max_c"] == Entry("fdm.hotend_max_c", 250.0, USUAL)
    again = as_its_kind(named | {"model": Entry("model", "generic-marlin", GIVEN)})
    assert again["fdm.hotend_max_c"] == Entry("fdm.hotend_max_c", 250.0, GUESS)
    assert "fdm.max_extrude_mm_s" in named
    assert "fdm.max_extrude_mm_s" not in again


def test_what_is_usual_for_a_kind_is_known_only_when_a_person_names_the_kind() -> None:
    found = suggestions(MK3S, taken=())
    assert "fdm.hotend_max_c" in unknowable(found, PRINTS)
    named = as_its_kind(found | {"model": Entry("model", "prusa-mk3s", GIVEN)})
    assert unknowable(named, PRINTS) == []


def test_an_unknown_kind_is_answered_with_its_neighbour() -> None:
    with pytest.raises(InvalidInput, match="no kind of printer 'prusa-mk3'; did you mean prusa-mk"):
        read_answer("model", "prusa-mk3", process=PRINTS)


def test_only_a_person_knows_what_could_break_the_machine() -> None:
    assert unknowable(suggestions(MARLIN, taken=()), PRINTS) == [
        "fdm.hotend_max_c",
        "fdm.bed_max_c",
    ]
    assert unknowable(suggestions(GRBL, taken=()), MILLS) == [
        "envelope.x_max_mm", "envelope.y_max_mm", "envelope.z_min_mm", "envelope.z_max_mm",
        "cnc.spindle_max_rpm", "max_feed_mm_s", "max_feed_z_mm_s",
    ]  # fmt: skip


def test_a_guess_never_passes_the_limit_that_the_firmware_tells() -> None:
    slow = Firmware(Driver.GRBL, "GRBL 1.1h",
                    facts={"cnc.spindle_max_rpm": 255.0, "max_feed_z_mm_s": 2.0})  # fmt: skip
    found = suggestions(slow, taken=())
    assert found["cnc.spindle_min_rpm"].value == 255
    assert found["cnc.max_plunge_mm_s"].value == 2


@pytest.mark.parametrize(
    ("wish", "process", "taken", "name"),
    [
        ("Ender-3 V2", PRINTS, [], "Ender-3 V2"),
        ("Ender-3 V2", PRINTS, ["Ender-3 V2"], "Ender-3 V2-1"),
        ("3D Printer", PRINTS, [], "printer-1"),
        ("", MILLS, ["router-1", "router-2"], "router-3"),
    ],
)
def test_a_name_is_the_firmwares_own_or_a_number_and_nobody_elses(
    wish: str, process: Process, taken: list[str], name: str
) -> None:
    assert free_name(wish, process, taken=taken) == name


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("fdm.nozzle_mm", " 0,6 ", 0.6),
        ("materials", "pla, petg", ("pla", "petg")),
        ("materials", "pla petg", ("pla", "petg")),
        ("name", "Ender", "Ender"),
        ("rated_power_w", "350", 350.0),
    ],
)
def test_answers_are_read_as_people_type_them(key: str, text: str, value: Setting) -> None:
    assert read_answer(key, text, process=PRINTS) == value


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("fdm.nozzle_mm", "0.4 mm", "fdm.nozzle_mm: '0.4 mm' is no number"),
        ("fdm.nozzle_mm", "nan", "fdm.nozzle_mm: nan mm cannot be: write 0.05 to 5 mm"),
        ("fdm.hotend_max_c", "2600", "fdm.hotend_max_c: 2600 °C cannot be: write 20 to 600 °C"),
        ("materials", "wood", "'wood' is no material for it; known are pla, petg"),
        ("cnc.cutter_mm", "3", "a machine has no 'cnc.cutter_mm' to be asked for"),
    ],
)
def test_an_answer_that_cannot_be_is_one_sentence(key: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_answer(key, text, process=PRINTS)
    assert str(caught.value).startswith(sentence)


def test_yes_and_no_are_understood() -> None:
    assert read_answer("cnc.homing", "no", process=MILLS) is False
    assert read_answer("cnc.homing", "Yes", process=MILLS) is True
    with pytest.raises(InvalidInput, match="write yes or no"):
        read_answer("cnc.homing", "maybe", process=MILLS)


@pytest.mark.parametrize("firmware", [MARLIN, GRBL])
def test_what_is_suggested_can_be_typed_again(firmware: Firmware) -> None:
    process = MILLS if firmware is GRBL else PRINTS
    for key, entry in suggestions(firmware, taken=()).items():
        assert read_answer(key, shown(entry.value), process=process) == entry.value


@pytest.mark.parametrize(
    ("firmware", "words"),
    [
        (GRBL, "never left alone"),
        (Firmware(Driver.MARLIN, "M", None), "does not say"),
        (Firmware(Driver.MARLIN, "M", False), "does not guard"),
        (MARLIN, "guards against thermal runaway"),
    ],
)
def test_why_a_person_stays_stands_in_the_settings(firmware: Firmware, words: str) -> None:
    assert words in attended(firmware)


@pytest.mark.parametrize("firmware", [MARLIN, GRBL])
@pytest.mark.parametrize("name", ['Ender "Big"', "Fräse \\ unten", "#1 = [x]"])
def test_every_name_and_suggestion_makes_settings_that_can_be_read(
    firmware: Firmware, name: str
) -> None:
    answers = suggestions(firmware, taken=()) | {"name": Entry("name", name)}
    where = [Entry("port", "/dev/serial/by-id/x"), Entry("baud", 250000)]
    entries = table(firmware, where, answers, attended_only=True)
    text = machine_text(entries, title="Added", notes={"attended_only": attended(firmware)})
    (machine,) = parse_settings(
        head_text(url="https://x.example", name='The "bench"') + text, folder=Path("/lab")
    ).machines
    assert (machine.name, machine.driver, machine.baud) == (name, firmware.driver, 250000)
    for question in questions(machine.process):
        assert question.key in answers or question.guess is None
