"""Whether a design can be made: the page, its sentences, and the machines that have room."""

from collections.abc import Callable

import pytest
import trimesh
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from commons.machine import Process
from repo_server import designs, making, matches
from repo_server.db import transaction
from repo_server.making import Lying
from repo_server.mesh_facts import mesh_facts
from repo_server.print_estimate import estimate
from repo_server.tables import FileFactsRow
from repo_server.web.remarks import remarks_of
from tests import floor as shop
from tests.browsing import page
from tests.component.conftest import Someone
from tests.floor import Floor

SOUND = {"least_mm": 5.0, "share": 0.0, "places": []}
HOOK = {
    "box_mm": [60.0, 40.0, 30.0],
    "area_mm2": 9000.0,
    "volume_mm3": 20000.0,
    "unit_guess": "mm",
    "printability": {
        "hanging_share": 0.25,
        "hanging": [[1.0, 2.0, 3.0]],
        "walls": {"least_mm": 0.31, "share": 0.125, "places": [[4.0, 5.0, 6.0]]},
        "gaps": {"least_mm": None, "share": 0.0, "places": []},
    },
}


@pytest.fixture
def floor(app: Flask, engine: Engine) -> Floor:
    return shop.furnish(engine, shop.printer(), shop.router())


def measured(floor: Floor, facts: dict[str, object], path: str = "hook.stl") -> None:
    with floor.session() as session:
        file = designs.show_release(session, floor.release_id).file(path)
        assert file is not None
        session.merge(
            FileFactsRow(
                sha256=file.sha256,
                kind="stl",
                parser_version=2,
                facts=facts,
                preview_sha256=file.sha256,
                measured_at=floor.now,
            )
        )


def sentences(facts: dict[str, object]) -> dict[str, str]:
    checked = mesh_facts(facts)
    assert checked is not None
    return {it.about.english: f"{it.about.tone}: {it.text}" for it in remarks_of(checked)}


def test_the_page_says_what_hinders_a_part_and_marks_where(
    client: FlaskClient, floor: Floor
) -> None:
    measured(floor, HOOK)
    text = page(client, f"/releases/{floor.release_id}/making").text
    assert "12.5 % of its surface is wall of less than 0.8 mm, the thinnest 0.31 mm" in text
    assert "25 % of its surface hangs in the air" in text
    assert "It fits as drawn" in text
    assert "this part is 60 × 40 × 900 mm" in text  # the tower is too high
    answer = client.get(f"/releases/{floor.release_id}/making").text
    assert "[[4.0, 5.0, 6.0]]" in answer
    assert f"/releases/{floor.release_id}/making" in client.get("/designs/shelf-hook").text


def test_facts_of_an_older_parser_or_none_are_no_error(client: FlaskClient, floor: Floor) -> None:
    for facts in ({}, {"box_mm": [1, 2]}, {"box_mm": [60, 40, 30], "area_mm2": "much"}):
        measured(floor, facts)
        assert client.get(f"/releases/{floor.release_id}/making").status_code == 200


def test_each_finding_has_its_sentence_and_its_tone() -> None:
    bad = sentences(HOOK)
    assert bad["Walls"].startswith("bad: ") and bad["Overhangs"].startswith("wait: ")
    assert "Gaps" not in bad and "Unit" not in bad
    fine = {**HOOK["printability"], "hanging_share": 0.001, "walls": SOUND, "gaps": SOUND}
    good = sentences({**HOOK, "printability": fine})
    assert good["Walls"] == "good: Its walls are thick enough."
    assert good["Overhangs"] == "good: As drawn nothing hangs in the air."
    narrow = {**fine, "gaps": {"least_mm": 0.2, "share": 0.1, "places": []}}
    assert "the narrowest 0.2 mm" in sentences({**HOOK, "printability": narrow})["Gaps"]
    assert "in inches" in sentences({**HOOK, "unit_guess": "in"})["Unit"]
    assert "in none" in sentences({**HOOK, "unit_guess": None})["Unit"]


def test_a_mesh_that_is_no_body_is_told_by_its_unit_alone() -> None:
    assert sentences({"box_mm": [1, 1, 1], "area_mm2": 6.0, "unit_guess": "in"}).keys() == {"Unit"}


def test_a_high_part_fits_on_its_side(engine: Engine, floor: Floor) -> None:
    measured(floor, {**HOOK, "box_mm": [60.0, 40.0, 215.0]})
    with transaction(engine) as session:
        part = matches.buildable(session, floor.release_id, "hook")
        benches = making.benches(session, Process.FDM, to=None)
        high = benches[0].machine.profile.envelope.size_mm
        (room,) = making.rooms(part, benches)
    assert high[2] < 215 < max(high), "this test needs a printer that is wider than it is high"
    assert room.lying is Lying.ON_ITS_FRONT


def test_the_labs_of_the_reader_come_first(
    engine: Engine, floor: Floor, sign_up: Callable[..., Someone]
) -> None:
    with transaction(engine) as session:
        benches = making.benches(session, Process.FDM, to=floor.manager)
    assert [(it.lab, it.machine.name) for it in benches] == [("corner", "Printer")]


@pytest.mark.parametrize(
    ("volume", "area", "height", "mm3", "seconds"),
    [  # what PrusaSlicer 2.5 said of a jar, a hook, a ball and a thin tube, quickest quality
        (14858, 15800, 39.4, 13513, 2531),
        (27211, 10597, 20.0, 13004, 2880),
        (33438, 5021, 40.0, 9551, 1820),
        (14234, 14777, 60.0, 13769, 2125),
    ],
)
def test_estimates_hold_what_a_slicer_said(
    volume: float, area: float, height: float, mm3: float, seconds: float
) -> None:
    it = estimate(volume_mm3=volume, area_mm2=area, height_mm=height, density_g_cm3=1.24)
    assert it.mass_g[0] < mm3 * 1.24e-3 < it.mass_g[1]
    assert it.time_s[0] < seconds < it.time_s[1]


def test_a_thin_plate_is_told_by_its_parser(tmp_path) -> None:
    from repo_server.blobs import BlobStore
    from repo_server.parsing.inspection import inspect

    path = tmp_path / "plate.stl"
    path.write_bytes(trimesh.creation.box((50, 50, 0.5)).export(file_type="stl"))
    facts = inspect(path, "stl", BlobStore(tmp_path / "blobs")).facts
    assert facts["printability"]["walls"]["least_mm"] == pytest.approx(0.5, abs=0.01)
    assert sentences(facts)["Walls"].startswith("wait: ")
