"""The pages in a real browser: the stage turns, the board lives, and neither is needed to read."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from commons.wire import Enrolment, MachineState, ProgressReport
from cosmo.client import Client
from repo_server.enrolment import enrol
from tests.e2e.conftest import PASSWORD, ROOT, Site, launch
from tests.profiles import printer

pytestmark = pytest.mark.slow
Visit = Callable[..., BrowserContext]


def sign_in(context: BrowserContext, site: Site) -> Page:
    page = context.new_page()
    page.goto(f"{site.address}/sign-in?next=/labs")
    page.get_by_label("Handle").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.address}/labs")
    return page


FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


# Keys faster than frames: none is drawn between them.
AT_ONCE = """(canvas, keys) => keys.forEach(
    key => canvas.dispatchEvent(new KeyboardEvent("keydown", { key })))"""


def still_of(page: Page) -> Image.Image:
    """The stage in hand, once everything that was asked for is drawn; the pointer is elsewhere."""
    page.locator("[data-stage] canvas").focus()
    page.mouse.move(0, 0)
    page.evaluate(FRAMES)
    png = page.locator("[data-stage] canvas").screenshot()
    picture = Image.open(BytesIO(png)).convert("RGB")
    # Without the ring around what has the focus: a key shows it, a click may not.
    return picture.crop((8, 8, picture.width - 8, picture.height - 8))


def differ(a: Image.Image, b: Image.Image) -> bool:
    """Whether anybody could see a difference: rounding moves edges by a level or two of 255."""
    return max(high for _, high in ImageChops.difference(a, b).getextrema()) > 8


def test_a_part_stands_on_its_grid_turns_by_key_and_fits_again(visit: Visit, site: Site) -> None:
    page = visit(reduced_motion="reduce").new_page()
    page.goto(f"{site.address}/designs/twist-jar")
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("data-ready", "Jar")
    expect(stage).to_contain_text("49.7 × 49.7 × 39.4 mm · grid 5 mm")
    expect(page.get_by_role("img", name="Jar in three dimensions")).to_be_visible()
    first = still_of(page)
    page.keyboard.press("ArrowLeft")
    turned = still_of(page)
    page.keyboard.press("+")
    nearer = still_of(page)
    page.get_by_role("button", name="Fit").click()
    assert differ(first, turned)
    assert differ(turned, nearer)
    assert not differ(first, still_of(page))


def test_another_part_takes_the_stage_when_it_is_chosen(visit: Visit, site: Site) -> None:
    page = visit().new_page()
    page.goto(f"{site.address}/designs/twist-jar")
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("data-ready", "Jar")
    page.get_by_role("listitem").filter(has_text="Lid").get_by_role("button", name="Show").click()
    expect(stage).to_have_attribute("data-ready", "Lid")
    expect(stage).to_contain_text("49.7 × 49.7 × 11.7 mm")


def test_a_drawing_is_shown_as_the_picture_that_it_is(visit: Visit, site: Site) -> None:
    page = visit().new_page()
    page.goto(f"{site.address}/designs/laptop-stand")
    page.get_by_role("button", name="Show").first.click()
    picture = page.get_by_role("img", name="Picture of Side").first
    expect(picture).to_be_visible()
    expect(page.locator("[data-stage] canvas")).to_have_count(0)


@pytest.mark.parametrize("switch", ["no WebGL", "no JavaScript"])
def test_without_webgl_or_scripts_the_picture_and_the_form_stay(
    switch: str, playwright: Playwright, site: Site
) -> None:
    browser = launch(playwright, *(["--disable-3d-apis"] if switch == "no WebGL" else []))
    context = browser.new_context(java_script_enabled=switch != "no JavaScript")
    page = sign_in(context, site)
    page.goto(f"{site.address}/designs/twist-jar")
    picture = page.locator("[data-stage] img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 300
    page.get_by_label("Part", exact=True).select_option("Lid")
    page.get_by_role("button", name="Order").click()
    expect(page).to_have_url(re.compile("/labs/corner#job-"))
    browser.close()


@pytest.mark.parametrize("path", ["/", "/labs", "/labs/corner", "/cities/hamburg", "/publish"])
def test_only_a_designs_page_loads_3d_code(path: str, visit: Visit, site: Site) -> None:
    page = visit().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.address + path)
    assert asked
    assert not [url for url in asked if "three" in url or "viewer" in url]
    assert all(url.startswith(site.address) for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_its_screen(
    width: int, scheme: str, visit: Visit, site: Site
) -> None:
    context = visit(width, color_scheme=scheme)
    page = sign_in(context, site)
    for path in ("/", "/designs/twist-jar", "/designs/laptop-stand", "/labs", "/labs/corner",
                 "/labs/new", "/labs/corner/manage", "/cities/hamburg", "/publish",
                 "/sign-up"):  # fmt: skip
        page.goto(site.address + path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path


def test_the_board_follows_the_machines_and_the_operator_answers(visit: Visit, site: Site) -> None:
    floor = site.floor
    floor.now = datetime.now(UTC)  # the server's clock is the real one
    floor.sees("Printer", MachineState.IDLE)
    page = sign_in(visit(), site)
    page.goto(f"{site.address}/labs/corner")
    expect(page.locator("[data-live]")).to_have_text("Live")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Printer"))
    card.get_by_role("button", name="The bed is clear").click()
    expect(card).to_contain_text("The bed is clear")
    page.evaluate("window.stillHere = true")
    floor.order()
    offer = floor.staged()
    floor.arm(offer)
    progress = ProgressReport(
        attempt_id=offer.attempt_id, phase="stream", done=250, total=1000, remaining_s=90
    )
    floor.sees("Printer", MachineState.RUNNING, progress=progress, hotend_c=210, bed_c=60)
    expect(card).to_contain_text("Line 250 of 1\u202f000")
    expect(card).to_contain_text("1 min 30 s left")
    expect(card).to_contain_text("Nozzle 210 °C, bed 60 °C")
    assert page.evaluate("window.stillHere"), "the page was loaded again"


def test_a_lab_is_set_up_on_pages_and_its_open_board_follows(visit: Visit, site: Site) -> None:
    context = visit(390)
    page, board = sign_in(context, site), context.new_page()
    page.get_by_role("link", name="Found a lab").click()
    page.get_by_label("Name", exact=True).fill("Quay Lab")
    page.get_by_label("Short name").fill("quay")
    page.get_by_role("button", name="Found the lab").click()
    expect(page).to_have_url(f"{site.address}/labs/quay/manage")
    board.goto(f"{site.address}/labs/quay")
    expect(board.locator("[data-live]")).to_have_text("Live")
    expect(board.get_by_text("No machine has joined yet")).to_be_visible()
    page.get_by_role("button", name="Make an enrolment code").click()
    command = page.get_by_role("status").get_by_text("cosmo agent enrol").inner_text()
    with site.floor.session() as session:
        asked = Enrolment(code=command.split()[-1], name="Window", public_key="ab" * 32,
                          machines=(printer(),))  # fmt: skip
        enrol(session, asked, now=datetime.now(UTC))
    expect(board.get_by_role("heading", name="Printer")).to_be_visible()
    expect(board.get_by_text("No machine has joined yet")).to_have_count(0)
    page.get_by_role("link", name="Quay Lab", exact=True).click()
    expect(page.get_by_role("heading", name="Printer")).to_be_visible()


def test_a_designer_publishes_a_folder(visit: Visit, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "seed-dibber"
    folder.mkdir()
    for path in (ROOT / "designs" / "seed-dibber").rglob("*"):
        inside = folder / path.relative_to(ROOT / "designs" / "seed-dibber")
        if path.is_file() and "__pycache__" not in path.parts:
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.write_bytes(path.read_bytes())
    page = sign_in(visit(), site)
    page.goto(f"{site.address}/publish")
    page.get_by_label("Short name").fill("seed-dibber")
    page.get_by_label("The folder").set_input_files(folder)
    page.get_by_role("main").get_by_role("button", name="Publish").click()
    expect(page).to_have_url(re.compile("/releases/[0-9a-f]{64}$"))
    expect(page.get_by_role("link", name="export/seed-dibber.stl")).to_be_visible()


ATTACK = "<script>document.cookie='ran=1'; fetch('/ran', {method: 'POST'})</script>"


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.html", ATTACK), ("x.svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{ATTACK}</svg>")],
)
def test_a_strangers_page_is_downloaded_and_never_run(
    visit: Visit, site: Site, tmp_path: Path, name: str, text: str
) -> None:
    """Opened by whoever is signed in, from its design's page and by its API's address."""
    folder = tmp_path / f"trap-{name[2:]}"
    folder.mkdir()
    (folder / name).write_text(text)
    manifest = 'okhv = "OKH-LOSHv1.0"\nname = "Trap"\nversion = "1"\nlicense = "MIT"\n'
    manifest += 'repo = "https://example.org/trap"\nlicensor = "Olga"\nfunction = "Waits"\n'
    (folder / "okh.toml").write_text(manifest)
    with Client(site.address) as nobody:
        token = nobody.sign_in("olga", PASSWORD)
        with Client(site.address, token) as olga:
            olga.publish(folder)
        hash_ = sha256(text.encode()).hexdigest()
        nobody.fetch(hash_, tmp_path / "fetched")  # is sent on, and checks what came
    page = sign_in(visit(), site)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.address}/designs/{folder.name}")
    with page.expect_download() as from_page:
        page.get_by_role("link", name=name).click()
    with page.expect_download() as from_api:
        page.evaluate("url => { location = url }", f"{site.address}/api/v1/blobs/{hash_}")
    for download in (from_page.value, from_api.value):
        assert download.url == f"{site.files}/{hash_}/{name}"
        assert download.suggested_filename == name
        assert download.path().read_text() == text
    assert not [url for url in asked if url.endswith("/ran")]
    assert {cookie["name"] for cookie in page.context.cookies()} == {"sid"}


def test_a_part_is_measured_cut_and_set_on_a_machines_bed(visit: Visit, site: Site) -> None:
    """By keys alone where a mouse could do it, too; a jar of 49.7 × 49.7 × 39.4 mm."""
    page = visit(reduced_motion="reduce").new_page()
    page.goto(f"{site.address}/designs/twist-jar")
    page.get_by_role("link", name="Can it be made?").click()
    expect(page.locator("[data-stage]")).to_have_attribute("data-ready", "Jar")
    whole = still_of(page)
    page.get_by_role("checkbox", name="Overhangs").check()
    assert differ(whole, painted := still_of(page))
    page.get_by_role("checkbox", name="Overhangs").uncheck()
    assert not differ(whole, still_of(page))
    page.get_by_role("slider").fill("50")
    expect(page.locator("[data-cut]")).to_have_text("19.7 mm")
    assert differ(whole, still_of(page)) and differ(painted, still_of(page))
    page.get_by_role("slider").fill("100")
    page.get_by_role("checkbox", name="Measure").check()
    # The nearer wall, seen from the front, and the same place of the farther one.
    page.locator("[data-stage] canvas").evaluate(AT_ONCE, ["Enter", *["ArrowLeft"] * 12, "Enter"])
    expect(page.locator("[data-length]")).to_have_text(re.compile(r"^[45]\d\.\d mm$"))
    row = page.get_by_role("row").filter(has_text="Printer").first
    row.get_by_role("button", name="Show its bed").click()
    expect(page.locator("[data-stage]")).to_have_attribute("data-ready", "Jar")
    assert differ(whole, still_of(page))


def test_parts_of_an_assembly_are_taken_away_named_and_pulled_apart(
    visit: Visit, site: Site
) -> None:
    """By keys, and named by a finger; a blue top of 100 × 60 × 5 mm on four legs, 75 mm high."""
    page = visit(390, reduced_motion="reduce", has_touch=True).new_page()
    page.goto(f"{site.address}/designs/table")
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("data-ready", "Whole table")
    whole = still_of(page)
    leg, top = page.get_by_label("Leg × 4"), page.get_by_label("Top", exact=True)
    leg.press("Space")
    without_legs = still_of(page)
    assert differ(whole, without_legs)
    page.get_by_role("button", name="Only Leg").press("Enter")
    expect(top).not_to_be_checked()
    expect(leg).to_be_checked()
    assert differ(without_legs, still_of(page))
    page.get_by_role("button", name="Show all parts").press("Enter")
    assert not differ(whole, still_of(page))
    page.get_by_label("How far the parts are pulled apart").press("End")
    expect(page.locator("[data-pulled]")).to_have_text("100 %")
    apart = still_of(page)
    assert differ(whole, apart)
    page.get_by_label("How far the parts are pulled apart").press("Home")
    page.get_by_role("button", name="Fit").click()
    assert not differ(whole, still_of(page))
    box = page.locator("[data-stage] canvas").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 0.35 * box["height"])
    expect(page.locator("[data-label]")).to_have_text("Whole table · Top")


def test_the_queue_is_changed_by_key_and_by_dragging_and_says_who_did_it(
    visit: Visit, site: Site
) -> None:
    first, second, third = (site.floor.order()[0] for _ in range(3))
    page = sign_in(visit(), site)
    page.goto(f"{site.address}/labs/corner/queue")

    def line() -> list[str]:
        jobs = page.locator("[data-job]").evaluate_all("all => all.map(it => it.dataset.job)")
        return [job for job in jobs if job in (first, second, third)]

    page.locator(f"#job-{first}").get_by_role("button", name="later").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#job-{first}")).to_contain_text("Moved behind hook by Olga")
    assert line() == [second, first, third]
    page.locator(f"#job-{third}").drag_to(
        page.locator(f"#job-{second}"), target_position={"x": 40, "y": 3}
    )
    expect(page.locator(f"#job-{third}")).to_contain_text("Moved before hook by Olga")
    assert line() == [third, second, first]
