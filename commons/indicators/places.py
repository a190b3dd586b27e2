"""Whether a place is inside a boundary: that of a city, or of a coalition of cities.

A flow between two members is local to their coalition and to neither city. Doubt is never local.
"""

from commons.flows import Ring
from commons.indicators.sums import HERE, NOT_HERE, WHO_KNOWS, Local

_OWN = frozenset({Ring.LAB, Ring.CITY})
_OUTSIDE = frozenset({Ring.REGION, Ring.BEYOND})


def placed(ring: Ring | None, city: str | None, members: frozenset[str]) -> Local:
    """Whether what a lab of the `members` has from, or gives to, that place is local to them.

    `city` is a member's id where one was named, `ring` how far that is from the lab. The ring
    `coalition` without a city's name is outside of a single city, and unknown to a coalition,
    which may be another one than was meant.
    """
    if city is not None:
        return HERE if city in members else NOT_HERE
    if ring in _OWN:
        return HERE
    if ring in _OUTSIDE or (ring is Ring.COALITION and len(members) == 1):
        return NOT_HERE
    return WHO_KNOWS
