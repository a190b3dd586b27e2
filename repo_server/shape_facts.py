"""How two meshes differ, as pages and the API read it: checked, for it was made of strangers'
files."""

from collections.abc import Mapping

from pydantic import ValidationError

from commons.wire import Told
from repo_server.repair_facts import Length, Place, Reach


class Shape(Told):
    """Of a mesh; `volume_mm3` is None of one that bounds no body."""

    volume_mm3: float | None
    area_mm2: Length
    box_mm: Place


class Change(Reach):
    """How far one surface lies outside of the other, and the farthest places of that: x, y, z,
    and how far, in mm."""

    places: tuple[tuple[float, float, float, float], ...]


class ShapeFacts(Told):
    """`added` is what of the second lies outside of the first, `removed` what of the first lies
    outside of the second; no place is farther than `spacing_mm` from one that was measured."""

    before: Shape
    after: Shape
    added: Change
    removed: Change
    spacing_mm: Length


def shape_facts(facts: Mapping[str, object] | None) -> ShapeFacts | None:
    """What was told of two meshes; None where nothing was."""
    try:
        return ShapeFacts.model_validate(facts)
    except ValidationError:
        return None
