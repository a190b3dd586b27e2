"""Parts of two releases compared by shape: paired, asked for once, told, and shown."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from repo_server import shape_changes, tasks
from repo_server.db import reading
from repo_server.designs import show_release
from tests.browsing import page
from tests.component.conftest import Someone
from tests.mesh_files import CORNERS, FACES, stl

API = "/api/v1"
MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Block"
repo = "https://example.org/block"
version = "1.0.0"
license = "MIT"
licensor = "Ada"
function = "Holds doors open"

[[part]]
name = "block"
tsdc = "3DP"
export = "block.stl"

[[part]]
name = "foot"
tsdc = "3DP"
export = "foot.stl"
"""
LOWER = [(x, y, 28 if z else 0) for x, y, z in CORNERS]
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def two(sign_up: Callable[..., Someone]) -> tuple[str, str]:
    """Two releases: the block became lower, the foot has another name and the same file."""
    ada = sign_up("ada")

    def publish(manifest: str, block: bytes) -> str:
        files = {"block.stl": block, "foot.stl": stl()}
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        for path, data in files.items():
            ada.send("PUT", f"{API}/blobs/{hashes[path]}", data=data)
        answer = ada.post(f"{API}/designs/block/releases", {"manifest": manifest, "files": hashes})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    first = publish(MANIFEST, stl())
    later = MANIFEST.replace("1.0.0", "1.1.0").replace('"foot"', '"Foot"')
    return first, publish(later, stl(LOWER, FACES))


def test_what_is_asked_for_is_compared_once_and_told(
    app: Flask, client: FlaskClient, engine: Engine, two: tuple[str, str]
) -> None:
    at = f"{API}/releases/{two[0]}/changes/{two[1]}"
    asked = [{it["part"]: it["state"] for it in client.get(at).json["parts"]} for _ in range(2)]
    assert asked == [{"block": "waiting", "Foot": "same"}] * 2
    with reading(engine) as session:
        assert len(shape_changes.waiting(session)) == 1
    with app.app_context():
        tasks.compare_waiting()
    block = next(it for it in client.get(at).json["parts"] if it["part"] == "block")
    facts = block["facts"]
    assert (block["state"], facts["before"]["volume_mm3"]) == ("compared", 6000)
    assert facts["after"]["box_mm"] == [10, 20, 28]
    assert facts["removed"]["least_mm"] == pytest.approx(2, abs=1e-3)
    assert facts["added"]["places"] == []
    preview = client.get(f"{API}/blobs/{block['preview']}", buffered=True)
    assert (preview.mimetype, preview.data[:4]) == ("model/gltf-binary", b"glTF")
    shown = page(client, f"/releases/{two[0]}/changes/{two[1]}")
    for said in ("Something was taken away", "\N{MINUS SIGN}2 mm", "before: foot", "2 mm"):
        assert said in shown.text, said
    assert shown.wrong == []


@on_sqlite
def test_no_more_are_asked_for_than_the_worker_comes_to(
    client: FlaskClient, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape_changes, "MOST_WAITING", 0)
    answer = client.get(f"{API}/releases/{two[0]}/changes/{two[1]}").json
    assert {it["state"] for it in answer["parts"]} == {"not_asked", "same"}
    text = page(client, f"/releases/{two[0]}/changes/{two[1]}").text
    assert "Many shapes wait to be compared" in text


@on_sqlite
def test_parts_are_paired_by_name_and_then_by_file(engine: Engine, two: tuple[str, str]) -> None:
    with reading(engine) as session:
        found = shape_changes.pairs(*(show_release(session, it) for it in two))
    assert [(it.was, it.part) for it in found] == [("block", "block"), ("foot", "Foot")]
    assert found[0].key[2] == "stl+stl"
    assert Path(found[1].after.path).name == "foot.stl"
