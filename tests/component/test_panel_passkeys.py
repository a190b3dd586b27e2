"""Passkeys at the panel: its real application, browsers of words, and a device made of memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient

from cosmo.__main__ import cli
from cosmo.demo.machines import PRINTER, agent_settings, serial_printer
from fab_agent.identity import Identity
from fab_agent.panel.app import create_panel
from fab_agent.panel.operators import Operators
from fab_agent.settings import parse_settings
from tests.authenticator import Authenticator
from tests.browsing import fill, page
from tests.component.test_slicer_uploads import desk_in

PIN, ORIGIN = "271828", "http://localhost"


@dataclass
class Visitor:
    """Somebody at a browser, with a device of theirs."""

    browser: FlaskClient
    device: Authenticator

    def options(self, path: str, form: dict[str, str]) -> dict[str, object]:
        answer = self.browser.post(path, data=form, headers={"Accept": "application/json"})
        return {"status": answer.status_code} | answer.get_json()

    def sign_in_by_pin(self) -> None:
        form = fill(self, "/sign-in", "/sign-in", name="Ada", pin=PIN)
        assert self.browser.post("/sign-in", data=form).status_code == 303

    def add(self) -> str:
        form = fill(self, "/passkeys", "/passkeys", name="my key", pin=PIN)
        answer = self.device.create(self.options("/passkeys/options", form), ORIGIN)
        assert self.browser.post("/passkeys", data=form | {"answer": answer}).status_code == 303
        return page(self.browser, "/passkeys").text

    def sign_in(self) -> tuple[int, str]:
        form = fill(self, "/sign-in", "/sign-in/passkey")
        answer = self.device.get(self.options("/sign-in/passkey/options", form), ORIGIN)
        came = self.browser.post("/sign-in/passkey", data=form | {"answer": answer})
        return came.status_code, came.text

    @property
    def is_in(self) -> bool:
        return "Ada: sign out" in self.browser.get("/").text


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """The folder of an agent with its settings, where Ada has a PIN."""
    machine = serial_printer(PRINTER, tmp_path / "port")
    text = agent_settings("http://127.0.0.1:9", machine, name="Bench")
    (tmp_path / "agent.toml").write_text(text)
    data = parse_settings(text, folder=tmp_path).agent.data
    Operators(data).add("Ada", PIN)
    yield data


@pytest.fixture
def panel(lab: Path) -> Flask:
    return create_panel(
        desk_in(lab, Identity("http://127.0.0.1:9", "a1", "l1", {}, Ed25519PrivateKey.generate()))
    )


def test_an_operator_adds_a_passkey_comes_in_by_it_and_is_out_when_it_is_removed(
    panel: Flask, tmp_path: Path
) -> None:
    ada = Visitor(panel.test_client(), Authenticator())
    assert ada.browser.get("/passkeys").status_code == 401
    assert "/sign-in/passkey" not in page(ada.browser, "/sign-in").text  # nobody has one yet
    ada.sign_in_by_pin()
    form = fill(ada, "/passkeys", "/passkeys", name="my key", pin="271829")
    refused = ada.options("/passkeys/options", form)
    assert (refused["status"], refused["sentence"]) == (401, "that is not Ada's PIN: 4 more tries")
    assert "my key lets" not in ada.add()
    phone = Visitor(panel.test_client(), ada.device)
    assert phone.sign_in()[0] == 303
    assert phone.is_in
    config = tmp_path / "agent.toml"
    words = ["agent", "operator", "passkeys", "Ada", "--json", "--config", str(config)]
    (kept,) = json.loads(CliRunner().invoke(cli, words).output)["passkeys"]
    assert (kept["name"], kept["host"]) == ("my key", "localhost")
    words[2:5] = ["remove-passkey", "Ada", kept["id"]]
    assert "my key lets nobody in any more" in CliRunner().invoke(cli, words).output
    assert (phone.is_in, ada.is_in) == (False, True)


def test_an_answer_counts_in_the_session_that_was_asked_and_once(panel: Flask) -> None:
    ada, eve = (Visitor(panel.test_client(), Authenticator()) for _ in range(2))
    ada.sign_in_by_pin()
    ada.add()
    ada.browser.post("/sign-out", data=fill(ada, "/", "/sign-out"))
    form = fill(ada, "/sign-in", "/sign-in/passkey")
    answer = ada.device.get(ada.options("/sign-in/passkey/options", form), ORIGIN)
    hers = fill(eve, "/sign-in", "/sign-in/passkey", answer=answer)
    assert eve.options("/sign-in/passkey/options", hers)["status"] == 200
    stolen = eve.browser.post("/sign-in/passkey", data=hers)
    assert (stolen.status_code, "not expected challenge" in stolen.text) == (401, True)
    cookie = ada.browser.get_cookie("cosmo_panel")
    assert ada.browser.post("/sign-in/passkey", data=form | {"answer": answer}).status_code == 303
    ada.browser.set_cookie("cosmo_panel", cookie.value)  # the session as it was when it was asked
    again = ada.browser.post("/sign-in/passkey", data=form | {"answer": answer})
    assert (again.status_code, "answers once" in again.text) == (409, True)


def test_elsewhere_the_page_says_where_passkeys_work_and_the_pin_does(panel: Flask) -> None:
    ada = Visitor(panel.test_client(), Authenticator())
    ada.sign_in_by_pin()
    ada.add()
    there = {"base_url": "http://192.168.1.7:8090"}
    shown = ada.browser.get("/sign-in", **there).text
    assert 'Passkeys work at <a href="http://localhost">http://localhost</a> alone' in shown
    assert 'id="pin"' in shown
    token = shown.partition('name="token" value="')[2][:32]
    for path in ("/sign-in/passkey/options", "/sign-in/passkey"):
        refused = ada.browser.post(path, data={"token": token}, **there)
        assert (refused.status_code, "http://localhost alone" in refused.text) == (403, True)
    assert ada.browser.post("/sign-in/passkey/options").status_code == 403  # no form of ours
