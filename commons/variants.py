"""Variants of a parametric source: which of its parameters may be what, and what somebody chose."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from commons.errors import FieldProblem, InvalidInput

MAX_LETTERS = 200
_SAME = 1e-9  # two numbers are one when they differ by less than this, relative to a step
_WORDS = {"true": True, "yes": True, "false": False, "no": False}

Number = Annotated[float, Field(allow_inf_nan=False)]
Value = bool | int | Number | Annotated[str, Field(max_length=1000)] | tuple[int | Number, ...]
Values = dict[Annotated[str, Field(max_length=100)], Value]


class Choice(BaseModel):
    """A value that may be chosen, and what people call it."""

    model_config = ConfigDict(frozen=True)

    value: Value
    label: str


class Parameter(BaseModel):
    """One number, switch, text or list of numbers of a source; `value` is the source's own.

    Numbers, also those of a list, lie from `min` to `max` in steps of `step` from `min`. With
    `choices` the value is one of theirs. Texts have `max_letters` at most.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    value: Value
    label: str = ""
    section: str | None = None
    min: Number | None = None
    max: Number | None = None
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_letters: int = MAX_LETTERS
    choices: tuple[Choice, ...] = ()

    def read(self, said: Value) -> Value:
        """What was said as a value of this kind, within its limits; the text of a form or of a
        command is read as what the parameter is. ValueError tells what is wrong."""
        value = _of_kind(self.value, said)
        if self.choices:
            if all(value != choice.value for choice in self.choices):
                listed = ", ".join(written(choice.value) for choice in self.choices)
                raise ValueError(f"'{written(value)[:60]}' is none of {listed}")
        elif isinstance(value, str):
            self._require_short(value)
        elif not isinstance(value, bool):
            for number in value if isinstance(value, tuple) else (value,):
                self._require_within(number)
        return value

    def _require_short(self, text: str) -> None:
        if len(text) > self.max_letters:
            raise ValueError(f"has {len(text)} letters; {self.max_letters} are possible")
        if not text.isprintable():
            raise ValueError("holds letters that cannot be written")

    def _require_within(self, number: float) -> None:
        below = self.min is not None and number < self.min
        if below or (self.max is not None and number > self.max):
            raise ValueError(f"{number:g} is not {self.range}")
        if self.step and self.min is not None:
            steps = (number - self.min) / self.step
            if abs(steps - round(steps)) > _SAME * max(1, abs(steps)):
                raise ValueError(f"{number:g} is not in steps of {self.step:g} from {self.min:g}")

    @property
    def range(self) -> str:
        """Its limits in words; empty without any."""
        if self.min is None:
            return "" if self.max is None else f"{self.max:g} at most"
        return f"{self.min:g} at least" if self.max is None else f"{self.min:g} to {self.max:g}"


def check(said: Mapping[str, Value], parameters: Iterable[Parameter]) -> dict[str, Value]:
    """The values that differ from the source's own, by name in alphabetical order: the same wish is
    the same variant. InvalidInput tells everything that is wrong at once."""
    known = {it.name: it for it in parameters}
    chosen, wrong = {}, []
    for name in sorted(said):
        if (parameter := known.get(name)) is None:
            listed = ", ".join(known) or "none"
            problem = f"is no parameter of its source; those are {listed}"
            wrong.append(FieldProblem(f"variant.{name[:100]}", problem))
            continue
        try:
            value = parameter.read(said[name])
        except ValueError as error:
            wrong.append(FieldProblem(f"variant.{name}", str(error)))
            continue
        if value != parameter.value:
            chosen[name] = value
    if wrong:
        raise InvalidInput("; ".join(map(str, wrong)), wrong)
    return chosen


def told(values: Mapping[str, object]) -> str:
    """The values in a line for people; empty when there are none."""
    return ", ".join(f"{name} = {written(value)}" for name, value in values.items())


def written(value: object) -> str:
    """The value as people type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(written, value))}]"
    return value if isinstance(value, str) else repr(value)


def whole(number: float) -> int | float:
    """The number, without a fraction where it has none: 18.0 is 18."""
    return int(number) if abs(number) < 1e15 and number == int(number) else number


def _of_kind(like: Value, said: Value) -> Value:
    if isinstance(like, bool):
        return _switch(said)
    if isinstance(like, str):
        return said.strip() if isinstance(said, str) else written(said)
    if isinstance(like, tuple):
        return _numbers(said, len(like))
    return _number(said)


def _switch(said: Value) -> bool:
    value = _WORDS.get(said.strip().lower()) if isinstance(said, str) else said
    if not isinstance(value, bool):
        raise ValueError("is either true or false")
    return value


def _number(said: Value) -> int | float:
    try:
        if isinstance(said, bool | tuple):
            raise ValueError
        number = float(said)
    except ValueError:
        raise ValueError(f"'{written(said)[:60]}' is no number") from None
    if not abs(number) <= 1e12:  # nor is what is not a number
        raise ValueError(f"'{written(said)[:60]}' is no number that can be made")
    return whole(number)


def _numbers(said: Value, count: int) -> tuple[float, ...]:
    listed: Sequence[Value] = ()
    if isinstance(said, str):
        listed = said.strip().strip("[]").split(",")
    elif isinstance(said, tuple):
        listed = said
    if len(listed) != count:
        raise ValueError(f"is a list of {count} numbers, such as [{', '.join(['1'] * count)}]")
    return tuple(map(_number, listed))
