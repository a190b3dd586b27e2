"""Variants: a part as its parametric source draws it with other values than its designer's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from commons.errors import Conflict, FieldProblem, InvalidInput
from commons.manifest import Part
from commons.variants import Parameter, Value, check, told
from repo_server import designs, matches, published, renderings
from repo_server.designs import Release
from repo_server.files import File
from repo_server.matches import Buildable
from repo_server.renderings import Recipe
from repo_server.tables import RenderingRow


class BeingRendered(Conflict):
    """The body that is to be made is still to be drawn."""

    def __init__(self, rendering_id: str) -> None:
        super().__init__(renderings.WAITS)
        self.rendering_id = rendering_id


@dataclass(frozen=True, slots=True)
class Made:
    """What is made of a part. `rendering` is the body that a source draws, None where the export is
    made as it is; `values` are those that were given to the source."""

    part: Part
    values: Mapping[str, Value]
    rendering: RenderingRow | None

    @property
    def waits(self) -> str | None:
        """The id of the rendering that is still to be made; None when nothing is waited for."""
        return self.rendering.id if self.rendering and self.rendering.made_at is None else None

    def kept(self) -> dict[str, Any]:
        """What an order keeps of it, by column."""
        return {
            "variant": dict(self.values) or None,
            "rendering_id": self.rendering.id if self.rendering else None,
        }


def parameters_of(file: File | None) -> tuple[Parameter, ...]:
    """What can be changed in a source; nothing where it is none, or was not read yet."""
    listed = (file.facts or {}).get("parameters") if file else None
    try:
        return tuple(map(Parameter.model_validate, listed if isinstance(listed, list) else ()))
    except ValidationError:
        return ()


def ask(
    session: Session, release_id: str, part: str, said: Mapping[str, Value], *, now: datetime
) -> Made:
    """What is to be made, asked for where a source has to draw it first.

    NotFound for a part that is none. InvalidInput tells everything that is wrong with the values at
    once, or why the source draws nothing with them.
    """
    release = published.show(session, release_id)
    named = matches.part_of(release.manifest, part)
    if not said and named.file in release.files:
        return Made(named, {}, None)
    recipe = _recipe(designs.show_release(session, release_id), named, said)
    if recipe is None:
        return Made(named, {}, None)
    row = renderings.ask(session, recipe, now=now)
    if row.made_at is not None and row.mesh_sha256 is None:
        made_as = f" with {told(recipe.values)}" if recipe.values else ""
        raise InvalidInput(f"'{row.path}'{made_as} draws no body: {row.sentence}")
    return Made(named, recipe.values, row)


def wanted(
    session: Session, release_id: str, part: str, said: Mapping[str, Value]
) -> tuple[Part, Recipe | None]:
    """The part, and what a source would have to draw for it, None where its export is made as it
    is. Nothing is drawn by asking. Raises as `ask` does for values that cannot be."""
    release = designs.show_release(session, release_id)
    named = matches.part_of(release.manifest, part)
    return named, _recipe(release, named, said)


def build(session: Session, release_id: str, made: Made) -> Buildable:
    """The part, ready for a machine; BeingRendered where it is still to be drawn."""
    if made.waits:
        raise BeingRendered(made.waits)
    rendering_id = made.rendering.id if made.rendering else None
    return matches.buildable(session, release_id, made.part.name, rendering_id)


def _recipe(release: Release, part: Part, said: Mapping[str, Value]) -> Recipe | None:
    """None where the part's export is made as it is."""
    source = release.file(part.source)
    if said and source is None:
        problem = f"part '{part.name}' names no OpenSCAD source, so nothing of it can be changed"
        raise InvalidInput(f"variant: {problem}", [FieldProblem("variant", problem)])
    if source is None:
        return None
    if said and source.facts is None:
        raise Conflict(f"'{source.path}' was not read yet: {source.problem or 'ask again soon'}")
    values = check(said, parameters_of(source))
    if not values and release.file(part.file):
        return None
    return renderings.recipe_of(release.hashes, source.path, values)
