"""What a controller does with moves: a planner of a few blocks, emptied by time alone."""

import math
import re
from collections import deque

_WORD = re.compile(r"([GXYZEFP])(-?\d*\.?\d+)")
# What both firmwares assume until a program says otherwise; Marlin: DEFAULT_FEEDRATE_MM_M.
_FIRST_FEED_MM_MIN = 1500.0
_RAPID_MM_MIN = 6000.0
_HOMING_S = 8.0


class Planner:
    """Moves that are waiting or under way. Straight lines at constant feed: arcs count as chords.

    `blocks` is how many moves it holds, `dwell_unit_s` what the P of a G4 counts in. With
    `timed=False` every move ends at once.
    """

    def __init__(self, blocks: int, *, timed: bool, dwell_unit_s: float = 0.001) -> None:
        self.position = dict.fromkeys("XYZE", 0.0)  # where the last planned move ends, mm
        self._blocks, self._timed, self._dwell_unit_s = blocks, timed, dwell_unit_s
        self._left_s: deque[float] = deque()
        self._relative = False
        self._code = "0"
        self._feed_mm_min = _FIRST_FEED_MM_MIN

    @property
    def full(self) -> bool:
        """No further move can be taken now."""
        return len(self._left_s) >= self._blocks

    @property
    def empty(self) -> bool:
        """The machine stands still."""
        return not self._left_s

    def add(self, line: str) -> None:
        """Plan one motion or mode command; any other line changes nothing."""
        if not self._timed:
            return
        words = [(letter, float(number)) for letter, number in _WORD.findall(line)]
        for code in (number for letter, number in words if letter == "G"):
            self._code = f"{code:g}"
            if self._code in ("90", "91"):
                self._relative = self._code == "91"
        values = dict(words)
        self._feed_mm_min = values.get("F", self._feed_mm_min)
        if self._code == "28":
            self.position.update(X=0.0, Y=0.0, Z=0.0)
            self._left_s.append(_HOMING_S)
        elif self._code == "4":
            self._left_s.append(values.get("P", 0.0) * self._dwell_unit_s)
        elif self._code == "92":
            self.position.update({k: v for k, v in values.items() if k in self.position})
        elif self._code in ("0", "1", "2", "3"):
            self._move(values)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        while self._left_s and seconds > 0:
            used = min(seconds, self._left_s[0])
            seconds -= used
            self._left_s[0] -= used
            if self._left_s[0] <= 0:
                self._left_s.popleft()

    def clear(self) -> None:
        """Stop: what was planned does not happen."""
        self._left_s.clear()

    def _move(self, values: dict[str, float]) -> None:
        target = {
            axis: self.position[axis] * self._relative + values[axis]
            for axis in self.position
            if axis in values
        }
        if not target:
            return
        steps = {axis: target[axis] - self.position[axis] for axis in target}
        path_mm = math.hypot(*(steps.get(axis, 0.0) for axis in "XYZ")) or abs(steps.get("E", 0.0))
        feed = _RAPID_MM_MIN if self._code == "0" and "E" not in values else self._feed_mm_min
        self._left_s.append(60 * path_mm / feed)
        self.position.update(target)
