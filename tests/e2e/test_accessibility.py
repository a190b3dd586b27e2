"""Every page, in light and dark, on a phone and at a desk, as axe sees it: WCAG 2.2 AA."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import Session

from commons.content import content_id
from commons.licences.purposes import Purpose
from commons.wire import EventKind
from repo_server import create_app, drafts, journal
from repo_server.designs import publish_release, show_design
from repo_server.drafts import Contents
from repo_server.guest_desks import GuestDesk, set_desk
from repo_server.guest_letters import path_of, path_to_confirm
from repo_server.guest_requests import NewGuestRequest, Sent, ask
from repo_server.journal import NewPost
from repo_server.order_requests import OrderRequest
from repo_server.people import Person
from repo_server.private_links import private
from repo_server.settings import Settings, read_secret
from repo_server.submissions import Upload
from repo_server.tables import BlobRow, OrderSetRow
from repo_server.waiting import WaitingOrder, place_or_wait
from tests.e2e.conftest import ROOT, Site
from tests.e2e.test_pages import sign_in
from tests.e2e.test_publishing import drop
from tests.e2e.test_toolpaths import program, shown
from tests.floor import FILES, MANIFEST, Floor, run

pytestmark = pytest.mark.slow
Visit = Callable[..., BrowserContext]

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# Every route that answers with a page, and an address of it; the words in {} are filled in.
PAGES = {
    "/": "/?q=jar",
    "/api": "/api",
    "/cities": "/cities",
    "/map": "/map",
    "/cities/<city>": "/cities/hamburg",
    "/compare": "/compare?before={release}&after={release}",
    "/designs/<slug>": "/designs/twist-jar",
    "/designs/<slug>/builds": "/designs/twist-jar/builds",
    "/designs/<slug>/contributions": "/designs/twist-jar/contributions",
    "/designs/<slug>/licence": "/designs/twist-jar/licence",
    "/designs/<slug>/lineage": "/designs/twist-jar/lineage",
    "/drafts": "/drafts",
    "/drafts/<draft_id>": "/drafts/{draft}",
    "/drafts/<draft_id>/questions": "/drafts/{draft}/questions",
    "/import": "/import",
    "/journal": "/journal",
    "/journal/<id>": "/journal/{post}",
    "/journal/<id>/edit": "/journal/{post}/edit",
    "/journal/new": "/journal/new",
    "/labs": "/labs",
    "/labs/<lab>": "/labs/corner",
    "/labs/<lab>/about": "/labs/corner/about",
    "/labs/<lab>/wall": "/labs/corner/wall",
    "/labs/<lab>/manage/okw": "/labs/corner/manage/okw",
    "/labs/<lab>/ask": "/labs/corner/ask?release={release}",
    "/labs/<lab>/builds/new": "/labs/corner/builds/new?release={release}",
    "/labs/<lab>/facts": "/labs/corner/facts",
    "/labs/<lab>/lots": "/labs/corner/lots",
    "/labs/<lab>/lots/<id>": "{lot}",
    "/labs/<lab>/money": "/labs/corner/money",
    "/labs/<lab>/notices": "/labs/corner/notices",
    "/labs/<lab>/jobs/<id>": "{job}",
    "/labs/<lab>/manage": "/labs/corner/manage",
    "/labs/<lab>/machines/<id>": "/labs/corner/machines/{machine}",
    "/labs/<lab>/manage/rules": "/labs/corner/manage/rules",
    "/labs/<lab>/utilisation": "/labs/corner/utilisation",
    "/labs/<lab>/queue": "/labs/corner/queue",
    "/labs/<lab>/programs": "/labs/corner/programs",
    "/labs/<lab>/requests": "/labs/corner/requests",
    "/labs/<lab>/webhooks": "/labs/corner/webhooks",
    "/labs/<lab>/bookings": "/labs/corner/bookings",
    "/labs/<lab>/people": "/labs/corner/people",
    "/labs/new": "/labs/new",
    "/me/account": "/me/account",
    "/me/facts": "/me/facts",
    "/me/labs": "/me/labs",
    "/me/news": "/me/news",
    "/me/profile": "/me/profile",
    "/me/notices": "/me/notices",
    "/people": "/people",
    "/people/<handle>": "/people/olga",
    "/publish": "/publish",
    "/releases/<before>/changes/<after>": "/releases/{release}/changes/{release}",
    "/releases/<id>": "/releases/{release}",
    "/releases/<id>/ask": "/releases/{release}/ask",
    "/releases/<id>/bom": "/releases/{release}/bom",
    "/releases/<id>/making": "/releases/{release}/making",
    "/releases/<id>/fork": "/releases/{release}/fork",
    "/requests/<id>/<token>": "{followed}",
    "/requests/<id>/confirm/<token>": "{confirms}",
    "/sets/<id>": "/sets/{set}",
    "/sign-in": "/sign-in",
    "/sign-up": "/sign-up",
    "/things/<attempt_id>": "/things/{thing}",
    "/waiting-orders/<id>": "/waiting-orders/{waits}",
    "/webhooks": "/webhooks",
}
NO_PAGES = ("/api/", "/static/", "/attempts/", "/.well-known/")
NO_PAGE_ENDS_SO = ("feed.atom", "news.atom", "okh.toml", ".ics", ".svg")


def wrong_on(page: Page, rules: tuple[str, ...] = RULES) -> list[str]:
    """Each rule that is broken, with where and why."""
    found = Axe().run(page, options={"runOnly": list(rules), "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def order_that_waits(session: Session, floor: Floor, by: Person) -> str:
    """An order for sale of a shelf hook whose licence asks who sells it; its id."""
    text = MANIFEST.replace(b"CERN-OHL-S-2.0", b"PPL").replace(b"1.0.0", b"2.0.0")
    session.add(BlobRow(sha256=content_id(text), size=len(text), stored_at=floor.now))
    session.flush()
    upload = Upload("shelf-hook", text, {path: content_id(path.encode()) for path in FILES})
    steward = Person(floor.manager, "manu", "Manu", is_admin=False)
    release, _ = publish_release(session, upload, by=steward, design_id="hook", now=floor.now)
    asked = OrderRequest(release_id=release, part="hook", purpose=Purpose.SALE)
    waits = place_or_wait(session, asked, lab_id=floor.lab_id, by=by.id, now=floor.now)
    assert isinstance(waits, WaitingOrder)
    return waits.id


def guest_request(session: Session, floor: Floor) -> str:
    """The id of what a guest asks the lab for, which takes such requests."""
    desk, who = GuestDesk(open=True, words="Open on Thursdays."), floor.manager
    set_desk(session, desk, lab_id=floor.lab_id, by=who, now=floor.now)
    wish = NewGuestRequest(name="Ana", email="ana@example.org", wish="A cup.", message="For tea.")
    return ask(session, wish, Sent("here", None, False), lab="corner", now=floor.now).id


@pytest.fixture(scope="module")
def addresses(site: Site) -> list[str]:
    """Where each page of PAGES is, with machines at work, jobs, a verdict and a passport on it."""
    floor = site.floor
    job = shown(site, program())
    floor.now = datetime.now(UTC)
    floor.clear("Router")
    with floor.session() as session:
        head = show_design(session, "twist-jar").head
        told = NewPost(title="Open day", text="## Come\n\n| when |\n|---|\n| ten |", lab="corner")
        post = journal.begin(session, told, by=head.published_by, now=floor.now)
        journal.publish(session, post, by=head.published_by, now=floor.now)
        begun = Contents('name = "Jar"', {})
        drafts.begin(session, "jar-to-come", begun, id="jar", by=head.published_by, now=floor.now)
        waits = order_that_waits(session, floor, head.published_by)
        request = guest_request(session, floor)
        screw = {"item": "Screw", "quantity": 4.0, "unit": "", "source": "a shop"}
        together = OrderSetRow(
            id="set", lab_id=floor.lab_id, release_id=head.id, objects=2, bought=[screw],
            ordered_by=head.published_by.id, ordered_at=floor.now,
        )  # fmt: skip
        session.add(together)
    floor.order()
    floor.order(copies=2)
    offer = floor.running()
    floor.tell(EventKind.FINISHED, offer, run=run())
    secret = read_secret(Path(str(floor.engine.url.database)).with_name("secret"))
    known = {
        "followed": private(path_of(request), secret),
        "confirms": private(path_to_confirm(request), secret),
        "job": job.removeprefix(site.address),
        "lot": f"/labs/corner/lots/{floor.lot().id}",
        "machine": floor.machines["Printer"],
        "release": head.id,
        "thing": offer.attempt_id,
        "draft": "jar",
        "post": post,
        "waits": waits,
        "set": "set",
    }
    return [address.format(**known) for address in PAGES.values()]


def test_every_page_is_looked_at(tmp_path) -> None:
    app = create_app(Settings.from_env({"COSMO_DATA": str(tmp_path)}))
    pages = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(NO_PAGES)
        if not rule.rule.endswith(NO_PAGE_ENDS_SO)
    }
    assert pages == PAGES.keys()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_breaks_a_rule(
    width: int, chromium: Browser, site: Site, addresses: list[str]
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    page, broken = sign_in(context, site), list[str]()
    for address in [*addresses, "/nothing-here"]:
        page.emulate_media(color_scheme="light")
        page.goto(site.address + address)
        page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
        broken += [f"{address} {wrong}" for wrong in wrong_on(page)]
        if width == 390:  # the dark differs in its colours alone, and these are the same at a desk
            page.emulate_media(color_scheme="dark")
            broken += [f"{address} in the dark {it}" for it in wrong_on(page, ("color-contrast",))]
    context.close()
    assert not broken, "\n".join(broken)


def test_the_longest_words_fit_on_a_phone_and_break_no_rule(visit: Visit, site: Site) -> None:
    context = visit(390)
    page, broken = sign_in(context, site), list[str]()
    context.add_cookies([{"name": "language", "value": "de", "url": site.address}])
    for address in ("/designs/twist-jar/licence", "/labs/corner/manage", "/cities/hamburg"):
        page.goto(site.address + address)
        assert page.locator("html").get_attribute("lang") == "de"
        assert page.evaluate("document.documentElement.scrollWidth") == 390, address
        broken += [f"{address} {wrong}" for wrong in wrong_on(page)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_folder_that_was_chosen_and_what_is_wrong_with_it_break_no_rule(
    scheme: Literal["light", "dark"], visit: Visit, site: Site
) -> None:
    page = sign_in(visit(390, color_scheme=scheme), site)
    page.goto(f"{site.address}/publish")
    drop(page, ROOT / "designs" / "twist-jar")  # more files than the list shows at once
    expect(page.get_by_role("list", name="Files")).to_be_visible()
    assert wrong_on(page) == []
    drop(page, ROOT / "designs" / "twist-jar" / "export")
    expect(page.get_by_role("alert")).to_be_visible()
    assert wrong_on(page) == []
