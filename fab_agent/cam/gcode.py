"""A toolpath as lines for GRBL 1.1: absolute, millimetres, one command a line."""

from collections.abc import Iterator, Sequence
from math import floor

from fab_agent.cam.toolpath import Move, Toolpath
from fab_agent.gcode.program import CUTTER_STOP

# A router needs this long to come to speed (makers give 1 … 3 s).
SPIN_UP_S = 3


def grbl_lines(toolpath: Toolpath, *, spindle_rpm: float, safe_mm: float) -> Iterator[bytes]:
    """The program of one cutter: modes, lift, spindle on, the moves, lift, spindle off.

    Only what changes is written, without spaces, which GRBL throws away: lines stay short, and
    more of them fit its receive buffer; F is rounded down to whole mm/min, so
    that no limit is passed by rounding.
    """
    return program_lines([(toolpath, spindle_rpm)], safe_mm=safe_mm, front_mm=(0.0, 0.0))


def program_lines(
    parts: Sequence[tuple[Toolpath, float]], *, safe_mm: float, front_mm: tuple[float, float]
) -> Iterator[bytes]:
    """The program of several cutters, each with its toolpath and spindle speed (rpm).

    Between two it stands lifted and still at `front_mm` until a person has changed the cutter and
    set its Z zero; what comes then lifts it first.
    """
    lift = f"G0Z{_number(safe_mm)}".encode()
    yield b"G21G90G94G17"
    for number, (toolpath, spindle_rpm) in enumerate(parts):
        if number:
            x, y = (_number(value) for value in front_mm)
            yield from (b"M5", lift, f"G0X{x}Y{y}".encode(), CUTTER_STOP)
        yield lift
        yield f"M3S{spindle_rpm:.0f}".encode()
        yield f"G4P{SPIN_UP_S}".encode()
        yield from _moves(toolpath, safe_mm)
    yield lift
    yield b"M5"


def _moves(toolpath: Toolpath, safe_mm: float) -> Iterator[bytes]:
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


def _number(value: float) -> str:
    """Three decimals at most, none that say nothing."""
    return f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")
