"""What every page shares: who looks at it, words and filters, and headers that bind the browser."""

from datetime import UTC, datetime

from flask import Blueprint, Response
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from commons.errors import FabError
from repo_server.api import auth
from repo_server.web import words

bp = Blueprint("frame", __name__)

# Everything comes from this server, nothing is inline, and nobody may frame a page.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

for name, filter_ in words.FILTERS.items():
    bp.add_app_template_filter(filter_, name)


@bp.app_context_processor
def context() -> dict[str, object]:
    """Names that every template knows. `me` is None for whoever has not signed in."""
    caller = _caller()
    return {
        "me": caller.person,
        "csrf_field": lambda: csrf_field(caller.csrf),
        "now": datetime.now(UTC),
        **words.TABLES,
    }


def _caller() -> auth.Caller:
    """Who looks at the page; nobody when that cannot be found out, because the page that says
    why it cannot must still be shown."""
    try:
        return auth.current()
    except (FabError, SQLAlchemyError):
        return auth.NOBODY


def csrf_field(csrf: str | None) -> Markup:
    """The hidden field by which a form shows that it is ours."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(auth.CSRF_FIELD, csrf or "")


@bp.after_app_request
def bind_browser(response: Response) -> Response:
    """Pages carry the strict policy; a route's own policy stands."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def place_inside(address: str | None) -> str:
    """`address` if it is a path on this server, else the first page: no link leads astray."""
    if address and address.startswith("/") and not address.startswith(("//", "/\\")):
        return address
    return "/"
