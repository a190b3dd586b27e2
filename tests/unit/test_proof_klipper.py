"""What Klipper reads in another way than Marlin is refused for a Klipper printer.

Compared with Klipper's docs/G-Codes.md and Config_Reference.md (gcode_arcs, fan) in November 2026.
"""

import re
import tomllib
from importlib import resources

import pytest

from commons.machine import Driver
from fab_agent.gcode.klipper import KlipperWalk
from fab_agent.gcode.proof import prove
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


def test_every_command_around_our_prints_is_one_that_klipper_takes():
    text = (resources.files("fab_agent.slicing") / "profiles/marlin.toml").read_text()
    around = tomllib.loads(text)["gcode"]
    for line in (around["start"] + around["end"]).strip().splitlines():
        name, *words = re.sub(r"\{.*?\}", "1", line).split()
        letters, _ = KlipperWalk.commands[name]
        assert all(word[0] in letters for word in words), line
