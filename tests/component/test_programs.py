"""Programs at the server: shown by their own agent, seen by who may see the job, and harmless."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from commons.toolpath import MAX_SKETCH_BYTES, Kind, Sketch, Strokes
from commons.wire import Refusal
from tests.browsing import page
from tests.floor import PROGRAM
from tests.profiles import printer
from tests.shop import API, HttpAgent, Shop, Someone, open_shop

BYTES = b"G28\nG1 X10 Y10 E1 F600\n"
PACKED = gzip.compress(BYTES, mtime=0)
SHA = sha256(BYTES).hexdigest()
FACTS = PROGRAM.model_copy(update={"sha256": SHA, "claimed_duration_s": 4000.0})
REFUSAL = Refusal(rule="envelope", line=3, value="X260.0000 mm", limit="0 … 250 mm",
                  place=(260.0, 100.0, 0.2))  # fmt: skip


def sketch(**changes: object) -> dict[str, object]:
    wall = Strokes(kind=Kind.WALL, ways=((10, 10, 90, 10, 90, 90),))
    drawn = Sketch(
        process="fdm", program_sha256=SHA, line_count=2, is_whole=True, bed=(0, 0, 250, 210),
        view=(0, 0, 100, 100), cell_mm=0.1, row_mm=0.1, tool_mm=0.4, height_mm=(0, 9), layers=45,
        plan=(wall,), side=(),
    )  # fmt: skip
    return drawn.model_dump(mode="json") | changes


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


@pytest.fixture
def attempt(shop: Shop) -> str:
    return staged(shop)


def staged(shop: Shop) -> str:
    """An attempt whose program was staged."""
    shop.order()
    offer = shop.agent.lease().json
    shop.agent.tell("staged", offer, program=FACTS.model_dump(mode="json"))
    return str(offer["attempt_id"])


def refused(shop: Shop) -> tuple[str, str]:
    """A job and its attempt, whose program was refused and shown."""
    job_id = shop.order().json["jobs"][0]["id"]
    offer = shop.agent.lease().json
    told = {"sentence": "line 3: X260 lies outside", "refusal": REFUSAL.model_dump(mode="json")}
    shop.agent.tell("refused", offer, **told)
    assert show(shop, offer["attempt_id"], sketch(mark=REFUSAL.place)).status_code == 200
    return job_id, offer["attempt_id"]


def show(shop: Shop, attempt: str, drawn: dict[str, object] | None = None) -> TestResponse:
    path = f"/agent/attempts/{attempt}/toolpath"
    return shop.agent.post(path, drawn or sketch(), method="PUT")


def send(agent: HttpAgent, attempt: str, packed: bytes = PACKED) -> TestResponse:
    target = f"{API}/agent/attempts/{attempt}/program"
    headers = agent.signed(target, packed, method="PUT")
    return agent.app.test_client().put(target, data=packed, headers=headers)


def got(someone: Someone, path: str, **more: object) -> TestResponse:
    """The answer, read to its end and closed."""
    with someone.get(path, **more) as answer:
        answer.get_data()
    return answer


def job_page(shop: Shop, attempt: str) -> str:
    return f"/labs/corner/jobs/{shop.floor.attempt(attempt).job_id}"


def test_a_staged_program_is_shown_sent_and_seen_by_the_labs_people(
    shop: Shop, attempt: str
) -> None:
    assert show(shop, attempt).json == {"wants_program": True}
    assert send(shop.agent, attempt).status_code == 204
    answer = got(shop.member, f"{API}/attempts/{attempt}/program")
    assert (answer.headers["Content-Encoding"], gzip.decompress(answer.data)) == ("gzip", BYTES)
    picture = got(shop.member, f"/attempts/{attempt}/toolpath.svg")
    assert picture.mimetype == "image/svg+xml"
    assert "M10 10L90 10L90 90" in picture.text
    for told in (answer, picture):
        assert told.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in told.headers["Cache-Control"]


def test_a_picture_that_the_browser_has_is_not_drawn_again(shop: Shop, attempt: str) -> None:
    show(shop, attempt)
    path = f"/attempts/{attempt}/toolpath.svg"
    etag = got(shop.member, path).headers["ETag"]
    again = got(shop.member, path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_telling_it_twice_changes_nothing(shop: Shop, attempt: str) -> None:
    answers = [show(shop, attempt), send(shop.agent, attempt)] * 2
    assert [answer.status_code for answer in answers] == [200, 204] * 2
    assert show(shop, attempt).json == {"wants_program": False}


def test_the_same_program_of_the_same_lab_is_not_wanted_again(shop: Shop, attempt: str) -> None:
    show(shop, attempt)
    send(shop.agent, attempt)
    shop.agent.tell("declined", {"machine_id": shop.agent.machines["Printer"],
                                 "attempt_id": attempt, "fence": 1})  # fmt: skip
    shop.floor.later(hours=1)
    second = refused_like(shop)
    assert show(shop, second).json == {"wants_program": False}
    assert got(shop.member, f"{API}/attempts/{second}/program").status_code == 200


def refused_like(shop: Shop) -> str:
    """An attempt of the router's, refused."""
    shop.order(part="board")
    offer = shop.agent.lease("Router").json
    shop.agent.tell("refused", offer)
    return str(offer["attempt_id"])


def test_strangers_see_neither_page_nor_picture_nor_program(shop: Shop, attempt: str) -> None:
    show(shop, attempt)
    send(shop.agent, attempt)
    paths = (job_page(shop, attempt), f"/attempts/{attempt}/toolpath.svg",
             f"{API}/attempts/{attempt}/program")  # fmt: skip
    assert [got(shop.member, path).status_code for path in paths] == [200, 200, 200]
    assert [got(shop.stranger, path).status_code for path in paths] == [404, 404, 404]
    assert [got(shop.admin, path).status_code for path in paths] == [404, 404, 404]
    nobody = shop.agent.app.test_client()
    assert nobody.get(paths[2]).status_code == 401


def test_a_program_is_no_file_that_everybody_may_fetch_by_its_hash(
    shop: Shop, attempt: str
) -> None:
    show(shop, attempt)
    send(shop.agent, attempt)
    for hash_ in (SHA, sha256(PACKED).hexdigest()):
        assert got(shop.member, f"{API}/blobs/{hash_}").status_code == 404


def test_an_agent_shows_only_its_own_attempts(shop: Shop, attempt: str) -> None:
    stranger = HttpAgent(shop.agent.app)
    stranger.enrol(shop.code(), printer("Second"))
    mine = replace(shop, agent=stranger)
    assert show(mine, attempt).status_code == 403
    assert send(stranger, attempt).status_code == 403
    assert show(shop, "nothing").status_code == 404


def test_before_its_event_nothing_is_taken(shop: Shop) -> None:
    shop.order()
    offer = shop.agent.lease().json
    assert show(shop, offer["attempt_id"]).status_code == 409
    assert send(shop.agent, offer["attempt_id"]).status_code == 409


def test_another_program_than_the_staged_one_is_not_taken(shop: Shop, attempt: str) -> None:
    assert show(shop, attempt, sketch(program_sha256="ab" * 32)).status_code == 409
    assert show(shop, attempt).status_code == 200
    other = gzip.compress(b"G28\n", mtime=0)
    assert "has the hash" in send(shop.agent, attempt, other).json["detail"]


@pytest.mark.parametrize(
    "packed", [b"", b"no gzip", PACKED[:-4], PACKED + b"more", PACKED + PACKED]
)
def test_what_is_not_one_whole_gzip_is_refused(shop: Shop, attempt: str, packed: bytes) -> None:
    show(shop, attempt)
    assert send(shop.agent, attempt, packed).status_code == 422


def test_a_gzip_that_unpacks_to_too_much_is_refused(
    shop: Shop, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(shop, attempt)
    monkeypatch.setattr("repo_server.programs.MAX_PROGRAM_BYTES", 5_000_000)
    bomb = gzip.compress(bytes(10_000_000), mtime=0)
    assert "more than 5000000 bytes" in send(shop.agent, attempt, bomb).json["detail"]


def test_a_sketch_that_is_too_large_or_holds_markup_is_refused(shop: Shop, attempt: str) -> None:
    many = [[7] * 1000] * 400
    large = sketch(plan=[{"kind": "wall", "ways": many}])
    assert len(str(large)) > MAX_SKETCH_BYTES
    assert show(shop, attempt, large).status_code == 413
    markup = sketch(plan=[{"kind": "wall' onload='alert(1)", "ways": [[0, 0, 1, 1]]}])
    assert show(shop, attempt, markup).status_code == 422


def test_a_refusal_says_rule_line_value_limit_and_place(shop: Shop) -> None:
    job_id, attempt = refused(shop)
    found = page(shop.member.browser, f"/labs/corner/jobs/{job_id}")
    assert found.wrong == []
    for words in ("Line 3: X260 lies outside", "envelope", "X260.0000 mm", "0 … 250 mm",
                  "X 260.00 Y 100.00 Z 0.20 mm", "Refused here"):  # fmt: skip
        assert words in found.text
    assert f"/attempts/{attempt}/toolpath.svg" in found.loads
    assert 'class="refused"' in got(shop.member, f"/attempts/{attempt}/toolpath.svg").text


def test_a_job_shows_our_time_beside_the_slicers(shop: Shop, attempt: str) -> None:
    show(shop, attempt)
    text = page(shop.member.browser, job_page(shop, attempt)).text
    assert "about 1 h 0 min" in text
    assert "the slicer says 1 h 6 min" in text
    assert "45" in text
    assert "is still on its way" in text


def test_a_job_shows_its_cutters_in_their_order(shop: Shop) -> None:
    shop.order()
    offer: dict[str, object] = shop.agent.lease().json
    cutters = {"cutters_mm": (3.0, 1.5), "cutter_shapes": ("flat", "ball")}
    facts = FACTS.model_copy(update=cutters)
    shop.agent.tell("staged", offer, program=facts.model_dump(mode="json"))
    page = shop.member.get(f"/labs/corner/jobs/{offer['job_id']}").text
    assert "3 mm, then 1.5 mm ball" in page


def test_a_job_without_a_program_says_so(shop: Shop) -> None:
    job_id = shop.order().json["jobs"][0]["id"]
    assert "There is no program yet" in page(
        shop.member.browser, f"/labs/corner/jobs/{job_id}"
    ).text  # fmt: skip


def test_the_board_links_to_the_job_for_the_labs_people_alone(shop: Shop, attempt: str) -> None:
    path = job_page(shop, attempt)
    assert path in page(shop.member.browser, "/labs/corner").links
    assert path not in page(shop.stranger.browser, "/labs/corner").links


def test_an_older_agent_refuses_without_saying_more(shop: Shop) -> None:
    job_id = shop.order().json["jobs"][0]["id"]
    offer = shop.agent.lease().json
    shop.agent.tell("refused", offer, sentence="the mesh is open")
    assert "The mesh is open" in page(shop.member.browser, f"/labs/corner/jobs/{job_id}").text
