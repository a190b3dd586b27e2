"""What the server's answers mean: its refusals become errors with its own sentence."""

import json
from collections.abc import Iterable
from typing import Any

import httpx

from commons.errors import (
    Conflict,
    FabError,
    FieldProblem,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
    UploadBusy,
    UploadMoved,
)

_ERRORS: dict[int, type[FabError]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
}


# Refusals that mean something to a program, by their code.
_REASONS: dict[str | None, type[FabError]] = {it.reason: it for it in (UploadBusy, UploadMoved)}


def require_success(response: httpx.Response) -> httpx.Response:
    """The answer, if what was asked for was done; otherwise what the server says is raised."""
    if response.is_success:
        return response
    raise _error_of(response)


def _error_of(response: httpx.Response) -> FabError:
    """The error that a problem answer describes, in the server's own sentence."""
    try:
        problem = response.json()
        detail = str(problem["detail"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return Unavailable(f"the server answered {response.status_code} without saying why")
    if response.status_code == 422:
        return InvalidInput(detail, problems_of(problem.get("fields", ())))
    if response.status_code == 429:
        return TooMany(detail, retry_s=int(response.headers.get("Retry-After", 60)))
    kind = _REASONS.get(problem.get("reason")) or _ERRORS.get(response.status_code, Unavailable)
    return kind(detail)


def problems_of(told: Iterable[dict[str, Any]]) -> tuple[FieldProblem, ...]:
    """The wrong fields that an answer names."""
    return tuple(FieldProblem(it["field"], it["problem"], it.get("line")) for it in told)
