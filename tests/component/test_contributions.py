"""Contributions: claimed, confirmed by others who worked on the design, and then in the ledger."""

import pytest
from sqlmodel import select

from commons.flows import Action, State, Unit
from repo_server.db import transaction
from repo_server.tables import EconomicEventRow
from tests.browsing import fill, page
from tests.component.test_designs_api import MANIFEST
from tests.component.test_forks import publish

API = "/api/v1"


@pytest.fixture
def people(sign_up):
    return {name: sign_up(name) for name in ("ada", "bea", "cem")}


@pytest.fixture
def lamp(people):
    return publish(people["ada"], "lamp", MANIFEST).json["id"]


def claim(person, release, role="review", words="Read it all.", **more):
    body = {"role": role, "words": words, **more}
    return person.post(f"{API}/releases/{release}/contributions", body)


def confirm(person, id_):
    return person.post(f"{API}/contributions/{id_}/confirm").status_code


def listed(client):
    found = client.get(f"{API}/designs/lamp/contributions").json["contributions"]
    return [(it["person"], it["role"], it["confirmed_by"]) for it in found]


def events(engine):
    with transaction(engine) as session:
        return list(session.exec(select(EconomicEventRow)))


def test_a_claim_counts_once_the_steward_confirms_it(people, lamp, client, engine):
    id_ = claim(people["bea"], lamp, hours=2.5).json["id"]
    assert (listed(client), events(engine)) == ([("Bea", "review", None)], [])
    assert confirm(people["ada"], id_) == 204
    assert listed(client) == [("Bea", "review", "Ada")]
    (event,) = events(engine)
    assert (event.action, event.unit, event.quantity) == (Action.WORK, Unit.HOUR, 2.5)
    assert (event.state, event.lab_id, event.process_id) == (State.DECLARED, None, None)
    assert event.resource == f"work:review/{lamp}"
    assert (event.provider, event.receiver) == (people["bea"].id, people["ada"].id)
    assert confirm(people["ada"], id_) == 409
    assert len(events(engine)) == 1


def test_hours_that_nobody_counted_are_one_contribution_and_never_zero(people, lamp, engine):
    confirm(people["ada"], claim(people["bea"], lamp).json["id"])
    (event,) = events(engine)
    assert (event.quantity, event.unit) == (1, Unit.EACH)


def test_nobody_confirms_their_own_and_a_stranger_confirms_none(people, lamp, engine):
    own = claim(people["ada"], lamp, "testing", "Broke it.").json["id"]
    assert [confirm(people[it], own) for it in ("ada", "bea", "cem")] == [403, 403, 403]
    assert events(engine) == []


def test_the_stewards_work_is_confirmed_by_whoever_is_confirmed_themselves(people, lamp, client):
    own = claim(people["ada"], lamp, "design", "Drew it.").json["id"]
    confirm(people["ada"], claim(people["bea"], lamp).json["id"])
    assert confirm(people["bea"], own) == 204
    assert ("Ada", "design", "Bea") in listed(client)
    other = publish(people["cem"], "bowl", MANIFEST.replace('"Lamp"', '"Bowl"')).json["id"]
    elsewhere = claim(people["ada"], other).json["id"]
    assert confirm(people["bea"], elsewhere) == 403


def test_a_steward_alone_declares_and_whoever_comes_later_confirms(people, lamp, client, engine):
    own = claim(people["ada"], lamp, "design", "Drew it.", hours=4).json["id"]
    (event,) = events(engine)
    assert (event.quantity, event.state, event.provider) == (4, State.DECLARED, people["ada"].id)
    assert "Declared, not confirmed by others" in page(client, "/designs/lamp/contributions").text
    assert "Ada</a> (design)" not in page(client, "/designs/lamp").text
    assert people["ada"].send("DELETE", f"{API}/contributions/{own}").status_code == 409
    assert confirm(people["ada"], own) == 403
    confirm(people["ada"], claim(people["bea"], lamp).json["id"])
    claim(people["ada"], lamp, "documentation", "Wrote it.")  # now Bea could confirm it
    assert len(events(engine)) == 2
    assert confirm(people["bea"], own) == 204
    assert len(events(engine)) == 2
    assert listed(client)[-1] == ("Ada", "design", "Bea")


def test_a_claim_is_taken_back_until_it_is_confirmed(people, lamp, client):
    id_ = claim(people["bea"], lamp).json["id"]
    assert people["ada"].send("DELETE", f"{API}/contributions/{id_}").status_code == 403
    assert people["bea"].send("DELETE", f"{API}/contributions/{id_}").status_code == 204
    assert listed(client) == []
    id_ = claim(people["bea"], lamp).json["id"]
    confirm(people["ada"], id_)
    assert people["bea"].send("DELETE", f"{API}/contributions/{id_}").status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [({"role": "genius"}, 422), ({"words": ""}, 422), ({"hours": 0}, 422), ({"hours": -1}, 422),
     ({"words": "Read it all."}, 409)],
)  # fmt: skip
def test_what_is_no_claim_is_one_sentence(people, lamp, body, status):
    claim(people["bea"], lamp)
    assert claim(people["bea"], lamp, **({"words": "More."} | body)).status_code == status
    assert claim(people["bea"], "nothing").status_code == 404


def test_on_the_pages_it_is_claimed_confirmed_and_named_beside_the_licence(people, lamp, client):
    path = "/designs/lamp/contributions"
    form = fill(people["bea"], path, path, role="translation", words="In French.", hours="")
    assert people["bea"].browser.post(path, data=form | {"words": ""}).status_code == 422
    assert people["bea"].browser.post(path, data=form).status_code == 303
    assert "not confirmed yet" in page(client, path).text
    assert "Bea</a> (translation)" not in page(client, "/designs/lamp").text
    (button,) = [it for it in page(people["ada"].browser, path).forms if "confirm" in it["action"]]
    data = {"csrf": people["ada"].csrf}
    assert people["ada"].browser.post(button["action"], data=data).status_code == 303
    shown = page(client, "/designs/lamp")
    assert "Bea</a> (translation)" in shown.text
    assert "Hours not counted" in page(client, path).text
