"""How a milling program is read in tests: with no help from the product."""

import re
from collections.abc import Iterable, Iterator
from math import atan2, ceil, cos, hypot, pi, sin

XYZ = tuple[float, float, float]
_CHORD_MM = 0.002


def moves(lines: Iterable[bytes]) -> list[tuple[bool, XYZ, XYZ]]:
    """(rapid, start, end) of each motion; an arc comes as short chords with ends on the arc."""
    here: dict[str, float] = {"X": 0.0, "Y": 0.0, "Z": 99.0}
    found = []
    for line in lines:
        head, *words = re.findall(r"[A-Z][-.0-9]+", line.decode())
        if head not in ("G0", "G1", "G2", "G3"):
            continue
        start = (here["X"], here["Y"], here["Z"])
        values = {word[0]: float(word[1:]) for word in words}
        here |= {axis: values[axis] for axis in here if axis in values}
        end = (here["X"], here["Y"], here["Z"])
        stops = [end]
        if head in ("G2", "G3"):
            stops = list(_stops(start, end, (values["I"], values["J"]), clockwise=head == "G2"))
        for stop in stops:
            found.append((head == "G0", start, stop))
            start = stop
    return found


def _stops(start: XYZ, end: XYZ, offset: tuple[float, float], *, clockwise: bool) -> Iterator[XYZ]:
    x, y = start[0] + offset[0], start[1] + offset[1]
    radius, first = hypot(*offset), atan2(-offset[1], -offset[0])
    last = atan2(end[1] - y, end[0] - x)
    sweep = -((first - last) % (2 * pi)) if clockwise else (last - first) % (2 * pi)
    count = ceil(abs(sweep) / (8 * _CHORD_MM / radius) ** 0.5)
    for i in range(1, count):
        angle = first + sweep * i / count
        z = start[2] + (end[2] - start[2]) * i / count
        yield x + radius * cos(angle), y + radius * sin(angle), z
    yield end
