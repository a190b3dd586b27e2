"""A job's program in a real browser: the picture for everybody, three dimensions for who asks."""

import gzip
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from commons.errors import ProgramRefused
from commons.machine import MachineProfile
from commons.wire import EventKind, Refusal
from fab_agent.gcode.moves import moves_of
from fab_agent.gcode.proof import prove
from fab_agent.gcode.sketch import sketch_of
from repo_server import programs
from repo_server.blobs import BlobStore
from repo_server.tables import MachineRow
from tests.e2e.conftest import Site, launch
from tests.e2e.test_pages import differ, sign_in
from tests.floor import PROGRAM

pytestmark = pytest.mark.slow
Visit = Callable[..., BrowserContext]

HEAD = ["G28", "G90", "M82", "G21", "M104 S200", "M140 S60", "M109 S200", "M190 S60", "M83"]
END = ["G1 Z20 F600", "M104 S0", "M140 S0"]


def square(z: float, edge: float = 40) -> list[str]:
    """One layer: a wall around, and infill that does not close."""
    a, b = 100 - edge / 2, 100 + edge / 2
    wall = [(b, a), (b, b), (a, b), (a, a)]
    infill = [(a + 2, a + 2 + 4 * step) for step in range(int(edge / 4) - 1)]
    return [
        f"G1 Z{z:.2f} F600",
        f"G1 X{a:.2f} Y{a:.2f} F6000",
        *(f"G1 X{x:.2f} Y{y:.2f} E1 F1800" for x, y in wall),
        *(f"G1 X{x:.2f} Y{y:.2f} F6000\nG1 X{b - 2:.2f} Y{y:.2f} E1 F1800" for x, y in infill),
    ]


def program(*more: str, layers: int = 5) -> bytes:
    lines = [*HEAD, *(line for n in range(layers) for line in square(0.2 * (n + 1))), *more, *END]
    return ("\n".join(lines) + "\n").encode()


def shown(site: Site, data: bytes, machine: str = "Printer", part: str = "hook") -> str:
    """The address of a job whose program this is, staged or refused as the proof decides."""
    floor = site.floor
    floor.now = datetime.now(UTC)
    floor.order(part)
    offer = floor.lease(machine)  # of this order, or of one that was given back a while ago
    assert offer is not None
    with floor.session() as session:
        row = session.get_one(MachineRow, offer.machine_id)
        profile = MachineProfile.model_validate(row.profile)
    lines, sha256 = data.splitlines(), hashlib.sha256(data).hexdigest()
    mark = None
    try:
        proof = prove(lines, profile)
    except ProgramRefused as refused:
        told = Refusal.of(refused)
        mark = told.place
        floor.tell(EventKind.REFUSED, offer, sentence=str(refused), refusal=told)
    else:
        facts = PROGRAM.model_copy(
            update={"sha256": sha256, "line_count": len(lines), "duration_s": proof.duration_s}
        )
        floor.tell(EventKind.STAGED, offer, program=facts)
    sketch = sketch_of(
        moves_of(lines, profile), profile, sha256=sha256, line_count=len(lines), mark=mark
    )
    store = BlobStore(Path(str(floor.engine.url.database)).parent / "programs")
    said = {"agent_id": floor.agent_id, "store": store}
    with floor.session() as session:
        programs.keep_sketch(session, offer.attempt_id, sketch, now=floor.now, **said)
        programs.keep_program(session, offer.attempt_id, gzip.compress(data, mtime=0), **said)
    floor.tell(EventKind.DECLINED, offer)  # the machine is free for the next test
    return f"{site.address}/labs/corner/jobs/{offer.job_id}"


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Look at it in 3D").click()
    expect(page.locator("[data-toolpath]")).to_have_attribute("data-ready", re.compile(r"\d+"))


def still_of(page: Page) -> Image.Image:
    """The canvas, once what was asked for is drawn."""
    page.evaluate("() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))")
    return Image.open(BytesIO(page.locator(".solid canvas").screenshot())).convert("RGB")


def test_a_layer_a_time_and_a_kind_of_move_are_chosen_by_key(visit: Visit, site: Site) -> None:
    address = shown(site, program())
    page = sign_in(visit(reduced_motion="reduce"), site)
    opened(page, address)
    layer, time = page.get_by_role("slider", name="Layer"), page.get_by_role("slider", name="Time")
    expect(layer).to_have_attribute("aria-valuetext", "5 of 5, 1.00 mm")
    whole = still_of(page)
    layer.press("Home")
    expect(layer).to_have_attribute("aria-valuetext", "1 of 5, 0.20 mm")
    first = still_of(page)
    time.press("Home")
    nothing = still_of(page)
    time.press("End")
    expect(layer).to_have_attribute("aria-valuetext", "5 of 5, 1.00 mm")
    assert not differ(whole, still_of(page))
    page.get_by_role("checkbox", name="Travel").check()
    travel = still_of(page)
    page.locator(".solid canvas").focus()
    page.keyboard.press("ArrowLeft")
    turned = still_of(page)
    assert all(differ(*pair) for pair in ((whole, first), (first, nothing), (whole, travel)))
    assert differ(travel, turned)


def test_what_is_not_asked_for_is_not_loaded(visit: Visit, site: Site) -> None:
    address = shown(site, program())
    page = sign_in(visit(), site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.address}/labs/corner")
    assert not [url for url in asked if "toolpath" in url or "three" in url]
    page.goto(address)
    expect(page.get_by_role("button", name="Look at it in 3D")).to_be_visible()
    assert not [url for url in asked if "three" in url or url.endswith("/program")]


def test_a_refused_place_is_marked_in_the_picture_and_in_the_view(visit: Visit, site: Site) -> None:
    address = shown(site, program("G1 X260 Y120 E1 F1800"))
    page = sign_in(visit(), site)
    page.goto(address)
    notice = page.get_by_role("table").filter(has_text="It asks for")
    for words in ("envelope", "X260.0000 mm", "0 … 250 mm", "X 260.00 Y 120.00"):
        expect(notice).to_contain_text(words)
    picture = page.locator("[data-toolpath] img")
    assert picture.evaluate("image => image.naturalWidth") > 0
    assert is_red_somewhere(Image.open(BytesIO(picture.screenshot())).convert("RGB"))
    opened(page, address)
    assert is_red_somewhere(still_of(page))


def is_red_somewhere(image: Image.Image) -> bool:
    """Whether anything is as red as nothing but the mark of a refusal."""
    red, green, blue = image.split()
    strong = red.point(lambda level: 255 * (level > 180))
    pure = ImageChops.lighter(green, blue).point(lambda level: 255 * (level < 40))
    return ImageChops.darker(strong, pure).getbbox() is not None


def test_arcs_and_plunges_of_milling_are_read(visit: Visit, site: Site) -> None:
    lines = ["G21", "G90", "G17", "G0 Z5", "M3 S10000", "G0 X50 Y50", "G1 Z-1 F300",
             "G1 X80 F900", "G3 X80 Y90 I0 J20", "G2 X80 Y50 R-20", "G0 Z5", "M5",
             "M2"]  # fmt: skip
    floor = site.floor
    with floor.session() as session:  # a router whose Z goes below the sheet's top
        row = session.get_one(MachineRow, floor.machines["Router"])
        row.profile = {**row.profile, "envelope": {**row.profile["envelope"], "z_min_mm": -20.0}}
    address = shown(site, ("\n".join(lines) + "\n").encode(), "Router", "board")
    page = sign_in(visit(), site)
    opened(page, address)
    for kind in ("Cut", "Arc", "Plunge", "Rapid, above the sheet"):
        expect(page.get_by_role("checkbox", name=kind)).to_be_checked()
    expect(page.get_by_role("slider", name="Layer")).to_have_count(0)
    expect(page.get_by_role("slider", name="Time")).to_be_visible()


@pytest.mark.parametrize("switch", ["no WebGL", "no JavaScript"])
def test_without_webgl_or_scripts_the_picture_stays(
    switch: str, playwright: Playwright, site: Site
) -> None:
    address = shown(site, program())
    browser = launch(playwright, *(["--disable-3d-apis"] if switch == "no WebGL" else []))
    page = sign_in(browser.new_context(java_script_enabled=switch != "no JavaScript"), site)
    page.goto(address)
    picture = page.get_by_role("img", name="The nozzle's ways from above")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_role("button", name="Look at it in 3D")).to_have_count(0)
    browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_is_not_wider_than_its_screen(
    width: int, scheme: str, visit: Visit, site: Site
) -> None:
    address = shown(site, program("G1 X260 Y120 E1 F1800"))
    page = sign_in(visit(width, color_scheme=scheme), site)
    for look in (page.goto, lambda there: opened(page, there)):
        look(address)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
