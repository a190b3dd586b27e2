"""TOML: read with the line of every key, written with the author's comments kept."""

import datetime
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping

import tomlkit
from tomlkit.exceptions import TOMLKitError

from commons.errors import ManifestInvalid

DEPTH = 32
# An editor that keeps comments needs 0.5 s for so much of the worst, and 10 s for 256 kB of it.
LIKE_CHARACTERS = 16 * 1024
# TOML has no word for "nothing", which YAML has: this table stands for it.
NOTHING = {"cosmolocal-null": True}

_TOKEN = re.compile(
    r'(?P<text>"""(?:[^\\]|\\.)*?(?:"{3,5}|\Z)|' r"'''.*?(?:'{3,5}|\Z)|"
    r'"(?:[^"\\\n]|\\.)*"?|' r"'[^'\n]*'?)"
    r"|(?P<comment>#[^\n]*)|(?P<line>\n)|(?P<word>[\w-]+)|(?P<sign>[\[\]{}=.,])|(?P<space>[^\S\n]+)|.",
    re.DOTALL,
)  # fmt: skip

Data = dict[str, object]


def read_toml(text: str) -> tuple[Data, dict[str, int]]:
    """The data in `text` as JSON has it, and each key's line. Dates become the text they were."""
    lines = _lines_of(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestInvalid(f"this is not TOML: {_in_words(str(error), text)}") from error
    except ValueError as error:  # Python turns only so many digits into a number
        raise ManifestInvalid("the manifest holds a number of thousands of digits") from error
    plain = _plain(data)
    return (plain if isinstance(plain, dict) else {}), lines


def write_toml(data: Mapping[str, object], *, like: str | None = None) -> str:
    """`data` as TOML; what is as in the text `like` stays as it is written there, comments too.

    A `like` of more than LIKE_CHARACTERS counts for nothing: it would take too long.
    """
    wanted = _without_nothing(data)
    if like is not None and len(like) <= LIKE_CHARACTERS:
        try:
            document = tomlkit.parse(like)
            _amend(document, wanted)
            text = tomlkit.dumps(document)
            if read_toml(text)[0] == data:
                return text
        except (TOMLKitError, ManifestInvalid, KeyError, TypeError, ValueError):
            pass  # a form that cannot be amended is written anew
    return tomlkit.dumps(wanted)


def _amend(table: tomlkit.TOMLDocument | tomlkit.items.Table, wanted: Data) -> None:
    """The table says what is wanted, and touches nothing that said so before."""
    for key in [key for key in table if key not in wanted]:
        del table[key]
    for key, value in wanted.items():
        there = table.get(key)
        if there is None:
            table[key] = value
        elif isinstance(value, dict) and isinstance(there, tomlkit.items.Table):
            _amend(there, value)
        elif pairs := _pairs(there, value):
            for one, other in pairs:
                _amend(one, other)
        elif _plain(there) != _plain(value):
            table[key] = value


def _pairs(there: object, value: object) -> list[tuple[tomlkit.items.Table, Data]]:
    """Tables that stand in a list, each with what it is to say; none unless they are as many."""
    if not isinstance(there, tomlkit.items.AoT) or not isinstance(value, list):
        return []
    if len(there.body) != len(value) or not all(isinstance(it, dict) for it in value):
        return []
    return list(zip(there.body, value, strict=True))


def _plain(value: object) -> object:
    """Dates and times as the text they were, the table for nothing as None."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, dict):
        found = {str(key): _plain(item) for key, item in value.items()}
        return None if found == NOTHING else found
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _without_nothing(data: Mapping[str, object]) -> Data:
    def said(value: object) -> object:
        if isinstance(value, Mapping):
            return {key: said(item) for key, item in value.items()}
        if isinstance(value, list):
            return [said(item) for item in value]
        return dict(NOTHING) if value is None else value

    return {key: said(value) for key, value in data.items()}


def _in_words(said: str, text: str) -> str:
    """The parser's complaint with its line, and what is mostly behind it."""
    place = re.search(r"\(at line (\d+), column \d+\)", said)
    if place is None:
        return said
    number = int(place[1])
    lines = text.splitlines()
    line = lines[number - 1].strip()[:80] if number <= len(lines) else ""
    if said.startswith(("Cannot overwrite", "Cannot declare")):
        return f"line {number}: '{line}' says again what is said further up; keep one of the two"
    return f"line {number}: {said[: place.start()].strip().lower()}: {line}"


def _lines_of(text: str) -> dict[str, int]:
    """The line of every key outside of inline tables. ManifestInvalid where it nests too deep.

    Runs before the parser, whose time grows with the square of a key's length.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = defaultdict(int)
    table = ""
    for number, signs in _statements(text):
        if signs and signs[0] == "[":
            many = signs[1:2] == ["["]
            table = _path("", [sign for sign in signs if sign not in "[]."], counts)
            if many:
                counts[table] += 1
                table = f"{table}[{counts[table]}]"
            lines.setdefault(table, number)
        elif "=" in signs:
            names = [sign for sign in signs[: signs.index("=")] if sign != "."]
            lines.setdefault(_path(table, names, counts), number)
    return lines


def _path(table: str, names: list[str], counts: Mapping[str, int]) -> str:
    path = table
    for at, name in enumerate(names):
        path = f"{path}.{name.strip(chr(34) + chr(39))}" if path else name.strip("\"'")
        if counts.get(path) and at < len(names) - 1:
            path = f"{path}[{counts[path]}]"
    return path


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, its words and signs) of each header and each key with its value."""
    number, start, depth, dots = 1, 1, 0, 0
    signs: list[str] = []
    for token in _TOKEN.finditer(text):
        kind, said = token.lastgroup, token[0]
        if kind in ("word", "text", "sign"):
            start = start if signs else number
            signs.append(said)
            depth += (said in "[{") - (said in "]}") if kind == "sign" else 0
            dots = dots + 1 if said == "." else 0 if kind == "sign" else dots
            if max(depth, dots) > DEPTH:
                raise ManifestInvalid(f"line {number}: this nests deeper than {DEPTH} levels")
        elif kind == "line" and depth <= 0:
            yield start, signs
            signs, depth, dots = [], 0, 0
        number += said.count("\n")
    yield start, signs
