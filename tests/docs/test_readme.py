"""What the README and the pages for people promise is there."""

import re
from pathlib import Path

import pytest

from commons.errors import ManifestInvalid
from commons.flows import Ring, State
from commons.indicators import Figure, Totals, compute
from commons.indicators.city import Context
from commons.indicators.city import figures as of_city
from commons.indicators.tally import tally
from commons.job import JobState
from commons.manifest import Manifest, missing_files, read_manifest
from repo_server.conditions import Condition
from repo_server.web import words
from tests.docs.pages import (
    DOCS,
    PAGES,
    ROOT,
    anchors,
    blocks,
    code,
    links,
    read,
    rows,
    sections,
)

LARGEST_PICTURE_BYTES = 200_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for link in links(page):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


def test_every_page_for_people_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert set(DOCS.glob("*.md")) <= linked


def test_every_make_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", read("README.md"), re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


def test_the_two_installs_of_the_readme_are_extras_of_the_distribution() -> None:
    extras = set(re.findall(r"pip install cosmolocal\[(\w+)\]", read("README.md")))
    assert extras == {"server", "agent"}
    for extra in extras:
        assert re.search(rf"^{extra} = \[", read("pyproject.toml"), re.MULTILINE)


def test_every_picture_is_shown_somewhere_and_is_light() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    for picture in (DOCS / "images").iterdir():
        assert picture in shown
        assert picture.stat().st_size < LARGEST_PICTURE_BYTES


def example() -> tuple[str, Manifest]:
    (text,) = (b.text for b in blocks("docs/for_designers.md", "toml") if b.label == "okh.toml")
    return text, read_manifest(text.encode())


def test_the_okh_toml_for_designers_can_be_published_with_the_folder_that_is_shown() -> None:
    _, manifest = example()
    folder = sections("docs/for_designers.md")["A folder that can be published"]
    files = set(re.findall(r"^      (\S+)  ", folder, re.MULTILINE)) - {"okh.toml"}
    assert not missing_files(manifest, files.__contains__)
    assert manifest.parts[0].file in files


def test_the_errors_that_designers_are_shown_are_those_that_they_get() -> None:
    text, _ = example()
    wrong = text.replace("CERN-OHL-S-2.0", "CERN OHL").replace("https:", "")
    with pytest.raises(ManifestInvalid) as refused:
        read_manifest(re.sub("^function", "funtion", wrong, flags=re.MULTILINE).encode())
    shown = " ".join(sections("docs/for_designers.md")["When something is wrong"].split())
    for problem in refused.value.fields:
        assert str(problem) in shown
    assert f"{len(refused.value.fields)} fields are wrong" in shown


def test_every_state_of_a_machine_and_a_job_is_explained_to_labs_in_the_boards_own_words() -> None:
    table = rows(sections("docs/for_labs.md")["What the board says"])
    told = [(code(row[0]), row[1]) for row in table]
    machine = [(str(state), words.CONDITION_WORDS[state].text) for state in Condition]
    job = [(str(state), words.JOB_WORDS[state].text) for state in JobState]
    assert sorted(told) == sorted(machine + job)


def figures() -> list[Figure]:
    nothing = Totals(
        made=0,
        material_g={},
        energy_kwh=None,
        machine_h=None,
        runs_ended=0,
        runs_with_energy=0,
        runs_with_material=0,
        runs_failed=0,
        verdicts_missing=0,
        designs_elsewhere=0,
    )
    place = {"period": "2026", "boundary": "labs"}
    of_runs = compute(nothing, **place)
    told = {figure.key for figure in of_runs}
    of_flows = of_city(tally([]), Context(frozenset({"c"}), {}), place)
    return [*of_runs, *(figure for figure in of_flows if figure.key not in told)]


def test_every_figure_state_and_ring_is_explained_to_cities() -> None:
    told = {
        heading: [(code(row[0]), row[1]) for row in rows(text)]
        for heading, text in sections("docs/for_cities.md").items()
    }
    assert told["The figures"] == [(figure.key, figure.label) for figure in figures()]
    known = [(str(state), words.EVIDENCE_WORDS[state].text) for state in State]
    assert told["How well it is known"] == known
    assert told["Where material comes from"] == [(str(r), words.RING_WORDS[r]) for r in Ring]


def test_the_columns_of_the_csv_are_named_to_cities_in_their_order() -> None:
    text = sections("docs/for_cities.md")["Take the data"].replace("(`made` or `rehearsal`)", "")
    named = re.findall(r"`(\w+)`", text)
    assert named == ["city", "set", *Figure.__dataclass_fields__]
