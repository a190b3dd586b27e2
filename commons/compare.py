"""What changed between two releases: keys of the manifest, files, and lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

from commons.bom import BomLine

# What is compared line by line; a longer text is compared by its hash alone.
MOST_LINES = 2000
MOST_BYTES = 200_000
# Equal lines that are shown around a change.
_AROUND = 3
_TABLE = "part"


class Sign(StrEnum):
    """What became of a line, a key, a file or a line of a bill of materials."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text with its numbers before and after, from 1. A SKIPPED line stands for
    several equal ones, and says how many."""

    sign: Sign
    text: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key of a manifest, such as `part 'Lid'.material`, and its values; None where it is not."""

    key: str
    sign: Sign
    before: object = None
    after: object = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """A path and the hashes of its bytes; None where it is not."""

    path: str
    sign: Sign
    before: str | None = None
    after: str | None = None


def compare_keys(before: Mapping[str, object], after: Mapping[str, object]) -> list[KeyChange]:
    """Every key whose value differs, tables by their keys and parts by their names."""
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        KeyChange(key, _sign(key in old, key in new), old.get(key), new.get(key))
        for key in keys
        if key not in old or key not in new or old[key] != new[key]
    ]


def compare_files(before: Mapping[str, str], after: Mapping[str, str]) -> list[FileChange]:
    """Every path that one of them lacks, or whose hash differs; by path."""
    return [
        FileChange(path, _sign(path in before, path in after), before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


@dataclass(frozen=True, slots=True)
class BomChange:
    """An item and its lines in both bills; None where it is not."""

    item: str
    sign: Sign
    before: BomLine | None = None
    after: BomLine | None = None


def compare_boms(before: Sequence[BomLine], after: Sequence[BomLine]) -> list[BomChange]:
    """Every item that one of them lacks, or whose line says another thing; wherever it stands."""
    old, new = _by_item(before), _by_item(after)
    keys = [*old, *(key for key in new if key not in old)]
    return [
        BomChange(key[0], _sign(key in old, key in new), old.get(key), new.get(key))
        for key in keys
        if key not in old or key not in new or _said(old[key]) != _said(new[key])
    ]


def _by_item(lines: Sequence[BomLine]) -> dict[tuple[str, int], BomLine]:
    """Lines by their item, and which of several with this item they are."""
    found: dict[tuple[str, int], BomLine] = {}
    for line in lines:
        which = 0
        while (line.item, which) in found:
            which += 1
        found[line.item, which] = line
    return found


def _said(line: BomLine) -> BomLine:
    return replace(line, number=0)


def compare_text(before: bytes, after: bytes) -> tuple[Line, ...] | None:
    """The lines that changed and three around them; None for what is no text, or too long."""
    texts = [_lines(data) for data in (before, after)]
    if texts[0] is None or texts[1] is None:
        return None
    return tuple(_changed(texts[0], texts[1]))


def _flat(table: Mapping[str, object], where: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if key == _TABLE and not where and isinstance(value, list):
            yield from _flat_parts(value)
        elif isinstance(value, Mapping) and value:
            yield from _flat(value, f"{where}{key}.")
        else:
            yield where + key, value


def _flat_parts(parts: Sequence[object]) -> Iterator[tuple[str, object]]:
    """Parts by their names, so that a new one in front changes none behind it."""
    seen: set[str] = set()
    for number, part in enumerate(parts, 1):
        if not isinstance(part, Mapping):
            continue
        name = f"part '{part.get('name', number)}'"
        name = name if name not in seen else f"{name} [{number}]"
        seen.add(name)
        yield name, True
        yield from _flat({k: v for k, v in part.items() if k != "name"}, f"{name}.")


def _sign(was: bool, is_: bool) -> Sign:
    if was and is_:
        return Sign.CHANGED
    return Sign.REMOVED if was else Sign.ADDED


def _lines(data: bytes) -> list[str] | None:
    if len(data) > MOST_BYTES or b"\0" in data:
        return None
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None
    return lines if len(lines) <= MOST_LINES else None


def _changed(old: list[str], new: list[str]) -> Iterator[Line]:
    end_before = end_after = 0
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(_AROUND):
        start = group[0]
        yield from _skipped(start[1] - end_before)
        for kind, a, b, c, d in group:
            if kind == "equal":
                for i, j in zip(range(a, b), range(c, d), strict=True):
                    yield Line(Sign.SAME, old[i], i + 1, j + 1)
            else:
                yield from (Line(Sign.REMOVED, old[i], i + 1) for i in range(a, b))
                yield from (Line(Sign.ADDED, new[j], None, j + 1) for j in range(c, d))
        end_before, end_after = group[-1][2], group[-1][4]
    if end_before or end_after:
        yield from _skipped(len(old) - end_before)


def _skipped(count: int) -> Iterator[Line]:
    if count:
        lines = "1 equal line" if count == 1 else f"{count} equal lines"
        yield Line(Sign.SKIPPED, lines)
