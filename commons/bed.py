"""Somebody's word, given beside a machine, that its bed is clear."""

from typing import Annotated

from pydantic import Field

from commons.quantities import Value


class BedWord(Value):
    """`by` said `age_s` ago that the bed is clear. One start uses it up.

    `id` is this word's alone: nobody counts it twice.
    """

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    by: Annotated[str, Field(min_length=1, max_length=80)]
    age_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
