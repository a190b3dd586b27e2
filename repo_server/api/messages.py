"""What crosses HTTP as JSON: read into checked messages, written from them."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, jsonify, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from commons.content import holds_nul
from commons.errors import FieldProblem, InvalidInput
from commons.texts import Filled, later

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


def read(message: type[M]) -> M:
    """The request's body as a `message`; InvalidInput names every wrong field."""
    body = request.get_data()
    if holds_nul(body):
        raise InvalidInput("the body holds the character U+0000, which no text needs; remove it")
    try:
        # A number is a number, and true is none: what the description says is what is taken.
        return message.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidInput(*_explained(error)) from error


def read_query(message: type[M]) -> M:
    """What stands after the `?` as a `message`; InvalidInput names every wrong field.

    A name that comes twice is a list.
    """
    given = request.args.to_dict(flat=False)
    return check(message, {key: one[0] if len(one) == 1 else one for key, one in given.items()})


def check(message: type[M], values: Mapping[str, object]) -> M:
    """A form's values as a `message`; InvalidInput names every wrong field."""
    try:
        return message.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(*_explained(error)) from error


def write(message: "BaseModel | DataclassInstance") -> Response:
    """An answer that holds `message` as JSON."""
    return jsonify(_adapter(type(message)).dump_python(message, mode="json"))


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


# What pydantic says most often of forms, as translators read it.
_KNOWN = {
    "missing": later("Field required"),
    "string_too_short": later("String should have at least %(min_length)s characters"),
    "string_too_long": later("String should have at most %(max_length)s characters"),
    "greater_than": later("Input should be greater than %(gt)s"),
    "greater_than_equal": later("Input should be greater than or equal to %(ge)s"),
    "less_than": later("Input should be less than %(lt)s"),
    "less_than_equal": later("Input should be less than or equal to %(le)s"),
    "float_parsing": later("Input should be a valid number"),
    "int_parsing": later("Input should be a valid integer"),
    "finite_number": later("Input should be a finite number"),
    "enum": later("Input should be one of these: %(expected)s"),
}
_EMPTY = later("must not be empty")


def _problem(detail: "ErrorDetails") -> str:
    values = detail.get("ctx", {})
    template = _KNOWN.get(detail["type"])
    if template is None:
        return detail["msg"]
    if values.get("min_length") == 1:
        template = _EMPTY
    return Filled(template, values, english=detail["msg"])


def _explained(error: ValidationError) -> tuple[str, list[FieldProblem]]:
    problems = [
        FieldProblem(".".join(str(step) for step in detail["loc"]) or "body", _problem(detail))
        for detail in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(str(problem) for problem in problems), problems
