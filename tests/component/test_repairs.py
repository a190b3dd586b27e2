"""A broken mesh from the button to the draft: who may ask, that it is made once, what is told."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from click.testing import CliRunner
from flask import Flask
from werkzeug.serving import make_server

from commons.manifest import feed_part, read_manifest
from cosmo.__main__ import cli
from repo_server import tasks
from tests.browsing import fill, page
from tests.component.conftest import Someone
from tests.mesh_files import CORNERS, FACES, stl

API = "/api/v1"
MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Block"
repo = "https://example.org/block"
version = "1.2.0"
license = "MIT"
licensor = "Ada"
function = "Holds doors open"

[[part]]
name = "block"  # of oak, once
tsdc = "3DP"
export = ["block.stl"]

[[part]]
name = "wedge"
tsdc = "3DP"
export = "wedge.stl"
"""
OPEN = stl(CORNERS, np.delete(np.array(FACES), [4, 5], axis=0).tolist())
SHEET = stl(CORNERS, FACES[:4])
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def ada(sign_up: Callable[..., Someone]) -> Someone:
    return sign_up("ada")


@pytest.fixture
def block(ada: Someone) -> str:
    """A release of two parts: one has a hole, the other is no more than a corner."""
    files = {"block.stl": OPEN, "wedge.stl": SHEET}
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    for path, data in files.items():
        ada.send("PUT", f"{API}/blobs/{hashes[path]}", data=data)
    body = {"manifest": MANIFEST, "files": hashes}
    answer = ada.post(f"{API}/designs/block/releases", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def work(app: Flask) -> None:
    with app.app_context():
        tasks.repair_waiting()


def test_a_steward_asks_once_or_twice_and_gets_one_copy_in_one_draft(
    app: Flask, ada: Someone, block: str
) -> None:
    at = f"{API}/releases/{block}/repairs"
    asked = [ada.post(at, {"part": "block"}).json["state"] for _ in range(2)]
    assert asked == ["waiting", "waiting"]
    assert ada.post(f"{at}/draft", {"part": "block"}).status_code == 409
    work(app)
    (made,) = ada.get(at).json["repairs"]
    assert (made["state"], made["file"], made["problem"]) == ("repaired", "block.stl", None)
    assert made["facts"]["after"]["volume_mm3"] == 6000
    assert made["facts"]["steps"]["holes"] == 1
    copy = app.test_client().get(f"{API}/blobs/{made['copy_sha256']}", buffered=True)
    assert (copy.status_code, copy.data[:2]) == (200, b"PK")  # for everybody, as the old file is
    first = ada.post(f"{at}/draft", {"part": "block"}).json["draft_id"]
    draft = ada.get(f"{API}/drafts/{first}").json
    assert draft["files"]["block-repaired.3mf"] == made["copy_sha256"]
    assert draft["files"]["block.stl"] == hashlib.sha256(OPEN).hexdigest()
    assert draft["note"] == "block-repaired.3mf is a repaired copy of block.stl."
    before = read_manifest(draft["manifest"].encode())
    assert (before.version, before.parts[0].file) == ("1.2.1", "block.stl")
    again = [ada.post(f"{at}/draft", {"part": "block", "use": True}) for _ in range(2)]
    assert [it.json["draft_id"] for it in again] == [first, first]
    draft = ada.get(f"{API}/drafts/{first}").json
    assert (draft["revision"], draft["problems"]) == (2, [])
    assert read_manifest(draft["manifest"].encode()).parts[0].file == "block-repaired.3mf"
    assert "# of oak, once" in draft["manifest"]
    released = ada.post(f"{API}/drafts/{first}/release").json["id"]
    part = ada.get(f"{API}/releases/{released}").json["parts"][0]
    assert part["file"]["facts"]["watertight"] is True  # measured when the copy was made


@on_sqlite
def test_nobody_but_the_steward_asks_and_only_for_meshes_that_are_there(
    sign_up: Callable[..., Someone], ada: Someone, block: str
) -> None:
    eve, at = sign_up("eve"), f"{API}/releases/{block}/repairs"
    assert eve.post(at, {"part": "block"}).status_code == 403
    assert eve.post(f"{at}/draft", {"part": "block"}).status_code == 403
    assert ada.post(at, {"part": "lid"}).status_code == 404
    assert ada.get(at).json == {"repairs": []}


@on_sqlite
def test_what_cannot_be_repaired_says_so_and_leaves_no_copy(
    app: Flask, ada: Someone, block: str
) -> None:
    at = f"{API}/releases/{block}/repairs"
    ada.post(at, {"part": "wedge"})
    work(app)
    (refused,) = ada.get(at).json["repairs"]
    assert (refused["state"], refused["copy_sha256"]) == ("refused", None)
    assert "a sheet rather than a body" in refused["problem"]
    assert "a sheet rather than a body" in page(ada.browser, f"/releases/{block}/making").text


@on_sqlite
def test_the_page_asks_waits_shows_and_leads_to_the_draft(
    app: Flask, ada: Someone, block: str, client: object
) -> None:
    here = f"/releases/{block}/making"
    with app.app_context():
        while tasks.inspect_release(block):
            pass
    assert "Make a repaired copy" not in page(client, here).text  # it is not theirs
    form = fill(ada, here, f"/releases/{block}/repairs")
    sent = ada.browser.post(f"/releases/{block}/repairs", data=form | {"part": "block"})
    assert sent.location == here
    assert "A repaired copy is being made." in page(ada.browser, here).text
    work(app)
    shown = page(ada.browser, here)
    assert "1 hole was closed, with a surface of 300 mm² that is new." in shown.text
    assert "none: it has no inside" in shown.text and "6 cm³" in shown.text
    assert shown.wrong == []
    form = fill(ada, here, f"/releases/{block}/repairs/draft")
    sent = ada.browser.post(f"/releases/{block}/repairs/draft", data=form | {"use": "yes"})
    assert "block-repaired.3mf" in page(ada.browser, sent.location).text


def test_a_part_is_fed_with_a_file_in_every_way_of_writing_it() -> None:
    text = feed_part(MANIFEST.encode(), "wedge", "new.3mf").decode()
    assert 'export = ["new.3mf", "wedge.stl"]' in text and "# of oak, once" in text
    assert feed_part(text.encode(), "wedge", "new.3mf").decode() == text


@on_sqlite
def test_the_command_asks_tells_what_was_done_and_puts_it_into_a_draft(
    app: Flask, ada: Someone, block: str, tmp_path: Path
) -> None:
    ada.post(f"{API}/releases/{block}/repairs", {"part": "block"})
    work(app)
    token = tmp_path / "token"
    token.write_text(ada.token("read", "design:write"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        asked = ["repair", "block", "block", "--draft", "--use", "--token-file", str(token)]
        at = ["--server", f"http://127.0.0.1:{server.port}"]
        said = CliRunner().invoke(cli, [*asked, *at])
        told = CliRunner().invoke(cli, [*asked, *at, "--json"])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert "holes closed: 1" in said.output and "6000" in said.output, said.output
    draft = json.loads(told.output)["draft_id"]
    assert f"/drafts/{draft}" in said.output  # the same one
