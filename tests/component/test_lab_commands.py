"""`cosmo lab …` and `cosmo order` against a running server: a lab is set up without a page."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import get_args

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from werkzeug.serving import make_server

from commons.errors import Conflict, FabError, InvalidInput, NotAllowed, NotFound
from commons.licences.purposes import Purpose
from commons.wire import Orientation
from cosmo.__main__ import cli
from cosmo.client import PER_PAGE, Answer
from cosmo.order_command import MAX_COPIES, MILLING, PRINTING
from repo_server import labs
from repo_server.order_requests import MAX_COPIES as THEIRS
from repo_server.order_requests import QUALITIES, OrderedMilling, OrderedOptions, Plates
from repo_server.people import Scope
from repo_server.settings import Settings
from tests.component.test_designs_api import MANIFEST
from tests.component.test_forks import publish
from tests.component.test_lists import put, seen
from tests.profiles import printer
from tests.shop import API, HttpAgent, Shop, Someone, open_shop

Say = Callable[..., str]


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """What the command says does not depend on the database, so there is one of them."""
    (tmp_path / "cosmolocal.sqlite").write_bytes(sqlite_template.read_bytes())
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def say(address: str, shop: Shop, tmp_path: Path) -> Say:
    """What `cosmo` answers to the lab's manager, in one line."""
    token = tmp_path / "token"
    token.write_text(shop.manager.token(*Scope))

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "--server", address, "--token-file", str(token)])
        if isinstance(done.exception, FabError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    return run


def test_a_lab_is_founded_let_an_agent_in_and_loaded(say: Say, shop: Shop, app: Flask) -> None:
    said = say("lab", "found", "quay", "--name", "Quay Lab", "--city", "hamburg")
    assert said.startswith("Quay Lab is founded")
    assert said.endswith("/labs/quay/manage")
    code = re.search(r"cosmo agent enrol (\S+)$", say("lab", "code", "quay"))
    assert code
    assert HttpAgent(app).enrol(code[1], printer()).status_code == 201
    spool = ("--material", "pla", "--name", "Orange", "--ring", "region", "--evidence", "label",
             "--mass-g", "992.5")  # fmt: skip
    id_ = re.fullmatch(r"lot (\S+): Orange", say("lots", "add", "quay", *spool))
    assert id_
    (lot,) = shop.manager.get(f"{API}/labs/quay/lots").json["lots"]
    told = {"id": id_[1], "material": "pla", "name": "Orange", "ring": "region",
            "evidence": "label", "mass_left_g": 992.5, "colour": None}  # fmt: skip
    assert {key: lot[key] for key in told} == told
    assert say("lots", "load", "quay", "Printer", "Orange") == "Orange is on Printer"
    (machine,) = shop.manager.get(f"{API}/labs/quay/board").json["machines"]
    assert machine["lot"]["id"] == lot["id"]
    assert say("lots", "weigh", "quay", "Orange", "--gross-g", "900", "--tare-g", "200") == (
        "700 g are left, 292 g less than reckoned"
    )
    assert "Orange, 700 g left (696 to 704 g), on Printer" in say("lots", "show", "quay", "Orange")
    assert say("lots", "unload", "quay", "Printer") == "nothing is on Printer"
    assert say("lots", "archive", "quay", "Orange") == "Orange is used up"
    assert shop.manager.get(f"{API}/labs/quay/lots").json["lots"] == []
    assert say("lots", "restore", "quay", "Orange") == "Orange is on the shelf: weigh it"


def test_a_lot_is_named_by_its_id_when_two_have_one_name(say: Say, shop: Shop) -> None:
    sheet = ("--material", "plywood", "--name", "Birch", "--thickness-mm", "12",
             "--width-mm", "600", "--depth-mm", "400", "--grain", "y")  # fmt: skip
    ids = [say("lots", "add", "corner", *sheet).split()[1].rstrip(":") for _ in range(2)]
    with pytest.raises(Conflict, match="say its id") as refused:
        say("lots", "load", "corner", "Router", "Birch")
    assert all(id_ in str(refused.value) for id_ in ids)
    say("lots", "load", "corner", "Router", ids[1])
    assert shop.floor.machine("Router").lot_id == ids[1]


def test_what_is_not_there_is_told_with_what_is(say: Say) -> None:
    with pytest.raises(NotFound, match="no machine 'Laser' in this lab; there is: Printer, Router"):
        say("lots", "load", "corner", "Laser", "white PLA")
    with pytest.raises(NotFound, match="no lot 'gold' in this lab"):
        say("lots", "load", "corner", "Printer", "gold")
    with pytest.raises(NotFound, match="there is no city 'atlantis'"):
        say("lab", "found", "quay", "--name", "Quay Lab", "--city", "atlantis")
    with pytest.raises(InvalidInput, match="known are pla, petg"):
        say("lots", "add", "corner", "--material", "cheese", "--name", "Gouda")


def test_only_a_manager_makes_a_code(say: Say, shop: Shop) -> None:
    shop.stranger.post(f"{API}/labs", {"slug": "other", "name": "Other", "city": "hamburg"})
    with pytest.raises(NotAllowed, match="this needs the role manager at Other"):
        say("lab", "code", "other")


def test_an_order_without_a_material_takes_the_designers(say: Say, shop: Shop) -> None:
    said = say("order", "shelf-hook", "hook", "--lab", "corner", "--copies", "2")
    order_id = re.search(r"order (\w+):", said)
    assert order_id
    order = shop.manager.get(f"{API}/orders/{order_id[1]}").json
    assert (order["material"], order["copies"]) == ("pla", 2)


def ordered(say: Say, shop: Shop, *words: str) -> Answer:
    """The order as the server keeps it, with its jobs."""
    order_id = re.search(r"order (\w+):", say("order", "shelf-hook", *words, "--lab", "corner"))
    assert order_id
    placed: Answer = shop.manager.get(f"{API}/orders/{order_id[1]}").json
    return placed


def test_everything_that_a_print_can_be_asked_for_reaches_the_order(say: Say, shop: Shop) -> None:
    order = ordered(
        say, shop, "hook", "--copies", "5", "--plates", "as-many-as-fit", "--quality", "fine",
        "--orientation", "suggested", "--scale", "1.5", "--infill", "0", "--nozzle", "0.4",
        "--supports", "--brim",
    )  # fmt: skip
    assert order["options"] == {
        "quality": "fine", "orientation": "suggested", "scale": 1.5, "infill_percent": 0,
        "supports": True, "brim": True, "nozzle_mm": 0.4,
    }  # fmt: skip
    assert [job["copies"] for job in order["jobs"]] == [4, 1]


def test_everything_that_milling_can_be_asked_for_reaches_the_order(say: Say, shop: Shop) -> None:
    order = ordered(
        say, shop, "board", "--nest", "--grain", "y", "--finish", "--conventional",
        "--way", "surface", "--lines", "both", "--scallop-mm", "0.1",
    )  # fmt: skip
    assert order["options"] == {
        "nest": True, "grain": "y", "finish": True, "conventional": True, "way": "surface",
        "lines": "both", "scallop_mm": 0.1,
    }  # fmt: skip


def test_an_order_that_its_licence_lets_wait_leads_to_its_page(say: Say, shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    said = say("order", "shelf-hook", "hook", "--lab", "corner", "--for", "for-pay")
    assert "the order waits: the licence CC-BY-NC-4.0 does not settle" in said
    waiting = re.search(r"/waiting-orders/(\w+)$", said)
    assert waiting
    told = shop.manager.get(f"{API}/waiting-orders/{waiting[1]}").json
    assert (told["purpose"], told["settled_at"]) == ("for_pay", None)


def test_an_order_that_chooses_nothing_is_as_the_server_would_have_it(say: Say, shop: Shop) -> None:
    order = ordered(say, shop, "hook", "--copies", "2")
    assert order["options"] == OrderedOptions().model_dump(mode="json")
    assert [job["copies"] for job in order["jobs"]] == [1, 1]


def test_a_choice_for_another_process_is_refused_by_name(say: Say) -> None:
    with pytest.raises(InvalidInput, match=r"options\.brim: is for prints, and 'board' is milled"):
        say("order", "shelf-hook", "board", "--lab", "corner", "--brim")
    with pytest.raises(InvalidInput, match=r"milling\.nest: is for milled parts, and 'hook' is"):
        say("order", "shelf-hook", "hook", "--lab", "corner", "--nest")


def test_a_word_that_is_no_choice_ends_the_command_with_the_choices() -> None:
    wrong = {
        "--quality": ("best", "'draft', 'standard', 'fine'"),
        "--plates": ("all", "'one-at-a-time', 'as-many-as-fit'"),
        "--scale": ("30", "0.05<=x<=20"),
        "--infill": ("101", "0<=x<=100"),
        "--grain": ("z", "'x', 'y'"),
    }
    for option, (value, choices) in wrong.items():
        words = ["order", "shelf-hook", "hook", "--lab", "corner", option, value]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 2
        assert option in done.output
        assert choices in done.output


def choices_of(option: str) -> set[str]:
    (param,) = (p for p in cli.commands["order"].params if p.opts[0] == option)
    assert isinstance(param.type, click.Choice)
    return {str(choice).replace("-", "_") for choice in param.type.choices}


def test_the_command_offers_what_the_server_takes_and_no_less() -> None:
    assert MAX_COPIES == THEIRS
    assert PRINTING.keys() == OrderedOptions.model_fields.keys()
    assert MILLING.keys() == OrderedMilling.model_fields.keys()
    assert choices_of("--quality") == set(QUALITIES)
    assert choices_of("--for") == set(Purpose)
    assert choices_of("--plates") == set(Plates)
    assert choices_of("--orientation") == set(Orientation)
    for option, name in (("--way", "way"), ("--lines", "lines")):
        values = OrderedMilling.model_fields[name].annotation
        assert choices_of(option) == set(get_args(values))


def test_what_a_program_reads_is_one_json_document_and_no_word(say: Say, shop: Shop) -> None:
    board = json.loads(say("status", "corner", "--json"))
    assert [it["name"] for it in board["machines"]] == ["Printer", "Router"]
    placed = json.loads(say("order", "shelf-hook", "hook", "--lab", "corner", "--json"))
    assert placed["release_id"] == shop.release_id
    assert json.loads(say("webhook", "list", "--json")) == []


def test_a_webhook_is_added_listed_tried_and_removed(say: Say, shop: Shop) -> None:
    words = ("--of", "job.done", "--lab", "corner", "--json")
    made = json.loads(say("webhook", "add", "https://example.org/told", *words))
    assert (made["kinds"], made["secret"][:6]) == (["job.done"], "whsec_")
    assert made["id"] in say("webhook", "list", "--lab", "corner")
    assert "a test is on its way" in say("webhook", "test", made["id"])
    assert "webhook.test" in say("webhook", "deliveries", made["id"])
    assert "is removed" in say("webhook", "remove", made["id"])
    assert "there is none" in say("webhook", "list", "--lab", "corner")


def test_an_error_of_the_server_is_one_sentence(say: Say) -> None:
    with pytest.raises(InvalidInput) as refused:
        say("webhook", "add", "http://example.org/")
    assert str(refused.value) == (
        "url: 'http://example.org/' is not encrypted; give an address with https://"
    )


def test_designs_are_searched_by_words_and_narrowed_down(address: str, shop: Shop) -> None:
    def look(*words: str) -> str:
        done = CliRunner().invoke(cli, ["search", *words, "--server", address])
        assert done.exit_code == 0, done.output
        return done.output

    found = look("hokk", "--process", "fdm", "--process", "cnc", "--limit", "5")
    assert "shelf-hook" in found and "shown too: hook" in found and "1 found" in found
    assert "nothing found" in look("shelf", "--built")
    assert "nothing found" in look("--fits", "corner")  # its tower is 900 mm high
    answer = json.loads(look("shelf", "--licence", "CERN-OHL-S-2.0", "--json"))
    assert [design["slug"] for design in answer["designs"]] == ["shelf-hook"]


def test_people_are_listed_page_after_page_and_shown(
    address: str, shop: Shop, sign_up: Callable[..., Someone]
) -> None:
    publish(sign_up("ada"), "lamp", MANIFEST)
    put(shop, seen, *range(100, 100 + PER_PAGE))

    def look(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "--server", address])
        assert done.exit_code == 0, done.output
        return done.output

    everybody = json.loads(look("people", "--json"))
    assert len(everybody) == 2 + PER_PAGE
    handle = everybody[-1]["handle"]
    assert json.loads(look("people", handle, "--json")) == everybody[-1:]
    assert f"({handle})" in look("person", handle)
    assert "nobody found" in look("people", "zzz")


def test_a_lab_says_where_it_is(say: Say, shop: Shop) -> None:
    said = say("lab", "place", "corner", "--latitude", "-33.4", "--longitude", "-70.6")
    assert said.startswith("corner is at -33.4, -70.6")
    with shop.floor.session() as session:
        lab = labs.lab_of(session, "corner")
        assert (lab.latitude, lab.longitude) == (-33.4, -70.6)


def test_the_journal_the_profile_labs_notices_and_lists_are_at_hand(
    say: Say, shop: Shop, tmp_path: Path
) -> None:
    post, facility = tmp_path / "post.md", tmp_path / "lab.json"
    post.write_text("We *mill* a stool.")
    made = json.loads(say("post", "new", str(post), "--title", "Open day", "--lab", "corner",
                          "--json"))  # fmt: skip
    assert made["published_at"] is None
    assert "Open day is published" in say("post", "publish", made["id"])
    post.write_text("We mill two.")
    say("post", "edit", made["id"], str(post), "--title", "Open days")
    assert "Open days" in say("post", "list", "--lab", "corner")
    say("post", "withdraw", made["id"])
    assert say("post", "list", "--own") == "there is none"
    assert say("profile", "--about", "I mill.", "--unlisted").endswith("not listed I mill.")
    assert json.loads(say("profile", "--listed", "--json"))["about"] == "I mill."
    facility.write_text('{"name": "Corner Lab", "location": {}, "facility_status": "Active"}')
    assert say("lab", "okw", "corner", str(facility)).startswith("corner is Corner Lab")
    shop.member.post(f"{API}/labs/corner/orders", {"release_id": shop.release_id, "part": "hook"})
    assert "hook" in say("orders", "--lab", "corner")
    assert say("orders") == "nothing was ordered"
    assert "queued" in say("jobs", "corner")
    (waiting,) = json.loads(say("queue", "show", "corner", "--json"))
    assert "it counts as if it had waited 0 min" in say("queue", "why", waiting["id"])
    reason = {"reason": "it breaks"}
    shop.manager.post(f"{API}/releases/{shop.release_id}/yank", reason)
    assert "it breaks" in say("lab", "notices", "corner", "--dismiss-all")
    assert say("lab", "notices", "corner") == "nothing to know"


def test_labs_are_listed_and_shown_to_everybody(address: str, shop: Shop) -> None:
    def ask(*words: str) -> str:
        return CliRunner().invoke(cli, [*words, "--server", address]).output

    assert "Corner Lab" in ask("labs", "corn", "--process", "cnc")
    assert ask("labs", "nowhere") == "no lab found\n"
    assert "Router" in ask("lab", "show", "corner")


def test_what_guests_ask_for_is_listed_approved_and_declined(say: Say, shop: Shop) -> None:
    desk = {"open": True, "words": ""}
    shop.manager.send("PUT", f"{API}/labs/corner/guest-desk", json=desk)
    assert say("requests", "corner") == "nobody has asked for anything yet"
    hook = {"release_id": shop.release_id, "part": "hook"}
    for what in (hook, {"wish": "a cup"}):
        ana = {"name": "Ana", "reach": "at the door", **what}
        assert shop.stranger.post(f"{API}/labs/corner/requests", ana).status_code == 201
    cup, hook = json.loads(say("requests", "corner", "--json"))
    assert (cup["wish"], hook["part"], hook["stage"]) == ("a cup", "hook", "asked")
    said = say("approve", "corner", hook["id"], "--purpose", "gift")
    assert said.startswith("1 × hook for Ana is order ")
    with pytest.raises(InvalidInput, match="asked for in words"):
        say("approve", "corner", cup["id"], "--purpose", "gift")
    assert say("decline", "corner", cup["id"], "No kiln.") == "a cup for Ana is declined"
    with pytest.raises(Conflict, match="has declined this request already"):
        say("decline", "corner", cup["id"], "No kiln.")
