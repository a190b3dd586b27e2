"""What crosses HTTP as JSON: read into checked messages, written from them."""

from collections.abc import Mapping
from typing import TypeVar

from flask import Response, jsonify, request
from pydantic import BaseModel, ValidationError

from commons.errors import FieldProblem, InvalidInput

M = TypeVar("M", bound=BaseModel)


def read(message: type[M]) -> M:
    """The request's body as a `message`; InvalidInput names every wrong field."""
    try:
        return message.model_validate_json(request.get_data())
    except ValidationError as error:
        raise InvalidInput(*_explained(error)) from error


def check(message: type[M], values: Mapping[str, object]) -> M:
    """A form's values as a `message`; InvalidInput names every wrong field."""
    try:
        return message.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(*_explained(error)) from error


def write(message: BaseModel) -> Response:
    """An answer that holds `message` as JSON."""
    return jsonify(message.model_dump(mode="json"))


def _explained(error: ValidationError) -> tuple[str, list[FieldProblem]]:
    problems = [
        FieldProblem(".".join(str(step) for step in detail["loc"]) or "body", detail["msg"])
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "; ".join(str(problem) for problem in problems), problems
