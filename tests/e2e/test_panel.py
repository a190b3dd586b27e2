"""The agent's own page in a real browser: server, agent and printer are real processes, and the
link between the first two is cut."""

import secrets
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from cosmo.client import Client
from cosmo.demo.machines import PRINTER, agent_settings, serial_printer
from cosmo.demo.serving import free_port
from cosmo.demo.town import found_town
from fab_agent.panel.operators import Operators
from tests.cut_link import Link
from tests.fault.test_whole_chain import DESIGN, Chain, Operator, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PIN = "271828"
PATIENCE_MS = 60_000


class CutChain(Chain):
    """A chain whose agent reaches its server by a link that can be cut; it has a panel."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.panel = f"http://127.0.0.1:{(panel := free_port())}"
        self.panel_port = panel

    def found(self, link: Link) -> None:
        """The town, the printer and the agent are there."""
        password = secrets.token_urlsafe(16)
        self.start("admin", "server", "add-admin", "admin", "--name", "Admin",
                   "--email", "a@demo.invalid", "--password", password)  # fmt: skip
        assert self.running.pop("admin").wait() == 0
        self.start_server()
        town = found_town(self.url, admin="admin", admin_password=password)
        with Client(self.url, town.designer) as designer:
            designer.publish(DESIGN)
        port, config = self.folder / "port", self.folder / "agent.toml"
        self.start("printer", "agent", "simulate", "marlin", "--link", port,
                   "--record", self.record, "--speed", "150")  # fmt: skip
        settings = agent_settings(link.url, serial_printer(PRINTER, port), name="Cut off")
        config.write_text(f"{settings}\n[panel]\nport = {self.panel_port}\n")
        Operators(self.folder / "agent").add("Ada", PIN)
        until(port.exists)
        self.start("enrol", "agent", "enrol", "--config", config, town.enrolment_code)
        assert self.running.pop("enrol").wait() == 0
        self.start_agent()
        self.operator = town.operator


@pytest.fixture
def link_and_chain(tmp_path: Path) -> Iterator[tuple[Link, CutChain]]:
    chain = CutChain(tmp_path)
    with Link(chain.url) as link:
        try:
            chain.found(link)
            yield link, chain
        finally:
            chain.stop()


def sign_in(page: Page) -> None:
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Sign in").click()


def until_told_why(page: Page) -> None:
    """The server has said why it may not start yet. Before, a permit might be on its way, and then
    nobody's word is taken at the machine."""
    expect(page.get_by_text("confirm that its bed is clear")).to_be_visible(timeout=PATIENCE_MS)


def clear(page: Page) -> None:
    page.get_by_role("button", name="The bed is clear").click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_role("status").filter(has_text="its bed is clear")).to_be_visible()


def a_photo() -> dict[str, object]:
    file = BytesIO()
    Image.new("RGB", (800, 600), "#c8a27c").save(file, "JPEG")
    return {"name": "dibber.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def test_with_its_link_cut_a_machine_is_cleared_judged_and_stopped_at_the_panel(
    link_and_chain: tuple[Link, CutChain], chromium: Browser
) -> None:
    link, chain = link_and_chain
    page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    with Client(chain.url, chain.operator) as client:
        operator = Operator(client, chain)
        first, second = operator.order(), operator.order()
        operator.wait(first, "staged")
        page.goto(chain.panel)
        state = page.locator("[data-state]")
        expect(state).to_have_text("waits for a clear bed", timeout=PATIENCE_MS)
        until_told_why(page)
        link.down.set()
        sign_in(page)
        clear(page)
        expect(page.get_by_text("clear, says Ada")).to_be_visible()
        assert operator.job(first)["state"] == "staged"
        link.down.clear()
        expect(state).to_have_text("running", timeout=PATIENCE_MS)
        operator.wait(first, "running")
        link.down.set()
        expect(page.get_by_text("about")).not_to_have_count(0)
        page.get_by_role("link", name="The picture").click()
        picture = page.get_by_role("img", name="The program from above")
        expect(picture).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("[data-head]")).to_contain_text("about here: line")
        expect(state).to_have_text("idle", timeout=PATIENCE_MS)  # it went on by itself
        page.get_by_role("link", name="Verdicts").click()
        page.get_by_role("link", name="Seed dibber").click()
        page.get_by_label("Weight").fill("12,4")
        page.get_by_label("A photo").set_input_files(a_photo())
        page.get_by_role("button", name="It is good", exact=True).click()
        expect(page.get_by_role("cell", name="is told as soon as")).to_be_visible()
        assert operator.job(first)["state"] == "running"
        link.down.clear()
        operator.wait(first, "done")
        operator.wait(second, "staged")
        page.get_by_role("link", name="Machines").click()
        until_told_why(page)
        passer_by = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
        passer_by.goto(chain.panel)
        clear(page)
        runs = passer_by.locator("[data-state]")
        expect(runs).to_have_text("running", timeout=PATIENCE_MS)
        link.down.set()
        passer_by.get_by_role("button", name="Stop").click()
        expect(passer_by.get_by_role("status")).to_contain_text("it is told to stop")
        expect(runs).to_have_text("idle", timeout=PATIENCE_MS)
        link.down.clear()
        assert operator.wait(second, "failed")["sentence"] == "stopped at the machine"
