"""Passkeys in a real browser, which has a virtual device in place of a finger or a key."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect

from cosmo.demo.serving import free_port
from fab_agent.identity import Identity
from fab_agent.panel.operators import Operators
from fab_agent.panel.passkeys import Challenges, Passkeys, Site
from tests.component.test_slicer_uploads import desk_in, served

pytestmark = pytest.mark.slow
PIN = "271828"
DEVICE = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
          "hasUserVerification": True, "isUserVerified": True,
          "automaticPresenceSimulation": True}  # fmt: skip


def sign_in_by_pin(page: Page) -> None:
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Ada: sign out")).to_be_visible()


def test_an_operator_adds_a_passkey_signs_in_by_it_and_removes_it(
    tmp_path: Path, chromium: Browser
) -> None:
    port, operators = free_port(), Operators(tmp_path)
    origin = f"http://localhost:{port}"
    operators.add("Ada", PIN)
    identity = Identity("http://127.0.0.1:9", "a1", "l1", {}, Ed25519PrivateKey.generate())
    passkeys = Passkeys(Site(origin), operators, Challenges(time.monotonic))
    with served(replace(desk_in(tmp_path, identity), passkeys=passkeys), port):
        context = chromium.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        device = context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        made = device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        page.goto(f"{origin}/sign-in")
        expect(page.get_by_text("passkey")).to_have_count(0)
        sign_in_by_pin(page)
        page.get_by_role("link", name="Your passkeys").click()
        page.get_by_label("What do you call it?").fill("my phone")
        page.get_by_label("Your PIN once more").fill(PIN)
        page.get_by_role("button", name="Add this device's passkey").click()
        expect(page.get_by_role("status")).to_have_text(
            "You may sign in with my phone from now on."
        )
        page.get_by_role("button", name="Ada: sign out").click()
        page.get_by_role("link", name="Sign in").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("button", name="Ada: sign out")).to_be_visible()
        told = device.send("WebAuthn.getCredentials", made)["credentials"]
        assert [key["rpId"] for key in told] == ["localhost"]
        kept = operators.passkeys("Ada")
        assert [key.sign_count for key in kept] == [key["signCount"] for key in told] != [0]
        page.get_by_role("link", name="Your passkeys").click()
        page.get_by_role("button", name="Remove my phone").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()  # they came in by it
        by_address = origin.replace("localhost", "127.0.0.1")
        page.goto(f"{by_address}/sign-in")
        sign_in_by_pin(page)
        page.get_by_role("link", name="Your passkeys").click()
        expect(page.get_by_text(f"Passkeys work at {origin} alone")).to_be_visible()
        context.close()
