"""Pages as a browser without scripts gets them: whole, bound by their headers, and true."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urldefrag, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from commons.job import JobState
from commons.wire import EventKind, MachineState
from repo_server.blobs import BlobStore, record
from repo_server.db import transaction
from repo_server.labs import set_role
from repo_server.tables.people import LabRole
from repo_server.web.frame import CSP
from tests import floor as shop
from tests.browsing import Page, fill, page
from tests.component.conftest import PASSWORD, Someone
from tests.floor import Floor

LAB = "/labs/corner"


@pytest.fixture
def floor(app: Flask, engine: Engine) -> Floor:
    """The lab at this hour: one thing finished by a printer, one job that waits, files that are
    really there."""
    shop_floor = shop.furnish(engine, shop.printer(), shop.router(simulated=True))
    shop_floor.now = datetime.now(UTC)
    store: BlobStore = app.extensions["blobs"]
    for data in (*(path.encode() for path in shop.FILES), shop.MANIFEST):
        with transaction(engine) as session:
            record(session, store.put(BytesIO(data)), now=shop_floor.now)
    shop_floor.order()
    offer = shop_floor.running()
    shop_floor.tell(EventKind.FINISHED, offer, run=shop.run())
    shop_floor.sees("Printer", MachineState.IDLE)
    shop_floor.order()
    return shop_floor


@pytest.fixture
def operator(floor: Floor, engine: Engine, sign_up: Callable[..., Someone]) -> Someone:
    someone = sign_up("olga")
    with transaction(engine) as session:
        set_role(session, lab_id=floor.lab_id, handle="olga", role=LabRole.OPERATOR)
    return someone


def finished(floor: Floor) -> str:
    return next(row.process_id for row in floor.ledger() if row.process_id)


def test_every_page_that_links_lead_to_is_there_and_bound_by_its_headers(
    operator: Someone, floor: Floor
) -> None:
    seen, todo = set(), ["/", "/sign-up", f"/things/{finished(floor)}"]
    while todo:
        path = urldefrag(todo.pop()).url or "/"
        if urlsplit(path).path in seen or path.startswith("/api/"):
            continue
        seen.add(urlsplit(path).path)
        with operator.get(path) as answer:  # a file is read to its end and closed
            text = answer.text if answer.mimetype == "text/html" else ""
        assert answer.status_code == 200, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        if not text:
            continue
        assert answer.headers["Content-Security-Policy"] == CSP, path
        found = Page(text)
        assert (found.wrong, len(found.headings)) == ([], 1), path
        here = [link for link in found.links + found.loads if not urlsplit(link).netloc]
        todo += [link if link[0] == "/" else path.partition("?")[0] + link for link in here]
        elsewhere = [link for link in found.loads if urlsplit(link).netloc]
        assert elsewhere == [], path
    pages = {
        LAB,
        "/labs",
        "/labs/new",
        "/publish",
        "/cities/hamburg",
        "/designs/shelf-hook",
        "/sign-up",
    }
    assert pages < seen


def test_every_form_that_changes_something_shows_that_it_is_ours(operator: Someone) -> None:
    paths = ("/designs/shelf-hook", LAB, "/publish", "/labs")
    forms = [form for path in paths for form in page(operator.browser, path).forms]
    changing = [form for form in forms if form["method"] == "post"]
    assert len(changing) > 6
    assert {form.get("csrf") for form in changing} == {operator.csrf}


def test_a_form_that_is_not_ours_changes_nothing(operator: Someone, floor: Floor) -> None:
    machine = floor.machines["Printer"]
    answer = operator.browser.post(f"{LAB}/machines/{machine}/clear", data={"csrf": "guessed"})
    assert answer.status_code == 403
    assert "load the page again" in answer.text
    assert not floor.machine().cleared


def test_a_visitor_sees_the_board_and_no_buttons(client: FlaskClient, floor: Floor) -> None:
    found = page(client, LAB)
    assert [form["action"] for form in found.forms] == ["/language"]
    assert "Printer can take it next" in found.text


@pytest.mark.slow
def test_somebody_signs_up_signs_out_and_in_again(client: FlaskClient) -> None:
    form = {"name": "Ida", "handle": "ida", "email": "ida@example.org", "password": PASSWORD}
    assert client.post("/sign-up", data={**form, "next": "/labs"}).location == "/labs"
    leave = next(f for f in page(client, "/labs").forms if f["action"] == "/sign-out")
    client.post("/sign-out", data={"csrf": leave["csrf"]})
    assert "Sign in" in page(client, "/labs").text
    wrong = client.post("/sign-in", data={"handle": "ida", "password": "wrong wrong wrong"})
    assert (wrong.status_code, "handle or password is wrong" in wrong.text) == (401, True)
    astray = {"handle": "ida", "password": PASSWORD, "next": "//evil.example/"}
    assert client.post("/sign-in", data=astray).location == "/"


def test_signing_up_names_every_wrong_field_beside_it(client: FlaskClient) -> None:
    form = {"name": "", "handle": "No!", "email": "nowhere", "password": "short"}
    answer = client.post("/sign-up", data=form)
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 4
    assert "short" not in re.findall(r'value="([^"]*)"', answer.text)


def test_an_order_becomes_a_job_on_the_board_once(operator: Someone, floor: Floor) -> None:
    form = fill(operator, "/designs/shelf-hook", "/orders", lab="corner", part="hook")
    answers = [operator.browser.post("/orders", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    address, job = urldefrag(answers[0].location)
    assert address == LAB
    assert page(operator.browser, LAB).text.count(f'id="{job}"') == 1
    assert floor.job(job.removeprefix("job-")).state is JobState.QUEUED


def test_a_part_is_made_of_what_its_designer_chose_unless_somebody_says_otherwise(
    operator: Someone,
) -> None:
    form = fill(operator, "/designs/shelf-hook", "/orders", lab="corner", part="board")
    assert form["material"] == ""
    assert operator.browser.post("/orders", data=form).status_code == 303
    assert "board of Birch plywood" in page(operator.browser, LAB).text


def test_what_no_machine_can_build_comes_back_with_every_reason(operator: Someone) -> None:
    form = fill(
        operator, "/designs/shelf-hook", "/orders", lab="corner", part="tower", material="pla"
    )
    answer = operator.browser.post("/orders", data=form)
    assert answer.status_code == 409
    assert "Printer has room for 246 × 200 × 209 mm" in answer.text
    assert "Router does CNC, this part needs FDM" in answer.text
    assert "<option selected>tower</option>" in answer.text


def test_the_operator_confirms_the_bed_and_judges_the_thing(
    operator: Someone, floor: Floor
) -> None:
    clear = f"{LAB}/machines/{floor.machines['Printer']}/clear"
    assert operator.browser.post(clear, data=fill(operator, LAB, clear)).status_code == 303
    assert floor.machine().cleared
    job_id = floor.attempt(finished(floor)).job_id
    verdict = f"{LAB}/jobs/{job_id}/verdict"
    undecided = operator.browser.post(verdict, data=fill(operator, LAB, verdict, good="perhaps"))
    assert undecided.status_code == 422
    assert floor.state(job_id) is JobState.FINISHED
    operator.browser.post(verdict, data=fill(operator, LAB, verdict, good="yes"))
    assert floor.state(job_id) is JobState.DONE
    again = operator.browser.post(verdict, data={"csrf": operator.csrf, "good": "yes"})
    assert again.status_code == 409


def test_a_city_where_nothing_was_measured_shows_no_zeros(
    client: FlaskClient, floor: Floor
) -> None:
    text = page(client, "/cities/hamburg?period=2020").text
    assert text.count("Not measured") >= 7
    assert "No run has reported material in 2020" in text
    assert not re.search(r'class="big">\s*0', text)


def test_rehearsals_stand_apart_and_are_not_counted(client: FlaskClient, floor: Floor) -> None:
    real = page(client, "/cities/hamburg").text
    assert "Rehearsal" not in real
    floor.order("board", material="plywood")
    offer = floor.running("Router")
    floor.tell(EventKind.FINISHED, offer, run=shop.run())
    counted, _, rehearsed = page(client, "/cities/hamburg").text.partition("Rehearsal")
    assert counted.count("<article") == real.count("<article")
    assert re.findall(r'class="big">([^<]*)', counted) == re.findall(r'class="big">([^<]*)', real)
    assert "not counted above" in rehearsed


def test_a_passport_says_of_every_entry_how_it_is_known(client: FlaskClient, floor: Floor) -> None:
    attempt = finished(floor)
    entries = client.get(f"/api/v1/things/{attempt}").json["entries"]
    text = page(client, f"/things/{attempt}").text
    rows = re.findall(r'<th scope="row">([^<]*)</th>', text)
    assert sorted(rows) == sorted(entry["label"] for entry in entries.values())
    assert text.count("<svg") >= 2
    assert f"http://127.0.0.1:8000/things/{attempt}" in text


def test_an_address_with_nothing_behind_it_says_so_on_a_page(client: FlaskClient) -> None:
    found = page(client, "/designs/nothing-here", status=404)
    assert "there is no design" in found.text
    assert found.wrong == []


def upload(**files: object) -> dict[str, object]:
    return {"slug": "shelf-hook", **files}


def test_a_folder_is_published_as_it_lies(
    client: FlaskClient, sign_up: Callable[..., Someone]
) -> None:
    someone = sign_up("fay")
    paths = {name: name.encode() for name in shop.FILES} | {"okh.toml": shop.MANIFEST}
    paths |= {".git/config": b"[core]"}
    folder = [(BytesIO(data), f"my hook/{path}") for path, data in paths.items()]
    form = upload(csrf=someone.csrf, folder=folder)
    answer = someone.browser.post("/publish", data=form, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    shown = client.get("/api/v1/designs/shelf-hook").json["head"]
    assert sorted(file["path"] for file in shown["files"]) == sorted(shop.FILES)


def test_single_files_go_where_the_manifest_names_them(
    client: FlaskClient, sign_up: Callable[..., Someone]
) -> None:
    someone = sign_up("fay")
    manifest = shop.MANIFEST.replace(b'"hook.stl"', b'"export/hook.stl"')
    files = [(BytesIO(name.encode()), name) for name in shop.FILES]
    form = upload(csrf=someone.csrf, manifest=(BytesIO(manifest), "okh.toml"), files=files)
    answer = someone.browser.post("/publish", data=form, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    shown = client.get("/api/v1/designs/shelf-hook").json["head"]
    paths = {file["path"] for file in shown["files"]}
    assert "export/hook.stl" in paths
    assert "hook.stl" not in paths


def test_everything_wrong_with_an_upload_is_listed_at_once(
    sign_up: Callable[..., Someone],
) -> None:
    someone = sign_up("fay")
    manifest = b'okhv = "OKH-LOSHv1.0"\nname = "x"\nlicense = "GPLv9"\nversionn = "1"\n'
    form = upload(csrf=someone.csrf, manifest=(BytesIO(manifest), "okh.toml"))
    answer = someone.browser.post("/publish", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422
    for wrong in ("license", "repo", "function", "licensor", "version"):
        assert f"<strong>{wrong}</strong>" in answer.text
    assert "rename &#39;versionn&#39; to &#39;version&#39;" in answer.text


def test_an_upload_without_a_manifest_says_what_to_do(sign_up: Callable[..., Someone]) -> None:
    someone = sign_up("fay")
    form = upload(csrf=someone.csrf, folder=[(BytesIO(b"x"), "hook/hook.stl")])
    answer = someone.browser.post("/publish", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "choose the folder that has okh.toml or okh.yml at its top" in answer.text
