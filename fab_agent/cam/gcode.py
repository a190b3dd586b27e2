"""A toolpath as lines for GRBL 1.1: absolute, millimetres, one command a line."""

from collections.abc import Iterator
from math import floor

from fab_agent.cam.toolpath import Move, Toolpath

# A router needs this long to come to speed (makers give 1 … 3 s).
SPIN_UP_S = 3


def grbl_lines(toolpath: Toolpath, *, spindle_rpm: float, safe_mm: float) -> Iterator[bytes]:
    """The program: modes, lift, spindle on, the moves, lift, spindle off.

    Only what changes is written, without spaces, which GRBL throws away: lines stay short, and
    more of them fit its receive buffer; F is rounded down to whole mm/min, so
    that no limit is passed by rounding.
    """
    yield b"G21G90G94G17"
    yield f"G0Z{_number(safe_mm)}".encode()
    yield f"M3S{spindle_rpm:.0f}".encode()
    yield f"G4P{SPIN_UP_S}".encode()
    before, feed = (None, None, safe_mm), 0
    columns = (toolpath.xyz, toolpath.kind, toolpath.feed, toolpath.centre)
    for point, kind, feed_mm_s, about in zip(*(c.tolist() for c in columns), strict=True):
        changed = zip("XYZ", point, before, strict=True)
        words = [f"{axis}{_number(now)}" for axis, now, then in changed if now != then]
        if kind in (Move.CLOCKWISE, Move.COUNTER):
            # GRBL wants the end of an arc, and its middle as seen from the start.
            words += [f"{a}{_number(m - s)}" for a, m, s in zip("IJ", about, before, strict=False)]
        per_minute = max(1, floor(feed_mm_s * 60)) if kind else feed
        if per_minute != feed:
            words.append(f"F{per_minute}")
            feed = per_minute
        if words:
            yield "".join([f"G{kind}", *words]).encode()
        before = point
    yield f"G0Z{_number(safe_mm)}".encode()
    yield b"M5"


def _number(value: float) -> str:
    """Three decimals at most, none that say nothing."""
    return f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")
