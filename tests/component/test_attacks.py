"""Some attacks of `make attacks`, against a web process that runs and a worker beside it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.attacks import Site, attack
from repo_server import close_app, create_app, facts, tasks
from repo_server.db import reading
from repo_server.settings import Settings
from tests.attack_files import ATTACKS
from tests.attack_requests import REQUESTS
from tests.web_server import Server

FILES = ("bomb.3mf", "blocks of blocks.dxf", "spoilt solid 4.step")
ASKED = ("a file's name that leads out", "brought as an archive: a link.zip")


@contextmanager
def worker(data: Path) -> Iterator[None]:
    """The task of the workers is done in a thread of this process, whatever is published."""
    app, done = create_app(Settings.from_env({"COSMO_DATA": str(data)})), Event()

    def work() -> None:
        with app.app_context():
            while not done.wait(0.05):
                with reading(app.extensions["engine"]) as session:
                    unread = facts.releases_without_facts(session)
                for release_id in unread:
                    tasks.inspect_release(release_id)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        close_app(app)


@pytest.mark.slow
def test_each_is_refused_by_what_it_does_and_the_server_answers_on(
    tmp_path: Path, sqlite_template: Path
) -> None:
    data, designs = tmp_path / "data", tmp_path / "designs"
    data.mkdir()
    designs.mkdir()
    shutil.copyfile(sqlite_template, data / "cosmolocal.sqlite")
    server = Server(data)
    server.start()
    try:
        with worker(data):
            site = Site(server.url, server.token, os.getpid())
            files = {name: ATTACKS[name] for name in FILES}
            asked = {name: REQUESTS[name] for name in ASKED}
            results, unanswered = attack(site, designs, files, asked)
    finally:
        server.kill()
    assert [it.attack for it in results if it.typed] == [*FILES, *ASKED]
    assert unanswered == 0
    files_read = results[: len(FILES)]  # a request may be over before anybody else has asked
    assert all(0 < it.peak_mb < 1000 and it.slowest_answer_ms > 0 for it in files_read)
