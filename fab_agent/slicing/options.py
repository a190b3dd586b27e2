"""What the one who orders a print may choose."""

from dataclasses import dataclass

from commons.errors import FieldProblem, InvalidInput
from commons.plates import print_margin_mm
from commons.wire import Orientation

_RANGES = {"copies": (1, 50), "infill": (0.0, 1.0), "brim_mm": (0.0, 20.0), "scale": (0.05, 20.0)}


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """Choices of one order, within sane limits.

    Args:
        copies: how many of the part on one bed, 1 … 50.
        infill: share of the inside that is filled, 0 … 1.
        supports: whether overhangs get supports that are broken off afterwards.
        brim_mm: width of the flat rim that holds the part on the bed, 0 … 20 mm.
        scale: factor on all three axes, 0.05 … 20.
        orientation: which side lies on the bed.

    Raises:
        InvalidInput: naming every value out of its range.
    """

    copies: int = 1
    infill: float = 0.15
    supports: bool = False
    brim_mm: float = 0.0
    scale: float = 1.0
    orientation: Orientation = Orientation.AS_DRAWN

    @property
    def margin_mm(self) -> float:
        """What each part needs around it on the bed."""
        return print_margin_mm(brim_mm=self.brim_mm, supports=self.supports)

    def __post_init__(self) -> None:
        problems = [
            FieldProblem(name, f"is {getattr(self, name)}: choose {low:g} to {high:g}")
            for name, (low, high) in _RANGES.items()
            if not low <= getattr(self, name) <= high
        ]
        if problems:
            text = "; ".join(map(str, problems))
            raise InvalidInput(f"this cannot be printed as asked: {text}", problems)
