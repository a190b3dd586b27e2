"""The origin of strangers' files: downloads, and nothing else that a browser could be made to do.

No cookie is read or set, no form is taken, no other site may embed an answer or read it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from commons.errors import InvalidInput, NotFound
from repo_server import blobs, downloads
from repo_server.blobs import BlobStore
from repo_server.db import reading
from repo_server.downloads import FilesOrigin

WsgiApp = Callable[..., Iterable[bytes]]

HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
YEAR_S = 365 * 24 * 3600
FOR_ONE = "private, no-store"
FOR_EVER = f"public, max-age={YEAR_S}, immutable"
UNKNOWN = "application/octet-stream"


class FilesSite:
    """GET and HEAD of /<sha256>/<name>; 404 for every other address."""

    def __init__(self, engine: Engine, store: BlobStore, origin: FilesOrigin) -> None:
        self._engine, self._store, self._origin = engine, store, origin

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The answer, which can do no harm whatever it is."""
        request = Request(environ)
        try:
            answer = self._download(request)
        except (NotFound, InvalidInput) as error:
            answer = _sentence(404, str(error))
        except RequestedRangeNotSatisfiable as error:
            answer = _sentence(416, "the file has no such range")
            answer.headers.extend(it for it in error.get_headers() if it[0] == "Content-Range")
        except HTTPException as error:
            answer = _sentence(error.code or 400, error.description or "")
        except OperationalError:
            answer = _sentence(503, "the database does not answer now; try again in a moment")
        answer.headers.update(HARMLESS)
        return answer(environ, start_response)

    def _download(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            answer = _sentence(405, "files are only read here")
            answer.headers["Allow"] = "GET, HEAD"
            return answer
        sha256, _, name = request.path.removeprefix("/").partition("/")
        if not name or "/" in name or "\0" in request.path:
            raise NotFound("there is nothing at this address")
        is_signed = "signature" in request.args
        if is_signed:
            self._require_signed(sha256, name, request)
        else:
            self._require_published(sha256)
        answer = send_file(
            self._store.path(sha256),
            request.environ,
            mimetype=UNKNOWN,
            as_attachment=True,
            download_name=name,
            conditional=True,
            etag=sha256,
        )
        answer.headers["Cache-Control"] = FOR_ONE if is_signed else FOR_EVER
        return answer

    def _require_published(self, sha256: str) -> None:
        with reading(self._engine) as session:
            if downloads.published(session, sha256) is None:
                raise NotFound(f"no file with the hash {sha256} is stored here")

    def _require_signed(self, sha256: str, name: str, request: Request) -> None:
        said = {key: request.args.get(key, "") for key in ("until", "signature")}
        if not self._origin.admits(sha256, name, **said, now=datetime.now(UTC)):
            raise NotFound("this address is over, or not ours; follow the link on the page again")
        with reading(self._engine) as session:
            blobs.require(session, sha256)


def by_host(site: FilesSite, url: str, others: WsgiApp) -> WsgiApp:
    """`site` for requests to the origin `url`, `others` for all else.

    Whoever sends another Host than their browser was pointed to gets no more than the two hold.
    """
    host = _host(urlsplit(url).netloc)

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        chosen = site if _host(environ.get("HTTP_HOST", "")) == host else others
        return chosen(environ, start_response)

    return dispatch


def _host(netloc: str) -> str:
    """Name and port as they are compared: the usual ports are not said."""
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def _sentence(status: int, text: str) -> Response:
    answer = Response(f"{text}\n", status, mimetype="text/plain")
    answer.headers["Cache-Control"] = "no-store"
    return answer
