"""The language of a page: what the person chose, else what the browser asks for, else English.

The texts are gettext catalogues, `locale/<tag>/LC_MESSAGES/messages.po`, read when the server
starts. A language is there when its folder is: no list in the code names it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import has_request_context, request
from flask.sansio.app import App
from werkzeug.datastructures import LanguageAccept

COOKIE = "language"
FOLDER = Path(__file__).with_name("locale")
_KEPT_IN = "cosmo.language"
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages are shown in; `name` is what it calls itself.

    `known` are the English texts, but for those with plurals, that its catalogue translates.
    """

    tag: str
    name: str
    locale: Locale
    texts: NullTranslations
    known: frozenset[str] = frozenset()


# Dates are written as in Britain, 30 November 2026.
ENGLISH = Language("en", "English", Locale("en", "GB"), NullTranslations())


@cache
def read_languages(folder: Path = FOLDER) -> Mapping[str, Language]:
    """English and every language that has a catalogue in `folder`, by tag."""
    found = {ENGLISH.tag: ENGLISH}
    for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        tag = path.parents[1].name
        locale = Locale.parse(tag)
        name = locale.get_language_name(tag) or tag
        with path.open("rb") as source:
            catalogue = read_po(source, locale=tag)
        known = frozenset(it.id for it in catalogue if it.string and isinstance(it.id, str))
        name = name[:1].upper() + name[1:]
        found[tag] = Language(tag, name, locale, _compiled(catalogue), known)
    return found


def _compiled(catalogue: Catalog) -> NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def register(app: App) -> None:
    """Templates of this app have `_()`, `{% trans %}` and `languages`."""
    env = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals["languages"] = list(read_languages().values())


def choose(chosen: str | None, asked: LanguageAccept) -> Language:
    """The language that was `chosen` if we have it, else the best of those `asked` for."""
    known = read_languages()
    if chosen is not None and chosen in known:
        return known[chosen]
    for wanted, quality in asked:
        for tag in (wanted.lower(), wanted.lower().partition("-")[0]):
            if quality > 0 and tag in known:
                return known[tag]
    return ENGLISH


def current() -> Language:
    """The language of the page that is being made; English where none is."""
    if not has_request_context():
        return ENGLISH
    if _KEPT_IN not in request.environ:
        chosen = choose(request.cookies.get(COOKIE), request.accept_languages)
        request.environ[_KEPT_IN] = chosen
    language: Language = request.environ[_KEPT_IN]
    return language


def gettext(text: str) -> str:
    """`text` in the page's language; as it is where nobody has translated it."""
    return current().texts.gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form that `count` asks for in the page's language."""
    return current().texts.ngettext(one, many, count)


class Texts(Mapping[Key, str]):
    """A table of English texts that answers in the page's language."""

    def __init__(self, english: Mapping[Key, str]) -> None:
        self._english = english

    def __getitem__(self, key: Key) -> str:
        return gettext(self._english[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._english)

    def __len__(self) -> int:
        return len(self._english)
