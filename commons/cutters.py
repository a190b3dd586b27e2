"""Cutters as a lab has them, and as people call them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from commons.quantities import Diameter, Value

CutterShape = Literal["flat", "ball"]
Edges = Annotated[int, Field(ge=1, le=6)]


class MillCutter(Value):
    """A cutter that a lab has for a router, beside the one in its collet.

    Without `edges` it has as many as that one. A ball carves surfaces; whatever is cut out of a
    sheet needs a flat one.
    """

    diameter_mm: Diameter
    edges: Edges | None = None
    shape: CutterShape = "flat"

    @property
    def name(self) -> str:
        """As people call it."""
        return cutter_name(self.diameter_mm, self.shape)


def cutter_name(diameter_mm: float, shape: CutterShape = "flat") -> str:
    """A cutter as people call it: most are flat."""
    return f"{diameter_mm:g} mm ball" if shape == "ball" else f"{diameter_mm:g} mm"


def cutter_names(
    cutters_mm: Sequence[float], shapes: Sequence[CutterShape] = ()
) -> tuple[str, ...]:
    """Cutters by diameter and shape, all flat without the latter, as people call them."""
    if not shapes:
        return tuple(cutter_name(mm) for mm in cutters_mm)
    return tuple(cutter_name(mm, shape) for mm, shape in zip(cutters_mm, shapes, strict=True))
