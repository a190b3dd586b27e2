"""What makes a mesh a body that can be made: one rule for the repository and for the labs.

How edges are counted is said here; the counting is done with arrays where the mesh is.
"""

from enum import StrEnum, unique

# Corners are first one when they are equal; where that leaves the surface open, when they are
# equal in micrometres: some programs write one corner with slightly different numbers.
SAME_PLACE_DECIMALS = 3
FLAT = 1e-6  # share of its box that a body fills at least


@unique
class Fault(StrEnum):
    """Why a mesh is no body."""

    OPEN = "open"
    TURNED = "turned"
    INSIDE_OUT = "inside out"
    FLAT = "flat"


def fault_of(
    *, open_edges: int, turned_edges: int, volume_mm3: float, box_mm3: float
) -> Fault | None:
    """Why these faces bound no body; None when they do.

    Each edge must be walked as often in one direction as in the other, so bodies that touch along
    an edge are sound. `open_edges` are those walked an odd number of times, `turned_edges` the
    others that do not cancel. Faces that use one corner twice count for neither.
    """
    if open_edges:
        return Fault.OPEN
    if turned_edges:
        return Fault.TURNED
    if volume_mm3 < -FLAT * box_mm3:
        return Fault.INSIDE_OUT
    if volume_mm3 <= FLAT * box_mm3:
        return Fault.FLAT
    return None
