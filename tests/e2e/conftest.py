"""A server process with two real designs and a lab in it, and a browser to look at it with."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from repo_server import create_app, people, tasks
from repo_server.blobs import BlobStore, record
from repo_server.db import transaction, upgrade
from repo_server.designs import publish_release
from repo_server.ids import new_id
from repo_server.labs import set_role
from repo_server.people import Person
from repo_server.settings import Settings
from repo_server.submissions import Upload
from repo_server.tables.people import LabRole
from tests.floor import Floor, furnish, printer, router
from tests.tables import publish_table

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# No call home, and WebGL by software where there is no graphics card.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@dataclass(frozen=True)
class Site:
    """A running server: its address, that of strangers' files, and the lab behind it, which a
    test moves on."""

    address: str
    files: str
    floor: Floor


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server answers. It is handed sockets that listen already, so nothing waits for it."""
    data = tmp_path_factory.mktemp("site")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as listening,
        socket.create_server(("127.0.0.1", 0), backlog=64) as of_files,
    ):
        address, files = (f"http://127.0.0.1:{it.getsockname()[1]}" for it in (listening, of_files))
        environ = {"COSMO_DATA": str(data), "COSMO_BASE_URL": address, "COSMO_FILES_URL": files}
        floor = _furnish(Settings.from_env(environ))
        # A live board holds its thread for as long as somebody looks at it: nobody does any more.
        with (data / "log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "16",
                 "--graceful-timeout", "1", "-b", f"fd://{listening.fileno()}",
                 "-b", f"fd://{of_files.fileno()}", "repo_server.wsgi:app"],
                cwd=ROOT,
                env={**os.environ, **environ},
                pass_fds=[listening.fileno(), of_files.fileno()],
                stderr=log,
            )  # fmt: skip
        yield Site(address, files, floor)
        server.terminate()
        server.wait()
    floor.engine.dispose()


def _furnish(settings: Settings) -> Floor:
    """A lab with a manager, and two designs whose files have been inspected."""
    app = create_app(settings)
    engine = app.extensions["engine"]
    upgrade(engine)
    floor = furnish(engine, printer(), router(simulated=True), lab="corner")
    floor.now = datetime.now(UTC)
    with transaction(engine) as session:
        olga = people.sign_up(
            session,
            id=new_id(),
            handle="olga",
            name="Olga",
            email="olga@example.org",
            password_hash=people.hash_password(PASSWORD),
            now=floor.now,
        )
        set_role(session, lab_id=floor.lab_id, handle="olga", role=LabRole.MANAGER)
    with app.app_context():
        for slug in ("twist-jar", "laptop-stand"):
            release_id = _publish(floor, app.extensions["blobs"], slug, olga)
            while tasks.inspect_release(release_id):  # a file at a time
                pass
        with transaction(engine) as session:
            id_ = publish_table(session, app.extensions["blobs"], by=olga, now=floor.now)
        tasks.inspect_release(id_)
    return floor


def _publish(floor: Floor, store: BlobStore, slug: str, by: Person) -> str:
    folder = ROOT / "designs" / slug
    paths = [path for kind in ("export", "images") for path in (folder / kind).iterdir()]
    paths += [path for path in folder.iterdir() if path.is_file()]
    paths += (folder / "source").glob("*.py")
    files = {}
    with transaction(floor.engine) as session:
        for path in paths:
            with path.open("rb") as file:
                stored = store.put(file)
            record(session, stored, now=floor.now)
            files[str(path.relative_to(folder))] = stored.sha256
        files.pop("okh.toml")
        manifest = (folder / "okh.toml").read_bytes()
        upload = Upload(slug, manifest, files)
        id_, _ = publish_release(session, upload, by=by, design_id=new_id(), now=floor.now)
    return id_


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


def launch(playwright: Playwright, *more: str) -> Browser:
    """The distribution's Chromium without a window; a missing one is a failure."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    assert found, f"none of {', '.join(CHROMIUM)} is installed: run `make setup`"
    return playwright.chromium.launch(executable_path=found, args=[*FLAGS, *more])


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of one's own (`width` in px, …); what it complains of fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(context: BrowserContext) -> BrowserContext:
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on(
            "console",
            lambda said: said.type == "error" and complaints.append(f"{said.text} {said.location}"),
        )
        return context

    def open_(width: int = 1280, **options: object) -> BrowserContext:
        opened.append(chromium.new_context(viewport={"width": width, "height": 900}, **options))
        return listen(opened[-1])

    yield open_
    for context in opened:
        context.close()
    assert complaints == []
