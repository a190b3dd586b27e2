"""What is different in a repaired copy, as pages and the API read it: checked, for its maker was
fed by strangers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from commons.wire import Told

Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Place = tuple[float, float, float]


class Reach(Told):
    """How far the farthest place of one surface is from another: `least_mm` was measured at a
    sample, and no place is farther away than `most_mm`."""

    least_mm: Length
    most_mm: Length


class Measures(Told):
    """Of a mesh; `volume_mm3` is None of one that bounds no body."""

    faces: Count
    open_edges: Count
    turned_edges: Count
    bodies: Count
    volume_mm3: float | None
    area_mm2: Length
    box_mm: Place

    @property
    def wrong_edges(self) -> int:
        """Those where the surface does not go on."""
        return self.open_edges + self.turned_edges


class Steps(Told):
    """What was done, counted; see `parsing.mending`."""

    corners_joined: Count
    flat: Count
    doubled: Count
    fins: Count
    turned: Count
    holes: Count
    seams: Count
    filled_mm2: Length
    bodies_turned: Count
    bodies_united: Count


class RepairFacts(Told):
    """`left` is how far the old surface is from the new one at most, `added` the new from the old;
    `places` are the middles of the holes that were closed, in mm."""

    before: Measures
    after: Measures
    steps: Steps
    places: tuple[Place, ...]
    left: Reach
    added: Reach


def repair_facts(facts: Mapping[str, object] | None) -> RepairFacts | None:
    """What was told of a copy; None where nothing was."""
    try:
        return RepairFacts.model_validate(facts)
    except ValidationError:
        return None
