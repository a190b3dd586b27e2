"""What Klipper may be asked for: what Marlin may, without what Klipper reads in another way.

Klipper answers a command that it does not know with a message and goes on with the next line, so
that a move which it does not know is left out of the part. Source: Klipper's docs/G-Codes.md,
"G-Code commands" and the modules named there, read in November 2026.
"""

from collections.abc import Mapping
from typing import ClassVar

from fab_agent.gcode.motion import Action
from fab_agent.gcode.parser import Args
from fab_agent.gcode.printing import PrinterWalk

_ARCS = ("unknown-command", "is no command of Klipper's unless its configuration has [gcode_arcs]")


class KlipperWalk(PrinterWalk):
    """A Klipper printer: arcs are refused, a dwell is told in P, and there is one fan."""

    forbidden: ClassVar = {**PrinterWalk.forbidden, "G2": _ARCS, "G3": _ARCS, "G17": _ARCS}

    def _wait_ms(self, args: Args) -> None:
        self.dwell(self.number(args, "P", "G4") / 1000)

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        **PrinterWalk.commands,
        "G4": ("P", _wait_ms),
        "M106": ("S", PrinterWalk._fan),
        "M107": ("", PrinterWalk.commands["M107"][1]),
    }
