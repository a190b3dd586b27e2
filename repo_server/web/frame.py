"""What every page shares: who looks at it, words and filters, and headers that bind the browser."""

from datetime import UTC, datetime

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from commons.errors import FabError
from commons.texts import later
from repo_server.api import auth
from repo_server.web import figures, languages, sentences, words
from repo_server.web.addresses import file_url
from repo_server.web.languages import Texts
from repo_server.web.script_texts import SCRIPT_TEXTS

bp = Blueprint("frame", __name__)

# Everything comes from this server, nothing is inline, and nobody may frame a page.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

# By HTTP status: the headings of pages that say why there is none.
STATUS_WORDS = Texts(
    {
        401: later("Not signed in"),
        403: later("Not allowed"),
        404: later("Not found"),
        409: later("That no longer fits"),
        413: later("Too large"),
        422: later("Something is not right"),
        429: later("Too many at once"),
        500: later("The server failed"),
        503: later("Not available now"),
    }
)

_YEAR_S = 365 * 24 * 3600

for filter_ in (*figures.FILTERS, *sentences.FILTERS):
    bp.add_app_template_filter(filter_)

bp.record(lambda state: languages.register(state.app))


@bp.app_context_processor
def context() -> dict[str, object]:
    """Names that every template knows. `me` is None for whoever has not signed in."""
    caller = _caller()
    return {
        "me": caller.person,
        "file_url": file_url,
        "csrf_field": lambda: csrf_field(caller.csrf),
        "now": datetime.now(UTC),
        "language": languages.current(),
        "STATUS_WORDS": STATUS_WORDS,
        "SCRIPT_TEXTS": SCRIPT_TEXTS,
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
        response.content_language.add(languages.current().tag)
        response.vary.update(("Accept-Language", "Cookie"))
    return response


@bp.post("/language")
@auth.public
def choose_language() -> ResponseReturnValue:
    """Pages are shown in `language` from now on; back to the page `next`."""
    answer = make_response(redirect(place_inside(request.form.get("next")), 303))
    tag = request.form.get("language", "")
    if tag in languages.read_languages():
        answer.set_cookie(languages.COOKIE, tag, max_age=_YEAR_S, httponly=True, samesite="Lax")
    return answer


def place_inside(address: str | None) -> str:
    """`address` if it is a path on this server, else the first page: no link leads astray."""
    if address and address.startswith("/") and not address.startswith(("//", "/\\")):
        return address
    return "/"
