"""Requests that come again: what was made is made once, and what is known is not sent again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from repo_server.api.openapi import operations
from tests.shop import API, Shop, open_shop

# A blob and a release are named by their contents, an account by its handle, a webhook by its
# address; a draft is published and a proposal accepted once; a second fork is a second draft. The
# others answer with a secret that is shown once, and are not kept.
NOT_KEYED = {"put_blob", "create_release", "create_webhook",
             "create_lab_webhook", "create_person", "create_session", "create_token",
             "create_enrolment_code", "create_enrolment", "create_lease",
             "create_permit", "publish_draft",
             "begin_upload",  # its address is the file's hash: begun again it is found again
             "bring_for",  # its key stands in its address
             "import_archive", "import_url"}  # fmt: skip


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


def tomorrow() -> dict[str, object]:
    begins_at = datetime.now(UTC) + timedelta(days=1)
    ends_at = begins_at + timedelta(hours=1)
    return {"begins_at": begins_at.isoformat(), "ends_at": ends_at.isoformat()}


def at_printer(shop: Shop, what: str) -> str:
    return f"/labs/corner/machines/{shop.agent.machines['Printer']}/{what}"


def takes_guests(shop: Shop) -> Shop:
    shop.manager.send("PUT", f"{API}/labs/corner/guest-desk", json={"open": True})
    return shop


MAKING: dict[str, Callable[[Shop], tuple[Any, str, dict[str, object]]]] = {
    "create_coalition": lambda shop: (
        shop.admin, "/coalitions", {"slug": "north", "name": "The north"},
    ),
    "create_city": lambda shop: (
        shop.admin, "/cities", {"slug": "lisbon", "name": "Lisbon", "country": "PT"},
    ),
    "create_lab": lambda shop: (
        shop.manager, "/labs", {"slug": "second", "name": "Second", "city": "hamburg"},
    ),
    "create_lot": lambda shop: (
        shop.manager, "/labs/corner/lots", {"material": "pla", "name": "Orange"},
    ),
    "weigh_lot": lambda shop: (
        shop.manager, f"/labs/corner/lots/{shop.floor.lot().id}/weighings",
        {"gross_g": 500, "tare_g": 200},
    ),
    "keep_offcut": lambda shop: (
        shop.manager, f"/labs/corner/lots/{shop.floor.lot('Router').id}/offcuts",
        {"width_mm": 200, "depth_mm": 150},
    ),
    "plan_maintenance": lambda shop: (
        shop.manager, at_printer(shop, "maintenance"), {"name": "new belt", "every_days": 90},
    ),
    "take_down": lambda shop: (
        shop.manager, at_printer(shop, "downtimes"), {"reason": "new belts"},
    ),
    "calibrate": lambda shop: (
        shop.manager, at_printer(shop, "calibrations"),
        {"release_id": shop.release_id, "part": "hook"},
    ),
    "create_post": lambda shop: (
        shop.manager, "/posts", {"lab": "corner", "title": "Open day", "text": "Come."},
    ),
    "create_draft": lambda shop: (
        shop.member, "/drafts", {"slug": "lamp", "manifest": ""},
    ),
    "create_grant": lambda shop: (
        shop.manager, "/designs/shelf-hook/grants", {"person": "mem", "events": ["make_gift"]},
    ),
    "create_build": lambda shop: (
        shop.member, "/labs/corner/builds", {"release_id": shop.release_id, "part": "hook",
                                             "good": 1},
    ),
    "claim": lambda shop: (
        shop.member, f"/releases/{shop.release_id}/contributions",
        {"role": "review", "words": "read it"},
    ),
    "create_booking": lambda shop: (
        shop.member, "/labs/corner/bookings",
        {"machine_id": shop.floor.machines["Printer"], **tomorrow()},
    ),
    "add_calendar": lambda shop: (
        shop.manager, "/labs/corner/calendars", {"name": "Courses"},
    ),
    "record_event": lambda shop: (
        shop.member, "/labs/corner/economic-events",
        {"event": {"kind": "care", "hours": 1, "skill": "cooking",
                   "happened_at": "2026-03-01T12:00:00Z"}},
    ),
    "create_payment": lambda shop: (
        shop.manager, "/labs/corner/payments",
        {"handle": "mem", "amount": 500, "currency": "EUR", "why": "cash at the desk"},
    ),
    "create_guest_request": lambda shop: (
        takes_guests(shop).stranger, "/labs/corner/requests",
        {"name": "Ana", "reach": "at the door", "wish": "a hook"},
    ),
    "create_order": lambda shop: (
        shop.member, "/labs/corner/orders", {"release_id": shop.release_id, "part": "hook"},
    ),
}  # fmt: skip


def test_everything_that_a_person_makes_can_be_asked_for_again(app: Flask):
    making = {it.name for it in operations(app) if 201 in it.contract.tells}
    assert {it.name for it in operations(app) if it.contract.keyed} == making - NOT_KEYED
    # They need files that are stored: tests/component/test_forks.py and test_order_sets.py ask for
    # them again.
    with_files = {"fork_release", "create_proposal", "accept_proposal", "create_set"}
    # It needs a class of machines: tests/component/test_people_api.py asks for it again. The body
    # of the other is a program: tests/component/test_own_programs.py brings it again.
    elsewhere = {"sign_training", "bring_program"}
    assert making - NOT_KEYED - with_files - elsewhere == MAKING.keys()


@pytest.mark.parametrize("name", MAKING)
def test_the_same_request_under_one_key_is_done_once(shop, name):
    who, path, body = MAKING[name](shop)
    first, again = (
        who.post(API + path, body, headers={"Idempotency-Key": "one"}) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    other = who.post(API + path, {**body, "name": "x"}, headers={"Idempotency-Key": "one"})
    assert other.status_code in (409, 422)


@pytest.mark.parametrize("name", MAKING)
def test_a_key_that_cannot_be_one_is_refused_and_nothing_is_made(shop, name):
    who, path, body = MAKING[name](shop)
    answer = who.post(API + path, body, headers={"Idempotency-Key": "k" * 129})
    assert answer.status_code == 422
    assert who.post(API + path, body).status_code == 201


def test_what_has_not_changed_is_not_sent_again(shop, client):
    shown = client.get(f"{API}/labs/corner/lots")
    tag = shown.headers["ETag"]
    same = client.get(f"{API}/labs/corner/lots", headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    assert shop.load("Printer", material="pla").status_code == 204
    changed = client.get(f"{API}/labs/corner/lots", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)


def test_a_cache_keeps_no_answer_for_anybody_else(shop):
    answer = shop.member.get(f"{API}/me")
    assert answer.headers["Cache-Control"] == "private, no-cache"
