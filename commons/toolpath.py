"""What a program looks like, as data: an agent draws it, a server shows it.

Ways travel as numbers and never as markup, so that whoever shows them writes every character of
the picture itself.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from commons.machine import KeepOut, Process
from commons.quantities import Coordinate
from commons.wire import Asked, Count, Place, Sha256, Told

MOST_POINTS = 40_000  # some 400 kB as a picture
MOST_DEPTHS = 8
MAX_SKETCH_BYTES = 1024 * 1024
MAX_PACKED_BYTES = 16 * 1024 * 1024  # of a program under gzip
MAX_PROGRAM_BYTES = 256 * 1024 * 1024  # of a program as it is

Cells = Annotated[int, Field(ge=0, le=4096)]
Size = Annotated[float, Field(gt=0, le=40_000, allow_inf_nan=False)]
Way = Annotated[tuple[Cells, ...], Field(min_length=4)]
Box = tuple[Coordinate, Coordinate, Coordinate, Coordinate]


class Kind(StrEnum):
    """What a move is for. The first four are a print's, the others milling's."""

    TRAVEL = "travel"  # without filament
    FIRST = "first"  # filament on the first layer
    WALL = "wall"  # filament on a way that closes
    INSIDE = "inside"  # filament on an open way: infill, supports, thin walls
    RAPID = "rapid"  # above the sheet
    CUT = "cut"
    ARC = "arc"
    PLUNGE = "plunge"  # straight down


class Strokes(Asked):
    """Ways of one kind: each is x, y, x, y … in cells; `depth` is an index into `depths_mm`."""

    kind: Kind
    depth: Annotated[int, Field(ge=0, lt=MOST_DEPTHS)] = 0
    ways: tuple[Way, ...]

    @property
    def points(self) -> int:
        """How many points its ways have."""
        return sum(map(len, self.ways)) // 2


class ToolpathReceipt(Told):
    """The sketch is kept. `wants_program`: the program itself is welcome, too."""

    wants_program: bool = False


class Sketch(Asked):
    """A program from above and from the front, in few enough strokes to be looked at.

    Boxes are left, front, right, back (mm). `plan` lies in `view`: its cells are `cell_mm` wide,
    from the left and from the back. `side` has the same columns and rows of `row_mm` from the
    bottom of `height_mm`, which is the lowest and highest place of work. Later strokes lie on
    earlier ones. `is_whole`: to its last line, or to the one that was refused.
    """

    process: Process
    program_sha256: Sha256
    line_count: Count
    is_whole: bool
    bed: Box
    keep_out: Annotated[tuple[KeepOut, ...], Field(max_length=50)] = ()
    view: Box
    cell_mm: Size
    row_mm: Size
    tool_mm: Size
    height_mm: tuple[Coordinate, Coordinate]
    layers: Count = 0
    depths_mm: Annotated[tuple[Coordinate, ...], Field(max_length=MOST_DEPTHS)] = ()
    plan: Annotated[tuple[Strokes, ...], Field(max_length=MOST_POINTS)]
    side: Annotated[tuple[Strokes, ...], Field(max_length=MOST_POINTS)]
    mark: Place | None = None

    @model_validator(mode="after")
    def _is_drawable(self) -> Self:
        for left, front, right, back in (self.bed, self.view):
            if left >= right or front >= back:
                raise ValueError("a box must be wider and deeper than nothing")
        if sum(strokes.points for strokes in (*self.plan, *self.side)) > 2 * MOST_POINTS:
            raise ValueError(f"more than {2 * MOST_POINTS} points")
        if any(len(way) % 2 for strokes in (*self.plan, *self.side) for way in strokes.ways):
            raise ValueError("a way has an x without a y")
        deepest = max((strokes.depth for strokes in (*self.plan, *self.side)), default=0)
        if deepest and deepest >= len(self.depths_mm):
            raise ValueError(f"depth {deepest} is not one of depths_mm")
        return self
