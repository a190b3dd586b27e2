"""A start that a person at the machine gave while its agent heard no server."""

from typing import Annotated

from pydantic import Field

from commons.bed import BedWord
from commons.quantities import Value

# Attempts that begin so bear names of their own: the server gives none like them.
LOCAL = "local-"
_Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class LocalStart(Value):
    """One copy of a part of a release, which `by` ordered at the panel, of what the agent had kept.

    `person_id` is who that is to the server; `lot_id` the lot on the machine as the server told it
    last, None where it told of none. `clear` is the word about the bed that the start used up.
    """

    release_id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    part: Annotated[str, Field(max_length=200)]
    material: Annotated[str, Field(min_length=1, max_length=40)]
    lot_id: _Id | None = None
    by: Annotated[str, Field(min_length=1, max_length=80)]
    person_id: _Id
    clear: BedWord


def is_local(attempt_id: str) -> bool:
    """Whether the attempt began without a server."""
    return attempt_id.startswith(LOCAL)
