"""Bills of materials: what one finished object needs, made here, from other designs, or bought.

A bill is a CSV table with a line of names on top. `item` and `quantity` must be among them; `made`
(yes or no), `material`, `source` and `note` are read where they are. A source is a file of the
release, `design:SLUG` or `design:SLUG@VERSION`, `stock:MATERIAL`, a web address, or words.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from commons.machine import Process
from commons.manifest import Part

MOST_BYTES = 256 * 1024
MOST_LINES = 1000
_NEEDED = {"item", "quantity"}
_QUANTITY = re.compile(r"(\d{1,9}(?:[.,]\d{1,6})?)\s*([^\d\s].{0,19})?")


class Origin(StrEnum):
    """Where an item comes from."""

    OWN = "own"  # made from a file of this release
    DESIGN = "design"  # an object of another design
    STOCK = "stock"  # what a lab has on its shelf
    SHOP = "shop"  # bought, or found


@dataclass(frozen=True, slots=True)
class BomLine:
    """One line of a bill. `number` counts from 1; `quantity` is None where nobody can read one.

    `target` is a path, the slug of a design, a material, or where it is bought; `version` is that
    of the design where one is named.
    """

    number: int
    item: str
    quantity: float | None
    unit: str
    origin: Origin
    target: str
    version: str | None = None
    material: str = ""
    note: str = ""


class How(StrEnum):
    """How somebody comes by an item."""

    PRINTED = "printed"
    MILLED = "milled"
    BY_HAND = "by_hand"
    STOCK = "stock"
    BOUGHT = "bought"


_HOW_MADE = {Process.FDM: How.PRINTED, Process.CNC: How.MILLED, None: How.BY_HAND}


@dataclass(frozen=True, slots=True)
class Need:
    """So much of an item for one finished object, whatever of it needs it.

    `quantity` is None when one of the lines that it adds up is not known; `title` names the designs
    that need it.
    """

    how: How
    item: str
    material: str
    quantity: float | None
    unit: str
    source: str
    title: str


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of one release: its lines, how its parts are made, and the release (by id) that
    stands behind a line that is another design."""

    title: str
    lines: tuple[BomLine, ...]
    made: Mapping[str, Process | None]
    components: Mapping[int, str]


def read_bom(data: bytes) -> tuple[BomLine, ...] | None:
    """The lines of the bill; None when it is not such a table, or too long to be read."""
    if len(data) > MOST_BYTES:
        return None
    try:
        rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error):
        return None
    names = [name.strip().lower() for name in rows[0]] if rows else []
    if not set(names) >= _NEEDED or len(rows) > MOST_LINES:
        return None
    tables = (dict(zip(names, map(str.strip, row), strict=False)) for row in rows[1:])
    return tuple(_line(number, it) for number, it in enumerate(tables, 1) if it.get("item"))


def lines_of_parts(parts: Iterable[Part]) -> tuple[BomLine, ...]:
    """The bill of a design that has none: its parts."""
    return tuple(
        BomLine(number, it.name, float(it.quantity), "", Origin.OWN, it.file or "",
                material=it.material or "")
        for number, it in enumerate(parts, 1)
    )  # fmt: skip


def _line(number: int, row: Mapping[str, str]) -> BomLine:
    quantity, unit = _amount(row.get("quantity", ""))
    origin, target, version = _source(row.get("source", ""), row.get("made", ""))
    return BomLine(
        number=number,
        item=row["item"],
        quantity=quantity,
        unit=unit,
        origin=origin,
        target=target,
        version=version,
        material=row.get("material", ""),
        note=row.get("note", ""),
    )


def _amount(text: str) -> tuple[float | None, str]:
    """`20 ml` as a number and its unit; no number where there is none."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None, text
    return float(found[1].replace(",", ".")), (found[2] or "").strip()


def _source(text: str, made: str) -> tuple[Origin, str, str | None]:
    kind, _, rest = text.partition(":")
    if kind == Origin.DESIGN:
        slug, _, version = rest.strip().partition("@")
        return Origin.DESIGN, slug.strip(), version.strip() or None
    if kind == Origin.STOCK:
        return Origin.STOCK, rest.strip().lower(), None
    is_made = made.lower() in ("yes", "y", "true", "1")
    return Origin.OWN if is_made else Origin.SHOP, text, None


def add_up(top: str, bills: Mapping[str, Bill]) -> list[Need]:
    """Everything that one object of release `top` needs, its components' bills included.

    `bills` holds the bill of each release that stands behind a line, by id; none of them needs
    itself. What is the same item of the same source is added up.
    """
    needs: dict[tuple[How, str, str, str, str], Need] = {}
    for id_, line, many in _all_lines(top, bills):
        _note(needs, _need(bills[id_], line, many))
    return list(needs.values())


@dataclass(frozen=True, slots=True)
class Made:
    """So many of a part of a release are made for one finished object; None: nobody knows."""

    release_id: str
    part: str
    quantity: float | None


def made_parts(top: str, bills: Mapping[str, Bill]) -> list[Made]:
    """What machines make for one object of release `top`, its components' parts included; each
    part of each release once. `bills` is as for `add_up`."""
    found: dict[tuple[str, str], float | None] = {}
    for id_, line, many in _all_lines(top, bills):
        if line.origin is Origin.OWN and bills[id_].made.get(line.item) is not None:
            found[id_, line.item] = _plus(found.get((id_, line.item), 0.0), many)
    return [Made(*key, quantity) for key, quantity in found.items()]


def _all_lines(top: str, bills: Mapping[str, Bill]) -> Iterator[tuple[str, BomLine, float | None]]:
    """Each line that stands for no other bill, whose it is, and how much one object takes."""
    counts: dict[str, float | None] = {top: 1.0}
    for id_ in _in_order(top, bills):
        for line in bills[id_].lines:
            many = _times(counts[id_], line.quantity)
            if (component := bills[id_].components.get(line.number, "")) in bills:
                counts[component] = _plus(counts.get(component, 0.0), many)
            else:
                yield id_, line, many


def _in_order(top: str, bills: Mapping[str, Bill]) -> list[str]:
    """Each release before all that it needs."""
    done: dict[str, None] = {}
    todo = [(top, False)]
    while todo:
        id_, is_left = todo.pop()
        if is_left:
            done.setdefault(id_)
        elif id_ not in done:
            below = [it for it in bills[id_].components.values() if it in bills]
            todo += [(id_, True), *((it, False) for it in below)]
    return list(reversed(done))


def _need(bill: Bill, line: BomLine, quantity: float | None) -> Need:
    how = {Origin.OWN: _HOW_MADE[bill.made.get(line.item)], Origin.STOCK: How.STOCK}.get(
        line.origin, How.BOUGHT
    )
    return Need(how, line.item, line.material, quantity, line.unit, line.target, bill.title)


def _note(needs: dict[tuple[How, str, str, str, str], Need], need: Need) -> None:
    """The need is in the list, added to one of the same item."""
    is_made = need.how in _HOW_MADE.values()
    whose = need.title if is_made else ""  # two designs may each have a part named 'Lid'
    key = (need.how, need.item, need.material, need.unit, whose or need.source)
    known = needs.get(key)
    if known is not None:
        titles = dict.fromkeys((*known.title.split(", "), need.title))
        quantity = _plus(known.quantity, need.quantity)
        need = replace(known, quantity=quantity, title=", ".join(titles))
    needs[key] = need


def _times(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def _plus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
