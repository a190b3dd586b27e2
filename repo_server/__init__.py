"""The global repository: web and API. It never imports fab_agent; they meet in commons.wire."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine

    from repo_server.lobby import Concerns
    from repo_server.settings import Settings

# Enough for the largest JSON message; routes that take files say so themselves.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def create_app(settings: "Settings") -> "Flask":
    """The server, put together from its parts; the only place where they meet.

    The database is opened by the first request, the queue by the first ring.
    """
    app = routed_app()
    equip(app, settings)
    return app


def routed_app() -> "Flask":
    """An app that knows every route, and has nothing yet to answer from."""
    # Here and not above: a parser's child process imports this package too, and stays small.
    from flask import Flask

    from repo_server import api, web
    from repo_server.api import auth, errors

    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_MESSAGE_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # as written by the one who answers
    errors.register(app)
    app.before_request(errors.refuse_nul)
    app.before_request(auth.refuse_cross_site)
    for blueprint in (*api.BLUEPRINTS, *web.BLUEPRINTS):
        app.register_blueprint(blueprint)
    auth.require_marks(app)
    return app


def equip(app: "Flask", settings: "Settings") -> None:
    """The app answers from these settings' database, files and queue, and from no others."""
    from repo_server.api.kept import KeptBoards
    from repo_server.arrivals import Arrivals
    from repo_server.blobs import BlobStore
    from repo_server.db import make_engine, with_doorbell
    from repo_server.fetching import Fetcher
    from repo_server.lobby import Lobby
    from repo_server.outgoing import Way
    from repo_server.queue import Queue
    from repo_server.settings import read_secret
    from repo_server.streams import Streams

    app.extensions["secret"] = app.secret_key = read_secret(settings.secret_file)
    app.extensions["settings"] = settings
    app.extensions["queue"] = Queue(settings.queue_url)
    engine = make_engine(settings.database_url)
    app.extensions["engine"] = with_doorbell(engine, app.extensions["queue"].enqueue)
    app.extensions["lobby"] = Lobby(lambda: _news(app.extensions["engine"]))
    app.extensions["way"] = Way(settings.lan_hosts)
    store = app.extensions["blobs"] = BlobStore(settings.data / "blobs")
    app.extensions["arrivals"] = Arrivals(settings.data / "blobs" / "arriving", store)
    # Apart from what everybody may fetch by its hash: a lab's programs are its own.
    app.extensions["programs"] = BlobStore(settings.data / "programs")
    app.extensions["boards"] = KeptBoards(engine)
    app.extensions["streams"] = Streams()
    app.extensions["fetcher"] = Fetcher  # made anew for each import: it counts seconds and bytes
    _part_origins(app, settings.files_url)


def _news(engine: "Engine") -> "Concerns":
    from repo_server import replies
    from repo_server.db import reading

    with reading(engine) as session:
        return replies.news(session, now=datetime.now(UTC))


def _part_origins(app: "Flask", files_url: str | None) -> None:
    """Strangers' files are served under `files_url`, if there is one, and nothing else is there."""
    from repo_server.downloads import FilesOrigin
    from repo_server.files_site import FilesSite, by_host

    vars(app).pop("wsgi_app", None)  # what stood before other routes for other settings
    app.extensions["files_origin"] = None
    if files_url is not None:
        origin = FilesOrigin.of(files_url, app.extensions["secret"])
        app.extensions["files_origin"] = origin
        site = FilesSite(app.extensions["engine"], app.extensions["blobs"], origin)
        app.wsgi_app = by_host(site, files_url, app.wsgi_app)  # type: ignore[method-assign]


def close_app(app: "Flask") -> None:
    """What the server opened while it was asked is closed: streams, database and queue, and
    nobody waits in its lobby."""
    app.extensions["lobby"].close()
    app.extensions["streams"].close()
    app.extensions["boards"].close()
    app.extensions["engine"].dispose()
    app.extensions["queue"].close()
