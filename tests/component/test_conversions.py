"""A part that is a STEP file: machines get a mesh of it, and the record tells of which file."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from commons.content import content_id
from commons.errors import InvalidInput
from commons.wire import EventKind
from fab_agent.slicing import mesh as agent
from fab_agent.slicing.plate import CleanRequest
from repo_server import tasks
from repo_server.parsing import inspection
from repo_server.passports import show_passport
from repo_server.people import Person
from tests import floor as shop
from tests import step_files
from tests.browsing import page
from tests.tables import publish_table

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
MM3 = 100 * 60 * 5 + 4 * 5 * 5 * 70


def test_a_step_file_is_ordered_and_made_from_its_mesh(
    app: Flask, client: FlaskClient, engine: Engine
) -> None:
    floor, store = shop.furnish(engine, shop.printer()), app.extensions["blobs"]
    manager = Person(floor.manager, "manu", "Manu", is_admin=True)
    with floor.session() as session:
        floor.release_id = publish_table(session, store, by=manager, now=floor.now)
    with pytest.raises(InvalidInput, match="has been read"):
        floor.order("Whole table")  # nobody has read the file yet
    with app.app_context():
        tasks.inspect_release(floor.release_id)
    floor.order("Whole table")
    offer = floor.running()
    assert offer.file_name == "table.3mf"
    with client.get(f"/api/v1/blobs/{offer.file_sha256}") as answer:
        mesh = answer.data
    assert (content_id(mesh), len(mesh)) == (offer.file_sha256, offer.file_size)
    request = CleanRequest(name=offer.file_name, scale=1.0, room_mm=(200, 200, 200))
    _, body = agent.clean(mesh, request)
    assert (body.volume_mm3, body.size_mm) == (pytest.approx(MM3), (100, 60, 75))
    floor.tell(EventKind.FINISHED, offer, run=shop.run())
    with floor.session() as session:
        told = show_passport(session, offer.attempt_id).entries
    solid = content_id(step_files.table())
    assert (told["mesh"].value, told["solid"].value) == (offer.file_sha256, solid)
    assert (told["tolerance"].value, told["tolerance"].unit) == (0.05, "mm")
    shown = page(client, "/designs/table")
    assert "machines get a mesh made of the STEP file, off by 0.05 mm at most" in shown.text
    assert f"/api/v1/blobs/{offer.file_sha256}" in shown.links


def test_a_reader_that_names_another_mesh_is_not_believed(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's file may have taken over its reader; what the reader left is looked at alone."""

    def lies(arguments: list[str], path: Path, out: Path, **more: object) -> None:
        (out / "answer.json").write_text('{"facts": {"mesh": {"sha256": "' + "ab" * 32 + '"}}}')

    monkeypatch.setattr(inspection.sandbox, "run_child", lies)
    found = inspection.inspect(tmp_path, "step", app.extensions["blobs"])
    assert (found.facts, found.mesh) == ({}, None)
