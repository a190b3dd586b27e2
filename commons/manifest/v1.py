"""OKH v1 (2019, YAML): what a manifest in its words must hold, by key, with its line."""

from collections.abc import Mapping
from difflib import get_close_matches

from commons.licences.spelling import wrong_spelling
from commons.manifest.findings import Findings, Level
from commons.manifest.forms import (
    inside,
    is_date,
    is_language,
    is_template_value,
    is_web_address,
)

TEXTS = ("title", "description", "intended-use", "health-safety-notice", "development-stage")
PATHS = ("image", "documentation-home", "archive-download", "bom", "tool-list")
DOCUMENTS = (
    "design-files", "schematics", "making-instructions", "manufacturing-files", "risk-assessment",
    "tool-settings", "quality-instructions", "operating-instructions", "maintenance-instructions",
    "disposal-instructions", "software",
)  # fmt: skip
RELATED = ("derivative-of", "variant-of", "sub-parts", "sub", "manifest-is-translation",
           "documentation-is-translation")  # fmt: skip
PEOPLE = ("licensor", "manifest-author", "contact", "contributors")
_BOOLS = ("made", "made-independently")
_DATES = ("date-created", "date-updated")
_LANGUAGES = ("manifest-language", "documentation-language")
_SCOPES = ("hardware", "documentation", "software")
_OTHERS = ("keywords", "project-link", "version", "license", "standards-used",
           "okh-manifest-version", "cosmolocal")  # fmt: skip
KNOWN = frozenset(
    [*TEXTS, *PATHS, *DOCUMENTS, *RELATED, *PEOPLE, *_BOOLS, *_DATES, *_LANGUAGES, *_OTHERS]
)


def look(data: Mapping[str, object], findings: Findings) -> None:
    """The findings hold all that is wrong with a v1 manifest, each under its v1 key."""
    _required(data, findings)
    _licence(data, findings)
    _needed_here(data, findings)
    for key, value in data.items():
        if is_template_value(value):
            level = Level.WRONG if key in ("title", "description") else Level.STRICT
            findings.wrong(key, "still holds what the template says",
                           "write your own, or leave the line out", level=level)  # fmt: skip
        elif key in KNOWN:
            _form(key, value, findings)
    # The others are allowed; the one that was meant may be another.
    for key in _unknown(data):
        if near := get_close_matches(key, KNOWN - data.keys(), n=1, cutoff=0.8):
            findings.strict(key, "is not a key of OKH v1", f"did you mean '{near[0]}'?")


def _unknown(data: Mapping[str, object]) -> list[str]:
    """The first keys that v1 does not know; comparing words is slow, and a file may hold many."""
    return [key for key in data if key not in KNOWN][:50]


def _required(data: Mapping[str, object], findings: Findings) -> None:
    for key in ("title", "description"):
        value = data.get(key)
        if key not in data:
            near = get_close_matches(key, _unknown(data), n=1, cutoff=0.7)
            advice = f"rename '{near[0]}' to '{key}'" if near else f"write {key}: and the text"
            findings.wrong(key, "is missing", advice)
        elif not is_template_value(value) and not (isinstance(value, str) and value.strip()):
            findings.wrong(key, "must be text that is not empty")
    if not data.get("project-link") and not data.get("documentation-home"):
        findings.strict("project-link", "is missing, and so is documentation-home", "give one")


def _licence(data: Mapping[str, object], findings: Findings) -> None:
    licences = data.get("license")
    if isinstance(licences, str):
        findings.strict("license", "is text", f"write license: and below it, hardware: {licences}")
        licences = {"hardware": licences}
    if not isinstance(licences, Mapping) or not any(licences.get(scope) for scope in _SCOPES):
        advice = "write license: and below it, indented, hardware: CERN-OHL-S-2.0"
        findings.wrong("license", "is missing", advice)
        return
    deciding = "hardware" if licences.get("hardware") else "documentation"
    for scope in _SCOPES:
        written = licences.get(scope)
        if not written:
            continue
        problem = wrong_spelling(written) if isinstance(written, str) else "must be text"
        if problem:
            findings.wrong(f"license.{scope}", problem)
    if not licences.get(deciding):
        findings.wrong("license.hardware", "is missing", "say under which licence it may be made")


def _needed_here(data: Mapping[str, object], findings: Findings) -> None:
    """What v1 leaves open, and a release here must know."""
    for key, missing, advice in (
        ("version", data.get("version") in (None, ""), "write version: 1.0.0"),
        ("licensor", not _names(data.get("licensor")), "write licensor: and below it, name: …"),
        ("project-link", not any(is_web_address(data.get(key)) for key in
                                 ("project-link", "documentation-home")),
         "write the web address where it is developed"),
    ):  # fmt: skip
        if missing:
            findings.wrong(key, "is missing", advice, level=Level.NEEDED)


def _names(value: object) -> bool:
    people = value if isinstance(value, list) else [value]
    return any((isinstance(it, str) and it.strip()) or
               (isinstance(it, Mapping) and (it.get("name") or it.get("affiliation")))
               for it in people)  # fmt: skip


def _form(key: str, value: object, findings: Findings) -> None:
    if value is None:
        findings.strict(key, "is empty", "write something, or leave the line out")
        return
    for keys, check in _FORMS:
        if key in keys:
            check(key, value, findings)


def _text(key: str, value: object, findings: Findings) -> None:
    if not isinstance(value, str):
        findings.strict(key, "must be text")


def _path(key: str, value: object, findings: Findings) -> None:
    if not isinstance(value, str):
        findings.strict(key, "must be a path or a web address")
    elif not is_web_address(value) and inside(value) is None:
        # Only what a release shows must lead to one of its files.
        level = Level.WRONG if key in ("image", "bom") else Level.STRICT
        findings.wrong(key, f"'{value[:80]}' is not a path inside the release", level=level)


def _bool(key: str, value: object, findings: Findings) -> None:
    if not isinstance(value, bool):
        said = str(value).lower()
        meant = {"yes": "true", "no": "false"}.get(said, "true or false")
        findings.strict(key, f"is {str(value)[:40]!r}", f"write {key}: {meant}")


def _date(key: str, value: object, findings: Findings) -> None:
    if not is_date(value):
        findings.strict(key, f"is {str(value)[:40]!r}", "write a date such as 2024-05-01")


def _language(key: str, value: object, findings: Findings) -> None:
    if not is_language(value):
        findings.strict(key, f"is {str(value)[:40]!r}", "write a tag such as en or en-GB")


def _documents(key: str, value: object, findings: Findings) -> None:
    if not isinstance(value, list):
        findings.strict(key, "must be a list", f"write {key}: and below it, - path: …")
        return
    for number, item in enumerate(value, 1):
        path = item.get("path") if isinstance(item, Mapping) else None
        where = f"{key}[{number}]"
        if not isinstance(path, str):
            findings.strict(where, "has no path", "write - path: …")
        elif not is_web_address(path) and inside(path) is None:
            findings.strict(f"{where}.path", f"'{path[:80]}' is not a path inside the release")


def _person(key: str, value: object, findings: Findings) -> None:
    people = value if key == "contributors" and isinstance(value, list) else [value]
    for number, person in enumerate(people, 1):
        where = f"{key}[{number}]" if key == "contributors" else key
        if not isinstance(person, Mapping):
            findings.strict(where, "must be a person", "write below it, name: … and email: …")
        elif not (person.get("name") or person.get("email")):
            findings.strict(f"{where}.name", "is missing")


def _keywords(key: str, value: object, findings: Findings) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(it, str) for it in value):
        findings.strict(key, "must be a list of words", "write each in a line that begins with -")
    elif len(set(value)) < len(value):
        findings.strict(key, "holds a word twice")


def _related(key: str, value: object, findings: Findings) -> None:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, Mapping):
            findings.strict(key, "must say title, manifest and web of the other design")


def _address(key: str, value: object, findings: Findings) -> None:
    if not is_web_address(value):
        findings.strict(key, f"'{str(value)[:80]}' is not a web address", "begin it with https://")


_FORMS = (
    (TEXTS[2:], _text),
    (PATHS, _path),
    (_BOOLS, _bool),
    (_DATES, _date),
    (_LANGUAGES, _language),
    (DOCUMENTS, _documents),
    (PEOPLE, _person),
    (RELATED, _related),
    (("keywords",), _keywords),
    (("project-link",), _address),
)
