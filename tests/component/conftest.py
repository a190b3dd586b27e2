"""Real parts for the component tests: the app on SQLite and on PostgreSQL, and people in it.

Every test that takes `app`, `client`, `engine` or `sign_up` runs on both databases.
COSMO_DATABASE_URL, where it is set, selects one: that PostgreSQL server, or SQLite.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, make_url
from werkzeug.test import TestResponse

from repo_server import close_app, equip, people, routed_app
from repo_server.api.auth import CSRF_HEADER
from repo_server.db import make_engine, transaction, upgrade
from repo_server.ids import new_id, new_secret
from repo_server.settings import Settings

PASSWORD = "correct horse battery staple"
_TEMPLATE = "cosmolocal_template"


def marks(metafunc: pytest.Metafunc) -> Iterator[pytest.Mark]:
    return metafunc.definition.iter_markers("parametrize")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen_by_test = any("database" in it.args[0] for it in marks(metafunc))
    if "database" in metafunc.fixturenames and not chosen_by_test:
        chosen = os.environ.get("COSMO_DATABASE_URL")
        both = ["sqlite", "postgresql"]
        metafunc.parametrize(
            "database", [make_url(chosen).get_backend_name()] if chosen else both, indirect=True
        )


class PostgresCluster:
    """The distribution's PostgreSQL in a folder of its own, on a unix socket, as nobody's data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        self._bin = found[-1].parent if found else Path("/usr/bin")
        self._user = None if os.getuid() else "postgres"  # PostgreSQL refuses to run as root

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._folder}"

    def start(self) -> None:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        if not (self._folder / "data").exists():
            initdb = ["initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8"]
            self._run(*initdb, "--locale=C.UTF-8", "-D", str(self._folder / "data"))
        # Nothing here outlives the test run, so nothing waits for the disk.
        options = f"-k {self._folder} -c listen_addresses= -c fsync=off -c max_connections=300"
        self._control("-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        self._control("-w", "-m", "fast", "stop")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), *arguments)

    def _run(self, tool: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / tool, *arguments],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server whose `postgres` may create databases; ours is stopped afterwards."""
    chosen = os.environ.get("COSMO_DATABASE_URL", "")
    if chosen.startswith("postgres"):
        yield chosen
        return
    folder = Path(tempfile.mkdtemp(prefix="cosmo-pg-"))  # short: socket paths end at 107 bytes
    cluster = PostgresCluster(folder)
    try:
        cluster.start()
        yield cluster.url
        cluster.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a database that is up to date and empty."""
    _sql(postgres_url, f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
    _upgrade(_database_url(postgres_url, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that is up to date and empty."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, up-to-date database that is this test's alone."""
    if request.param == "sqlite":
        copy = tmp_path / "cosmolocal.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), copy)
        yield f"sqlite:///{copy}"
        return
    server = request.getfixturevalue("postgres_url")
    template = request.getfixturevalue("postgres_template")
    name = f"test_{new_id()}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _database_url(server, name)
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _database_url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _sql(server: str, *commands: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for command in commands:
            connection.execute(command)  # type: ignore[call-overload]


def _upgrade(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    return Settings.from_env({"COSMO_DATA": str(tmp_path), "COSMO_DATABASE_URL": database})


@pytest.fixture(scope="session")
def routed() -> Flask:
    """Routes are compiled and templates read once: that is a third of what a test costs."""
    app = routed_app()
    app.config["HOLD_ANSWERS"] = True  # to what their routes declare
    return app


@pytest.fixture
def app(routed: Flask, settings: Settings) -> Iterator[Flask]:
    equip(routed, settings)
    yield routed
    close_app(routed)


@pytest.fixture
def engine(app: Flask) -> Engine:
    return app.extensions["engine"]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser where nobody is signed in."""
    return app.test_client()


@dataclass(frozen=True)
class Someone:
    """A person at a browser of their own; their requests show that they come from our pages."""

    id: str
    handle: str
    browser: FlaskClient
    csrf: str

    def get(self, path: str, **more: object) -> TestResponse:
        return self.browser.get(path, **more)

    def post(self, path: str, json: object | None = None, **more: object) -> TestResponse:
        return self.send("POST", path, json={} if json is None else json, **more)

    def send(self, method: str, path: str, **more: object) -> TestResponse:
        headers = {CSRF_HEADER: self.csrf, **dict(more.pop("headers", {}))}
        return self.browser.open(path, method=method, headers=headers, **more)

    def token(self, *scopes: str) -> str:
        answer = self.post("/api/v1/tokens", {"name": "test", "scopes": scopes, "days": 1})
        assert answer.status_code == 201, answer.text
        return answer.json["token"]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashing is slow on purpose, so it is done once."""
    return people.hash_password(PASSWORD)


@pytest.fixture
def sign_up(app: Flask, engine: Engine, password_hash: str) -> Callable[..., Someone]:
    """Makes an account (an admin's if asked) and signs it in."""

    def make(handle: str, *, admin: bool = False) -> Someone:
        secret, csrf, now = new_secret(), new_secret(), datetime.now(UTC)
        with transaction(engine) as session:
            person = people.sign_up(
                session,
                id=new_id(),
                handle=handle,
                name=handle.title(),
                email=f"{handle}@example.org",
                password_hash=password_hash,
                now=now,
            )
            if admin:
                people.appoint_admin(session, handle)
            people.open_session(session, person_id=person.id, secret=secret, csrf=csrf, now=now)
        browser = app.test_client()
        browser.set_cookie("sid", secret)
        return Someone(person.id, handle, browser, csrf)

    return make
