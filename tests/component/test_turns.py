"""Whose files are read next: releases take turns, and no file is read by two at once."""

from collections import deque
from hashlib import sha256

import pytest

from repo_server import facts, tasks
from repo_server.db import reading
from repo_server.parsing.inspection import Findings

MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Blocks"
repo = "https://example.org/blocks"
version = "1"
license = "MIT"
licensor = "Ada"
function = "Holds doors open"
"""

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Line:
    """The line of files, without Redis: who stands in it."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()

    def inspect(self, release_id: str, *, files: int = 1) -> None:
        self.waiting.append(release_id)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def line(app, monkeypatch):
    app.extensions["queue"] = Line()
    # What is in the files does not matter here, and reading them takes long.
    monkeypatch.setattr(tasks, "inspect", lambda *_: Findings({"faces": 1}, None))
    return app.extensions["queue"]


@pytest.fixture
def publish(sign_up, line):
    """Publishes a design of so many meshes; answers with their hashes."""
    ada = sign_up("ada")

    def send(slug: str, meshes: int) -> set[str]:
        texts = {f"{number}.stl": f"{slug} {number}".encode() for number in range(meshes)}
        files = {path: sha256(data).hexdigest() for path, data in texts.items()}
        for path, data in texts.items():
            ada.send("PUT", f"/api/v1/blobs/{files[path]}", data=data)
        body = {"manifest": MANIFEST, "files": files}
        answer = ada.post(f"/api/v1/designs/{slug}/releases", body)
        assert answer.status_code == 201, answer.text
        return set(files.values())

    return send


def read_all(app, engine, line) -> list[str]:
    """Everybody's turn comes until the line is empty; the hashes in the order in which they were
    read."""
    releases, order = set(line.waiting), []
    with app.app_context():
        while line.waiting:
            before = left(engine, releases)
            tasks.inspect_release(line.waiting.popleft())
            order += before - left(engine, releases)
    return order


def left(engine, releases) -> set[str]:
    with reading(engine) as session:
        todo = [facts.files_without_facts(session, id_) for id_ in releases]
    return {sha for files in todo for sha, _ in files}


def test_who_publishes_many_files_keeps_nobody_waiting_until_the_last(publish, app, engine, line):
    many, one = publish("many", 4), publish("one", 1)
    order = read_all(app, engine, line)
    assert len(order) == 5 and set(order) == many | one
    assert order[1] in one


def test_a_file_that_another_worker_reads_is_left_to_it(publish, app, engine, line):
    files = publish("many", 3)
    waiting, held = list(line.waiting), min(files)
    with app.extensions["blobs"].claimed(held):
        assert set(read_all(app, engine, line)) == files - {held}
    assert left(engine, waiting) == {held}
    with app.app_context():
        tasks.inspect_waiting()  # the worker that had it died
    assert read_all(app, engine, line) == [held]
