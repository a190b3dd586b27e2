"""Things placed within things within things, counted before any of them is built.

Blocks of a DXF, symbols of an SVG, assemblies of a STEP file: ten levels of ten are ten thousand
million in a few kilobytes.
"""

from collections.abc import Mapping

from commons.errors import InvalidInput


def count(
    top: str, own: Mapping[str, int], uses: Mapping[str, Mapping[str, int]], *, most: int
) -> int:
    """How many things `top` becomes: its `own`, and those of what it uses as often as it does.

    Above `most` the answer is only that it is more. Raises InvalidInput when something is placed
    within itself.
    """
    known: dict[str, int] = {}
    waiting, opened = [top], set[str]()
    while waiting:
        at = waiting[-1]
        unknown = [name for name in uses.get(at, {}) if name not in known]
        if at in known or not unknown:
            waiting.pop()
            below = sum(known[name] * max(0, times) for name, times in uses.get(at, {}).items())
            known.setdefault(at, min(own.get(at, 0) + below, most + 1))
        elif at in opened:
            raise InvalidInput("something in this file is placed within itself")
        else:
            opened.add(at)
            waiting += unknown
    return known[top]
