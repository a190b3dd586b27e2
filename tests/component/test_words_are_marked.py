"""No page says a word that translators have not seen: templates and scripts are read for bare ones.

Templates are read as Jinja does, so that what stands in `_()` or `{% trans %}` is no text any more;
what is left is read as HTML. A part of a page that says `lang="en"` may speak English.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from repo_server import web

FOLDER = Path(web.__file__).parent
# The reference of the API is made from the code, in English, and its sections say so.
TEMPLATES = sorted(set((FOLDER / "templates").glob("*.html")) - {FOLDER / "templates/api.html"})
SCRIPTS = sorted((FOLDER / "static").glob("*.js"))
SHOWN = {"aria-label", "alt", "title", "placeholder", "aria-description", "aria-valuetext"}
SILENT = {"script", "style", "code", "pre", "svg"}
VOID = {"br", "hr", "img", "input", "link", "meta", "line", "rect", "circle", "path"}
# Names, units and formats: the same in every language.
SAME = {
    "Cosmolocal",
    "JSON",
    "CSV",
    "PDF",
    "PNG",
    "API",
    "UTC",
    "mm",
    "okh",
    "toml",
    "YAML",
    "LOSH",
}
TEXT_OF = {"_", "gettext", "ngettext", "url_for", "blob"}
WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[A-Z][a-z]+|[a-z]{2,} [a-z]{2,}")
GAP = "\N{OBJECT REPLACEMENT CHARACTER}"


class Page(HTMLParser):
    """The bare words of a page, with the line on which each stands."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        quiet = tag in SILENT or ("lang", "en") in attrs
        if not self._quiet() and not quiet:
            for name, value in attrs:
                if name in SHOWN:
                    self._look(value or "")
        if tag not in VOID:
            self._inside.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._inside) - 1, -1, -1):
            if self._inside[at][0] == tag:
                del self._inside[at:]
                return

    def handle_data(self, data: str) -> None:
        if not self._quiet():
            self._look(data)

    def _quiet(self) -> bool:
        return any(quiet for _, quiet in self._inside)

    def _look(self, text: str) -> None:
        if set(WORD.findall(text)) - SAME:
            self.found.append(" ".join(text.replace(GAP, "…").split()))


def bare_words(source: str) -> list[str]:
    """What a template says in words that are not marked: text, attributes, texts of expressions."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)  # noqa: S701 (only read)
    page = Page()
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            page.feed(node.data if isinstance(node, nodes.TemplateData) else GAP)
    page.close()
    return page.found + [text for text in _spoken(tree) if SENTENCE.search(text)]


def _spoken(node: nodes.Node) -> Iterator[str]:
    """Texts that an expression may put on the page: not names of fields, addresses, or formats."""
    for child in node.iter_child_nodes():
        match child:
            case nodes.Const(value=str(text)):
                if text not in SAME:
                    yield text
            case nodes.Call(node=nodes.Name(name=name)) if name in TEXT_OF:
                pass
            case nodes.Compare() | nodes.Getitem() | nodes.Test() | nodes.Dict():
                pass
            case nodes.Filter(node=inner) if inner is not None:
                yield from _spoken(nodes.Output([inner]))
            case _:
                yield from _spoken(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda it: it.stem)
def test_every_word_of_a_template_is_marked(path: Path) -> None:
    assert bare_words(path.read_text()) == [], f"mark it in {path.name}: docs/translating.md"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda it: it.stem)
def test_a_script_has_its_sentences_from_the_page(path: Path) -> None:
    code = re.sub(r"(?m)//.*|^\s*/?\*.*|console\.\w+\(.*", "", path.read_text())
    said = [text for _, text in re.findall(r"([\"`])((?:(?!\1).)*)\1", code)]
    assert [it for it in said if re.search(r"[A-Z][a-z]+ [a-z]+|[a-z]+[,;.] [a-z]", it)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Not marked</p>", ["Not marked"]),
        ("<p>{{ _('Marked') }}{% trans n=1 %}{{ n }} things{% endtrans %}</p>", []),
        ('<p aria-label="Not marked">{{ x }} mm</p>', ["Not marked"]),
        ("{{ field('name', 'Not marked', url_for('a.b')) }}", ["Not marked"]),
        ("<p>{{ 'Not marked' if x == 'Compared' else y['Key'] }}</p>", ["Not marked"]),
        ('<p lang="en">English <b>is</b> said</p><code>x is y</code>', []),
        ("<p>{% if x %}{% for y in x %}, on {{ y }}{% endfor %}{% endif %}</p>", [", on"]),
    ],
)
def test_a_bare_word_is_found_wherever_it_stands(source: str, found: list[str]) -> None:
    assert bare_words(source) == found
