"""The facts of a mesh, and of one made of a solid: checked, for a parser is fed by strangers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from commons.wire import Sha256

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


class DerivedMesh(BaseModel):
    """A 3MF that our reader made of a solid: nowhere farther from it than `chord_mm`, and where it
    is round, no face turned from the next by more than `turn_deg`."""

    sha256: Sha256
    size: Annotated[int, Field(gt=0)]
    chord_mm: Positive
    turn_deg: Positive


class Conversion(BaseModel):
    """That a machine was fed with a derived mesh, by its hash, and of which file that was made."""

    of: Sha256
    mesh: Sha256
    chord_mm: Positive
    turn_deg: Positive


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


def derived_mesh(facts: Mapping[str, object] | None) -> DerivedMesh | None:
    """The mesh that was made of a solid; None of what is none, or was not read yet."""
    try:
        return DerivedMesh.model_validate((facts or {}).get("mesh"))
    except ValidationError:
        return None
