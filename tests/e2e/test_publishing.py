"""The publish page in a real browser: a folder dropped, the link cut, the page loaded again."""

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.cut_link import Link
from tests.e2e.conftest import ROOT, Site
from tests.e2e.test_pages import sign_in

pytestmark = pytest.mark.slow
Visit = Callable[..., BrowserContext]
MB = 1024 * 1024
COUNTED = count(1)
RELEASED = re.compile("/releases/[0-9a-f]{64}$")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The twist jar under a name that no other test has, and newer."""
    folder = tmp_path / f"jar-{next(COUNTED)}"
    for path in (ROOT / "designs" / "twist-jar").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = folder / path.relative_to(ROOT / "designs" / "twist-jar")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    manifest = (folder / "okh.toml").read_text()
    mine = manifest.replace('"1.0.0"', f'"{next(COUNTED)}.0.1"', 1)  # a release is one
    (folder / "okh.toml").write_text(mine)
    (folder / ".DS_Store").write_bytes(b"left behind")
    return folder


def drop(page: Page, *paths: Path) -> None:
    """As somebody does with the mouse, from the desktop onto the form."""
    box = page.locator("[data-drop]").bounding_box()
    assert box is not None
    mouse = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    at = {"x": box["x"] + 20, "y": box["y"] + 20, "data": data}
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, **at})


def send(page: Page) -> None:
    """What was dropped is sent, once the page has taken it."""
    expect(page.get_by_text("ready to be published")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Publish").click()


def published_files(page: Page, site: Site) -> dict[str, str]:
    """Path and hash of each file of the release that the page shows."""
    release = page.url.rsplit("/", 1)[1]
    files = httpx.get(f"{site.address}/api/v1/releases/{release}").json()["files"]
    return {file["path"]: file["sha256"] for file in files}


def hashes_of(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.name not in ("okh.toml", ".DS_Store")
    }


def test_a_dropped_folder_is_published_and_sent_once(
    visit: Visit, site: Site, folder: Path
) -> None:
    page = sign_in(visit(), site)
    page.goto(f"{site.address}/publish")
    drop(page, folder)
    expect(page.get_by_label("Short name")).to_have_value(folder.name)
    files = page.get_by_role("list", name="Files").get_by_role("listitem")
    expect(files).to_have_count(len(hashes_of(folder)) + 1)
    page.get_by_role("main").get_by_role("button", name="Publish").click()
    expect(page).to_have_url(RELEASED)
    assert published_files(page, site) == hashes_of(folder)

    page.goto(f"{site.address}/publish")
    sent: list[int] = []
    page.on("request", lambda it: it.method == "PATCH" and sent.append(1))
    drop(page, folder)
    send(page)
    expect(page).to_have_url(RELEASED)
    assert sent == []


@pytest.fixture
def browser(chromium: Browser) -> Iterator[BrowserContext]:
    """For what a browser complains of by itself: broken links and refusals."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def with_large_file(folder: Path, seed: int) -> Path:
    (folder / "export" / "scan.bin").write_bytes(random.Random(seed).randbytes(40 * MB))
    return folder


def through(link: Link, site: Site) -> Site:
    return replace(site, address=link.url)


def test_a_link_that_is_cut_in_the_middle_costs_a_part_and_no_more(
    browser: BrowserContext, site: Site, folder: Path
) -> None:
    with Link(site.address, 11 * MB, 26 * MB) as link:
        page = sign_in(browser, through(link, site))
        page.goto(f"{link.url}/publish")
        drop(page, with_large_file(folder, seed=6))
        send(page)
        expect(page).to_have_url(RELEASED, timeout=60_000)
        assert link.cuts == 2
        assert link.sent < (40 + 2 * 8 + 4) * MB
        assert published_files(page, site) == hashes_of(folder)


def test_after_the_page_is_loaded_again_only_the_rest_is_sent(
    browser: BrowserContext, site: Site, folder: Path
) -> None:
    with_large_file(folder, seed=7)
    with Link(site.address, 30 * MB, stays_down=True) as link:
        page = sign_in(browser, through(link, site))
        page.goto(f"{link.url}/publish")
        drop(page, folder)
        send(page)
        expect(page.get_by_text("No link; trying again").first).to_be_visible(timeout=30_000)
        link.down.clear()
        page.goto(f"{link.url}/publish")
        expect(page.get_by_text("MB of 41.9 MB are here, and kept until")).to_be_visible()
        already = link.sent
        drop(page, folder)
        send(page)
        expect(page).to_have_url(RELEASED, timeout=60_000)
        assert link.sent - already < (40 - 24 + 8) * MB
        assert published_files(page, site) == hashes_of(folder)


MANIFEST = """okhv = "OKH-LOSHv1.0"
name = "Peg"
repo = "https://example.org/peg"
version = "1.0.0"
license = "CERN-OHL-S-2.0"
licensor = "Olga"
function = "Holds."

[[part]]
name = "Peg"
source = "source/peg.scad"
export = "export/peg.stl"
"""


def test_loose_files_go_where_the_manifest_names_them(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    loose = [tmp_path / name for name in ("okh.toml", "peg.scad", "peg.stl", "notes.txt")]
    for path in loose:
        path.write_text(MANIFEST if path.suffix == ".toml" else path.name)
    page = sign_in(visit(390), site)
    page.goto(f"{site.address}/publish")
    page.get_by_label("Short name").fill("peg")
    drop(page, *loose)
    send(page)
    expect(page).to_have_url(RELEASED)
    assert published_files(page, site).keys() == {"source/peg.scad", "export/peg.stl", "notes.txt"}


def test_what_is_wrong_is_listed_and_the_next_try_can_be_right(
    browser: BrowserContext, site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "clamp"
    folder.mkdir()
    (folder / "peg.stl").write_text("solid")
    page = sign_in(browser, site)
    page.goto(f"{site.address}/publish")
    button = page.get_by_role("main").get_by_role("button", name="Publish")
    drop(page, folder)
    expect(page.get_by_role("alert")).to_have_text(
        "There is no okh.toml or okh.yml at the top of what you chose."
    )
    (folder / "okh.toml").write_text(MANIFEST.replace("repo", "rep").replace("Holds.", ""))
    drop(page, folder)
    expect(page.get_by_role("alert")).to_have_count(0)
    button.click()
    wrong = page.get_by_role("alert").get_by_role("listitem")
    expect(wrong.filter(has_text="repo is missing; rename 'rep' to 'repo'")).to_be_visible()
    expect(wrong.filter(has_text="function must be text that is not empty")).to_be_visible()
    (folder / "okh.toml").write_text(
        MANIFEST.replace("source/", "").replace("export/", "").replace('source = "peg.scad"', "")
    )
    drop(page, folder)
    button.click()
    expect(page).to_have_url(RELEASED)


def test_without_scripts_the_form_sends_the_folder(visit: Visit, site: Site, folder: Path) -> None:
    page = sign_in(visit(java_script_enabled=False), site)
    page.goto(f"{site.address}/publish")
    expect(page.locator("[data-drop]")).to_be_hidden()
    page.get_by_label("Short name").fill(folder.name)
    page.get_by_label("The folder").set_input_files(folder)
    page.get_by_role("main").get_by_role("button", name="Publish").click()
    expect(page).to_have_url(RELEASED)
    assert published_files(page, site) == hashes_of(folder)
