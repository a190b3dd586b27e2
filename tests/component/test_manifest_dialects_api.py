"""Manifests of any dialect are published as they were written, and come out in every one."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from commons.errors import FabError
from commons.manifest import Dialect, check_manifest, parse_manifest, read_manifest
from cosmo.__main__ import cli
from repo_server.settings import Settings
from tests.shop import Someone
from tests.unit.test_manifest_dialects import LOSH, V1

FILES = {"img/all.png": b"x", "README.md": b"# Microscope"}


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """A manifest does not depend on the database, so there is one of them."""
    (tmp_path / "cosmolocal.sqlite").write_bytes(sqlite_template.read_bytes())
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def publish(sign_up: Callable[..., Someone]) -> Callable[..., dict]:
    person = sign_up("ada")

    def send(manifest: str, files: dict[str, bytes] = FILES, slug: str = "scope") -> dict:
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        for path, data in files.items():
            person.send("PUT", f"/api/v1/blobs/{hashes[path]}", data=data)
        body = {"manifest": manifest, "files": hashes}
        answer = person.post(f"/api/v1/designs/{slug}/releases", body)
        return {"status": answer.status_code, **answer.json}

    return send


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_v1_manifest_is_published_as_written_and_read_in_our_words(
    publish: Callable[..., dict], client: FlaskClient
) -> None:
    answer = publish(V1)
    assert answer["status"] == 201
    shown = client.get(f"/api/v1/releases/{answer['id']}").json
    assert (shown["name"], shown["version"]) == ("Field microscope", "6.0")
    kept = client.get(f"/api/v1/releases/{answer['id']}/manifest")
    assert kept.text == V1
    assert kept.headers["Content-Disposition"] == 'attachment; filename="okh.yml"'
    assert kept.mimetype == "application/yaml"


@pytest.mark.parametrize("written", [V1, LOSH])
def test_a_release_comes_out_in_every_dialect(
    publish: Callable[..., dict], client: FlaskClient, written: str
) -> None:
    id_ = publish(written)["id"]
    for dialect in Dialect:
        answer = client.get(f"/api/v1/releases/{id_}/manifest", query_string={"dialect": dialect})
        assert answer.status_code == 200
        told = check_manifest(answer.data)
        assert (told.dialect, told.lenient) == (dialect, ())
        assert read_manifest(answer.data).name == read_manifest(written.encode()).name
    same = parse_manifest(written.encode()).dialect
    as_written = client.get(f"/api/v1/releases/{id_}/manifest", query_string={"dialect": same})
    assert as_written.text == written


def test_what_a_strict_reader_minds_is_told_and_keeps_nobody_from_publishing(
    publish: Callable[..., dict],
) -> None:
    notes = publish(LOSH)["notes"]
    assert {"field": "timestamp", "line": 10}.items() <= next(
        note for note in notes if note["field"] == "timestamp"
    ).items()


def test_what_is_wrong_with_a_manifest_has_its_line(publish: Callable[..., dict]) -> None:
    answer = publish(V1.replace("CERN-OHL-S-2.0", "CERN OHL"))
    assert answer["status"] == 422
    (problem,) = answer["fields"]
    assert (problem["field"], problem["line"]) == ("license.hardware", 15)


def test_a_manifest_is_not_listed_among_its_files(publish: Callable[..., dict]) -> None:
    answer = publish(V1, FILES | {"okh.yml": b"x"})
    assert "okh.yml is the manifest" in answer["detail"]
    assert publish(LOSH, {"okh.yml": b"x"}, "crate")["status"] == 201


def test_a_dialect_that_nobody_knows_is_told_which_there_are(
    publish: Callable[..., dict], client: FlaskClient
) -> None:
    answer = client.get(f"/api/v1/releases/{publish(LOSH)['id']}/manifest?dialect=v7")
    assert answer.status_code == 422
    assert "dialect: Input should be 'v1', 'losh' or '2.4'" in answer.json["detail"]


def say(*words: str | Path) -> str:
    """What the command prints, or the sentence of its refusal."""
    ran = CliRunner().invoke(cli, [str(word) for word in words])
    if ran.exception and not isinstance(ran.exception, FabError):
        raise ran.exception
    return ran.output + (str(ran.exception) if ran.exception else "")


def test_the_command_publishes_a_folder_of_any_dialect_and_exports_it(
    tmp_path: Path, address: str, app: Flask, sign_up: Callable[..., Someone]
) -> None:
    token = tmp_path / "token"
    person = sign_up("ada")
    made = person.post("/api/v1/tokens", {"name": "t", "scopes": ["design:write"], "days": 1})
    token.write_text(made.json["token"])
    folder = tmp_path / "scope"
    (folder / "img").mkdir(parents=True)
    (folder / "okh.yml").write_text(V1)
    (folder / "img/all.png").write_bytes(b"x")
    said = say("publish", folder, "--server", address, "--token-file", token)
    assert "scope 6.0 published" in said
    out = tmp_path / "okh.toml"
    say("manifest", "export", "scope", "--dialect", "2.4", "--out", out, "--server", address)
    assert read_manifest(out.read_bytes()).version == "6.0"
    back = say("manifest", "convert", out, "--dialect", "v1")
    contact = parse_manifest(V1.encode()).data["contact"]
    assert parse_manifest(back.encode()).data["contact"] == contact


def test_the_command_tells_both_answers(tmp_path: Path) -> None:
    file = tmp_path / "okh.yml"
    file.write_text(V1)
    said = say("manifest", "check", file)
    assert "OKH v1, in YAML" in said
    assert "lenient: every reader can use it" in said
    file.write_text(V1.replace("made: true", "made: yes").replace("version: 6.0\n", ""))
    said = say("manifest", "check", file)
    assert "strict: 1 to mend\n    made (line 11): is 'yes'; write made: true" in said
    assert "for a release here: 1 to mend\n    version: is missing" in said
    assert said.endswith("cannot be published as it is")


def test_the_command_brings_a_folder_or_an_archive_as_a_draft_and_asks(
    tmp_path: Path, address: str, sign_up: Callable[..., Someone]
) -> None:
    token, person = tmp_path / "token", sign_up("ada")
    made = person.post("/api/v1/tokens", {"name": "t", "scopes": ["design:write"], "days": 1})
    token.write_text(made.json["token"])
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "README.md").write_text("# Shelf hook\n\nHangs a bag.\n")
    (folder / "hook.stl").write_bytes(b"solid x")
    with zipfile.ZipFile(tmp_path / "hook.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"hook/{file.name}")
    for source in (folder, tmp_path / "hook.zip"):
        said = say("import", "hook", source, "--server", address, "--token-file", token)
        assert "2 files are in a draft of hook" in said
        assert "name: is missing; a guess, the title of README.md: Shelf hook" in said
        assert "license: is missing\n" in said
        assert f"go on at {address}/drafts/" in said
    drafts = [person.get(f"/api/v1/drafts/{it['id']}").json
              for it in person.get("/api/v1/drafts").json["drafts"]]  # fmt: skip
    assert len(drafts) == 2
    assert drafts[0]["manifest"] == drafts[1]["manifest"]
    assert drafts[0]["files"] == drafts[1]["files"]
    assert "is no folder or archive here" in say(
        "import", "hook", tmp_path / "none", "--server", address, "--token-file", token
    )
