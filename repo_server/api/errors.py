"""The one place where what was refused becomes an answer: RFC 9457 as JSON, or a page.

| what | status |
|---|---|
| InvalidInput | 422, `fields` where several things are wrong at once |
| NotSignedIn, NotAllowed | 401, 403 |
| NotFound | 404 |
| Conflict | 409, `reason` when it has a stable code |
| Changed | 412 |
| TooMany | 429, with Retry-After |
| Unavailable | 503 |
| a full disk, wherever it is met | 507 |
| MachineError, and whatever nobody foresaw | 500 |
"""

import errno
import http
import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from commons.errors import (
    Changed,
    Conflict,
    FabError,
    FieldProblem,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)
from commons.problems import Problem
from commons.texts import Filled, filled, later
from repo_server.ids import new_id

_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[FabError], int], ...] = (
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Changed, 412),
    (Conflict, 409),
    (InvalidInput, 422),
    (TooMany, 429),
    (Unavailable, 503),
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL = later(
    "the server's disk is full; nothing of this was kept, try again when there is room"
)
_SENTENCES = {
    404: later("there is nothing at this address"),
    405: later("this address does not take %(method)s"),
    413: later("this is larger than the server takes here"),
    415: later("send this as application/json"),
}


def register(app: Flask) -> None:
    """Every error of this app is answered by this module."""
    app.register_error_handler(FabError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OSError, _os_error)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(IntegrityError, _raced)
    app.register_error_handler(Exception, _unforeseen)


def refuse_nul() -> None:
    """Before every request: the character U+0000 names nothing, and PostgreSQL keeps none."""
    if "\0" in request.path:
        raise NotFound(_SENTENCES[404])
    if any("\0" in word for pair in request.args.items(multi=True) for word in pair):
        raise InvalidInput("the address holds the character U+0000; remove it")
    # Files come in forms of the other kind, which is not read before it is known who sends it.
    if request.mimetype == "application/x-www-form-urlencoded" and any(
        "\0" in word for pair in request.form.items(multi=True) for word in pair
    ):
        raise InvalidInput("the form holds the character U+0000; remove it")


def status_of(error: FabError) -> int:
    """The HTTP status of what was refused."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _refused(error: FabError) -> Response:
    status = status_of(error)
    if status >= 500:
        _LOG.error("%s %s: %s", request.method, request.path, error)
    fields = error.fields if isinstance(error, InvalidInput) else ()
    answer = _answer(
        status,
        error.sentence,
        reason=getattr(error, "reason", None),
        fields=tuple(_told(it) for it in fields),
    )
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_s)
    return answer


def _told(problem: FieldProblem) -> dict[str, str | int]:
    line = {} if problem.line is None else {"line": problem.line}
    return {"field": problem.field, "problem": problem.problem, **line}


def _http(error: HTTPException) -> Response:
    """What the framework refuses. Redirections are answers, not errors."""
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    sentence = (
        Filled(_SENTENCES[status], {"method": request.method}) if status in _SENTENCES else ""
    )
    sentence = sentence or error.description or ""
    answer = _answer(status, sentence)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "content-range", "retry-after"):
            answer.headers[name] = value
    return answer


def _os_error(error: OSError) -> Response:
    if error.errno in _FULL:
        _LOG.error("%s %s: %s", request.method, request.path, error)
        return _answer(507, _DISK_FULL)
    return _unforeseen(error)


def _database(error: OperationalError) -> Response:
    _LOG.error("%s %s: %s", request.method, request.path, error.orig)
    if "is full" in str(error.orig) or "No space left" in str(error.orig):
        return _answer(507, _DISK_FULL)
    return _answer(503, later("the database does not answer now; try again in a moment"))


def _raced(error: IntegrityError) -> Response:
    """Two did the same at once, and a constraint of the database chose one of them."""
    _LOG.warning("%s %s: %s", request.method, request.path, error.orig)
    said = later("somebody changed the same thing at the same moment; look and try again")
    return _answer(409, said)


def _unforeseen(error: Exception) -> Response:
    mark = new_id()
    _LOG.error("%s %s [%s]", request.method, request.path, mark, exc_info=error)
    return _answer(
        500, filled("the server failed at this; its log tells more under %(mark)s", mark=mark)
    )


def _answer(
    status: int,
    sentence: str,
    *,
    reason: str | None = None,
    fields: tuple[dict[str, str | int], ...] = (),
) -> Response:
    title = http.HTTPStatus(status).phrase
    if request.path.startswith("/api/"):
        problem = Problem(title=title, status=status, detail=sentence, reason=reason, fields=fields)
        response = jsonify(problem.model_dump(mode="json", exclude_none=True))
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "error.html", status=status, title=title, sentence=sentence, fields=fields
        )
        response = Response(page)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="cosmolocal"'
    return response
