"""Markdown: what a text is called and how long it is. It is shown by `web.readme`, not by this."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from commons.errors import InvalidInput

_MAX_BYTES = 1024**2
_MOST_LETTERS = 100


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Its first heading, and how many words, headings and pictures it has.

    Raises InvalidInput for what is empty or no text; any other text is Markdown.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this text has {len(data) >> 10} kB; {_MAX_BYTES >> 10} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("this is no text in UTF-8; save it so") from error
    if not text.strip() or "\0" in text:
        raise InvalidInput("this text is empty" if not text.strip() else "this is no text")
    tokens = MarkdownIt("commonmark").parse(text)
    headings = list(_headings(tokens))
    return {
        "facts": {
            "title": headings[0][:_MOST_LETTERS] if headings else None,
            "words": len(text.split()),
            "headings": len(headings),
            "pictures": sum(part.type == "image" for it in tokens for part in it.children or ()),
        }
    }


def _headings(tokens: list[Token]) -> Iterator[str]:
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            parts = token.children or ()
            yield "".join(it.content for it in parts if it.type in ("text", "code_inline"))
