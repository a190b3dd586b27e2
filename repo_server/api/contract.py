"""What a route takes and what it answers, said once, and used for both the code and its page.

The signature says what is taken: `asked: NewLab` is the request's body, `query: Wanted` what stands
after the `?`, every other parameter is part of the path. The line above says what is answered:

    @bp.post("/labs")
    @auth.signed_in(Scope.LAB_MANAGE)
    @answers({201: LabMade}, refuses=(409,))
    def create_lab(asked: NewLab) -> ResponseReturnValue:

`openapi.py` makes the description of the API from these; in tests `HOLD_ANSWERS` holds every
answer to them.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from flask import Flask, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, TypeAdapter, ValidationError

from repo_server.api.messages import read, read_query

BODY, QUERY = "asked", "query"
JSON, PROBLEM = "application/json", "application/problem+json"
# Answers of these statuses are the framework's own and have no body.
_BARE = frozenset({304})

View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are no JSON, of this media type, or of one of two."""

    media_type: str
    or_else: str | None = None

    @property
    def media_types(self) -> tuple[str, ...]:
        """One or two."""
        return (self.media_type, self.or_else) if self.or_else else (self.media_type,)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a route takes and answers.

    `tells` maps each status to a type that pydantic knows, to `Raw`, or to None: no body.
    `refuses` are statuses of errors beside those that every route of its kind may answer.
    """

    asks: type[BaseModel] | Raw | None
    query: type[BaseModel] | None
    tells: Mapping[int, object]
    refuses: tuple[int, ...]
    keyed: bool


def answers(
    tells: Mapping[int, object],
    *,
    refuses: tuple[int, ...] = (),
    takes: Raw | None = None,
    keyed: bool = False,
) -> Callable[[View], View]:
    """The route keeps this contract; `takes` says what its body is where it is no message.

    `keyed`: with an Idempotency-Key the same request is done once, however often it comes.
    """

    def mark(view: View) -> View:
        hints = inspect.get_annotations(view)
        body, query = hints.get(BODY), hints.get(QUERY)
        contract = Contract(body or takes, query, tells, refuses, keyed)

        @wraps(view)
        def held(**place: object) -> ResponseReturnValue:
            if body is not None:
                place[BODY] = read(body)
            if query is not None:
                place[QUERY] = read_query(query)
            answer = make_response(view(**place))
            if current_app.config.get("HOLD_ANSWERS"):
                _hold(contract, answer)
            return _revalidated(answer) if request.method in ("GET", "HEAD") else answer

        held.contract = contract  # type: ignore[attr-defined]
        held.__signature__ = inspect.signature(view)  # type: ignore[attr-defined]
        return held

    return mark


def contract_of(app: Flask, endpoint: str) -> Contract | None:
    """What the route takes and answers, None where nothing says so."""
    return getattr(app.view_functions[endpoint], "contract", None)


def _revalidated(answer: Response) -> Response:
    """Whoever has this very answer is told so with 304, and sent nothing."""
    if answer.status_code != 200 or answer.is_streamed:
        return answer
    answer.add_etag()  # unless the route has set one of its own
    # Kept by whoever asked, and asked for again each time: what is shown may depend on who asks.
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    answer.make_conditional(request)
    return answer


def _hold(contract: Contract, answer: Response) -> None:
    """Pass if the answer is one that was declared. For tests: a wrong one is our own mistake."""
    status = answer.status_code
    if status in _BARE:
        return
    if status not in contract.tells:
        raise RuntimeError(f"{request.endpoint} answered {status}, which is not declared")
    told = contract.tells[status]
    if told is None or isinstance(told, Raw):
        return
    try:
        _adapter(told).validate_json(answer.get_data(), strict=True, extra="forbid")
    except ValidationError as error:
        raise RuntimeError(f"{request.endpoint} answered what is not declared: {error}") from error


@cache
def _adapter(told: Any) -> TypeAdapter[Any]:
    return TypeAdapter(told)
