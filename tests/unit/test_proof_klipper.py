"""What Klipper reads in another way than Marlin is refused for a Klipper printer.

Compared with Klipper's docs/G-Codes.md and Config_Reference.md (gcode_arcs, fan) in November 2026.
"""

import re

import pytest

from commons.machine import Driver, Macro, PrintLimits
from fab_agent.gcode.klipper import KlipperWalk
from fab_agent.gcode.proof import prove
from fab_agent.printers.kinds import kinds
from tests.profiles import printer

KLIPPER = printer(driver=Driver.MOONRAKER)
HEAD = "G28|G21|G90|M83|M190 S60|M109 S210|G1 X10 Y10 Z0.2 F600|G1 X20 E1 F1800|"
COLD = "|M104 S0|M140 S0"


def lines(text):
    return text.split("|")


def test_a_dwell_in_milliseconds_is_accepted_and_counted():
    with_it, without = (
        prove(lines(HEAD + dwell + COLD), KLIPPER) for dwell in ("G4 P500|M107", "M107")
    )
    assert with_it.duration_s - without.duration_s == pytest.approx(0.5)


@pytest.mark.parametrize("key", ["generic-klipper", "voron-2.4", "voron-trident"])
def test_every_command_around_our_prints_is_one_that_klipper_takes(key):
    kind = kinds()[key]
    around = kind.gcode.start + kind.gcode.end
    for line in (*around.strip().splitlines(), *kind.levelling):
        if line.startswith("$"):
            continue
        name, *words = re.sub(r"\{.*?\}", "1", line).split()
        letters, _ = KlipperWalk.commands[name]
        assert all(word[0] in letters for word in words), line


MACROS = (
    Macro(name="PRINT_START", at="start", bed="BED", nozzle="EXTRUDER"),
    Macro(name="PRINT_END", at="end"),
)


def test_a_labs_macros_are_called_with_its_heat_and_nothing_is_known_after_them():
    printer = KLIPPER.model_copy(update={"fdm": PrintLimits(macros=MACROS)})
    text = (
        "G28|PRINT_START BED=60 EXTRUDER=210|G90|M83|M190 S60|M109 S210|G1 X10 Y10 Z0.2 F600"
        "|G1 X20 E1|PRINT_END|M104 S0|M140 S0"
    )
    assert prove(lines(text), printer).hotend_max_c == 210


def test_a_gantry_is_levelled_before_a_print():
    text = "G28|QUAD_GANTRY_LEVEL|G28|G90|M83|M109 S210|G1 X9 Y9 Z0.2 F600|G1 X20 E1" + COLD
    assert prove(lines(text), KLIPPER).low == (9, 9, 0.2)
