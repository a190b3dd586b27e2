"""The API under requests that nobody thought of: it does what it says, and never fails.

schemathesis makes the requests from the description, well-formed and not, around things that are
there and things that are not. The seed is fixed, and each caller's run is bounded.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from commons.signing import AGENT_HEADER, NONCE_HEADER, SIGNATURE_HEADER, TIME_HEADER
from repo_server import streams
from repo_server.api import agents
from repo_server.api.auth import CSRF_HEADER
from repo_server.fetching import Fetcher
from repo_server.people import Scope
from tests.shop import API, Shop, open_shop

SIGNED = (AGENT_HEADER, TIME_HEADER, NONCE_HEADER, SIGNATURE_HEADER)

EXAMPLES = 3
SEED = 20261130
# PostgreSQL is asked where it is reached: by those who may.
CALLERS = [
    *(("sqlite", kind) for kind in ("nobody", "session", "token", "agent")),
    *(("postgresql", kind) for kind in ("token", "agent")),
]
CONFIG = {
    # What JSON Schema cannot say (two fields that must agree) is still refused with 422.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", "4xx", "503"]}},
    "generation": {"allow-x00": True},
}


for kind in ("application/gzip", "application/zip", "application/offset+octet-stream"):
    schemathesis.serializer.alias(kind, "application/octet-stream")


@dataclass(frozen=True)
class Caller:
    """Somebody, and what their requests show; `signs`: what an agent adds to each of its own."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    signs: bool = False


def no_server(host: str) -> list[str]:
    """Nobody outside is asked by a test."""
    raise OSError("there is no network here")


@pytest.fixture
def shop(app, sign_up, monkeypatch) -> Shop:
    """A lab with a job that is staged, and streams that end at once."""
    monkeypatch.setattr(streams, "LIFE_S", 0.0)
    monkeypatch.setattr(agents, "LONGEST_WAIT_S", 0.0)
    app.extensions["fetcher"] = lambda: Fetcher(resolve=no_server)
    shop = open_shop(app, sign_up)
    assert shop.order().status_code == 201
    return shop


def made(shop: Shop, path: str, body: dict[str, object]) -> str:
    answer = shop.manager.post(API + path, body)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def places(shop: Shop) -> dict[str, str]:
    """One thing of each kind that is there, by the name of its place in an address."""
    job = shop.order().json["jobs"][0]["id"]
    offer = shop.agent.staged()
    order = shop.job(job)["order_id"]
    shop.manager.send("PUT", f"{API}/labs/corner/guest-desk", json={"open": True})
    wish = {"name": "Ana", "reach": "at the door", "wish": "a cup"}
    request = shop.stranger.post(f"{API}/labs/corner/requests", wish).json
    stored = hashlib.sha256(b"lamp").hexdigest()
    assert shop.manager.send("PUT", f"{API}/blobs/{stored}", data=b"lamp").status_code == 201
    return {
        "lab": "corner",
        "city": "hamburg",
        "slug": "shelf-hook",
        "id": shop.release_id,
        "before": shop.release_id,
        "after": shop.release_id,
        "draft_id": made(shop, "/drafts", {"slug": "lamp", "manifest": ""}),
        "build_id": made(
            shop, "/labs/corner/builds", {"release_id": shop.release_id, "part": "hook", "good": 1}
        ),
        "contribution_id": made(
            shop,
            f"/releases/{shop.release_id}/contributions",
            {"role": "review", "words": "read it"},
        ),
        "grant_id": made(
            shop, "/designs/shelf-hook/grants", {"person": "mem", "events": ["make_gift"]}
        ),
        "job_id": job,
        "order_id": str(order),
        "attempt_id": str(offer["attempt_id"]),
        "machine_id": shop.agent.machines["Printer"],
        "agent_id": shop.agent.agent_id,
        "sha256": stored,
        "name": "ticket.pdf",
        "request_id": request["id"],
        "token": request["path"].rpartition("/")[2],
        "webhook_id": made(shop, "/webhooks", {"url": "https://example.org/told"}),
    }


def caller(kind: str, shop: Shop) -> Caller:
    match kind:
        case "session":
            cookie = shop.manager.browser.get_cookie("sid")
            return Caller({CSRF_HEADER: shop.manager.csrf}, {"sid": cookie.value})
        case "token":
            return Caller({"Authorization": f"Bearer {shop.manager.token(*Scope)}"})
        case "agent":
            return Caller(signs=True)
        case _:
            return Caller()


def read_to_the_end(app: Flask) -> None:
    """Every answer is read and closed, as a client on a wire does."""
    inner = app.wsgi_app

    def closing(environ, start_response):
        parts = inner(environ, start_response)
        try:
            return [b"".join(parts)]
        finally:
            parts.close()

    app.wsgi_app = closing


def sign_everything(app: Flask, shop: Shop) -> None:
    """Every request to the app is signed by the shop's agent, as its own would be."""
    inner = app.wsgi_app

    def signed(environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        target = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
        target = target.encode("latin-1").decode("utf-8", "replace")
        if environ.get("QUERY_STRING"):
            target += f"?{environ['QUERY_STRING']}"
        headers = shop.agent.signed(target, body, method=environ["REQUEST_METHOD"])
        environ.update({f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()})
        return inner(environ, start_response)

    app.wsgi_app = signed


def hold(operation, mode: GenerationMode, who: Caller, known: dict[str, str]) -> list[str]:
    """What is wrong with the answers to so many requests; each is checked in every way."""
    wrong: list[str] = []
    fixed = {name: known[name] for name in known if "{" + name + "}" in operation.path}
    # What proves who asks is added to each request below; what is made up for it counts nothing.
    proof = {"headers": dict.fromkeys(SIGNED, "x")} if who.signs else {}
    cases = [operation.as_strategy(mode, **proof)]
    if fixed and len(fixed) == operation.path.count("{"):
        cases.append(operation.as_strategy(mode, path_parameters=fixed, **proof))
    excluded = [CHECKS.get_one("ignored_auth")] if who.signs or who.cookies else []

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=st.one_of(cases))
    def ask(case: Case) -> None:
        case.call_and_validate(headers=who.headers, cookies=who.cookies, excluded_checks=excluded)

    try:
        ask()
    except* Exception as group:
        wrong += [f"{operation.label} ({mode.value}): {one}" for one in group.exceptions]
    return wrong


def asked(schema, kind: str) -> Iterable:
    """The operations that concern the caller, the one that ends a session last."""
    all_ = [one.ok() for one in schema.get_all_operations()]
    mine = [op for op in all_ if op.path.startswith("/agent/") == (kind == "agent")]
    return sorted(mine, key=lambda op: (op.method == "delete", op.path, op.method))


def modes(operation, kind: str) -> list[GenerationMode]:
    """An address that is all text cannot be ill-formed; a body or a query can, where it is read."""
    takes = operation.query or any("json" in body.media_type for body in operation.body)
    takes = takes and (kind != "nobody" or operation.definition.raw["security"] == [{}])
    return [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if takes else [])]


@pytest.mark.slow
@pytest.mark.parametrize(("database", "kind"), CALLERS, indirect=["database"])
def test_every_answer_is_one_that_is_told_whoever_asks_whatever(app, shop, kind):
    known, who = places(shop), caller(kind, shop)
    read_to_the_end(app)
    if who.signs:
        sign_everything(app, shop)
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi(f"{API}/openapi.json", app, config=config)
    wrong = [
        finding
        for operation in asked(schema, kind)
        for mode in modes(operation, kind)
        for finding in hold(operation, mode, who, known)
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/labs/%00/board", None),
        ("GET", "/orders/a%00b", None),
        ("GET", "/designs?q=%00", None),
        ("GET", "/designs/shelf-hook/licence?part=%00", None),
        ("POST", "/labs", b'{"slug": "a\\u0000b", "name": "x", "city": "hamburg"}'),
        ("POST", "/drafts", b'{"slug": "lamp", "manifest": "\\\\\\u0000"}'),
        ("PUT", "/labs/lab/okw", b'{"name": "a\\u0000b", "location": {}}'),
    ],
)
def test_the_character_that_postgresql_cannot_keep_is_refused_wherever_it_stands(
    shop, method, path, body
):
    answer = shop.manager.send(method, API + path, data=body)
    assert answer.status_code in (404, 422), answer.text
    assert answer.mimetype == "application/problem+json"


def test_a_form_that_holds_it_is_refused_too(app):
    answer = app.test_client().post("/login", data={"handle": "a\0b", "password": "x"})
    assert answer.status_code == 422, answer.text


def test_a_backslash_before_u0000_is_text_like_any_other(shop):
    text = b'{"slug": "lamp", "manifest": "\\\\u0000"}'
    answer = shop.manager.send("POST", f"{API}/drafts", data=text)
    assert (answer.status_code, answer.json["manifest"]) == (201, r"\u0000")
