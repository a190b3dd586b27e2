"""How a printer stands in the middle of a program: modes, feed, filament, heat."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_COMMAND = re.compile(rb"([GM])0*(\d+)(?!\d)(?:\.0)? ?(.*)")
_NUMBER = rb"(-?[\d.]+)"
_F, _E, _S = (re.compile(rb"%c%b" % (letter, _NUMBER)) for letter in b"FES")
_ALL_AXES = (b"", b"W", b"X Y Z", b"XYZ")  # W: a Prusa homes without its mesh


@dataclass(slots=True)
class Modes:
    """What the lines so far have set; None where they did not say.

    `feed_mm_min` and `e_mm` are the program's own digits, so that they come back exactly. `e_mm`
    is known only while E counts absolutely. `homed`: all axes know where they are.
    """

    relative: bool | None = None
    e_relative: bool | None = None
    feed_mm_min: bytes | None = None
    e_mm: bytes | None = None
    nozzle_c: float = 0.0
    homed: bool = False

    def copy(self) -> "Modes":
        """As it is now."""
        return replace(self)

    def follow(self, lines: Iterable[bytes]) -> None:
        """Take note of `lines`, in order."""
        for line in lines:
            if line[:3] == b"G1 " or line[:3] == b"G0 ":
                self._move(line)
            elif match := _COMMAND.match(line):
                self._command(match[1] + match[2], match[3])

    def _move(self, words: bytes) -> None:
        if b"F" in words and (match := _F.search(words)):
            self.feed_mm_min = match[1]
        if self.e_relative is False and (match := _E.search(words)):
            self.e_mm = match[1]

    def _command(self, name: bytes, words: bytes) -> None:
        if name in (b"G0", b"G1", b"G2", b"G3"):
            self._move(words)
        elif name in (b"G90", b"G91"):
            # Marlin 2 sets E's mode too, older builds do not: the program says it again.
            self.relative, self.e_relative, self.e_mm = name == b"G91", None, None
        elif name in (b"M82", b"M83"):
            self.e_relative, self.e_mm = name == b"M83", None
        elif name == b"G92" and (match := _E.search(words)):
            self.e_mm = match[1] if self.e_relative is False else None
        elif name in (b"M104", b"M109") and (match := _S.search(words)):
            self.nozzle_c = float(match[1])
        elif name == b"G28":
            self.homed = self.homed or words.strip() in _ALL_AXES
        elif name in (b"M18", b"M84"):
            self.homed = False
