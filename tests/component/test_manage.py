"""A lab is founded and set up on pages alone: every form, and what it says when it is refused."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from repo_server.db import transaction
from repo_server.labs import NewCity, create_city
from repo_server.people import Person
from tests import floor as shop
from tests.browsing import Page, fill, page
from tests.component.conftest import Someone
from tests.floor import Floor
from tests.profiles import printer
from tests.shop import HttpAgent

LAB = "/labs/quay"
MANAGE = f"{LAB}/manage"


@pytest.fixture
def founder(engine: Engine, sign_up: Callable[..., Someone]) -> Someone:
    with transaction(engine) as session:
        create_city(session, NewCity(slug="kiel", name="Kiel", country="DE"))
    return sign_up("fay")


@pytest.fixture
def manager(founder: Someone) -> Someone:
    """The first manager of a lab without anything."""
    send(founder, "/labs/new", "/labs/new", slug="quay", name="Quay Lab", city="kiel")
    return founder


@pytest.fixture
def manu(sign_up: Callable[..., Someone]) -> Someone:
    return sign_up("manu")


@pytest.fixture
def floor(engine: Engine, manu: Someone) -> Floor:
    """Another lab, with machines, that `manu` manages."""
    return shop.furnish(engine, manager=Person(manu.id, manu.handle, "Manu", is_admin=False))


def send(someone: Someone, path: str, action: str, **values: str) -> tuple[int, str]:
    """The form on `path`, filled in and sent: its status, and the place or page it leads to."""
    answer = someone.browser.post(action, data=fill(someone, path, action, **values))
    return answer.status_code, answer.location or answer.text


def part(text: str, name: str) -> str:
    """The section of the page with this id."""
    return text.split(f'<section id="{name}">')[1].split("</section>")[0]


def test_a_lab_is_founded_and_its_founder_is_led_to_what_it_needs(founder: Someone) -> None:
    assert "/labs/new" in page(founder.browser, "/labs").links
    founded = send(founder, "/labs/new", "/labs/new", slug="quay", name="Quay Lab", city="kiel")
    assert founded == (303, MANAGE)
    found = page(founder.browser, MANAGE)
    assert (found.wrong, len(found.headings)) == ([], 1)
    assert {form.get("csrf") for form in found.forms} == {founder.csrf}
    ids = re.findall(r' id="([^"]+)"', found.text)
    assert len(ids) == len(set(ids))
    assert "No agent has enrolled yet" in found.text
    assert MANAGE in page(founder.browser, LAB).links


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"slug": "Quay!"}, 422, "must be 2 to 39 lower-case letters, digits or hyphens"),
        ({"slug": "new"}, 422, "is taken by the page where labs are founded"),
        ({"slug": "quay"}, 409, "there is a lab &#39;quay&#39; already"),
        ({"city": "atlantis"}, 404, "there is no city &#39;atlantis&#39;"),
        ({"name": ""}, 422, "Field required"),
    ],
)
def test_a_lab_that_cannot_be_founded_is_told_why_beside_what_was_filled_in(
    values: dict[str, str], status: int, sentence: str, manager: Someone
) -> None:
    wanted = {"slug": "pier", "name": "Pier Lab", "city": "kiel"} | values
    told, text = send(manager, "/labs/new", "/labs/new", **wanted)
    assert told == status
    assert sentence in text
    assert f'value="{wanted["slug"]}"' in text


def test_whoever_is_not_signed_in_is_shown_where(client: FlaskClient, manager: Someone) -> None:
    assert "/labs/new" not in page(client, "/labs").links
    assert MANAGE not in page(client, LAB).links
    assert "/sign-in?next=/labs/new" in page(client, "/labs/new", 401).text


def test_an_operator_is_shown_no_way_to_manage(
    manager: Someone, sign_up: Callable[..., Someone]
) -> None:
    operator = sign_up("olga")
    send(manager, MANAGE, f"{MANAGE}/members", handle="olga", role="operator")
    assert MANAGE not in page(operator.browser, LAB).links
    assert "this needs the role manager at Quay Lab" in page(operator.browser, MANAGE, 403).text


def test_a_code_is_shown_once_with_the_command_and_lets_an_agent_in(
    manager: Someone, app: Flask
) -> None:
    answer = manager.browser.post(f"{MANAGE}/code", data={"csrf": manager.csrf})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "within ten minutes" in answer.text
    code = re.search(r"cosmo agent enrol ([A-Z2-9]{8})<", answer.text)
    assert code
    assert code[1] not in page(manager.browser, MANAGE).text
    agent = HttpAgent(app)
    assert agent.enrol(code[1], printer()).status_code == 201
    agents = part(page(manager.browser, MANAGE).text, "agents")
    assert re.search(r"([0-9a-f]{4}-){3}[0-9a-f]{4}", agents)
    assert "<dd>Printer</dd>" in agents
    assert "<dd>Never</dd>" in agents
    report = {"machine_id": agent.machines["Printer"], "state": "idle"}
    agent.sync(machines=[report])
    assert "Never" not in part(page(manager.browser, MANAGE).text, "agents")


def test_a_revoked_agent_is_out_and_shown_so(floor: Floor, manu: Someone) -> None:
    at = "/labs/corner/manage"
    revoke = f"{at}/agents/{floor.agent_id}/revoke"
    assert send(manu, at, revoke) == (303, f"{at}#agents")
    found = page(manu.browser, at)
    assert "Its machines wait for a new agent" in found.text
    assert revoke not in [form["action"] for form in found.forms]
    unknown = manu.browser.post(f"{at}/agents/nobody/revoke", data={"csrf": manu.csrf})
    assert unknown.status_code == 404
    assert "there is no agent nobody in this lab" in part(unknown.text, "agents")


def test_a_lot_is_put_on_the_shelf_and_what_was_left_out_is_unknown(manager: Someone) -> None:
    lots = f"{LAB}/lots"
    spool = {"name": "Orange PLA", "material": "pla", "ring": "region", "evidence": "its label",
             "mass_left_g": "992.4", "thickness_mm": ""}  # fmt: skip
    assert lots in page(manager.browser, MANAGE).links
    status, at = send(manager, lots, lots, **spool)
    assert status == 303
    sheet = {"name": "Birch", "material": "plywood", "ring": "unknown", "thickness_mm": "12",
             "width_mm": "600", "depth_mm": "400", "grain": "x"}  # fmt: skip
    send(manager, lots, lots, **sheet)
    first, second = manager.get(f"/api/v1{LAB}/lots").json["lots"]
    assert (first["mass_left_g"], first["evidence"], first["thickness_mm"]) == (
        992.4, "its label", None)  # fmt: skip
    assert (second["ring"], second["mass_left_g"], second["thickness_mm"]) == ("unknown", None, 12)
    assert (second["width_mm"], second["depth_mm"], second["grain"]) == (600, 400, "x")
    assert "The region" in part(page(manager.browser, at).text, "known")
    shelf = page(manager.browser, lots).text
    assert "600 × 400 × 12 mm" in shelf
    assert "What is left is not known" in shelf


def test_a_sheet_of_which_one_edge_is_known_is_refused(manager: Someone) -> None:
    half = {"name": "Birch", "material": "plywood", "ring": "unknown", "width_mm": "600"}
    status, text = send(manager, f"{LAB}/lots", f"{LAB}/lots", **half)
    assert status == 422
    assert "give both or neither" in text


def test_a_lot_that_is_refused_keeps_what_was_filled_in_and_names_the_fields(
    manager: Someone,
) -> None:
    wrong = {"name": "Blue", "material": "cheese", "mass_left_g": "5"}
    status, text = send(manager, f"{LAB}/lots", f"{LAB}/lots", **wrong)
    assert (status, text.count('aria-invalid="true"')) == (422, 1)
    assert "is not known; known are pla, petg" in text
    assert 'value="Blue"' in text
    wrong = {"name": "", "material": "pla", "mass_left_g": "-1", "thickness_mm": "thin"}
    status, text = send(manager, f"{LAB}/lots", f"{LAB}/lots", **wrong)
    assert (status, text.count('aria-invalid="true"')) == (422, 3)
    assert manager.get(f"/api/v1{LAB}/lots").json["lots"] == []


def test_a_lot_is_loaded_and_taken_off_again(floor: Floor, manu: Someone) -> None:
    at = "/labs/corner/manage"
    load = f"{at}/machines/{floor.machines['Printer']}/lot"
    lot = floor.lot().id
    assert send(manu, at, load, lot="") == (303, f"{at}#machines")
    assert floor.machine().lot_id is None
    assert send(manu, at, load, lot=lot) == (303, f"{at}#machines")
    assert floor.machine().lot_id == lot
    assert fill(manu, at, load)["lot"] == lot


def test_a_lot_that_cannot_be_loaded_is_told_why(floor: Floor, manu: Someone) -> None:
    at = "/labs/corner/manage"
    load = f"{at}/machines/{floor.machines['Printer']}/lot"
    status, text = send(manu, at, load, lot=floor.lot("Router").id)
    assert status == 422
    assert "Printer takes pla, petg, not plywood" in part(text, "machines")
    floor.order()
    floor.lease()
    busy = manu.browser.post(load, data={"csrf": manu.csrf, "lot": ""})
    assert busy.status_code == 409
    assert "Printer holds a job" in part(busy.text, "machines")
    assert load not in [form["action"] for form in Page(busy.text).forms]


def test_somebody_is_given_a_role_by_handle(
    manager: Someone, sign_up: Callable[..., Someone]
) -> None:
    sign_up("mira")
    people = f"{MANAGE}/members"
    given = send(manager, MANAGE, people, handle=" Mira ", role="member")
    assert given == (303, f"{MANAGE}#people")
    send(manager, MANAGE, people, handle="mira", role="operator")
    roles = {
        it["handle"]: it["role"] for it in manager.get(f"/api/v1{LAB}/members").json["members"]
    }
    assert roles == {"fay": "manager", "mira": "operator"}
    assert "Operator</td>" in part(page(manager.browser, MANAGE).text, "people")


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"handle": "nobody"}, 404, "nobody here has the handle &#39;nobody&#39;"),
        ({"handle": "fay"}, 409, "Fay is this lab&#39;s only manager; name another one first"),
        ({"handle": "fay", "role": "king"}, 422, "Input should be"),
    ],
)
def test_a_role_that_cannot_be_given_is_told_why(
    values: dict[str, str], status: int, sentence: str, manager: Someone
) -> None:
    wanted = {"role": "member"} | values
    told, text = send(manager, MANAGE, f"{MANAGE}/members", **wanted)
    assert told == status
    assert sentence in part(text, "people")
    assert f'action="{MANAGE}/members#people"' in text  # where the browser stays
    assert f'value="{wanted["handle"]}"' in text


def test_a_lab_is_placed_and_a_place_that_is_none_is_refused_with_what_was_said(
    manager: Someone,
) -> None:
    action = f"{MANAGE}/place"
    status, text = send(manager, MANAGE, action, latitude="91", longitude="10.1")
    assert status == 422
    assert part(text, "place").count('class="wrong"') == 1
    assert 'value="91"' in part(text, "place")
    placed = send(manager, MANAGE, action, latitude="54.3", longitude="10.1")
    assert placed == (303, f"{MANAGE}#place")
    shown = part(page(manager.browser, MANAGE).text, "place")
    assert 'value="54.3"' in shown and 'value="10.1"' in shown


def test_a_spool_is_weighed_taken_off_and_loaded_from_the_page_of_its_code(
    floor: Floor, manu: Someone
) -> None:
    at = f"/labs/corner/lots/{floor.lot().id}"
    status, text = send(manu, at, f"{at}/weigh", gross_g="100", tare_g="230")
    assert (status, text.count('aria-invalid="true"')) == (422, 1)
    assert "100 g is less than the empty spool alone (230 g)" in text
    status, text = send(manu, at, f"{at}/weigh", gross_g="650", tare_g="230")
    assert status == 200
    assert "420 g are left, 80 g less than reckoned" in part(text, "left")
    assert send(manu, at, f"{at}/unload") == (303, at)
    assert floor.machine().lot_id is None
    floor.order()
    assert "One job waits that it would do for" in part(page(manu.browser, at).text, "load")
    assert send(manu, at, f"{at}/load") == (303, at)
    assert f"/api/v1{at}" == f"/api/v1/labs/corner/lots/{floor.machine().lot_id}"
    label = manu.get(f"/api/v1{at}/papers/label.pdf")
    assert (label.status_code, label.data[:5]) == (200, b"%PDF-")
    assert manu.browser.post(f"{at}/eat", data={"csrf": manu.csrf}).status_code == 404


def test_a_price_is_an_amount_in_a_currency_that_there_is(manager: Someone) -> None:
    lots = f"{LAB}/lots"
    spool = {"name": "Blue", "material": "pla", "ring": "unknown", "price": "24,90"}
    status, text = send(manager, lots, lots, **spool, currency="EURO")
    assert (status, text.count('aria-invalid="true"')) == (422, 1)
    assert "is no currency of ISO 4217" in text
    status, text = send(manager, lots, lots, **(spool | {"price": "a lot"}))
    assert (status, "is no price, such as 24.90" in text) == (422, True)
    status, at = send(manager, lots, lots, **spool)
    assert status == 303
    assert "€24.90" in part(page(manager.browser, at).text, "known")
