"""What a program does, move by move, as the proof reads it. Pure."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from commons.errors import ProgramRefused
from commons.machine import MachineProfile, Process
from commons.toolpath import Kind
from fab_agent.gcode.motion import XYZ, Walk
from fab_agent.gcode.parser import Command, parse_line, plain_move
from fab_agent.gcode.program import CUTTER_STOP
from fab_agent.gcode.proof import walk_of
from fab_agent.gcode.zones import arc_chords

_ARCS = ("G2", "G3")
_STEEP = 2.0  # a cutter that falls by more than this for each mm along plunges


class Move(NamedTuple):
    """One straight way (mm). Filament is INSIDE here: whether its way closes is seen later."""

    start: XYZ
    end: XYZ
    kind: Kind

    @property
    def works(self) -> bool:
        """Filament or cutter is at work on it."""
        return self.kind not in (Kind.TRAVEL, Kind.RAPID)


def moves_of(lines: Iterable[bytes], profile: MachineProfile) -> Iterator[Move]:
    """The moves of bare lines, up to the line that the proof refuses."""
    walk = walk_of(profile)
    prints = profile.process is Process.FDM
    for number, line in enumerate(lines, 1):
        walk.line = number
        start, done = walk.here, walk.worked
        try:
            commands = _obeyed(walk, line, number)
        except ProgramRefused:
            return
        if walk.here == start:
            continue
        way = [start, walk.here]
        is_arc = commands is not None and commands[-1][0] in _ARCS
        if commands is not None and is_arc:
            way = _arc(walk, start, commands[-1])
        if not walk.worked > done:
            kind = Kind.TRAVEL if prints else Kind.RAPID
        elif prints:
            kind = Kind.INSIDE
        else:
            kind = Kind.ARC if is_arc else _cut(start, walk.here)
        for before, after in pairwise(way):
            yield Move(before, after, kind)


def _obeyed(walk: Walk, line: bytes, number: int) -> list[Command] | None:
    """The commands of the line, which the walk has followed; None for a plain move.

    Where a mill stops for another cutter nothing moves but by hand.
    """
    if (words := plain_move(line)) is not None:
        walk.straight(words)
        return None
    if line == CUTTER_STOP and walk.profile.process is Process.CNC:
        return None
    commands = parse_line(line, number, packed=walk.packed)
    walk.obey(commands)
    return commands


def _cut(start: XYZ, end: XYZ) -> Kind:
    along = hypot(end[0] - start[0], end[1] - start[1])
    return Kind.PLUNGE if start[2] - end[2] > _STEEP * along else Kind.CUT


def _arc(walk: Walk, start: XYZ, command: Command) -> list[XYZ]:
    name, args = command
    arc = walk.arc_between(start, walk.here, args, clockwise=name == "G2")
    return [start, *(after for _, after in arc_chords(arc, start, walk.here))]
