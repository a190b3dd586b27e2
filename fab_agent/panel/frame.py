"""What every page shares: its headers, its words, and what is said when something is refused."""

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from commons.errors import Conflict, FabError, InvalidInput, NotAllowed, NotFound, NotSignedIn
from fab_agent.panel import gate

# Everything comes from this panel, nothing is inline, and nobody may frame a page.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STATUS: tuple[tuple[type[FabError], int], ...] = (
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (InvalidInput, 422),
    (Conflict, 409),
)


def status_of(problem: FabError) -> int:
    """The HTTP status that says what kind of refusal it is; 503 when something is missing."""
    return next((status for kind, status in _STATUS if isinstance(problem, kind)), 503)


def furnish(app: Flask) -> None:
    """Every page has the words and headers that all have, and every refusal is one."""
    app.context_processor(_words)
    app.after_request(_bind)
    app.register_error_handler(FabError, _refused)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _odd)
    app.register_error_handler(Exception, _failed)
    app.add_template_filter(ago)


def ago(seconds: float) -> str:
    """How long ago, in words."""
    if seconds < 100:
        return f"{seconds:.0f} s ago"
    minutes = seconds / 60
    return f"{minutes:.0f} min ago" if minutes < 100 else f"{minutes / 60:.0f} h ago"


def _words() -> dict[str, object]:
    return {"me": gate.operator(), "token": gate.token}


def _bind(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _refused(problem: FabError) -> ResponseReturnValue:
    return _said(str(problem), status_of(problem))


def _too_large(problem: RequestEntityTooLarge) -> ResponseReturnValue:
    most = (problem.max_content_length if hasattr(problem, "max_content_length") else None) or (
        request.max_content_length or 0
    )
    return _said(f"that is too large: at most {most // 2**20} MB can be sent here", 413)


def _odd(problem: HTTPException) -> ResponseReturnValue:
    return _said(problem.description or "that cannot be done here", problem.code or 500)


def _failed(problem: Exception) -> ResponseReturnValue:
    from flask import current_app

    current_app.logger.exception("%s %s failed", request.method, request.path, exc_info=problem)
    return _said("the panel failed, see the agent's log; use the machine's own switch", 500)


def _said(sentence: str, status: int) -> ResponseReturnValue:
    """The sentence as a page, or as JSON for the page's own script."""
    if request.accept_mimetypes.best == "application/json":
        return {"done": False, "sentence": sentence}, status
    return render_template("refused.html", sentence=sentence, status=status), status
