"""Answers to what a manifest left open, written into it in its own dialect."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.errors import InvalidInput
from commons.manifest.dialect import Dialect
from commons.manifest.findings import Finding, Level
from commons.manifest.guesses import Guess

# What a release has to know, in our words, and where each stands in v1.
QUESTIONS = ("name", "version", "license", "licensor", "function", "repo")
_IN_V1 = {
    "name": ("title",),
    "version": ("version",),
    "license": ("license", "hardware"),
    "licensor": ("licensor", "name"),
    "function": ("description",),
    "repo": ("project-link",),
}
_QUESTION_OF = {".".join(path): key for key, path in _IN_V1.items()} | {
    "licensor": "licensor", "license": "license", "license.documentation": "license"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One field that a release must know: what is wrong with it now, and what it may be."""

    field: str
    problem: str
    line: int | None
    guess: Guess | None


def questions_in(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    """The questions that findings leave open, in the order in which they are asked."""
    asked: dict[str, Finding] = {}
    for finding in findings:
        key = _QUESTION_OF.get(finding.field, finding.field)
        if finding.level is not Level.STRICT and key in QUESTIONS:
            asked.setdefault(key, finding)
    return {key: asked[key] for key in QUESTIONS if key in asked}


def answered(
    data: Mapping[str, object], answers: Mapping[str, str], dialect: Dialect
) -> dict[str, object]:
    """The manifest's data with the answers that are not empty, in its dialect's words."""
    amended = dict(data)
    for key, answer in answers.items():
        if not answer.strip():
            continue
        path = _IN_V1[key] if dialect is Dialect.V1 else (key,)
        if len(path) == 1:
            amended[path[0]] = answer.strip()
            continue
        inner = amended.get(path[0])
        kept = dict(inner) if isinstance(inner, Mapping) else {}
        amended[path[0]] = {**kept, path[1]: answer.strip()}
    return amended


def fed_with(data: Mapping[str, object], part: str, file: str) -> dict[str, object]:
    """The manifest's data with the part of this name made from `file`; what it named before stays
    behind it. InvalidInput when there is no such part."""
    listed = data.get("part")
    parts = list(listed) if isinstance(listed, list) else []
    for at, table in enumerate(parts):
        if isinstance(table, Mapping) and str(table.get("name", "")).strip() == part:
            before = table.get("export", [])
            others = before if isinstance(before, list) else [before]
            parts[at] = {**table, "export": [file, *(it for it in others if it != file)]}
            return {**data, "part": parts}
    raise InvalidInput(f"the manifest names no part '{part[:80]}' below [[part]]")
