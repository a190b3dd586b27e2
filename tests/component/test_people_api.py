"""Trainings and bookings as people meet them: pages, messages and commands."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browsing import Page
from tests.shop import API, Shop, open_shop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


def send(who, path: str, **form: str):
    return who.browser.post(path, data={"csrf": who.csrf, **form})


def test_a_training_is_asked_for_signed_seen_and_revoked_on_pages(shop: Shop) -> None:
    people = "/labs/corner/people"
    asked = {"name": "FDM printers", "of": "fdm", "days": "20", "for_ordering": "yes"}
    wrong = send(shop.manager, f"{people}/classes", **asked, trainers="nobody-such")
    assert wrong.status_code == 404 and "nobody here has the handle" in wrong.text
    done = send(shop.manager, f"{people}/classes", **asked, trainers="mem")
    assert done.status_code == 303
    classes = shop.member.get(f"{API}/labs/corner/training-classes").json["classes"]
    assert [(it["name"], it["trainers"]) for it in classes] == [("FDM printers", ["mem"])]
    placed = shop.member.post(
        f"{API}/labs/corner/orders", {"release_id": shop.release_id, "part": "hook"}
    )
    assert placed.status_code == 201
    at_rest = [{"machine_id": it, "state": "idle"} for it in shop.agent.machines.values()]
    assert shop.agent.sync(machines=at_rest).status_code == 200
    board = shop.member.get(f"{API}/labs/corner/board").json
    assert [it["code"] for it in board["jobs"][0]["waits"]] == ["training", "process"]
    signed = f"{API}/labs/corner/training-classes/{classes[0]['id']}/trainings"
    first, again = (
        shop.member.post(signed, {"handle": "mem"}, headers={"Idempotency-Key": "one"})
        for _ in range(2)
    )
    assert (first.status_code, again.json) == (201, first.json)
    board = shop.member.get(f"{API}/labs/corner/board").json
    assert "training" not in [it["code"] for it in board["jobs"][0]["waits"]]
    notices = shop.member.get("/me/notices").text
    assert "FDM printers at Corner Lab: until" in notices
    assert shop.member.get(f"{API}/me/notices").json["trainings"][0]["name"] == "FDM printers"
    page = Page(shop.manager.get(people).text)
    assert not page.wrong and page.headings == ["h1"]
    id_ = first.json["training"]["id"]
    assert send(shop.member, f"{people}/trainings/{id_}/revoke", reason="x").status_code == 422
    why = "left the heater on"
    assert send(shop.member, f"{people}/trainings/{id_}/revoke", reason=why).status_code == 303
    assert why in shop.member.get("/me/labs").text
    assert shop.stranger.get(people).status_code == 403


def test_a_machine_is_booked_with_two_fields_and_followed_in_a_calendar(shop: Shop) -> None:
    week, printer = "/labs/corner/bookings", shop.floor.machines["Printer"]
    page = Page(shop.member.get(f"{week}?machine={printer}").text)
    (form,) = [it for it in page.forms if it["action"] == week and it["method"] == "post"]
    begins = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT14:00")
    assert form["machine"] == printer and not page.wrong
    booked = send(shop.member, week, **{**form, "begins": begins, "minutes": "90"})
    assert booked.status_code == 303 and f"machine={printer}" in booked.location
    taken = send(shop.manager, week, machine=printer, begins=begins, minutes="30")
    assert taken.status_code == 409 and "free from" in taken.text and "15:30 UTC" in taken.text
    shown = shop.manager.get(booked.location).text
    assert "14:00–15:30" in shown and "Mem" in shown
    unsaid = send(shop.member, week, machine=printer, begins="tomorrow", minutes="30")
    assert unsaid.status_code == 422 and "say from when and for how long" in unsaid.text
    (mine,) = shop.member.get(f"{API}/me/bookings").json["bookings"]
    address = shop.member.post(f"{API}/me/calendar").json["address"]
    secret = address.partition("://")[2].partition("/")[2]
    assert f"UID:{mine['id']}@" in shop.stranger.get(f"/{secret}").text
    public = shop.stranger.get("/labs/corner/bookings.ics")
    assert public.mimetype == "text/calendar" and "Printer is booked" in public.text
    assert "Mem" not in public.text
    assert send(shop.member, "/me/calendar/stop").status_code == 303
    assert shop.stranger.get(f"/{secret}").status_code == 404
    cancel = f"{week}/{mine['id']}/cancel"
    assert send(shop.manager, cancel, reason="").status_code == 422
    assert send(shop.manager, cancel, reason="the nozzle leaks").status_code == 303
    assert "STATUS:CANCELLED" in shop.stranger.get("/labs/corner/bookings.ics").text
