"""The sheet that is milled. Loads nothing: the agent's long-lived process knows it, too."""

from dataclasses import dataclass
from typing import Literal

from commons.machine import MATERIALS

DECIMALS = 3
# Below the sheet, into the board under it: plywood varies by 0.2 mm and must be cut through.
OVERCUT_MM = 0.3


@dataclass(frozen=True, slots=True)
class Stock:
    """The sheet: its lower left corner is work zero, its top is Z0. mm; a key of MATERIALS.

    An offcut that is no rectangle has an `outline`, the corners of a polygon within `size_mm`.
    `grain` is the way that the sheet's outer grain runs, None when nobody has said.
    """

    thickness_mm: float
    size_mm: tuple[float, float]
    material: str = "plywood"
    outline: tuple[tuple[float, float], ...] = ()
    grain: Literal["x", "y"] | None = None

    @property
    def density_g_cm3(self) -> float:
        """Mass by volume."""
        return MATERIALS[self.material].density_g_cm3


def through_mm(stock: Stock) -> float:
    """How deep the cutter goes to cut through, on the grid of the program."""
    return round(stock.thickness_mm + OVERCUT_MM, DECIMALS)
