"""The page of a lab's queue: each change comes back to it, and so does each refusal."""

import pytest

from repo_server.people import Person
from tests.browsing import page
from tests.floor import furnish

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
QUEUE = "/labs/corner/queue"


@pytest.fixture
def olga(sign_up):
    return sign_up("olga")


@pytest.fixture
def floor(engine, olga):
    return furnish(engine, manager=Person(olga.id, "olga", "Olga", False))


def test_an_operator_moves_keeps_and_sets_aside_and_the_job_tells_who_did(olga, floor):
    first, second = floor.order(copies=2)
    for wish, said in (
        ("move", {"beside": first, "before": "yes"}),
        ("pin", {"machine": floor.machines["Printer"]}),
        ("park", {}),
        ("unpark", {}),
    ):
        sent = olga.send("POST", f"{QUEUE}/{second}/{wish}", data=said)
        assert (sent.status_code, sent.location) == (303, f"{QUEUE}#job-{second}")
    shown = page(olga, QUEUE)
    assert shown.wrong == []
    assert shown.text.index(f"job-{second}") < shown.text.index(f"job-{first}")
    told = page(olga, f"/labs/corner/jobs/{second}").text
    for words in ("Moved before hook (1/2) by Olga", "Kept for Printer by Olga", "Set aside by"):
        assert words in told


def test_an_old_view_of_the_queue_is_refused_with_the_queue_as_it_is_now(olga, floor):
    first, second, third = floor.order(copies=3)
    olga.send("POST", f"/labs/corner/jobs/{first}/cancel", data={})
    late = olga.send("POST", f"{QUEUE}/{third}/move", data={"beside": first, "before": "yes"})
    assert late.status_code == 409
    assert "hook (1/3) waits no more: look at the queue as it is now" in late.text
    assert f"job-{second}" in late.text
    assert f"job-{first}" not in late.text


def test_a_form_that_is_sent_twice_is_one_order_on_the_machines_that_it_names(olga, floor):
    form = {
        "lab": "corner", "release_id": floor.release_id, "part": "hook", "copies": "1",
        "attended_only": "yes", "key": "k",
        "machine": [f"corner/{floor.machines['Printer']}", "elsewhere/abc"],
    }  # fmt: skip
    first, again = (olga.send("POST", "/orders", data=form) for _ in range(2))
    assert (first.status_code, again.location) == (303, first.location)
    board = olga.get("/api/v1/labs/corner/board").json
    (job,) = board["jobs"]
    assert job["attended_only"]
    said = {it["machine"]: it["code"] for it in job["waits"]}
    assert said["Router"] == "not_chosen" != said["Printer"]
