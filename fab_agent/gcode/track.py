"""Where head or cutter is at a line of a program, about. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Annotated

from pydantic import Field

from commons.quantities import Value
from fab_agent.gcode.moves import Move

# So many places at most, evenly over the lines that move: a picture is no finer.
MOST_PLACES = 4000


class Track(Value):
    """Places along a program: after line `lines[n]` it stands at `xy_mm[n]`. Lines only grow."""

    lines: Annotated[tuple[int, ...], Field(max_length=MOST_PLACES)] = ()
    xy_mm: Annotated[tuple[tuple[float, float], ...], Field(max_length=MOST_PLACES)] = ()

    def at(self, line: int) -> tuple[float, float] | None:
        """Where it stood last, as far as is kept, when this line was done; None before it moved."""
        n = bisect_right(self.lines, line) - 1
        return self.xy_mm[n] if 0 <= n < len(self.xy_mm) else None


class Counted:
    """Lines as they are taken; `number` is that of the last one, from 1."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line


class Tracker:
    """Notes places while a program's moves pass by, every one at first and then fewer."""

    def __init__(self, lines: Counted) -> None:
        self._counted = lines
        self._places: list[tuple[int, float, float]] = []
        self._every = self._skipped = 1

    def noting(self, moves: Iterable[Move]) -> Iterator[Move]:
        """The same moves, which must be read from the counted lines one by one."""
        for move in moves:
            x, y, _ = move.end
            if not (isfinite(x) and isfinite(y)):
                pass  # it has been homed, and nobody has said yet where to
            elif self._skipped < self._every:
                self._skipped += 1
            else:
                self._skipped = 1
                self._places.append((self._counted.number, x, y))
                if len(self._places) == MOST_PLACES:
                    self._places, self._every = self._places[::2], self._every * 2
            yield move

    @property
    def track(self) -> Track:
        """What was noted, the last place of a line each."""
        last = {line: (round(x, 2), round(y, 2)) for line, x, y in self._places}
        return Track(lines=tuple(last), xy_mm=tuple(last.values()))
