"""Accounts, sessions and tokens: who is let in, for how long, and what a token is good for."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from repo_server import people
from repo_server.db import transaction
from repo_server.tables import ApiTokenRow, PersonRow, SessionRow

ACCOUNT = {
    "handle": "Ada",
    "name": "Ada L",
    "email": "Ada@Example.org",
    "password": "a long sentence",
}


def test_somebody_signs_up_signs_in_and_is_known_by_the_cookie(client):
    created = client.post("/api/v1/people", json=ACCOUNT)
    assert created.status_code == 201
    signed_in = client.post(
        "/api/v1/session", json={"handle": "ada", "password": "a long sentence"}
    )
    cookie = signed_in.headers["Set-Cookie"]
    assert signed_in.status_code == 201
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    me = client.get("/api/v1/me").json
    assert me == {
        "id": created.json["id"],
        "handle": "ada",
        "name": "Ada L",
        "is_admin": False,
        "labs": {},
        "scopes": None,
        "csrf": signed_in.json["csrf"],
    }


def test_the_password_is_kept_as_argon2id_only(client, engine):
    client.post("/api/v1/people", json=ACCOUNT)
    with transaction(engine) as session:
        row = session.exec(select(PersonRow)).one()
    assert row.password.startswith("$argon2id$")
    assert ACCOUNT["password"] not in str(row.model_dump())


def test_every_wrong_field_of_an_account_is_named_at_once(client):
    wrong = {"handle": "A!", "name": " ", "email": "nobody", "password": "short"}
    answer = client.post("/api/v1/people", json=wrong)
    assert answer.status_code == 422
    assert [it["field"] for it in answer.json["fields"]] == ["handle", "name", "email", "password"]


@pytest.mark.parametrize("other", [{"handle": "ADA"}, {"email": "ADA@example.ORG"}])
def test_handle_and_address_belong_to_one_person_whatever_the_capitals(client, other):
    client.post("/api/v1/people", json=ACCOUNT)
    twin = {"handle": "bea", "name": "Bea", "email": "bea@example.org", "password": "another one"}
    assert client.post("/api/v1/people", json={**twin, **other}).status_code == 409


@pytest.mark.parametrize(("handle", "password"), [("ada", "wrong one"), ("nobody", "a long one")])
def test_a_wrong_password_and_an_unknown_handle_get_the_same_answer(client, handle, password):
    client.post("/api/v1/people", json=ACCOUNT)
    answer = client.post("/api/v1/session", json={"handle": handle, "password": password})
    assert (answer.status_code, answer.json["detail"]) == (401, "handle or password is wrong")


def test_after_signing_out_the_cookie_is_worth_nothing(sign_up):
    ada = sign_up("ada")
    secret = ada.browser.get_cookie("sid").value
    assert ada.send("DELETE", "/api/v1/session").status_code == 204
    ada.browser.set_cookie("sid", secret)
    assert ada.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("idle", "age"),
    [(people.SESSION_IDLE, people.SESSION_IDLE), (timedelta(0), people.SESSION_LIFE)],
)
def test_a_session_ends_when_idle_and_at_the_latest_after_its_life(sign_up, engine, idle, age):
    ada = sign_up("ada")
    now, moment = datetime.now(UTC), timedelta(seconds=5)
    with transaction(engine) as session:
        row = session.exec(select(SessionRow)).one()
        row.seen_at, row.created_at = now - idle - moment, now - age - moment
        session.add(row)
    assert ada.get("/api/v1/me").status_code == 401


def test_a_session_that_is_used_is_kept(sign_up, engine):
    ada = sign_up("ada")
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with transaction(engine) as session:
        row = session.exec(select(SessionRow)).one()
        row.seen_at = an_hour_ago
        session.add(row)
    assert ada.get("/api/v1/me").status_code == 200
    with transaction(engine) as session:
        assert session.exec(select(SessionRow)).one().seen_at > an_hour_ago


def test_a_cookie_alone_changes_nothing(sign_up):
    ada = sign_up("ada")
    wish = {"name": "mine", "scopes": ["read"], "days": 1}
    assert ada.browser.post("/api/v1/tokens", json=wish).status_code == 403
    other = {"X-CSRF": sign_up("bea").csrf}
    assert ada.browser.post("/api/v1/tokens", json=wish, headers=other).status_code == 403
    assert ada.post("/api/v1/tokens", wish).status_code == 201


def test_a_request_from_another_site_is_refused_even_with_everything_else_right(sign_up):
    ada = sign_up("ada")
    wish = {"name": "mine", "scopes": ["read"], "days": 1}
    answer = ada.post("/api/v1/tokens", wish, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "another site" in answer.json["detail"]


def test_a_token_speaks_for_its_person_and_is_stored_as_a_hash(sign_up, client, engine):
    token = sign_up("ada").token("read")
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (me.json["handle"], me.json["scopes"]) == ("ada", ["read"])
    with transaction(engine) as session:
        row = session.exec(select(ApiTokenRow)).one()
    assert token.startswith("cl_") and token not in str(row.model_dump())


def test_a_token_does_what_its_scopes_say_and_nothing_else(sign_up, client):
    ada, body = sign_up("ada"), {"manifest": "", "files": {}}
    release = "/api/v1/designs/lamp/releases"
    for scopes, status in ((["read"], 403), (["design:write"], 422)):
        bearer = {"Authorization": f"Bearer {ada.token(*scopes)}"}
        assert client.post(release, json=body, headers=bearer).status_code == status


def test_no_token_makes_another_token(sign_up, client):
    everything = sign_up("ada").token(*people.Scope)
    wish = {"name": "more", "scopes": ["read"], "days": 300}
    bearer = {"Authorization": f"Bearer {everything}"}
    assert client.post("/api/v1/tokens", json=wish, headers=bearer).status_code == 403


@pytest.mark.parametrize("column", ["ends_at", "revoked_at"])
def test_a_token_that_is_over_or_revoked_is_refused(sign_up, client, engine, column):
    token = sign_up("ada").token("read")
    with transaction(engine) as session:
        row = session.exec(select(ApiTokenRow)).one()
        setattr(row, column, datetime.now(UTC))
        session.add(row)
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 401


def test_a_wish_for_a_token_is_checked_as_a_whole(sign_up):
    answer = sign_up("ada").post("/api/v1/tokens", {"name": "", "scopes": ["all"], "days": 999})
    assert answer.status_code == 422
    assert [it["field"] for it in answer.json["fields"]] == ["name", "scopes", "days"]
