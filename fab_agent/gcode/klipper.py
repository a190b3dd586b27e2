"""What Klipper may be asked for: what Marlin may, without what Klipper reads in another way.

Klipper answers a command that it does not know with a message and goes on with the next line, so
that a move which it does not know is left out of the part. Source: Klipper's docs/G-Codes.md,
"G-Code commands" and the modules named there, read in November 2026.
"""

from collections.abc import Mapping
from typing import ClassVar

from commons.machine import Macro
from fab_agent.gcode.motion import Action
from fab_agent.gcode.parser import Args
from fab_agent.gcode.printing import PrinterWalk

_ARCS = ("unknown-command", "is no command of Klipper's unless its configuration has [gcode_arcs]")


class KlipperWalk(PrinterWalk):
    """A Klipper printer: arcs are refused, a dwell is told in P, and there is one fan.

    Its lab's macros may be called where the profile names them; they prove nothing.
    """

    forbidden: ClassVar = {**PrinterWalk.forbidden, "G2": _ARCS, "G3": _ARCS, "G17": _ARCS}

    def _do(self, name: str, args: Args) -> None:
        for macro in self._limits.macros:
            if macro.name == name:
                return self._call(macro, args)
        return super()._do(name, args)

    def _call(self, macro: Macro, args: Args) -> None:
        """What a macro does cannot be seen: only its heat is judged, and then all is forgotten."""
        if macro.at == "start" and self.extruded_mm:
            self.refuse("macro", f"{macro.name} begins a print, and this one has begun")
        if strange := [name for name in args if name not in (macro.bed, macro.nozzle)]:
            self.refuse("unknown-word", f"{macro.name} may not have {' '.join(strange)}")
        for key, heat in ((macro.bed, self._set_bed), (macro.nozzle, self._set_hotend)):
            if key is not None and key in args:
                heat({"S": args[key]})
        self._go_unseen(macro.name)
        self._forget()

    def _wait_ms(self, args: Args) -> None:
        self.dwell(self.number(args, "P", "G4") / 1000)

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        **PrinterWalk.commands,
        "G4": ("P", _wait_ms),
        "QUAD_GANTRY_LEVEL": ("", PrinterWalk._probe),
        "Z_TILT_ADJUST": ("", PrinterWalk._probe),
        "M106": ("S", PrinterWalk._fan),
        "M107": ("", PrinterWalk.commands["M107"][1]),
    }
