"""What crosses HTTP as JSON: read into checked messages, written from them."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, jsonify, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from commons.content import holds_nul
from commons.errors import FieldProblem, InvalidInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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


def _explained(error: ValidationError) -> tuple[str, list[FieldProblem]]:
    problems = [
        FieldProblem(".".join(str(step) for step in detail["loc"]) or "body", detail["msg"])
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "; ".join(str(problem) for problem in problems), problems
