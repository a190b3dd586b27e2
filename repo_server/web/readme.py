"""Markdown that people wrote, a README or a post, as HTML that can do nothing but be read."""

from collections.abc import Callable
from functools import partial
from posixpath import normpath
from textwrap import shorten
from urllib.parse import unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

MAX_BYTES = 256 * 1024
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "img", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_BREAKS = {"softbreak": " ", "hardbreak": " "}

Resolve = Callable[[str], str | None]


def render_readme(text: str, *, link: Resolve, picture: Resolve, folder: str = "") -> Markup:
    """The README as HTML: no scripts, no styles, nothing loaded from elsewhere.

    Args:
        text: markdown as the designer wrote it; HTML in it is shown as text.
        link: address of a file of the release by its path, None when there is none.
        picture: address of a picture that may be shown for such a file, None when there is none.
        folder: where in the release the README lies; relative links start there.

    Pictures that are not files of the release are named in words, and links that would lead to
    none are text. The first heading repeats the page's title and is left out; others go down one.
    """
    tokens = _without_title(_MARKDOWN.parse(text))
    return _render(
        tokens,
        link=partial(_locate, resolve=link, folder=folder),
        picture=partial(_locate, resolve=picture, folder=folder),
    )


def render_post(text: str) -> Markup:
    """A post as HTML, as safe as a README. It has no files: its pictures are named in words."""
    return _render(_MARKDOWN.parse(text), link=lambda _: None, picture=lambda _: None)


def excerpt(text: str, most: int = 280) -> str:
    """The beginning of what Markdown says, without its marks, at most so many characters."""
    blocks = [token.children or () for token in _MARKDOWN.parse(text) if token.type == "inline"]
    words = " ".join("".join(it.content or _BREAKS.get(it.type, "") for it in b) for b in blocks)
    return shorten(words, most, placeholder=" …")


def _render(tokens: list[Token], *, link: Resolve, picture: Resolve) -> Markup:
    for token in tokens:
        _lower_heading(token)
        for child in token.children or ():
            _point_inside(child, link, picture)
    html = RendererHTML().render(tokens, _MARKDOWN.options, {})
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"pre": {"tabindex": "0"}},  # wide ones are scrolled by key, too
    )  # fmt: skip
    return Markup(safe)  # noqa: S704  (nh3 let nothing else through)


def _without_title(tokens: list[Token]) -> list[Token]:
    has_title = bool(tokens) and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1")
    return tokens[3:] if has_title else tokens  # opening, text, closing


def _lower_heading(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(4, int(token.tag[1]) + 1)}"


def _point_inside(token: Token, link: Resolve, picture: Resolve) -> None:
    """Links and pictures inside the release get the address of that file."""
    if token.type == "link_open":
        target = str(token.attrGet("href") or "")
        if address := link(target):
            token.attrSet("href", address)
        elif not urlsplit(target).scheme:
            del token.attrs["href"]
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        if address := picture(source):
            token.attrSet("src", address)
        else:
            _show_as_text(token, source)


def _show_as_text(token: Token, source: str) -> None:
    token.type, token.tag, token.children = "text", "", None
    token.content = f"[picture: {token.content or source}]"


def _locate(target: str, *, resolve: Resolve, folder: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = unquote(parts.path)
    inside = path if path.startswith("/") else f"{folder}/{path}"
    return resolve(normpath(inside).lstrip("/"))
