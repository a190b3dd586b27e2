"""Papers that go with a thing: title, authors, licence and source, to be read and to be scanned."""

from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import UTC, datetime
from io import BytesIO
from unicodedata import normalize

import pytest
import segno
from flask import Flask
from PIL import Image
from pypdf import PdfReader

from commons.licences.terms import DUTY_WORDS
from repo_server.papers import drawing
from repo_server.papers.layout import Box, Code, Sheet, Text, label, ticket
from repo_server.papers.notices import LACKING, NOTE, Credit, Notice, legible, of_job
from tests.browsing import page
from tests.shop import API, Shop, Someone, open_shop

DOTS_PER_MM = drawing.DOTS_PER_INCH / 25.4
SHORT = Notice(
    variant="",
    title="Shelf hook", version="1.0.0", part="hook", copies=1, of_copies=1, material="pla",
    purpose="gift", authors=("Ada Maker",), licence="CERN-OHL-S-2.0",
    duties=(DUTY_WORDS["source_with_product"],), source="https://example.org/hook",
    release="https://repository.example.org/releases/" + "a" * 64,
    page="https://repository.example.org/labs/corner/jobs/b64d84a7cdf31722",
    ancestry="https://repository.example.org/designs/hook/licence#made-from", lab="Corner Lab",
    city="Hamburg", ordered_by="Mem", ordered_at=datetime(2026, 3, 1, tzinfo=UTC),
)  # fmt: skip
LONG = replace(
    SHORT,
    title="Überlange Bezeichnung einer höhenverstellbaren Laptop-Ständer-Konstruktion " * 2,
    part="Seitenteil links mit Ausfräsung für die Querstrebe " * 3,
    authors=("Αλέξανδρος Παπαδόπουλος", "Дмитрий Иванов", "Nguyễn Thị Minh") * 4,
    licence="CERN-OHL-S-2.0 AND CC-BY-SA-4.0 AND GPL-3.0-or-later AND CERN-OHL-P-2.0",
    duties=tuple(DUTY_WORDS.values())[:8],
    source="https://gitlab.example.org/" + "a-long-name/" * 22,
    lab="Ein Labor mit einem überaus langen Namen, wie es wenige gibt",
    copies=4,
    of_copies=12,
)
BRACKET = Credit("Wall bracket", ("Grace Hopper",), "CC-BY-SA-4.0", "https://example.org/bracket")
FAR = Credit("Ein Regal " * 6, LONG.authors[:5], LONG.licence, "https://example.org/" + "far/" * 20)
FORK = replace(SHORT, credits=(BRACKET, replace(BRACKET, title="Coat peg", licence="MIT")))
PAPERS = pytest.mark.parametrize("paper", [label, ticket])


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def texts(sheet: Sheet) -> str:
    return " ".join(item.text for item in sheet.items if isinstance(item, Text))


def area(item: Text | Code | Box) -> tuple[float, float, float, float]:
    """What an item covers: left, top, right, bottom in mm."""
    if isinstance(item, Text):
        width = drawing.width_mm(item.text, item.size_mm, item.bold)
        return item.x_mm, item.y_mm - item.size_mm * 0.8, item.x_mm + width, item.y_mm
    return item.x_mm, item.y_mm, item.x_mm + item.edge_mm, item.y_mm + item.edge_mm


@PAPERS
@pytest.mark.parametrize(
    "notice",
    [SHORT, LONG, FORK, replace(SHORT, credits=(BRACKET,) * 30), replace(LONG, credits=(FAR,) * 3)],
    ids=["short", "long", "fork", "of_many", "long_of_long"],
)
def test_nothing_on_a_paper_lies_outside_or_over_something_else(
    paper: Callable[..., Sheet], notice: Notice
) -> None:
    sheet = paper(notice, drawing.width_mm)
    areas = [area(item) for item in sheet.items]
    for at, (left, top, right, bottom) in enumerate(areas):
        assert min(left, top) >= 0
        assert right <= sheet.size_mm[0] and bottom <= sheet.size_mm[1]
        for other in areas[:at]:
            apart = other[2] <= left or right <= other[0] or other[3] <= top or bottom <= other[1]
            assert apart, (sheet.items[at], other)


@PAPERS
def test_a_paper_names_title_authors_licence_and_source(paper: Callable[..., Sheet]) -> None:
    said = texts(paper(SHORT, drawing.width_mm))
    for it in ("Shelf hook 1.0.0", "Ada Maker", "CERN-OHL-S-2.0", SHORT.source, "Corner Lab"):
        assert it in said


def test_a_licence_is_never_cut_however_long_the_rest_is() -> None:
    for paper in (label, ticket):
        assert LONG.licence in texts(paper(LONG, drawing.width_mm))


def test_a_ticket_has_a_box_for_each_duty_and_gives_no_legal_advice() -> None:
    sheet = ticket(LONG, drawing.width_mm)
    assert len([item for item in sheet.items if isinstance(item, Box)]) == len(LONG.duties)
    assert NOTE in texts(sheet)
    free = ticket(replace(SHORT, duties=()), drawing.width_mm)
    assert "Nothing is owed for this" in texts(free)
    assert not [item for item in free.items if isinstance(item, Box)]


@PAPERS
def test_a_fork_names_what_it_was_made_from_or_how_much_of_it_the_code_leads_to(
    paper: Callable[..., Sheet],
) -> None:
    sheet = paper(FORK, drawing.width_mm)
    for it in FORK.credits:
        named = f"Made from {it.title} by Grace Hopper, {it.licence}, {it.source}"
        assert named in texts(sheet)
    assert sheet.items[0] == Code(*astuple(sheet.items[0])[:3], FORK.source)
    works = tuple(replace(BRACKET, title=f"Work {n}") for n in range(30))
    of_many = paper(replace(SHORT, credits=works), drawing.width_mm)
    shown = texts(of_many).count("Made from Work")
    assert 0 < shown < 30
    assert f"And from {30 - shown} more works: scan the" in texts(of_many)
    assert of_many.items[0] == Code(*astuple(of_many.items[0])[:3], SHORT.ancestry)


def test_the_papers_of_a_forks_job_credit_those_whose_licences_ask_for_it(shop: Shop) -> None:
    shop.made_from("CC-BY-SA-4.0", of="rack", name="棚")
    shop.made_from("CC0-1.0", of="shelf")
    shop.made_from("MIT", of="old-hook", name="Old hook")
    job = shop.order().json["jobs"][0]["id"]
    with shop.floor.session() as session:
        notice = of_job(
            session, job, to=shop.member.id, base_url="https://x.org", covers=drawing.covers
        )
    assert {(it.title, it.licence) for it in notice.credits} == {
        ("Old hook", "MIT"),
        ("rack", "CC-BY-SA-4.0"),
    }
    told = page(shop.member.browser, notice.ancestry.removeprefix("https://x.org"))
    assert "Old hook 1.0.0" in told.text and 'id="made-from"' in told.text


def scanned(image: Image.Image, code: Code, count: int) -> list[list[bool]]:
    """The modules of a code as they are in the picture, each looked at in its middle."""
    edge = code.edge_mm * DOTS_PER_MM
    dots = int(edge) // count
    left = round(code.x_mm * DOTS_PER_MM + (edge - dots * count) / 2)
    top = round(code.y_mm * DOTS_PER_MM + (edge - dots * count) / 2)
    return [
        [image.getpixel((left + x * dots + dots // 2, top + y * dots + dots // 2)) == 0
         for x in range(count)]
        for y in range(count)
    ]  # fmt: skip


@PAPERS
def test_the_code_in_the_picture_is_that_of_the_source(paper: Callable[..., Sheet]) -> None:
    sheet = paper(SHORT, drawing.width_mm)
    image = Image.open(BytesIO(drawing.png(sheet)))
    code = next(item for item in sheet.items if isinstance(item, Code))
    assert code.content == SHORT.source
    wanted = segno.make(SHORT.source, error="q", micro=False).matrix_iter(border=4)
    modules = [[bool(module) for module in row] for row in wanted]
    assert scanned(image, code, len(modules)) == modules


@PAPERS
def test_a_pdf_is_one_page_of_the_papers_size_whose_text_is_text(
    paper: Callable[..., Sheet],
) -> None:
    sheet = paper(LONG, drawing.width_mm)
    (leaf,) = PdfReader(BytesIO(drawing.pdf(sheet, title="A paper"))).pages
    size_mm = [float(points) * 25.4 / 72 for points in leaf.mediabox[2:]]
    assert size_mm == pytest.approx(list(sheet.size_mm), abs=0.1)
    said = " ".join(leaf.extract_text().split())
    assert "Αλέξανδρος Παπαδόπουλος" in said
    assert LONG.licence in said


@pytest.mark.parametrize("name", ["ticket.pdf", "ticket.png", "label.pdf", "label.png"])
def test_the_papers_of_a_job_are_linked_from_its_page(shop: Shop, name: str) -> None:
    job = shop.order(purpose="for_pay").json["jobs"][0]["id"]
    path = f"{API}/jobs/{job}/papers/{name}"
    assert path in page(shop.member.browser, f"/labs/corner/jobs/{job}").links
    answer = shop.member.get(path)
    assert (answer.status_code, answer.mimetype.split("/")[1]) == (200, name.split(".")[1])
    if answer.mimetype == "application/pdf":
        said = " ".join(PdfReader(BytesIO(answer.data)).pages[0].extract_text().split())
        assert "Ada Maker" in said and "https://example.org/hook" in said
        assert ("Whoever gets the thing gets its complete source" in said) is ("ticket" in name)
    else:
        width, height = Image.open(BytesIO(answer.data)).size
        assert (width / DOTS_PER_MM, height / DOTS_PER_MM) == pytest.approx(
            (148, 210) if "ticket" in name else (90, 50), abs=0.1
        )


def test_letters_that_no_font_has_and_that_are_none_break_no_paper() -> None:
    odd = replace(SHORT, title="\x07 😀 漢字 مرحبا \u202e", authors=("\ufffd\n\r",))
    for paper in (label, ticket):
        sheet = paper(odd, drawing.width_mm)
        assert Image.open(BytesIO(drawing.png(sheet))).mode == "1"
        assert len(PdfReader(BytesIO(drawing.pdf(sheet, title=odd.title))).pages) == 1


PLAIN = {"title": "shelf-hook", "part": "part of job 1", "variant": "a variant",
         "lab": "corner", "city": "hamburg", "ordered_by": "mem"}  # fmt: skip


@PAPERS
@pytest.mark.parametrize(
    "name", ["漢字の棚", "한국어", "नमस्ते", "שלום", "مرحبا", "🦄", "a\u202eb", "\x07"]
)
def test_names_in_letters_that_a_paper_lacks_give_way_to_plain_ones_and_it_says_so(
    paper: Callable[..., Sheet], name: str
) -> None:
    foreign = replace(LONG, title=name, part=name, lab=name, city=name, ordered_by=name,
                      authors=("Ada Maker", name))  # fmt: skip
    notice = legible(foreign, PLAIN, drawing.covers)
    said = texts(paper(notice, drawing.width_mm))
    assert drawing.covers(said)
    for it in ("shelf-hook 1.0.0", "part of job 1", "Ada Maker, 1 more in other letters", "corner",
               "hamburg", LACKING):  # fmt: skip
        assert it in said
    test_nothing_on_a_paper_lies_outside_or_over_something_else(paper, notice)


def test_names_in_the_letters_of_a_paper_stay_as_they_are() -> None:
    for name in ("Đorđe Ștefănescu", "Αλέξανδρος", "Дмитрий", "Nguye\u0302\u0303n", "Ɛdem — 10 €"):
        notice = legible(replace(SHORT, title=name), PLAIN, drawing.covers)
        assert (notice.title, notice.lacks_letters) == (normalize("NFC", name), False)


def test_a_source_that_no_code_could_hold_gives_way_to_the_release_here(shop: Shop) -> None:
    far = "https://example.org/hook" + "/far" * 500
    shop.relicense("CERN-OHL-S-2.0", repo=far)
    job = shop.order().json["jobs"][0]["id"]
    answer = shop.member.get(f"{API}/jobs/{job}/papers/ticket.pdf")
    said = "".join(PdfReader(BytesIO(answer.data)).pages[0].extract_text().split())
    assert answer.status_code == 200
    assert said.count(f"/releases/{shop.release_id}") == 2


def test_strangers_get_no_papers_and_there_are_no_others(shop: Shop) -> None:
    job = shop.order().json["jobs"][0]["id"]
    assert shop.stranger.get(f"{API}/jobs/{job}/papers/label.pdf").status_code == 404
    for name in ("label.gif", "receipt.pdf", "label"):
        answer = shop.member.get(f"{API}/jobs/{job}/papers/{name}")
        assert answer.status_code == 404
        assert "label.pdf" in answer.json["detail"]
