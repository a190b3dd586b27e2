"""YAML as manifests use it: text stays text, and every key has its line.

Read from the parser's events, with no implicit types but true, false, null and plain whole
numbers: `version: 6.0`, `no` and dates are the text that somebody wrote. Under `cosmolocal`, where
other dialects' data are kept, `200.0` is the number that it was there. No aliases and no tags.
The parser is libyaml, whose time is linear (256 kB: 0.3 s at most) and whose depth is bounded; the
one in Python took ten minutes over 256 kB of opening brackets.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite

import yaml

from commons.errors import ManifestInvalid
from commons.manifest.translation import OWN

DEPTH = 32
EXACT = 2**53 - 1  # a longer number is text: JSON's readers would round it
_ENDLESS = 2**30
HEADER = "%Open Know-How Manifest 1.0\n---\n"

Data = dict[str, object]

_BROKEN = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+(e[-+][0-9]{2,3})?")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def read_yaml(text: str) -> tuple[Data, dict[str, int]]:
    """The data in `text`, and each key's line. ManifestInvalid in one sentence with the line."""
    text = directive_hidden(text)
    try:
        return _Reading(text).document()
    except yaml.MarkedYAMLError as error:
        raise ManifestInvalid(f"this is not YAML: {_in_words(error, text)}") from error
    except yaml.YAMLError as error:
        raise ManifestInvalid(f"this is not YAML: {str(error)[:200]}") from error


def directive_hidden(text: str) -> str:
    """`text`, as long as it was, without OKH v1's first line: that looks like a directive which no
    parser knows."""
    return re.sub(r"\A%(?=Open)", "#", text)


def write_yaml(data: Mapping[str, object]) -> str:
    """`data` as YAML with OKH v1's first line; what another reader would take for a number, a
    date or a yes is quoted."""
    body = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return HEADER + str(body)


def lines_of(data: Mapping[str, object]) -> list[str]:
    """`data` as lines of YAML that can stand in a block, at whatever depth."""
    body = yaml.dump(
        dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS
    )
    return str(body).splitlines()


def flow_of(value: object) -> str:
    """`value` as YAML in one line, which can stand wherever a value can."""
    listed = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True,
        width=_ENDLESS,
    )  # fmt: skip
    return str(listed).strip()[1:-1]


class _Dumper(yaml.SafeDumper):
    """Writes the same value twice instead of a reference to it."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    """Several lines as a block; what some readers take for the end of a line, escaped."""
    style = '"' if set(text) & set("\x85\u2028\u2029\ufeff") else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


class _Reading:
    """One document on its way from events to data. Recursion is at most DEPTH deep."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._lines: dict[str, int] = {}

    def document(self) -> tuple[Data, dict[str, int]]:
        data: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _at(event, "a second document begins here; a manifest is one")
                data = self._value(next(self._events), "", 0)
        if not isinstance(data, dict):
            raise ManifestInvalid("this is no manifest: it holds no 'key: value' lines")
        return data, self._lines

    def _value(self, event: yaml.Event, path: str, depth: int) -> object:
        if depth > DEPTH:
            raise _at(event, f"this nests deeper than {DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            raise _at(event, f"'*{event.anchor}' points to another place; write it out here")
        if (tag := getattr(event, "tag", None)) is not None:
            raise _at(event, f"the tag {tag[:40]} is not taken; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, broken=path.startswith(f"{OWN}."))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: str, depth: int) -> list[object]:
        found: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            here = f"{path}[{len(found) + 1}]"
            self._lines.setdefault(here, _line(event))
            found.append(self._value(event, here, depth + 1))
        return found

    def _mapping(self, path: str, depth: int) -> Data:
        found: Data = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _at(event, "a key must be text")
            key, line = str(event.value), _line(event)
            here = f"{path}.{key}" if path else key
            value = self._value(next(self._events), here, depth + 1)
            if found.setdefault(key, value) != value:
                raise _at(
                    event,
                    f"'{key}' is said again, and otherwise than in line {self._lines[here]}; "
                    "keep one of the two",
                )
            self._lines.setdefault(here, line)
        return found


def _scalar(event: yaml.ScalarEvent, *, broken: bool) -> object:
    """The text, word or number; one with a fraction only where `broken` ones are taken."""
    value = str(event.value)
    if event.style:  # in quotes or as a block: text
        return value
    if value in _WORDS:
        return _WORDS[value]
    if broken and _BROKEN.fullmatch(value) and isfinite(float(value)):
        return float(value)
    whole = _WHOLE.fullmatch(value) and abs(int(value)) <= EXACT
    return int(value) if whole else value


def _at(event: yaml.Event, sentence: str) -> ManifestInvalid:
    return ManifestInvalid(f"line {_line(event)}: {sentence}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _in_words(error: yaml.MarkedYAMLError, text: str) -> str:
    """The parser's complaint with its line, and what is mostly behind it."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return str(error.problem)
    lines = text.splitlines()
    line = lines[mark.line].strip() if mark.line < len(lines) else ""
    key, colon, value = line.removeprefix("- ").partition(": ")
    value = value.strip()
    where = f"line {mark.line + 1}"
    if "nesting depth" in f"{error.problem} {error.context}":
        return f"{where}: this nests deeper than {DEPTH} levels"
    if colon and value and (value[0] in "@`%&*!|>{[" or ": " in value):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')[:80]
        return f"{where}: '{value[:80]}' needs quotes; write {key}: \"{quoted}\""
    if "\t" in line or "\\t" in str(error.problem):
        return f"{where}: a tab stands where YAML wants spaces"
    return f"{where}: {error.problem}: {line[:80]}"
