"""What a layer's name asks for."""

import re
from enum import StrEnum

_NAME = re.compile(r"(outside|inside|drill|pocket|engrave)(?:[ _-]*(\d+(?:[.,]\d+)?) ?(?:mm)?)?\b")

_DOGBONE = re.compile(r"dog[ _-]?bones?\b")


class Operation(StrEnum):
    """What the cutter does with a contour; layers and groups are named after it."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    DRILL = "drill"
    POCKET = "pocket"
    ENGRAVE = "engrave"


def operation_of(layer: str) -> Operation | None:
    """The operation that a layer's name starts with, or None: then nesting decides."""
    match = _NAME.match(layer.strip().lower())
    return Operation(match[1]) if match else None


def depth_of(layer: str) -> float | None:
    """The depth in mm behind the operation (`pocket-4mm`), or None."""
    match = _NAME.match(layer.strip().lower())
    return float(match[2].replace(",", ".")) if match and match[2] else None


def has_dogbones(layer: str) -> bool:
    """Whether a layer's name asks for corners that a square joint fits into (`inside dogbone`)."""
    return operation_of(layer) is not None and bool(_DOGBONE.search(layer.lower()))


def is_grain(layer: str) -> bool:
    """Whether a layer's lines show how the grain runs; they are not cut."""
    return bool(re.match(r"grain\b", layer.strip().lower()))
