"""The project's pages as tests read them: sections, tables, code blocks, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("designs/**/*.md")])

_FENCE = re.compile(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what else its fence says, and its text."""

    page: str
    language: str
    label: str
    text: str


def read(page: str) -> str:
    """The text of a page, named from the repository's root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str = "") -> list[Block]:
    """The page's fenced blocks, all or those of one language."""
    found = []
    for indent, info, text in _FENCE.findall(read(page)):
        kind, _, label = info.partition(" ")
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        found.append(Block(page, kind, label, "\n".join(lines) + "\n"))
    return [block for block in found if language in ("", block.language)]


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", read(page))


def sections(page: str) -> dict[str, str]:
    """What stands below each heading, up to the next one of any level."""
    parts = _HEADING.split(prose(page))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text` but heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    bodies = [
        line
        for at, line in enumerate(lines)
        if not _is_rule(line) and not (at + 1 < len(lines) and _is_rule(lines[at + 1]))
    ]
    return [[cell.strip() for cell in _CELLS.split(line)[1:-1]] for line in bodies]


def code(cell: str) -> str:
    """The first code span of a cell, or the empty text."""
    found = re.search(r"`([^`]+)`", cell)
    return found[1] if found else ""


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings get where it is rendered."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in _HEADING.findall(text)}


def links(path: Path) -> Iterator[str]:
    """Where the page's links and pictures lead."""
    text = re.sub(r"`[^`]*`", "", _FENCE.sub("", path.read_text(encoding="utf-8")))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|href)="([^"]+)"', text)


def commands(page: str, language: str = "sh") -> Iterator[str]:
    """The command lines in the page's shell blocks, continued lines joined."""
    for block in blocks(page, language):
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def _is_rule(line: str) -> bool:
    return set(line) <= set("|-: ") and "-" in line


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")
