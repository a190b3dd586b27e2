"""A hook for another board: from the order over OpenSCAD to the machine and the passport."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlmodel import select

from commons.content import content_id
from repo_server import tasks
from repo_server.parsing import openscad
from repo_server.tables import RenderingRow
from tests.browsing import fill, page
from tests.floor import PROGRAM, run
from tests.shop import API, Shop, Someone, open_shop

SOURCE = b"""
// Thickness of the board, mm
board = 18; // [12:40]
// What stands on it
word = "a"; // 8
rounded = false;
size = "small"; // [small:Small, large:Large]
use <lib/rib.scad>
assert(word != "thin", "that is too thin");
difference() { cube([board + 6, 20, 30]); translate([3, -1, 3]) cube([board, 22, 30]); }
if (size == "large") rib();
"""
RIB = b"module rib() { translate([0, 0, -5]) cube([6, 20, 6]); }"
MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Board hook"
repo = "https://example.org/board-hook"
version = "1.0.0"
license = "CC-BY-SA-4.0"
licensor = "Ada"
function = "Hangs on a board"

[[part]]
name = "hook"
tsdc = "3DP"
material = "PLA"
source = "hook.scad"
"""

# What the databases have to do with it, the first test asks of both.
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def publish(shop: Shop, **changes: str) -> str:
    """The board hook in the shop; its orders ask for this release."""
    manifest = MANIFEST
    for old, new in changes.items():
        manifest = manifest.replace(f'{old} = "', f'{old} = "{new}" # "')
    files = {"hook.scad": SOURCE, "lib/rib.scad": RIB}
    for data in files.values():
        shop.manager.send("PUT", f"{API}/blobs/{content_id(data)}", data=data)
    body = {"manifest": manifest, "files": {path: content_id(it) for path, it in files.items()}}
    answer = shop.manager.post(f"{API}/designs/board-hook/releases", body)
    assert answer.status_code == 201, answer.text
    shop.floor.release_id = answer.json["id"]
    return str(answer.json["id"])


def draw(app: Flask, release_id: str) -> None:
    """What the worker does once it is rung."""
    with app.app_context():
        while tasks.inspect_release(release_id):
            pass
        tasks.render_waiting()


def test_a_variant_is_drawn_once_and_made_and_told_of_ever_after(app: Flask, shop: Shop) -> None:
    draw(app, publish(shop))
    source, library = shop.member.get(f"{API}/releases/{shop.release_id}").json["files"]
    assert (library["path"], library["problem"]) == ("lib/rib.scad", None)
    assert source["facts"]["box_mm"] == [24, 20, 30] and source["preview"]
    waits = shop.order(variant={"board": 22, "size": "large"})
    assert waits.status_code == 202
    assert waits.json["sentence"] == "OpenSCAD draws it now; it goes on by itself"
    shop.order(variant={"size": "large", "board": 22.0, "word": "a"})
    draw(app, shop.release_id)
    shown = shop.member.get(f"{API}/waiting-orders/{waits.json['waiting_id']}").json
    assert (shown["variant"], shown["settled_at"] is None) == ("board = 22, size = large", False)
    order = shop.member.get(f"{API}/orders/{shown['order_id']}").json
    variant = order["variant"]
    assert variant["values"] == {"board": 22, "size": "large"}
    assert variant["source_sha256"] == content_id(SOURCE)
    assert variant["made_with"].startswith("OpenSCAD 20")
    offer = shop.agent.lease().json
    assert (offer["file_sha256"], offer["file_name"]) == (variant["mesh_sha256"], "hook.stl")
    assert offer["variant"] == variant["values"]
    mesh = shop.member.get(f"{API}/blobs/{offer['file_sha256']}")
    assert len(mesh.data) == offer["file_size"]
    mesh.close()
    again = shop.order(variant={"size": "large", "board": "22"})
    assert again.status_code == 201  # nothing is left to be drawn
    assert again.json["variant"] == variant
    board = page(shop.member.browser, "/labs/corner").text
    assert "board = 22, size = large" in board
    job = page(shop.member.browser, f"/labs/corner/jobs/{offer['job_id']}").text
    assert variant["mesh_sha256"] in job and "board = 22, size = large" in job
    shop.agent.tell("staged", offer, program=PROGRAM.model_dump(mode="json"))
    shop.clear()
    shop.agent.arm(offer)
    shop.agent.tell("started", offer)
    shop.agent.tell("finished", offer, run=run().model_dump(mode="json"))
    passport = shop.member.get(f"{API}/things/{offer['attempt_id']}").json["entries"]
    assert passport["variant"]["value"] == "board = 22, size = large"
    assert passport["mesh_sha256"]["value"] == variant["mesh_sha256"]
    assert (
        variant["mesh_sha256"] in page(shop.member.browser, f"/things/{offer['attempt_id']}").text
    )


@ONE_DATABASE
def test_a_guest_asks_for_a_variant_which_is_drawn_once_it_is_approved(
    app: Flask, shop: Shop
) -> None:
    draw(app, publish(shop))
    shop.manager.send("PUT", shop.at_lab("/guest-desk"), json={"open": True, "words": ""})
    guest = SimpleNamespace(browser=app.test_client())
    address = f"/labs/corner/ask?release={shop.release_id}"
    form = fill(guest, address, "/labs/corner/ask", part="hook", name="Ana", reach="at the door")
    wrong = guest.browser.post("/labs/corner/ask", data=form | {"set-0-board": "41"})
    assert wrong.status_code == 422
    assert "<strong>variant.board</strong> 41 is not 12 to 40" in wrong.text
    assert 'value="41"' in wrong.text
    sent = guest.browser.post("/labs/corner/ask", data=form | {"set-0-board": "30"})
    assert sent.status_code == 303, sent.text
    assert "board = 30" in guest.browser.get(sent.location).text
    with shop.floor.session() as session:
        drawn = session.exec(select(RenderingRow)).all()
    assert not any(it.values for it in drawn)  # nothing but what was published
    (asked,) = shop.manager.get(shop.at_lab("/requests")).json["requests"]
    assert asked["variant"] == "board = 30"
    assert "board = 30" in page(shop.manager.browser, "/labs/corner/requests").text
    act = f"/requests/{asked['id']}/approve"
    done = shop.manager.post(shop.at_lab(act), {"purpose": "for_pay"})
    assert (done.status_code, done.json["stage"]) == (200, "held_back"), done.text
    draw(app, shop.release_id)
    (asked,) = shop.manager.get(shop.at_lab("/requests")).json["requests"]
    order = shop.manager.get(f"{API}/orders/{asked['order_id']}").json
    assert order["variant"]["values"] == {"board": 30}
    bare = {"name": "Ana", "reach": "at the door", "wish": "a hook", "variant": {"board": 30}}
    refused = guest.browser.post(shop.at_lab("/requests"), json=bare)
    assert refused.status_code == 422
    assert "name its release and the part" in refused.json["detail"]


@ONE_DATABASE
def test_a_form_without_scripts_asks_for_a_variant(app: Flask, shop: Shop) -> None:
    draw(app, publish(shop))
    form = fill(shop.member, "/designs/board-hook", "/orders", lab="corner", part="hook")
    assert (form["set-0-board"], form["set-0-size"], form["set-0-word"]) == ("18", "small", "a")
    wrong = shop.member.browser.post("/orders", data=form | {"set-0-board": "41"})
    assert wrong.status_code == 422
    assert "<strong>variant.board</strong> 41 is not 12 to 40" in wrong.text
    assert 'value="41"' in wrong.text
    nothing = shop.member.browser.post("/orders", data=form | {"part": "lid", "set-": ""})
    assert nothing.status_code == 404
    assert "has no part" in nothing.text
    wish = {"set-0-board": "30", "set-0-rounded": "true"}
    placed = shop.member.browser.post("/orders", data=form | wish)
    assert placed.status_code == 303
    waits = page(shop.member.browser, placed.location).text
    assert "Being rendered" in waits and "Variant: board = 30, rounded = true" in waits
    assert "board = 30" in page(shop.member.browser, "/labs/corner").text


@ONE_DATABASE
def test_wrong_values_are_told_at_once_and_what_openscad_refuses_is_told_later(
    app: Flask, shop: Shop
) -> None:
    draw(app, publish(shop))
    wrong = shop.order(variant={"board": 50, "depth": 3, "rounded": "perhaps"})
    assert wrong.status_code == 422
    assert [it["field"] for it in wrong.json["fields"]] == [
        "variant.board", "variant.depth", "variant.rounded",
    ]  # fmt: skip
    waits = shop.order(variant={"word": "thin"})
    draw(app, shop.release_id)
    shown = shop.member.get(f"{API}/waiting-orders/{waits.json['waiting_id']}").json
    assert shown["order_id"] is None
    assert shown["said"].startswith("'hook.scad' with word = thin draws no body: OpenSCAD says: ")
    assert "that is too thin" in shown["said"]
    assert shop.order(variant={"word": "thin"}).status_code == 422  # known by now


@ONE_DATABASE
def test_a_part_as_published_is_drawn_too_and_without_openscad_it_waits(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_id = publish(shop)
    monkeypatch.setattr(openscad, "shutil", SimpleNamespace(which=lambda _name: None))
    draw(app, release_id)
    waits = shop.order()
    assert waits.status_code == 202
    here = f"{API}/waiting-orders/{waits.json['waiting_id']}"
    words = "not rendered: OpenSCAD is not on this node"
    assert shop.member.get(here).json["sentence"] == words
    assert words[1:] in page(shop.member.browser, "/designs/board-hook").text
    monkeypatch.undo()
    draw(app, release_id)
    order = shop.member.get(f"{API}/orders/{shop.member.get(here).json['order_id']}").json
    assert order["variant"]["values"] == {}


@ONE_DATABASE
def test_no_variant_of_what_must_not_be_changed_is_handed_on(app: Flask, shop: Shop) -> None:
    draw(app, publish(shop, license="CC-BY-ND-4.0"))
    refused = shop.order(variant={"board": 20}, purpose="gift")
    assert refused.status_code == 403
    assert "a variant is an adaptation" in refused.json["detail"]
    assert shop.order(variant={"board": 20}).status_code == 202
    draw(app, shop.release_id)
    placed = shop.order(variant={"board": 20})
    assert "does not allow publishing a fork" in placed.json["licence"]["adaptation"]
    job = page(shop.member.browser, f"/labs/corner/jobs/{placed.json['jobs'][0]['id']}").text
    assert "it must not be handed on" in job
