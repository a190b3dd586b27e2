"""What somebody wants made: an order as it is sent, checked, before anything is asked of a lab."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from commons.licences.purposes import Purpose
from commons.machine import Process
from commons.variants import Values
from commons.wire import Asked, Id, MillOptions, PrintOptions, Sha256

MAX_COPIES = 1000
QUALITIES = ("draft", "standard", "fine")


class OrderedOptions(PrintOptions):
    """The options as somebody orders them: a word that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("quality")
    @classmethod
    def _is_known(cls, quality: str) -> str:
        if quality not in QUALITIES:
            raise ValueError(f"'{quality[:40]}' is not known: choose {', '.join(QUALITIES)}")
        return quality


class OrderedMilling(MillOptions):
    """The options of a milled part as somebody orders them: as strict."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plates(StrEnum):
    """How the copies of an order are shared out."""

    ONE_AT_A_TIME = "one_at_a_time"  # each copy is a job of its own
    AS_MANY_AS_FIT = "as_many_as_fit"  # a job makes as many as any machine that can do it holds


class When(Asked):
    """When an order is to be made. What is urgent says why, and goes first; then what is due
    first."""

    deadline: AwareDatetime | None = None
    not_before: AwareDatetime | None = None
    urgent_because: Annotated[str, Field(min_length=3, max_length=200)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.deadline and self.not_before and self.deadline <= self.not_before:
            raise ValueError("deadline: is not after not_before, so that it could not be kept")
        return self


def _not_too_many(copies: int) -> int:
    if copies > MAX_COPIES:
        raise PydanticCustomError(
            "too_many",
            "{copies} are too many for one order, which takes {most}: order the others once "
            "these are on their way",
            {"copies": copies, "most": MAX_COPIES},
        )
    return copies


Copies = Annotated[
    int, Field(ge=1, json_schema_extra={"maximum": MAX_COPIES}), AfterValidator(_not_too_many)
]
PartName = Annotated[str, Field(min_length=1, max_length=200)]


class OrderRequest(Asked):
    """What somebody wants made, and what for. Without `material` it is the one that the design
    names. `variant` are values for parameters of the part's source. `machines` are the ids of those
    that may make it, `after` is the id of an order that is to be done before.
    `alone`: it shares no plate with other orders."""

    release_id: Sha256
    part: PartName
    copies: Copies = 1
    material: Annotated[str, Field(max_length=40)] | None = None
    plates: Plates = Plates.ONE_AT_A_TIME
    purpose: Purpose = Purpose.OWN_USE
    variant: Annotated[Values, Field(max_length=100, default_factory=dict)]
    when: When = When()
    machines: Annotated[tuple[Id, ...], Field(min_length=1, max_length=64)] | None = None
    attended_only: bool = False
    alone: bool = False
    after: Id | None = None
    options: OrderedOptions = OrderedOptions()
    milling: OrderedMilling = OrderedMilling()

    def kept(self) -> dict[str, Any]:
        """What an order keeps of it as it was sent, by column."""
        same = {"release_id", "part", "copies", "purpose", "attended_only", "alone"}
        return {
            **self.model_dump(include=same),
            **self.when.model_dump(),
            "machines": None if self.machines is None else list(self.machines),
            "after_id": self.after,
        }

    def chosen(self, process: Process) -> PrintOptions | MillOptions:
        """The options that count for a part that is made so."""
        return self.milling if process is Process.CNC else self.options
