"""The directory: people by their public work, and nothing else of them."""

import json

import pytest

from repo_server.people import Person
from tests.browsing import fill
from tests.component.test_builds import made, tell
from tests.component.test_contributions import claim, confirm
from tests.component.test_designs_api import MANIFEST
from tests.component.test_forks import publish
from tests.floor import furnish, printer

API = "/api/v1"


@pytest.fixture
def people(sign_up):
    return {name: sign_up(name) for name in ("ada", "bea", "cem")}


@pytest.fixture
def lamp(people):
    return publish(people["ada"], "lamp", MANIFEST).json["id"]


def listed(client, q=""):
    found = client.get(f"{API}/people", query_string={"q": q}).json["people"]
    return [it["handle"] for it in found]


def shown(client, handle):
    return client.get(f"{API}/people/{handle}").json["person"]


def test_whoever_published_is_listed_and_an_account_alone_is_not(people, lamp, client):
    assert listed(client) == ["ada"]
    (design,) = shown(client, "ada")["designs"]
    assert (design["slug"], shown(client, "ada")["contributions"]) == ("lamp", [])
    assert client.get(f"{API}/people/bea").status_code == 404
    assert client.get("/people/bea").status_code == 404


def test_a_contribution_shows_once_it_is_confirmed(people, lamp, client):
    id_ = claim(people["bea"], lamp, hours=2.5).json["id"]
    assert listed(client) == ["ada"]
    confirm(people["ada"], id_)
    assert listed(client) == ["ada", "bea"]
    (given,) = shown(client, "bea")["contributions"]
    assert (given["slug"], given["role"], given["words"]) == ("lamp", "review", "Read it all.")


def test_a_yanked_design_is_public_no_more(people, lamp, client):
    people["ada"].post(f"{API}/releases/{lamp}/yank", {"reason": "It falls over."})
    assert listed(client) == []


@pytest.mark.parametrize("simulated", [False, True])
def test_a_build_shows_whoever_told_of_it_unless_it_was_rehearsed(
    simulated, engine, sign_up, client
):
    olga = sign_up("olga")
    manager = Person(olga.id, "olga", "Olga", False)
    floor = furnish(engine, printer(simulated=simulated), manager=manager)
    assert tell(olga, attempt_id=made(floor, 1)).status_code == 201
    builds = shown(client, "olga")["builds"]
    known = [(it["slug"], it["lab"], it["is_stated"]) for it in builds]
    assert known == ([] if simulated else [("shelf-hook", "Corner Lab", False)])


def test_people_are_found_by_handle_or_name(people, lamp, client):
    publish(people["cem"], "bowl", MANIFEST.replace('"Lamp"', '"Bowl"'))
    found = [listed(client, words) for words in ("", "CE", "%")]
    assert found == [["ada", "cem"], ["cem"], []]
    assert client.get("/people?after=nonsense").status_code == 422


def test_pages_show_work_and_never_an_address(people, lamp, client):
    confirm(people["ada"], claim(people["bea"], lamp).json["id"])
    pages = [client.get(it).text for it in ("/people", "/people/ada", "/people/bea")]
    assert "/people/bea" in client.get("/designs/lamp/contributions").text
    assert "Ada" in pages[0] and "Lamp" in pages[1] and "Read it all." in pages[2]
    answers = [json.dumps(shown(client, it)) for it in ("ada", "bea")]
    assert not any("@example.org" in text for text in [*pages, *answers])


def test_cities_are_listed_with_their_labs(engine, client):
    furnish(engine)
    page = client.get("/cities").text
    assert "Hamburg" in page and "Corner Lab" in page


def test_people_say_who_they_are_and_nothing_that_could_harm(people, lamp, client):
    said = {"name": "Ada Östlund", "about": "I draw lamps.", "link": "https://example.org/~ada"}
    assert people["ada"].send("PUT", f"{API}/me/profile", json=said).status_code == 200
    page = client.get("/people/ada").text
    assert all(it in page for it in said.values())
    wrong = {"name": " ", "link": "javascript:alert(1)"}
    refused = people["ada"].send("PUT", f"{API}/me/profile", json=wrong)
    assert [it["field"] for it in refused.json["fields"]] == ["name", "link"]
    assert shown(client, "ada")["name"] == "Ada Östlund"


def test_whoever_is_not_listed_has_no_page_and_keeps_their_name(people, lamp, client):
    contributions = "/designs/lamp/contributions"
    claim(people["ada"], lamp)
    assert "/people/ada" in client.get(contributions).text
    form = fill(people["ada"], "/me/profile", "/me/profile", name="Ada Lovelace")
    del form["is_listed"]
    assert people["ada"].browser.post("/me/profile", data=form).location == "/me/profile"
    assert (listed(client), client.get("/people/ada").status_code) == ([], 404)
    page = client.get(contributions).text
    assert "Ada Lovelace" in page and "/people/ada" not in page


def test_a_name_is_found_in_capitals_of_any_letters(people, lamp, client):
    people["ada"].send("PUT", f"{API}/me/profile", json={"name": "Ada Östlund"})
    assert listed(client, "ÖSTLUND") == listed(client, "östlund") == ["ada"]
