"""The API's description is made from its routes, and every answer is held to it."""

import pytest
import schemathesis
from flask import Flask
from pydantic import TypeAdapter

from commons.wire import Told
from repo_server.api.contract import answers
from repo_server.api.openapi import document, operations, undeclared
from repo_server.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """What is said of the routes needs no database."""
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def told(app):
    return document(app, server="https://designs.example.org/", cookie="sid")


def test_every_route_says_what_it_takes_and_answers(app):
    assert undeclared(app) == []


def test_the_description_is_openapi_3_1_and_names_everything_that_is_served(app, told):
    assert told["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(told).validate()
    served = {
        (rule.rule.removeprefix("/api/v1").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, on in told["paths"].items() for method in on}
    assert described == served
    assert told["servers"] == [{"url": "https://designs.example.org/api/v1"}]


def test_no_two_operations_have_the_same_name(app):
    names = [operation.name for operation in operations(app)]
    assert len(names) == len(set(names))


def test_what_a_caller_needs_is_told_with_the_scope_of_its_token(told):
    founding = told["paths"]["/labs"]["post"]
    assert founding["security"] == [{"token": ["lab:manage"]}, {"session": [], "csrf": []}]
    assert told["paths"]["/labs"]["get"]["security"] == [{}]
    assert told["paths"]["/tokens"]["post"]["security"] == [{"session": [], "csrf": []}]
    assert list(told["paths"]["/agent/sync"]["post"]["security"][0]) == [
        "Cosmo-Agent",
        "Cosmo-Time",
        "Cosmo-Nonce",
        "Cosmo-Signature",
    ]


def test_a_message_is_described_by_the_very_type_that_reads_it(app, told):
    for operation in operations(app):
        asks = operation.contract.asks
        if isinstance(asks, type):
            node = told["paths"][operation.path][operation.method.lower()]
            schema = node["requestBody"]["content"]["application/json"]["schema"]
            described = told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            wanted = TypeAdapter(asks).json_schema()
            assert described["properties"].keys() == wanted["properties"].keys()
            assert described.get("required") == wanted.get("required")


def test_the_server_hands_its_description_out(client, app):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    own = document(app, server=app.extensions["settings"].base_url, cookie="sid")
    assert answer.json == own


class Small(Told):
    number: int


@pytest.fixture
def held():
    """What becomes of an answer where answers are held to their contract."""

    def answer(tells: dict[int, object], body: dict[str, int]) -> int:
        app = Flask(__name__)
        app.config["HOLD_ANSWERS"] = True

        @app.get("/x")
        @answers(tells)
        def view():
            return body

        return app.test_client().get("/x").status_code

    return answer


def test_an_answer_that_is_not_as_declared_fails_where_answers_are_held(held):
    assert held({200: Small}, {"number": 1}) == 200
    assert held({200: Small}, {"number": 1, "more": 2}) == 500
    assert held({200: Small}, {}) == 500
    assert held({201: Small}, {"number": 1}) == 500


def test_the_page_for_people_names_every_address_and_every_message(client, told):
    page = client.get("/api").text
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
        assert path in page
    for name in told["components"]["schemas"]:
        assert f'<h3 id="{name}">' in page
