"""Cells of tables that people bring as CSV."""

import math

from commons.errors import InvalidInput


def number_from_0(text: str, row: int, *, or_else: str = "") -> float:
    """The number in a cell; InvalidInput names the row of one that is none, or below 0.

    `or_else` is what else may stand there, for the sentence.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise InvalidInput(f"row {row}: '{text[:20]}' is not a number from 0{or_else}")
    return value
