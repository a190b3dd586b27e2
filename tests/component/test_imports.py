"""A design from elsewhere becomes a draft; one form asks what is open, and then it is published."""

import io
import re
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask

from repo_server.fetching import Fetcher
from repo_server.settings import Settings
from tests.shop import Someone
from tests.unit.test_manifest_dialects import V1
from tests.unit.test_manifest_guesses import MIT, README

pytestmark = pytest.mark.slow
BARE = {"hook-main/README.md": README.encode(), "hook-main/LICENSE": MIT.encode(),
        "hook-main/hook.stl": b"solid x"}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """An import does not depend on the database, so there is one of them."""
    (tmp_path / "cosmolocal.sqlite").write_bytes(sqlite_template.read_bytes())
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def ada(sign_up: Callable[..., Someone]) -> Someone:
    return sign_up("ada")


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def brought(ada: Someone, archive: bytes) -> dict:
    answer = ada.send("POST", "/api/v1/designs/hook/imports/archive", data=archive)
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_without_a_manifest_is_asked_about_with_guesses(
    ada: Someone, pack: Callable[..., bytes]
) -> None:
    draft = brought(ada, pack(BARE))
    asked = {it["field"]: (it["guess"], it["why"]) for it in draft["questions"]}
    assert asked == {
        "name": ("Shelf hook", "the title of README.md"),
        "version": ("0.1.0", "as a first release"),
        "license": ("MIT", "whose whole text is LICENSE"),
        "licensor": ("Ada Lovelace", "who is named in LICENSE"),
        "function": ("Hangs a bag on a shelf.", "the first words of README.md"),
        "repo": (None, None),
    }
    kept = ada.get(f"/api/v1/drafts/{draft['draft']}").json
    assert set(kept["files"]) == {"README.md", "LICENSE", "hook.stl"}


def test_a_whole_archive_leaves_nothing_open_and_is_published_as_it_is(ada: Someone) -> None:
    files = {"scope/okh-scope.yml": V1.encode(), "scope/img/all.png": b"x"}
    draft = brought(ada, zipped(files))
    assert draft["questions"] == []
    release = ada.post(f"/api/v1/drafts/{draft['draft']}/release")
    assert release.status_code == 201
    assert ada.get(f"/api/v1/releases/{release.json['id']}/manifest").text == V1


def test_the_form_asks_what_is_open_and_writes_the_answers_down(ada: Someone) -> None:
    form = {"slug": "hook", "csrf": ada.csrf, "archive": (io.BytesIO(zipped(BARE)), "hook.zip")}
    sent = ada.browser.post("/import", data=form, content_type="multipart/form-data")
    assert sent.status_code == 303
    page = ada.browser.get(sent.location)
    assert page.text.count("A guess: ") == 5
    assert "the title of README.md" in page.text
    assert 'value="Shelf hook"' in page.text
    answers = {"name": "Shelf hook", "version": "1.0.0", "license": "GPLv3", "licensor": "Ada",
               "function": "Hangs a bag", "repo": "https://example.org/hook",
               "csrf": ada.csrf, "revision": "1"}  # fmt: skip
    again = ada.browser.post(sent.location, data=answers)
    left = ada.browser.get(again.location)
    assert "may mean GPL-3.0-only or GPL-3.0-or-later" in left.text
    assert re.findall(r'<input id="(\w+)"', left.text) == ["license"]
    assert "A guess: " not in left.text  # somebody has said something
    mended = {"license": "MIT", "csrf": ada.csrf, "revision": "2"}
    done = ada.browser.post(sent.location, data=mended)
    shown = ada.browser.get(done.location, follow_redirects=True)
    assert "What is saved can be published" in shown.text


def test_a_manifest_that_cannot_be_read_is_a_draft_that_tells_the_line(ada: Someone) -> None:
    broken = V1.replace('"@bea"', "@bea")
    draft = brought(ada, zipped({"okh.yml": broken.encode()}))
    assert draft["questions"] == []
    problems = ada.get(f"/api/v1/drafts/{draft['draft']}").json["problems"]
    assert any('write user-handle: "@bea"' in it["problem"] for it in problems)


def test_a_hostile_archive_leaves_no_draft(ada: Someone) -> None:
    answer = ada.send("POST", "/api/v1/designs/hook/imports/archive",
                      data=zipped({"../../etc/passwd": b"x"}))  # fmt: skip
    assert answer.status_code == 422
    assert "names a place outside of itself" in answer.json["detail"]
    assert ada.get("/api/v1/drafts").json["drafts"] == []


@pytest.fixture
def site(tmp_path: Path, app: Flask) -> Iterator[None]:
    """A public server, as far as the server can see: only dialling leads to this machine."""
    folder = tmp_path / "site" / "scope"
    (folder / "img").mkdir(parents=True)
    (folder / "okh.yml").write_text(V1)
    (folder / "img/all.png").write_bytes(b"a picture")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(tmp_path / "site"))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def dial(address: str, host: str, timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", server.server_port), timeout=timeout_s)

    names = {"example.org": ["93.184.215.14"], "inner.org": ["10.0.0.7"]}
    app.extensions["fetcher"] = lambda: Fetcher(resolve=names.__getitem__, connect=dial)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("site")
def test_a_manifests_address_brings_the_files_that_it_names(ada: Someone) -> None:
    url = "https://example.org/scope/okh.yml"
    draft = ada.post("/api/v1/designs/scope/imports/url", {"url": url})
    assert draft.status_code == 201
    kept = ada.get(f"/api/v1/drafts/{draft.json['draft']}").json
    assert set(kept["files"]) == {"img/all.png"}
    assert kept["problems"] == []


@pytest.mark.usefixtures("site")
def test_an_address_inside_our_own_network_is_refused(ada: Someone) -> None:
    for url in ("https://inner.org/okh.yml", "http://example.org/okh.yml"):
        answer = ada.post("/api/v1/designs/scope/imports/url", {"url": url})
        assert answer.status_code == 422
    assert ada.get("/api/v1/drafts").json["drafts"] == []
