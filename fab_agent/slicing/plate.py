"""What is asked of the child that cleans meshes and lays them on a plate, and what it answers.

Plain data in the standard library alone: a child that starts for each part loads no more.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from commons.plates import PrintArea, Rectangle

MAX_FACES = 2_000_000  # 1.4 GB in the child; a part of hand size needs a tenth of it
# How whoever reads an answer out of a child holds it against these types.
_STRICT = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRequest:
    """What is asked of one mesh: `name` for sentences, `room_mm` that the part must fit."""

    name: str
    scale: float
    room_mm: tuple[float, float, float]
    max_faces: int = MAX_FACES


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshFacts:
    """A closed, outward-facing mesh after scaling: mm and mm³. `turned` by 90° about Z to fit."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    volume_mm3: float
    size_mm: tuple[float, float, float]
    faces: int
    turned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateItem:
    """One of the parts on a plate, at least once; `name` is for sentences."""

    name: str
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRequest:
    """What the child is asked: all copies of all items inside `area`, each with its margin.

    `suggested`: each part may be laid on the side on which it is printed best.
    """

    items: tuple[PlateItem, ...]
    scale: float
    area: PrintArea
    margin_mm: float = 0.0
    suggested: bool = False
    max_faces: int = MAX_FACES


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateFacts(MeshFacts):
    """All that lies on the plate: volume of all of it, the box around it. `poses` in words."""

    poses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateAnswer:
    """What the child answers: exactly one of the two."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    facts: PlateFacts | None = None
    refused: str | None = None


def as_json(message: PlateRequest | PlateAnswer) -> str:
    """The message on its way to the other process."""
    return json.dumps(asdict(message))


def request_from(text: str) -> PlateRequest:
    """The request that our own side of the sandbox has written with `as_json`."""
    told = json.loads(text)
    area = told["area"]
    area["keep_out"] = tuple(Rectangle(**place) for place in area["keep_out"])
    area["ends"] = tuple((x, y) for x, y in area["ends"])
    items = tuple(PlateItem(**item) for item in told["items"])
    return PlateRequest(**(told | {"area": PrintArea(**area), "items": items}))
