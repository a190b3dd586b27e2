"""Pages as a browser without scripts understands them, and forms as somebody fills them in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Protocol

from flask.testing import FlaskClient


class Visitor(Protocol):
    """Somebody at a browser."""

    @property
    def browser(self) -> FlaskClient: ...


@dataclass
class Page(HTMLParser):
    """What matters of a page: links, forms with their fields, pictures, headings and its text."""

    text: str
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._script, self._select = False, ""
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        # What is told to programs is no script.
        self._script = tag == "script" and given.get("type") != "application/ld+json"
        self.wrong += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" or (tag == "img" and "alt" not in given):
            self.wrong.append(tag)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img", "link") and given.get("type") != "application/ld+json":
            self.loads.append(given.get("src") or given.get("href") or "inline")
        if tag == "form":
            action, _, _ = given["action"].partition("#")  # where to look is not sent
            self.forms.append({"method": given.get("method", "get"), "action": action})
        self._note_field(tag, given)
        if tag == "h1":
            self.headings.append(tag)

    def _note_field(self, tag: str, given: dict[str, str]) -> None:
        """What the form sends of it."""
        unticked = given.get("type") == "checkbox" and "checked" not in given  # and so not sent
        if tag in ("input", "select", "button", "textarea"):
            self._select = "" if unticked else given.get("name", "")  # no name: a script's own
            sent = True
        else:
            sent = tag == "option" and "selected" in given
        if sent and self._select and self.forms:
            self.forms[-1][self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.wrong.append("script inside the page")


def page(browser: FlaskClient, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


def fill(someone: Visitor, path: str, action: str, **values: str) -> dict[str, str]:
    """The fields of the form on `path` that goes to `action`, with these values filled in."""
    forms = [form for form in page(someone.browser, path).forms if form["action"] == action]
    assert forms, f"{path} has no form to {action}"
    return {k: v for k, v in forms[0].items() if k not in ("method", "action")} | values
