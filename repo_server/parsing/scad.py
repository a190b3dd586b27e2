"""OpenSCAD sources: what can be changed in them. They are read as text and never executed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commons.errors import InvalidInput

_MAX_BYTES = 1024**2
_MOST_PARAMETERS = 100
_MOST_LETTERS = 100
# What is left open runs to the end of the file, so that each letter is looked at once.
_TOKEN = re.compile(
    r'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\])*(?:"|\Z)|(?P<bracket>[][(){}])',
    re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SECTION = re.compile(r"\s*/\*\s*\[([^]\n]{1,100})\]\s*\*/\s*")
_PARAMETER = re.compile(
    r'\s*(?P<name>[A-Za-z_]\w{0,99})\s*=\s*(?P<value>"[^"\n]*"|\[[-\d., ]*\]|[-+.\w]+)\s*;'
    r"\s*(?://\s*(?:\[(?P<choice>[^]\n]*)\])?.*)?"
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_READS = re.compile(r"^[ \t]*(?:include|use)[ \t]*<", re.MULTILINE)


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """The parameters of the customiser with their sections and choices, and how many other
    sources it reads. Raises InvalidInput for what is no whole OpenSCAD program."""
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this source has {len(data) >> 10} kB; {_MAX_BYTES >> 10} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("this is no OpenSCAD source: it is not text in UTF-8") from error
    if "\0" in text or text.lstrip().startswith("<") or not re.search(r"[;}]", text):
        raise InvalidInput("this is no OpenSCAD source")
    _require_whole(text)
    return {"facts": {"parameters": list(_parameters(text)), "reads": len(_READS.findall(text))}}


def _require_whole(text: str) -> None:
    opened: list[str] = []
    for token in _TOKEN.finditer(text):
        bracket = token["bracket"]
        if bracket in ("(", "[", "{"):
            opened.append(bracket)
        elif bracket and (not opened or opened.pop() != _PAIRS[bracket]):
            line = text.count("\n", 0, token.start()) + 1
            raise InvalidInput(f"line {line} of this source closes a bracket that is not open")
    if opened:
        raise InvalidInput("this source ends before its brackets are closed; is it all there?")


def _parameters(text: str) -> Iterator[dict[str, Any]]:
    """Those before the first brace, where OpenSCAD's customiser ends."""
    section, told = None, 0
    for line in text.splitlines():
        if heading := _SECTION.fullmatch(line):
            section = heading[1].strip()
        elif found := _PARAMETER.fullmatch(line):
            if section != "Hidden" and told < _MOST_PARAMETERS:
                told += 1
                value = found["value"][:_MOST_LETTERS]
                parameter = {"name": found["name"], "value": value, "section": section}
                yield parameter | _choice(found["choice"])
        elif "{" in line.partition("//")[0]:
            return


def _choice(text: str | None) -> dict[str, Any]:
    """`[min:max]`, `[min:step:max]`, or a list of values."""
    if not text:
        return {}
    edges = [edge.strip() for edge in text.split(":")]
    if len(edges) in (2, 3) and all(_NUMBER.fullmatch(edge) for edge in edges):
        step = {"step": edges[1]} if len(edges) == 3 else {}
        return {"min": edges[0], "max": edges[-1], **step}
    return {"choices": text[:_MOST_LETTERS]}
