"""Forks: what a release is made from, said in its manifest and in its change notice.

`[cosmolocal] parents` lists the ids of the releases that a release was made from. It is part of the
manifest, so the release's own hash vouches for it, on whatever server and disk it travels.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from commons.content import require_sha256
from commons.errors import FieldProblem, InvalidInput
from commons.manifest.dialect import Syntax, syntax_of
from commons.manifest.yaml_amending import amend_yaml
from commons.manifest.yaml_text import read_yaml
from commons.texts import filled

NOTICE = "CHANGES.md"
MOST_PARENTS = 20
MOST_CHANGE = 1000
_FIELD = "cosmolocal.parents"
_TABLE = re.compile(r"^\[cosmolocal\][ \t]*(?:#.*)?$", re.MULTILINE)
_KEY = re.compile(r"^parents[ \t]*=[ \t]*\[[^\]]*\][^\n]*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parent:
    """The release that a fork begins with, as its change notice names it."""

    id: str
    title: str
    version: str
    license: str
    address: str


def parents_of(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """The ids of the releases that this one says it was made from.

    InvalidInput, with its field, for what is no list of release ids.
    """
    own = manifest.get("cosmolocal")
    written = own.get("parents", []) if isinstance(own, Mapping) else []
    if not isinstance(written, list) or len(written) > MOST_PARENTS:
        raise _wrong(f"must be a list of at most {MOST_PARENTS} release ids")
    for id_ in written:
        try:
            require_sha256(str(id_))
        except InvalidInput as error:
            raise _wrong(f"{error}: give the ids of releases") from error
    return tuple(dict.fromkeys(map(str, written)))


def name_parents(text: str, parents: tuple[str, ...]) -> str:
    """The manifest `text` says that it was made from `parents`; all else stays as it is written.

    InvalidInput when it is written so that they cannot be put in: then its author has to.
    """
    if (data := _of_yaml(text)) is not None:
        own = data.get("cosmolocal")
        kept = own if isinstance(own, dict) else {}
        return amend_yaml(text, {**data, "cosmolocal": {**kept, "parents": list(parents)}})
    listed = ", ".join(f'"{id_}"' for id_ in parents)
    line = f"parents = [{listed}]\n"
    table = _TABLE.search(text)
    if table is None:
        changed = f"{text.rstrip()}\n\n[cosmolocal]\n{line}"
    else:
        end = table.end() + 1
        behind = text.find("\n[", end)
        own = text[end:] if behind < 0 else text[end : behind + 1]
        rest = "" if behind < 0 else text[behind + 1 :]
        changed = f"{text[: table.end()]}\n{line}{_KEY.sub('', own)}{rest}"
    try:
        if parents_of(tomllib.loads(changed)) == parents:
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise InvalidInput(
        f"write this into the table [cosmolocal] of okh.toml yourself: {line.strip()}"
    )


def _of_yaml(text: str) -> dict[str, object] | None:
    """The data of a manifest that is YAML; None for every other text."""
    try:
        return read_yaml(text)[0] if syntax_of(text) is Syntax.YAML else None
    except InvalidInput:
        return None


def change_notice(before: str, parent: Parent, *, by: str, change: str, on: date) -> str:
    """The text of CHANGES.md with one more entry: who changed what of which release, and when."""
    said = " ".join(change.split())
    entry = (
        f"- {on.isoformat()}: {by} changed {parent.title} {parent.version} "
        f"({parent.license}, <{parent.address}>, release {parent.id}): {said}\n"
    )
    above = before.rstrip() or "# Changes"
    is_entry = above.rpartition("\n")[2].startswith("- ")  # entries stand close together
    return above + ("\n" if is_entry else "\n\n") + entry


def require_change(change: str) -> None:
    """Pass for a sentence that tells what a fork changes."""
    if not 1 <= len(change.strip()) <= MOST_CHANGE:
        problem = filled("say in 1 to %(most)s characters what you change", most=MOST_CHANGE)
        raise InvalidInput(f"change: {problem}", [FieldProblem("change", problem)])


def _wrong(problem: str) -> InvalidInput:
    return InvalidInput(f"{_FIELD}: {problem}", [FieldProblem(_FIELD, problem)])
