"""The facts of a mesh, as its page reads them: checked, for a parser is fed by strangers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Place = tuple[float, float, float]


class Thickness(BaseModel):
    """Walls or gaps: see `parsing.printability`."""

    least_mm: Positive | None
    share: Share
    places: tuple[Place, ...]


class Printability(BaseModel):
    """See `parsing.printability`."""

    hanging_share: Share
    hanging: tuple[Place, ...]
    walls: Thickness
    gaps: Thickness


class MeshFacts(BaseModel):
    """`unit_guess` is None when the file's size makes no sense in any unit; volume and
    printability are None of a mesh that is no closed body; printability of more than two million
    triangles, too."""

    box_mm: tuple[float, float, float]
    area_mm2: Positive
    volume_mm3: Positive | None = None
    unit_guess: str | None = "mm"
    printability: Printability | None = None


def mesh_facts(facts: Mapping[str, object] | None) -> MeshFacts | None:
    """What was measured of a mesh; None of what is none, or was not read yet."""
    try:
        return MeshFacts.model_validate(facts)
    except ValidationError:
        return None
