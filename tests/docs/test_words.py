"""The pages use one word for one thing, and know nothing of anybody's computer."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

# Designs are their authors' own words.
OURS = [page for page in PAGES if "designs" not in page.relative_to(ROOT).parts]
# What the house says, by what it could be called instead (architecture, naming).
ONE_WORD = {
    r"print jobs?": "job",
    r"(?:maker|hacker)spaces?": "lab",
    r"print farms?": "lab",
    r"hubs?": "lab",
    r"devices?": "machine",
    r"g-?code files?": "program",
}
ELSEWHERE = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w+")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|TBD|XXX|lorem ipsum)\b", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_finished_and_names_no_developers_folder(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not ELSEWHERE.findall(text)
    assert not UNFINISHED.findall(text)


@pytest.mark.parametrize("page", OURS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_thing_has_the_same_word_everywhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    for other, ours in ONE_WORD.items():
        assert not re.search(rf"\b{other}\b", text), f"say '{ours}'"
