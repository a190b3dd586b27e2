"""What Prusa's own firmwares may be asked for besides Marlin's commands: what a start needs.

Sources: prusa3d/Prusa-Firmware (8 bit: G28 W, G80, M862, M900) and prusa3d/Prusa-Firmware-Buddy
(32 bit: G29 of MINI and MK4, M862, M900), read in November 2026.
"""

from collections.abc import Mapping
from typing import ClassVar

from fab_agent.gcode.motion import DUST, Action
from fab_agent.gcode.parser import Args
from fab_agent.gcode.printing import PrinterWalk
from fab_agent.printers.kinds import kind_of

_MOST_ADVANCE = 2.0  # a Bowden tube of a metre needs about one
# Probe, fill in between, fill in outside, as Prusa's own programs number them.
_MESH_STEPS = (1.0, 3.2, 3.13)


class PrusaWalk(PrinterWalk):
    """A MK3S: homes without its mesh, probes it, is asked which it is, advances linearly."""

    forbidden: ClassVar = {n: why for n, why in PrinterWalk.forbidden.items() if n != "M900"}
    _advance = 0.0

    def finish(self) -> None:
        """Refuse also to leave linear advance on: the next program may know none."""
        super().finish()
        if self._advance:
            asked = f"K{self._advance:g}"
            self.refuse("advance", f"linear advance is still {asked}; add M900 K0", asked)

    def _home_without_mesh(self, args: Args) -> None:
        self._home({axis: value for axis, value in args.items() if axis != "W"})

    def _check_nozzle(self, args: Args) -> None:
        """M862.1: the printer asks a person when its nozzle is another."""
        asked, has = self.number(args, "P", "M862.1"), self._limits.nozzle_mm
        if abs(asked - has) > DUST:
            why = f"made for a nozzle of {asked:g} mm; this machine has {has:g} mm"
            self.refuse("nozzle", why, f"{asked:g} mm", f"{has:g} mm")

    def _check_model(self, args: Args) -> None:
        """M862.2: it asks a person when it is another printer."""
        asked, kind = self.number(args, "P", "M862.2"), kind_of(self.profile)
        if asked != kind.model_code:
            why = f"made for printer {asked:g}; a {kind.title} is {kind.model_code}"
            self.refuse("model", why, f"P{asked:g}", f"P{kind.model_code}")

    def _set_advance(self, args: Args) -> None:
        self._advance = self.number(args, "K", "M900")
        if not 0 <= self._advance <= _MOST_ADVANCE:
            asked, most = f"K{self._advance:g}", f"K0 … K{_MOST_ADVANCE:g}"
            self.refuse("advance", f"linear advance of {asked}; it goes from {most}", asked, most)

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        **PrinterWalk.commands,
        "G28": ("XYZW", _home_without_mesh),
        "G80": ("", PrinterWalk._probe),
        "M862.1": ("P", _check_nozzle),
        "M862.2": ("P", _check_model),
        "M900": ("K", _set_advance),
    }


class BuddyWalk(PrusaWalk):
    """A MINI or MK4: its mesh is probed in one step, or in steps that the program names."""

    def _mesh(self, args: Args) -> None:
        step = args.get("P")
        if len(args) > 1 or ("P" in args and step not in _MESH_STEPS) or args.get("A"):
            self.refuse("unknown-word", "G29 stands alone or with P1, P3.2, P3.13 or A")
        if not args or step == _MESH_STEPS[0]:
            self._probe(args)

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        **{name: it for name, it in PrusaWalk.commands.items() if name != "G80"},
        "G28": PrinterWalk.commands["G28"],
        "G29": ("PA", _mesh),
    }
