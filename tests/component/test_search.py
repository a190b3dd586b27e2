"""Finding designs: one suite for both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from commons.manifest import manifest_of
from repo_server.db import is_postgresql, reading, transaction
from repo_server.search import finding, index, matching
from repo_server.search.entries import Need, Texts, entry_of
from repo_server.search.finding import Count, Found, find_designs, newest_designs
from repo_server.search.labels import Facet
from repo_server.search.matching import Document, Match
from repo_server.search.question import Circle, Wanted
from repo_server.tables import DesignRow, LabRow, SearchEntryRow
from tests import floor as shop
from tests.component.conftest import Someone

START = datetime(2026, 1, 1, tzinfo=UTC)


class Publish(Protocol):
    def __call__(self, slug: str, name: str, **more: object) -> None: ...


@pytest.fixture
def publish(engine: Engine, sign_up: Callable[..., Someone]) -> Publish:
    """Puts designs into the list, each an hour after the one before."""
    steward, published = sign_up("ada").id, []

    def put(
        slug: str, name: str, function: str = "Serves.", *, licence: str = "MIT", readme: str = "",
        bom: str = "", tags: tuple[str, ...] = (), material: str = "pla", tsdc: str = "3DP",
        readiness: str = "OTRL-3", size: tuple[float, float, float] = (60, 40, 30),
        labs: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        published.append(slug)
        box = dict(zip(("width", "depth", "height"), size, strict=True))
        end = "stl" if tsdc == "3DP" else "dxf"
        manifest = manifest_of({
            "okhv": "OKH-LOSHv1.0", "name": name, "repo": "https://example.org/x",
            "version": f"{len(published)}.0.0", "license": licence, "licensor": "Ada",
            "function": function, "technology-readiness-level": readiness,
            "cosmolocal": {"keywords": list(tags)},
            "part": [{"name": "p", "tsdc": tsdc, "export": f"p.{end}", "material": material,
                      "outer-dimensions": box}],
        })  # fmt: skip
        with transaction(engine) as session:
            design = session.exec(select(DesignRow).where(DesignRow.slug == slug)).first()
            now = START + timedelta(hours=len(published))
            if design is None:
                design = DesignRow(id=slug, slug=slug, steward_id=steward, created_at=now)
                session.add(design)
                session.flush()
            entry = entry_of(
                manifest, {f"p.{end}": "ab" * 32}, Texts(readme, bom), design_id=design.id,
                slug=slug, release_id=f"r{len(published)}", labs=labs, published_at=now,
            )  # fmt: skip
            index.put(session, [entry])

    return put


@pytest.fixture
def ask(engine: Engine) -> Callable[..., Found]:
    def find(
        words: str = "",
        *,
        cursor: str | None = None,
        limit: int = 24,
        fits: LabRow | None = None,
        near: Circle | None = None,
        **chosen: tuple[str, ...],
    ) -> Found:
        facets = {Facet(name): values for name, values in chosen.items()}
        wanted = Wanted(words, facets, fits, near)
        with reading(engine) as session:
            return find_designs(session, wanted, cursor=cursor, limit=limit)

    return find


def slugs(found: Found) -> list[str]:
    return [hit.slug for hit in found.hits]


@pytest.mark.parametrize(
    "words",
    [
        "lamp",
        "LAMP",
        "reading",
        "evening",
        "screw M3",
        "glue dry",
        "desk-lamp",
        "lamp screw",
        "lámp",
    ],
)
def test_a_design_is_found_by_every_text_of_it(
    publish: Publish, ask: Callable[..., Found], words: str
) -> None:
    publish("desk-lamp", "Lamp", "Gives light for reading", tags=("evening",),
            bom="screw M3, 4\nnut, 4", readme="# Lamp\nLet the **glue** dry.")  # fmt: skip
    publish("stool", "Stool")
    assert slugs(ask(words)) == ["desk-lamp"]


def test_all_words_are_asked_for(publish: Publish, ask: Callable[..., Found]) -> None:
    publish("lamp", "Lamp", "Gives light")
    assert slugs(ask("lamp chair")) == []


def test_the_name_comes_before_the_purpose_and_that_before_the_rest(
    publish: Publish, ask: Callable[..., Found]
) -> None:
    publish("in-name", "Lamp stand")
    publish("in-purpose", "Post", "Carries a lamp on its stand")
    publish("in-text", "Box", readme="Put it beside a lamp or a stand.")
    publish("in-both", "Lamp", "Comes with a stand")
    publish("older-text", "Case", readme="lamp stand")
    assert slugs(ask("lamp stand")) == ["in-name", "in-both", "in-purpose", "older-text", "in-text"]


@pytest.mark.parametrize("words", ["lmap", "lam", "lammp", "lanp", "lampe"])
def test_a_misspelt_word_finds_what_was_meant(
    publish: Publish, ask: Callable[..., Found], words: str
) -> None:
    publish("lamp", "Lamp")
    publish("stool", "Stool")
    found = ask(words)
    assert (slugs(found), found.near, found.hits[0].near) == (["lamp"], ("lamp",), True)


def test_a_word_that_goes_on_is_near(publish: Publish, ask: Callable[..., Found]) -> None:
    publish("shade", "Lampshade")
    assert slugs(ask("lamp")) == ["shade"]


def test_the_very_word_comes_before_near_ones_however_old_it_is(
    publish: Publish, ask: Callable[..., Found]
) -> None:
    publish("exact", "Box", readme="For a clamp.")
    publish("near", "Clamps")
    found = ask("clamp")
    assert [(hit.slug, hit.near) for hit in found.hits] == [("exact", False), ("near", True)]


def test_near_words_are_left_alone_where_many_have_the_very_one(
    publish: Publish, ask: Callable[..., Found]
) -> None:
    for number in range(12):
        publish(f"clamp-{number}", "Clamp")
    publish("near", "Clamps")
    found = ask("clamp")
    assert (len(found.hits), found.near) == (12, ())


@pytest.mark.parametrize(
    ("name", "words"),
    [("折叠椅", "叠椅"), ("折叠椅", "椅"), ("Möbelfuß", "mobelfuss"), ("Étagère", "etagere"),
     ("Лампа", "ЛАМПА"), ("โคมไฟตั้งโต๊ะ", "โคมไฟ"), ("의자를", "의자"), ("ランプ", "ﾗﾝﾌﾟ"),
     ("लैंप स्टैंड", "लैंप")],
)  # fmt: skip
def test_any_language_is_found(
    publish: Publish, ask: Callable[..., Found], name: str, words: str
) -> None:
    publish("it", name)
    publish("other", "Something else")
    assert slugs(ask(words)) == ["it"]


@pytest.mark.parametrize(
    "words",
    ['"', "'", "lamp OR stool", "lamp*", "NOT lamp", "(lamp", "lamp:*", "n:lamp", "\\", "lamp\0",
     "%_", "🙂", "a" * 300, "' | 'x", "lamp/0", "licence:mit"],
)  # fmt: skip
def test_signs_of_a_question_mean_nothing_to_the_database(
    publish: Publish, ask: Callable[..., Found], words: str
) -> None:
    publish("lamp", "Lamp")
    assert slugs(ask(words)) in (["lamp"], [])


def test_facets_count_what_was_found_and_leave_their_own_choice_out(
    publish: Publish, ask: Callable[..., Found]
) -> None:
    publish("a", "Lamp", licence="MIT", material="pla")
    publish("b", "Lamp", licence="CC0-1.0 OR MIT", material="petg", readiness="OTRL-5")
    publish("c", "Lamp", licence="CC0-1.0", material="plywood", tsdc="CNC")
    publish("d", "Stool")
    found = ask("lamp", licence=("mit",))
    assert (slugs(found), found.total) == (["b", "a"], Count(2))
    assert found.facets[Facet.LICENCE] == {"CC0-1.0": Count(2), "MIT": Count(2)}
    assert found.facets[Facet.MATERIAL] == {"petg": Count(1), "pla": Count(1)}
    assert found.facets[Facet.PROCESS] == {"fdm": Count(2)}
    assert found.facets[Facet.READINESS] == {"OTRL-3": Count(1), "OTRL-5": Count(1)}
    assert slugs(ask("lamp", process=("cnc", "fdm"), licence=("CC0-1.0",))) == ["c", "b"]
    assert slugs(ask(tag=("none",))) == []


def test_a_value_that_nothing_has_is_counted_as_none(
    publish: Publish, ask: Callable[..., Found]
) -> None:
    publish("a", "Lamp")
    found = ask(material=("gold",))
    assert (found.hits, found.total, found.facets[Facet.MATERIAL]["gold"]) == (
        (),
        Count(0),
        Count(0),
    )


def test_many_are_counted_up_to_a_bound_and_that_is_said(
    publish: Publish, ask: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "COUNTED", 5)
    for number in range(6):
        publish(f"lamp-{number}", "Lamp", licence="MIT" if number else "CC0-1.0")
    found = ask("lamp")
    assert (found.total, found.facets[Facet.LICENCE]) == (
        Count(5, more=True),
        {"MIT": Count(5, more=True)},
    )
    assert len(found.hits) == 6


def test_a_choice_is_counted_alike_by_one_reading_where_few_have_the_rest_and_by_two_of_many(
    publish: Publish, ask: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        publish(f"lamp-{number}", "Lamp", licence="MIT" if number > 1 else "CC0-1.0")
    readings: list[Match] = []
    newest = finding.newest

    def counted(session: Session, match: Match, **more: Any) -> list[Document]:
        readings.append(match)
        return newest(session, match, **more)

    monkeypatch.setattr(finding, "newest", counted)
    of_few = ask("lamp", licence=("CC0-1.0",))
    assert len(readings) == 1
    monkeypatch.setattr(finding, "COUNTED", 5)
    of_many = ask("lamp", licence=("CC0-1.0",))
    assert len(readings) == 3
    assert slugs(of_few) == slugs(of_many) == ["lamp-1", "lamp-0"]
    assert of_few.total == of_many.total == Count(2)
    assert of_few.facets[Facet.LICENCE] == {"MIT": Count(4), "CC0-1.0": Count(2)}
    assert of_many.facets[Facet.LICENCE]["MIT"] == Count(4, more=True)


def test_pages_show_every_design_once_also_when_one_is_published_between(
    publish: Publish, ask: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (index, matching):
        monkeypatch.setattr(module, "BLOCK_BITS", 2)  # many blocks, as a million designs have
    for number in range(30):
        place = {"name": "Lamp"} if number % 3 else {"name": "Box", "readme": "for a lamp"}
        publish(f"it-{number:02}", **place)
    seen, cursor = [], None
    for _ in range(20):
        found = ask("lamp", cursor=cursor, limit=4)
        seen += slugs(found)
        cursor = found.next
        if len(seen) == 8:
            publish("late", "Lamp")
        if cursor is None:
            break
    named = [f"it-{n:02}" for n in reversed(range(30)) if n % 3]
    assert seen == named + [f"it-{n:02}" for n in reversed(range(30)) if not n % 3]
    assert ask("lamp", licence=("mit",)).total == Count(31)
    assert slugs(ask(limit=40))[:2] == ["late", "it-29"]


def test_only_the_newest_release_is_found(publish: Publish, ask: Callable[..., Found]) -> None:
    publish("it", "Lamp", licence="MIT")
    publish("it", "Chandelier", licence="CC0-1.0")
    assert (slugs(ask("lamp")), slugs(ask("chandelier")), slugs(ask(licence=("mit",)))) == (
        [],
        ["it"],
        [],
    )
    assert [hit.version for hit in ask().hits] == ["2.0.0"]


def test_a_hit_shows_where_the_words_stand(publish: Publish, ask: Callable[..., Found]) -> None:
    publish("lamp", "Desk lamp", "Gives <b>light</b> & warmth to who is reading")
    (hit,) = ask("lamp reading").hits
    assert [(piece.text, piece.hit) for piece in hit.name] == [("Desk ", False), ("lamp", True)]
    assert [piece.text for piece in hit.text if piece.hit] == ["reading"]
    assert "<b>light</b> & warmth" in "".join(piece.text for piece in hit.text)


@pytest.mark.parametrize("cursor", ["x", "9.9.9", "1.", "-1.2", "1.99999999999"])
def test_a_cursor_that_nobody_gave_out_is_refused(ask: Callable[..., Found], cursor: str) -> None:
    with pytest.raises(finding.InvalidInput, match="cursor"):
        ask("lamp", cursor=cursor)


def test_the_newest_are_told_to_those_who_follow(publish: Publish, engine: Engine) -> None:
    publish("a", "Lamp")
    publish("b", "Box", readme="lamp")
    with reading(engine) as session:
        hits = newest_designs(session, Wanted("lamp"), limit=5)
    assert [hit.slug for hit in hits] == ["b", "a"]


@pytest.fixture
def lab(engine: Engine) -> LabRow:
    """A lab with a printer of 250 x 210 x 210 mm for PLA and PETG, in Barcelona."""
    floor = shop.furnish(engine, shop.printer())
    with transaction(engine) as session:
        row = session.get_one(LabRow, floor.lab_id)
        row.latitude, row.longitude = 41.39, 2.17
        session.add(row)
    return row


def test_what_the_machines_of_a_lab_can_make(
    publish: Publish, ask: Callable[..., Found], lab: LabRow
) -> None:
    publish("small", "Thing")
    publish("tall", "Thing", size=(10, 10, 240))  # on its side
    publish("large", "Thing", size=(260, 10, 10))
    publish("diagonal", "Thing", size=(245, 245, 10))
    publish("abs", "Thing", material="abs")
    publish("milled", "Thing", tsdc="CNC", material="plywood")
    found = ask("thing", fits=lab)
    assert (slugs(found), found.total) == (["tall", "small"], Count(2))
    assert found.facets[Facet.MATERIAL] == {"pla": Count(2)}


def test_designs_that_nobody_looked_at_are_not_counted_as_none(
    publish: Publish, ask: Callable[..., Found], lab: LabRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_LOOKED_AT", 2)
    publish("fits", "Thing")
    for number in range(3):
        publish(f"abs-{number}", "Thing", material="abs")
    found = ask("thing", fits=lab)
    assert (slugs(found), found.total) == (["fits"], Count(1, more=True))


def test_measured_sizes_count_once_they_are_known(
    publish: Publish, ask: Callable[..., Found], lab: LabRow, engine: Engine
) -> None:
    publish("thing", "Thing", size=(260, 10, 10))
    with transaction(engine) as session:
        session.get_one(DesignRow, "thing").head_id = "r1"
        (need,) = index.kept(session, "thing").needs
        index.measure(session, "r1", [Need(need.process, need.material, (200.0, 10.0, 10.0), None)])
    assert slugs(ask("thing", fits=lab)) == ["thing"]


def test_what_was_built_near_a_place(
    publish: Publish, ask: Callable[..., Found], lab: LabRow
) -> None:
    publish("here", "Thing", labs=(lab.slug,))
    publish("elsewhere", "Thing", labs=("far-away",))
    publish("nowhere", "Thing")
    assert slugs(ask(built=("yes",))) == ["elsewhere", "here"]
    assert slugs(ask(near=Circle(41.6, 2.2, 30))) == ["here"]
    assert slugs(ask(near=Circle(48.9, 2.3, 30))) == []


def test_what_a_search_walks_over_holds_no_words(publish: Publish, engine: Engine) -> None:
    for n in range(30):
        publish(f"lamp-{n}", "Lamp", readme=" ".join(f"w{n}x{k}" for k in range(60)))
    with reading(engine) as session:
        if is_postgresql(session):
            size = "SELECT pg_relation_size('search_entry')"
            assert session.execute(text(size)).scalar_one() <= 2 * 8192  # 5 pages with them
        else:
            assert set(session.exec(select(SearchEntryRow.tokens))) == {None}
