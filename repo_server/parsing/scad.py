"""OpenSCAD sources: what can be changed in them. Here they are read as text and not executed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commons.errors import InvalidInput
from commons.variants import MAX_LETTERS, Choice, Parameter, Value, whole

_MAX_BYTES = 1024**2
_MOST_PARAMETERS = 100
_MOST_CHOICES = 50
_MOST_LABEL = 120
_MOST_TOLD = 40 * 1024  # letters of all parameters together
# What is left open runs to the end of the file, so that each letter is looked at once.
_TOKEN = re.compile(
    r'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\])*(?:"|\Z)|(?P<bracket>[][(){}])',
    re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SECTION = re.compile(r"\s*/\*\s*\[([^]\n]{1,100})\]\s*\*/\s*")
_NUMBER = re.compile(r"[-+]?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})(?:[eE][-+]?\d{1,2})?")
# Only values that stand there as they are can be changed; what is computed from others cannot.
_PARAMETER = re.compile(
    rf"\s*(?P<name>\$?[A-Za-z_][A-Za-z0-9_]{{0,99}})\s*=\s*"
    rf'(?P<value>"[^"\\\n]{{0,{MAX_LETTERS}}}"|\[[-+\deE., ]{{1,200}}\]|true|false|'
    rf"{_NUMBER.pattern})"
    r"\s*;\s*(?://\s*(?:\[(?P<choice>[^]\n]*)\]|(?P<length>\d{1,3})\s*$)?.*)?",
    re.ASCII,
)
_ABOVE = re.compile(r"\s*//\s*(\S.*)")
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
    """Those before the first brace, where OpenSCAD's customiser ends; of two with one name the
    last, which is the one that counts."""
    section, above = None, ""
    found: dict[str, Parameter] = {}
    for line in text.splitlines():
        if heading := _SECTION.fullmatch(line):
            section = heading[1].strip()
        elif declared := _PARAMETER.fullmatch(line):
            parameter = _parameter(declared, section=section, label=above)
            if parameter and section != "Hidden":
                found[parameter.name] = parameter
        elif "{" in line.partition("//")[0]:
            break
        comment = _ABOVE.fullmatch(line)
        above = comment[1].strip()[:_MOST_LABEL] if comment else ""
    letters = 0
    for parameter in list(found.values())[:_MOST_PARAMETERS]:
        told = parameter.model_dump(mode="json", exclude_defaults=True)
        letters += len(json.dumps(told))
        if letters <= _MOST_TOLD:
            yield told


def _parameter(declared: re.Match[str], *, section: str | None, label: str) -> Parameter | None:
    """The parameter as it is declared; None of a list that holds other things than numbers."""
    value = _value(declared["value"])
    if value is None:
        return None
    limits = _limits(value, declared["choice"] or "")
    if isinstance(value, str) and declared["length"]:
        limits["max_letters"] = max(1, min(MAX_LETTERS, int(declared["length"])))
    return Parameter(name=declared["name"], value=value, section=section, label=label, **limits)


def _value(text: str) -> Value | None:
    if text.startswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if not text.startswith("["):
        return whole(float(text))
    numbers = [part.strip() for part in text[1:-1].split(",")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    return tuple(whole(float(number)) for number in numbers)


def _limits(value: Value, said: str) -> dict[str, Any]:
    """`[min:max]`, `[min:step:max]` or `[max]` of numbers, else a list of values, each of which may
    have a name: `[10:small, 20:large]`. What does not fit the value says nothing."""
    edges = [edge.strip() for edge in said.split(":")]
    is_number = not isinstance(value, bool | str)
    if is_number and len(edges) <= 3 and all(_NUMBER.fullmatch(edge) for edge in edges):
        return _range([whole(float(edge)) for edge in edges])
    if not said.strip() or isinstance(value, tuple | bool):
        return {}
    choices = [_choice(one, value) for one in said.split(",")[:_MOST_CHOICES]]
    return {"choices": tuple(filter(None, choices))} if all(choices) else {}


def _range(edges: list[int | float]) -> dict[str, Any]:
    if len(edges) == 1:
        return {"min": 0, "max": edges[0]} if edges[0] > 0 else {}
    limits = {"min": min(edges[0], edges[-1]), "max": max(edges[0], edges[-1])}
    return limits | {"step": edges[1]} if len(edges) == 3 and edges[1] > 0 else limits


def _choice(text: str, like: Value) -> Choice | None:
    said, _, name = text.partition(":")
    said = said.strip().strip('"')[:MAX_LETTERS]
    label = (name.strip() or said)[:_MOST_LABEL]
    if isinstance(like, str):
        return Choice(value=said, label=label)
    return Choice(value=whole(float(said)), label=label) if _NUMBER.fullmatch(said) else None
