"""Pages in the reader's language: which one is chosen, and that every catalogue is whole."""

import re
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from werkzeug.datastructures import LanguageAccept

from commons.errors import InvalidInput
from commons.licences.table import TABLE
from commons.licences.terms import Event
from repo_server.api.messages import check
from repo_server.lots import NewLot
from repo_server.web import figures, languages, sentences
from tests.docs.pages import ROOT

TAGS = sorted(set(languages.read_languages()) - {"en"})
# Named places, and tags of HTML: what a translation may move, but neither lose nor invent.
PIECES = re.compile(r"%\(\w+\)[sd]|</?\w+[^>]*>")
RULES = ("allow", "ask", "deny", "unless_a_business", "unless_a_cooperative")  # of licences
DEFAULTS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "Word": None,
    "later": None,
    "filled": None,
    **dict.fromkeys(RULES, (2,)),
}
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
AT = datetime(2026, 11, 30, 6, 5, tzinfo=UTC)


def texts(path: str, tag: str | None = None) -> dict[str | tuple[str, ...], Message]:
    with (languages.FOLDER / path).open("rb") as source:
        return {tuple(it.id) if isinstance(it.id, list) else it.id: it
                for it in read_po(source, locale=tag) if it.id}  # fmt: skip


def english() -> set[str | tuple[str, ...]]:
    with (ROOT / "babel.cfg").open() as rules:
        method_map, options = parse_mapping_cfg(rules)
    return {
        text
        for package in ("repo_server", "commons")
        for _, _, text, _, _ in extract_from_dir(ROOT / package, method_map, options, DEFAULTS)
    }


def test_the_template_holds_every_text_that_is_marked() -> None:
    assert set(texts("messages.pot")) == english(), "make words"


@pytest.mark.parametrize("tag", TAGS)
def test_a_language_has_every_text_with_the_same_places_and_tags(tag: str) -> None:
    found = texts(f"{tag}/LC_MESSAGES/messages.po", tag)
    assert set(found) == english()
    for text, message in found.items():
        assert not message.fuzzy, text
        many = [text] if isinstance(text, str) else list(text)
        for said in [message.string] if isinstance(text, str) else message.string:
            assert said, text
            pieces = sorted(PIECES.findall(said))
            assert pieces in [sorted(PIECES.findall(it)) for it in many], (text, said)
            assert said % defaultdict(int), said  # a bare % breaks the page that says it


@pytest.mark.parametrize(
    ("chosen", "asked", "tag"),
    [
        (None, "", "en"),
        (None, "fr", "fr"),
        (None, "es-MX, en;q=0.8", "es"),
        (None, "ja, de;q=0.4, ca;q=0.7", "ca"),
        (None, "ja", "en"),
        (None, "de;q=0, en;q=0.1", "en"),
        ("ca", "fr", "ca"),
        ("tlh", "fr", "fr"),
        ("../../etc", "", "en"),
    ],
)
def test_a_persons_choice_goes_before_what_the_browser_asks_for(
    chosen: str | None, asked: str, tag: str
) -> None:
    environ = {"HTTP_ACCEPT_LANGUAGE": asked}
    app = Flask(__name__)
    with app.test_request_context("/", environ_overrides=environ) as context:
        accept: LanguageAccept = context.request.accept_languages
        assert languages.choose(chosen, accept).tag == tag


@on_sqlite
@pytest.mark.parametrize(
    ("tag", "title"),
    [
        ("en", "Designs to make nearby"),
        ("es", "Diseños para fabricar cerca"),
        ("fr", "Des modèles à fabriquer près de chez vous"),
        ("de", "Entwürfe, in der Nähe zu bauen"),
        ("ca", "Dissenys per fabricar a prop"),
    ],
)
def test_a_page_says_its_language_and_speaks_it(client: FlaskClient, tag: str, title: str) -> None:
    answer = client.get("/", headers={"Accept-Language": tag})
    assert f'<html lang="{tag}">' in answer.text and f"<h1>{title}</h1>" in answer.text
    assert answer.headers["Content-Language"] == tag
    assert {"accept-language", "cookie"} <= {it.lower() for it in answer.vary}


@on_sqlite
def test_a_choice_is_kept_and_leads_nowhere_else(client: FlaskClient) -> None:
    chosen = client.post("/language", data={"language": "de", "next": "/labs?page=2"})
    assert (chosen.status_code, chosen.location) == (303, "/labs?page=2")
    assert '<html lang="de">' in client.get("/labs", headers={"Accept-Language": "fr"}).text
    for wrong in ({"language": "tlh"}, {"next": "https://elsewhere.example/"}, {}):
        assert client.post("/language", data=wrong).location == "/"
    assert '<html lang="de">' in client.get("/labs").text


@on_sqlite
@pytest.mark.parametrize(
    ("tag", "number", "size", "day"),
    [
        ("en", "1.5", "1.5 kB", "30 November 2026"),
        ("es", "1,5", "1,5 kB", "30 de noviembre de 2026"),
        ("fr", "1,5", "1,5 kB", "30 novembre 2026"),
        ("de", "1,5", "1,5 kB", "30. November 2026"),
        ("ca", "1,5", "1,5 kB", "30 de novembre del 2026"),
    ],
)
def test_figures_and_dates_follow_the_language(
    app: Flask, tag: str, number: str, size: str, day: str
) -> None:
    with app.test_request_context("/", headers={"Accept-Language": tag}):
        assert (figures.number(1.5), figures.file_size(1500), figures.day(AT)) == (
            number,
            size,
            day,
        )
        assert figures.number(12345) == "12\N{NARROW NO-BREAK SPACE}345"


@on_sqlite
@pytest.mark.parametrize(
    ("tag", "text", "shown"),
    [
        ("en", "it is good", "It is good"),
        ("de", "it is good", "Es ist gut"),
        ("de", "<b> is no PLA", '<span lang="en">&lt;b&gt; is no PLA</span>'),
        ("de", "Version", "Version"),  # translated, though it is the same word
        ("de", "", ""),
    ],
)
def test_a_sentence_of_the_core_is_translated_or_marked_as_english(
    app: Flask, tag: str, text: str, shown: str
) -> None:
    with app.test_request_context("/", headers={"Accept-Language": tag}):
        assert render_template_string("{{ text | sentence }}", text=text) == shown


@on_sqlite
def test_a_refusal_is_said_in_the_language_of_the_page_and_in_english_by_the_api(
    client: FlaskClient,
) -> None:
    german = {"Accept-Language": "de"}
    page = client.get("/labs/<b>nowhere", headers=german).text
    assert '<p class="lede">es gibt kein Lab „&lt;b&gt;nowhere“</p>' in page
    told = client.get("/api/v1/labs/nowhere", headers=german).json
    assert told["detail"] == "there is no lab 'nowhere'"
    wrong = {"handle": "-", "name": "", "email": "ada", "password": "short"}
    refused = client.post("/sign-up", data=wrong, headers=german)
    assert refused.status_code == 422
    assert refused.text.count('lang="en"') == 1  # the button that chooses it
    for said in ("ist keine E-Mail-Adresse", "muss 10 bis 200 Zeichen haben"):
        assert f'<p class="wrong">{said}</p>' in refused.text
    by_program = client.post("/api/v1/people", json={"handle": "x" * 99}, headers=german).json
    assert {it["problem"] for it in by_program["fields"]} >= {"Field required"}


@on_sqlite
def test_what_a_form_lacks_is_said_in_the_language_of_the_page(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "es"}):
        with pytest.raises(InvalidInput) as refused:
            check(NewLot, {"name": "", "mass_left_g": "-1", "evidence": "x" * 401})
        said = {it.field: sentences.translated(it.problem) for it in refused.value.fields}
    assert said == {
        "material": "Este campo es necesario",
        "name": "no puede estar vacío",
        "mass_left_g": "Debe ser mayor que 0.0",
        "evidence": "Debe tener como máximo 400 caracteres",
    }


@on_sqlite
def test_a_rule_of_a_licence_is_read_in_the_language_and_its_clause_as_written(app: Flask) -> None:
    reason = TABLE["CERN-OHL-S-2.0"].rules[Event.MAKE_OWN_USE][0].reason
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        assert sentences.sentence(reason) == (
            "Alle dürfen es herstellen; für den eigenen Gebrauch ist nichts geschuldet"
        )
    untold = {rule.reason for it in TABLE.values() for rules in it.rules.values() for rule in rules}
    assert untold <= languages.read_languages()["de"].known


@on_sqlite
def test_texts_have_plurals_and_what_goes_into_them_is_escaped(app: Flask) -> None:
    source = (
        "{% trans count=n %}{{ count }} machine{% pluralize %}{{ count }} machines{% endtrans %}"
    )
    city = "{% trans city=city %}Figures of {{ city }}{% endtrans %}"
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        assert [render_template_string(source, n=n) for n in (0, 1, 2)] == [
            "0 Maschinen", "1 Maschine", "2 Maschinen"]  # fmt: skip
        assert render_template_string(city, city="<b>") == "Zahlen zu &lt;b&gt;"
