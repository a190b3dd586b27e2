"""What the letter of OKH-LOSH 1.0 and OKH 2.4 wants, and real manifests often do otherwise.

Nothing here keeps a manifest from being read or published: it is told beside.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from commons.manifest.findings import Findings
from commons.manifest.forms import is_language, is_place, is_template_value
from commons.manifest.okh_tables import look_at_tables

# Every key of the specification, and one table of our own.
KNOWN = frozenset(
    ["okhv", "name", "repo", "version", "release", "license", "licensor", "organization",
     "readme", "contribution-guide", "image", "function", "documentation-language",
     "documentation-readiness-level", "technology-readiness-level", "attestation", "publication",
     "standard-compliance", "cpc-patent-class", "tsdc", "bom", "manufacturing-instructions",
     "user-manual", "outer-dimensions", "mass", "part", "software", "source", "export",
     "auxiliary", "forkOf", "rdf", "$schema", "cosmolocal"]
)  # fmt: skip
ONLY_24 = frozenset(["forkOf", "rdf", "$schema"])
_MOST_GUESSES = 50  # comparing words is slow, and a file may hold thirty thousand
_PATHS = ("release", "readme", "contribution-guide", "bom", "user-manual")
_LISTS_OF_PATHS = ("manufacturing-instructions", "source", "export", "auxiliary", "attestation")
_FILES_OF_PART = ("source", "export", "auxiliary")
_LEVELS = {
    "technology-readiness-level": (
        re.compile(r"OTRL-[1-6]"),
        ("ideation", "conception", "development", "prototype", "manufacturing", "qualification"),
        "OTRL",
    ),
    "documentation-readiness-level": (
        re.compile(r"ODRL-([124]|3\*?)"),
        ("commenced", "collaborative", "full", "qualification"),
        "ODRL",
    ),
}
_CPC = re.compile(r"[A-HY]\d\d[A-HJ-NP-Z]( ?[12]?\d{1,3}/\d{2,6})?")
_SCHEMAS = ("https://www.schemastore.org/okh.json", "https://w3id.org/oseg/schema/okh.json")
_TSDC = ("ASM", "MEC", "CIR", "PCB", "WEL", "3DP", "LAS", "CNC")


def misspelt(key: str, data: Mapping[str, object]) -> str:
    """Advice when another key of the manifest is nearly `key`; empty when none is."""
    others = [it for it in data if it not in KNOWN][:_MOST_GUESSES]
    near = get_close_matches(key, others, n=1, cutoff=0.7)
    return f"rename '{near[0]}' to '{key}'" if near else ""


def look(data: Mapping[str, object], findings: Findings) -> None:
    """The findings hold what the letter of the specification does not allow."""
    for key in [key for key in data if key not in KNOWN][:_MOST_GUESSES]:
        _known(key, findings)
    _templates(data, findings)
    _readiness(data, findings)
    _languages(data, findings)
    _paths("", data, _PATHS, _LISTS_OF_PATHS, findings)
    _classes("", data, findings)
    _okhv(data, findings)
    _texts(data, findings)
    look_at_tables(data, findings)
    parts = data.get("part")
    for number, part in enumerate(parts if isinstance(parts, list) else [], 1):
        if isinstance(part, dict):
            _part(f"part[{number}].", part, findings)


def _known(key: str, findings: Findings) -> None:
    if key == "organisation":
        findings.strict(key, "is an older spelling", "write organization")
        return
    kebab = re.sub(r"([a-z])([A-Z])", r"\1-\2", key).lower()
    near = [kebab] if kebab in KNOWN else get_close_matches(key, KNOWN, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "put own words under [cosmolocal]"
    findings.strict(key, "is not a field of OKH", hint)


def _templates(data: Mapping[str, object], findings: Findings) -> None:
    for key, value in data.items():
        if is_template_value(value):
            findings.strict(key, "looks like a template's words", "write your own or leave it out")


def _readiness(data: Mapping[str, object], findings: Findings) -> None:
    for key, (form, words, name) in _LEVELS.items():
        said = data.get(key, data.get(_camel(key)))
        if said is None or (isinstance(said, str) and form.fullmatch(said)):
            continue
        field = key if key in data else _camel(key)
        findings.strict(field, f"is {said!r}", _level_meant(said, words, name))


def _level_meant(said: object, words: tuple[str, ...], name: str) -> str:
    text = str(said).lower()
    if found := re.search(r"(?:rl|lr)[\s_-]*([1-6]\*?)", text):  # many write OTLR
        return f"write {name}-{found[1].upper()}"
    for number, word in enumerate(words, 1):
        if word in text:
            return f"write {name}-{number}"
    return f"write {name}-1 to {name}-{len(words)}"


def _camel(key: str) -> str:
    head, *rest = key.split("-")
    return head + "".join(word.capitalize() for word in rest)


def _languages(data: Mapping[str, object], findings: Findings) -> None:
    said = data.get("documentation-language")
    if said is None:
        findings.strict("documentation-language", "is missing", "write the language, such as en")
        return
    for language in said if isinstance(said, list) else [said]:
        if not is_language(language):
            advice = "write a tag of BCP 47, such as en or en-GB"
            findings.strict("documentation-language", f"is {language!r}", advice)


def _paths(
    where: str, data: Mapping[str, object], single: Iterable[str], lists: Collection[str],
    findings: Findings,
) -> None:  # fmt: skip
    """Each of these keys of a table holds a place; those of `lists` one or several."""
    for key in (*single, *lists):
        said = data.get(key)
        for path in said if isinstance(said, list) and key in lists else [said]:
            if path is not None and not is_place(path):
                advice = "write a path inside the release, or a web address"
                findings.strict(where + key, f"is {str(path)[:80]!r}", advice)


def _classes(where: str, data: Mapping[str, object], findings: Findings) -> None:
    for key, allowed, advice in (
        ("cpc-patent-class", _CPC.fullmatch, "write a class such as A47C 16/04"),
        ("tsdc", _TSDC.__contains__, f"write some of {', '.join(_TSDC)}"),
    ):
        said = data.get(key)
        for id_ in said if isinstance(said, list) else [said]:
            if id_ is not None and not (isinstance(id_, str) and allowed(id_)):
                findings.strict(where + key, f"is {str(id_)[:40]!r}", advice)


def _texts(data: Mapping[str, object], findings: Findings) -> None:
    """Names of organizations and standards, and the address of the schema."""
    for key, may_be_table in (("organization", True), ("standard-compliance", False)):
        said = data.get(key, [])
        for text in said if isinstance(said, list) else [said]:
            if not isinstance(text, str) and not (may_be_table and isinstance(text, dict)):
                findings.strict(key, f"is {str(text)[:40]!r}", "write a name")
    if data.get("$schema", _SCHEMAS[0]) not in _SCHEMAS:
        findings.strict("$schema", "is another schema", f"write one of {', '.join(_SCHEMAS)}")


def _okhv(data: Mapping[str, object], findings: Findings) -> None:
    if data.get("okhv") not in (None, "OKH-LOSHv1.0", "2.4"):
        findings.strict("okhv", f"is {data['okhv']!r}", 'write "2.4"')


def _part(where: str, part: Mapping[str, object], findings: Findings) -> None:
    _paths(where, part, (), _FILES_OF_PART, findings)
    _classes(where, part, findings)
    if "source" in part and "export" in part:
        findings.strict(
            f"{where}export", "stands beside source: the strict schema takes one of them"
        )
    if isinstance(part.get("outer-dimension"), str):
        advice = "write outer-dimensions = {width = …, depth = …, height = …} in mm"
        findings.strict(f"{where}outer-dimension", "is not a field of OKH", advice)
