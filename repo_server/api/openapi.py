"""The API as an OpenAPI 3.1 document, made from the routes themselves.

What it says of a route comes from the route's address, its mark (`auth.py`), its contract
(`contract.py`) and its docstring; nothing is written here that the code does not use.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, Literal

from flask import Flask
from pydantic import BaseModel, TypeAdapter
from werkzeug.routing import Rule

from commons.problems import Problem
from commons.signing import AGENT_HEADER, NONCE_HEADER, SIGNATURE_HEADER, TIME_HEADER
from commons.wire import API_VERSION
from repo_server.api.auth import CSRF_HEADER, SAFE_METHODS, Access, access_of
from repo_server.api.contract import JSON, PROBLEM, Contract, Raw, contract_of

PREFIX = "/api/v1"
_REFS = "#/components/schemas/{model}"
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_AGENT_HEADERS = (AGENT_HEADER, TIME_HEADER, NONCE_HEADER, SIGNATURE_HEADER)
_EXPLAINED = {
    401: "nobody, or nobody known, asks",
    403: "who asks may not do that",
    404: "there is no such thing, or none that who asks may see",
    409: "right in form, wrong at this moment",
    412: "it has changed since it was read, or another version of a protocol is spoken",
    413: "larger than the server takes here",
    415: "this kind of body is not taken here",
    416: "the file has no such range",
    422: "the request is wrong; nothing has happened",
    429: "too often in a short time; `Retry-After` says when it may be asked again",
    503: "a part of the server does not answer now; try again",
    507: "the server's disk is full; nothing was kept",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again with the same key, the same request is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
}

Node = dict[str, object]
Mode = Literal["validation", "serialization"]


@dataclass(frozen=True)
class Operation:
    """One method at one address, as the app serves it."""

    rule: Rule
    method: str
    access: Access
    contract: Contract
    doc: str

    @property
    def path(self) -> str:
        """The address below the API's prefix, its places in braces."""
        return _PLACE.sub(r"{\1}", self.rule.rule.removeprefix(PREFIX))

    @property
    def name(self) -> str:
        """What the route is called in the code: unique in the API."""
        return str(self.rule.endpoint).rpartition(".")[2]

    @property
    def noun(self) -> str:
        """What it is about: the module that holds it."""
        return str(self.rule.endpoint).partition(".")[0].removeprefix("api_")

    @property
    def scope(self) -> str | None:
        """The scope that a token needs here; None: no token may, or none is needed."""
        if self.access.kind in ("public", "agent"):
            return None
        return "read" if self.method in SAFE_METHODS else self.access.scope

    @cached_property
    def refusals(self) -> list[int]:
        """The statuses of errors that this route may answer."""
        found = {503, *self.contract.refuses}
        found |= {401, 403} if self.access.kind != "public" else set()
        found |= {404} if _PLACE.search(self.rule.rule) else set()
        found |= {422} if self.contract.query else set()
        found |= {413, 422} if self.contract.asks else set()
        # A key that came with another request before.
        found |= {409, 422} if self.contract.keyed else set()
        # Another site's page cannot change anything; a disk may be full when something is kept.
        found |= {403, 507} if self.method not in SAFE_METHODS else set()
        return sorted(found)


def operations(app: Flask) -> Iterator[Operation]:
    """Everything that the API serves and that has a contract, in the order of its addresses."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda it: it.rule):
        access, contract = access_of(app, rule.endpoint), contract_of(app, rule.endpoint)
        if rule.rule.startswith(f"{PREFIX}/") and access and contract:
            doc = cleandoc(app.view_functions[rule.endpoint].__doc__ or "")
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Operation(rule, method, access, contract, doc)


def undeclared(app: Flask) -> list[str]:
    """The addresses below the API's prefix that say nothing of what they take and answer."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{PREFIX}/") and contract_of(app, rule.endpoint) is None
    ]


def document(app: Flask, *, server: str, cookie: str) -> Node:
    """The whole description. `server` is the server's own address, `cookie` the session's name."""
    served = list(operations(app))
    schemas = _Schemas(served)
    paths: dict[str, Node] = {}
    for operation in served:
        method = operation.method.lower()
        paths.setdefault(operation.path, {})[method] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cosmolocal",
            "version": str(API_VERSION),
            "summary": "Designs that anybody may build, and the labs that build them.",
        },
        "servers": [{"url": f"{server.rstrip('/')}{PREFIX}"}],
        "tags": [{"name": noun} for noun in sorted({it.noun for it in served})],
        "paths": paths,
        "components": {"schemas": schemas.named, "securitySchemes": _ways_in(cookie)},
    }


class _Schemas:
    """The JSON Schema of every message of the API, each told once under its name."""

    def __init__(self, served: list[Operation]) -> None:
        asked = {it.contract.asks for it in served if isinstance(it.contract.asks, type)}
        told = {tell for it in served for tell in it.contract.tells.values() if _is_json(tell)}
        modes: list[tuple[Any, Mode]] = [(message, "validation") for message in asked]
        modes += [(message, "serialization") for message in told | {Problem}]
        modes.sort(key=lambda it: (str(it[0]), it[1]))
        self._of, rest = TypeAdapter.json_schemas(
            [(it, mode, TypeAdapter(it)) for it, mode in modes],
            ref_template=_REFS,
        )
        self.named: Node = rest.get("$defs", {})

    def __getitem__(self, key: tuple[Any, Mode]) -> Node:
        return self._of[key]


def _is_json(told: object) -> bool:
    return told is not None and not isinstance(told, Raw)


def _described(operation: Operation, schemas: _Schemas) -> Node:
    summary, _, more = operation.doc.partition("\n\n")
    contract = operation.contract
    node: Node = {
        "operationId": operation.name,
        "tags": [operation.noun],
        "summary": " ".join(summary.split()),
        "description": more,
        "parameters": [*_places(operation.rule), *_queries(contract.query)],
        "responses": _responses(operation, schemas),
        "security": _needed(operation),
    }
    if contract.keyed:
        node["parameters"] = [*_places(operation.rule), *_queries(contract.query), _KEY]
    if contract.asks is not None:
        node["requestBody"] = {
            "required": True,
            "content": _content(contract.asks, "validation", schemas),
        }
    return node


def _content(message: object, mode: Mode, schemas: _Schemas) -> Node:
    if isinstance(message, Raw):
        binary = {"schema": {"type": "string", "format": "binary"}}
        return dict.fromkeys(message.media_types, binary)
    return {JSON: {"schema": schemas[message, mode]}}


def _places(rule: Rule) -> list[Node]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PLACE.findall(rule.rule)
    ]


def _queries(query: type[BaseModel] | None) -> list[Node]:
    if query is None:
        return []
    schema = TypeAdapter(query).json_schema(ref_template=_REFS)
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": told.get("description", ""),
            "schema": told,
        }
        for name, told in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: _Schemas) -> Node:
    found: Node = {}
    for status, told in operation.contract.tells.items():
        answer: Node = {"description": HTTPStatus(status).phrase}
        if told is not None:
            answer["content"] = _content(told, "serialization", schemas)
        found[str(status)] = answer
    if operation.method == "GET" and operation.contract.tells.get(200) is not None:
        found["304"] = {"description": "it has not changed since (`If-None-Match`)"}
    problem = {PROBLEM: {"schema": schemas[Problem, "serialization"]}}
    for status in operation.refusals:
        found[str(status)] = {"description": _EXPLAINED[status], "content": problem}
    return found


def _needed(operation: Operation) -> list[dict[str, list[str]]]:
    """The ways in, any of which will do; an empty one is nobody's."""
    if operation.access.kind == "public":
        return [{}]
    if operation.access.kind == "agent":
        return [{name: [] for name in _AGENT_HEADERS}]
    session: dict[str, list[str]] = {"session": []}
    if operation.method not in SAFE_METHODS:
        session["csrf"] = []
    return [{"token": [operation.scope]}, session] if operation.scope else [session]


def _ways_in(cookie: str) -> Node:
    ways: Node = {
        "token": {"type": "http", "scheme": "bearer", "description": "within its scopes"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
    }
    for name in _AGENT_HEADERS:
        ways[name] = {"type": "apiKey", "in": "header", "name": name}
    return ways
