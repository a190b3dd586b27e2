"""docs/api.md tells every route, who may use it, and messages that are really read."""

import json
import re
from collections import ChainMap

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from pydantic import BaseModel

from commons import local_builds, problems, sharing, toolpath, verdict, wire
from repo_server import paging
from repo_server.announcements import KINDS, TEST
from repo_server.api.auth import Access, access_of
from repo_server.deliveries import PAUSES
from repo_server.order_requests import OrderRequest
from repo_server.order_sets import SetRequest
from repo_server.webhooks import MAX_OF_PLACE, WantedWebhook
from tests.docs.pages import Block, blocks, code, read, rows, sections

PAGE = "docs/api.md"
PREFIX = "/api/v1"
ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/\S+)`")
MESSAGES: dict[str, type[BaseModel]] = {
    "OrderRequest": OrderRequest,
    "SetRequest": SetRequest,
    "WantedWebhook": WantedWebhook,
}
TOLD = (wire, toolpath, verdict, local_builds, problems, sharing)
MESSAGES |= {
    name: value
    for name, value in ChainMap(*map(vars, TOLD)).items()
    if isinstance(value, type) and issubclass(value, BaseModel)
}


def documented() -> dict[tuple[str, str], str]:
    """Who may use each route, as the page says it."""
    found = {}
    for heading, text in sections(PAGE).items():
        if route := ROUTE.fullmatch(heading):
            who = re.search(r"\*\*Who:\*\* (.+)", text)
            found[route[1], route[2]] = who[1] if who else ""
    return found


def served(app: Flask) -> dict[tuple[str, str], str]:
    """Who may use each route below /api/v1, as its mark says it."""
    found = {}
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        if rule.rule.startswith(PREFIX) and access is not None:
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found[method, rule.rule.removeprefix(PREFIX)] = who(access, method)
    return found


def who(access: Access, method: str) -> str:
    match access.kind:
        case "public":
            return "everybody"
        case "agent":
            return "an enrolled agent"
        case "admin":
            person = "an admin"
        case "lab":
            person = f"at least `{access.role}` in the lab"
        case "city":
            person = f"the city's `{access.role}` or an admin"
        case _:
            person = "a signed-in person"
    scope = "read" if method == "GET" else access.scope
    return f"{person}; token scope `{scope}`" if scope else f"{person}; no token"


def test_every_route_is_told_with_who_may_use_it_and_no_other_is(app: Flask) -> None:
    assert documented() == served(app)


@pytest.mark.parametrize("block", blocks(PAGE, "json"), ids=lambda block: block.text[:40])
def test_every_example_is_json_and_a_named_one_is_that_message(block: Block) -> None:
    value = json.loads(block.text)
    if block.label:
        model = MESSAGES[block.label]
        model.model_validate(value)
        assert value.keys() <= model.model_fields.keys()


def test_every_message_between_agent_and_server_has_an_example() -> None:
    exchanged = {"Enrolment", "Enrolled", "SyncRequest", "SyncReply", "LeaseRequest", "JobOffer",
                 "ArmRequest", "Permit", "ProgramFacts", "RunFacts", "Problem"}  # fmt: skip
    assert exchanged <= {block.label for block in blocks(PAGE, "json")}


def test_every_kind_of_durable_event_is_explained() -> None:
    told = {code(row[0]) for row in rows(sections(PAGE)["The agent's words"])}
    assert told == set(wire.EventKind)


def test_every_kind_of_message_to_a_webhook_is_explained_and_when_it_comes_again() -> None:
    text = sections(PAGE)["Webhooks"]
    assert [code(row[0]) for row in rows(text)] == [*KINDS, TEST]
    hours = [f"{pause.total_seconds() / 3600:g}" for pause in PAUSES[3:]]
    assert f"5 min, 30 min, {', '.join(hours[:-1])} and {hours[-1]} h" in text
    assert [pause.total_seconds() for pause in PAUSES[:3]] == [5, 300, 1800]
    assert f"At most {MAX_OF_PLACE}." in sections(PAGE)["`POST /webhooks`"]
    assert f"1 to {paging.MOST} ({paging.PAGE})" in sections(PAGE)["Lists"]


def test_the_signature_on_the_page_is_what_the_code_on_the_page_makes() -> None:
    (block,) = blocks(PAGE, "python")
    made: dict[str, dict[str, str]] = {}
    exec(compile(block.text, PAGE, "exec"), made)  # noqa: S102
    shown = read(PAGE).split("The signature of this request is")[1].strip("`\n ")
    assert made["headers"]["Cosmo-Signature"] == shown.replace("\n", "")


def test_the_key_on_the_page_is_the_one_that_signs_on_the_page() -> None:
    (enrolment,) = (block for block in blocks(PAGE, "json") if block.label == "Enrolment")
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    shown = wire.Enrolment.model_validate_json(enrolment.text).public_key
    assert shown == key.public_key().public_bytes_raw().hex()
