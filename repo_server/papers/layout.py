"""Where everything stands on a paper, in mm from its upper left corner. Pure: widths come in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from babel.dates import format_date

from commons.machine import MATERIALS
from commons.texts import capitalise
from repo_server.lot_history import LotLine
from repo_server.papers.notices import LACKING, NOTE, Covers, Credit, Notice

# How wide a text is in mm, by its size in mm and whether it is bold.
Measure = Callable[[str, float, bool], float]

LABEL_MM = (90.0, 50.0)
TICKET_MM = (148.0, 210.0)  # A5
_LEADING = 1.3
_PURPOSES = {
    "own_use": "for own use",
    "gift": "to give away",
    "for_pay": "for a client, for pay",
    "sale": "to be sold",
}


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `y_mm` is that of its baseline."""

    x_mm: float
    y_mm: float
    size_mm: float
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code with its quiet zone, `edge_mm` wide."""

    x_mm: float
    y_mm: float
    edge_mm: float
    content: str


@dataclass(frozen=True, slots=True)
class Box:
    """An empty box to tick."""

    x_mm: float
    y_mm: float
    edge_mm: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper of this size with what stands on it."""

    size_mm: tuple[float, float]
    items: tuple[Text | Code | Box, ...]


@dataclass
class _Column:
    """Lines of text below each other. Invariant: `y_mm` is where the last one ends."""

    x_mm: float
    y_mm: float
    width_mm: float
    measure: Measure
    items: list[Text | Code | Box] = field(default_factory=list)

    def write(
        self, text: str, size_mm: float, *, bold: bool = False, most: int = 99, indent_mm: float = 0
    ) -> None:
        """The text stands below what was written, in at most so many lines; what does not fit is
        cut and marked so."""
        width = self.width_mm - indent_mm
        lines = self._lines(text, size_mm, width, bold=bold)
        if len(lines) > most:
            lines = [*lines[: most - 1], _cut(lines[most - 1], width, size_mm, self.measure)]
        for line in lines:
            self.y_mm += size_mm * _LEADING
            self.items.append(Text(self.x_mm + indent_mm, self.y_mm, size_mm, line, bold))

    def gap(self, mm: float) -> None:
        self.y_mm += mm

    def end_of(self, text: str, size_mm: float) -> float:
        """Where the text would end if it were written whole."""
        lines = self._lines(text, size_mm, self.width_mm, bold=False)
        return self.y_mm + len(lines) * size_mm * _LEADING

    def _lines(self, text: str, size_mm: float, width: float, *, bold: bool) -> list[str]:
        return list(_wrapped(text, width, lambda part: self.measure(part, size_mm, bold)))


def _cut(line: str, width: float, size_mm: float, measure: Measure) -> str:
    while line and measure(f"{line}…", size_mm, False) > width:
        line = line[:-1]
    return f"{line}…"


def _wrapped(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """Lines that are no wider than `width`; a word that is wider by itself is broken."""
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if measure(word) > width:
            *whole, line = _broken(joined, width, measure)
            yield from whole
        elif measure(joined) > width:
            yield line
            line = word
        else:
            line = joined
    if line:
        yield line


def _broken(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    part = ""
    for letter in text:
        if part and measure(part + letter) > width:
            yield part
            part = ""
        part += letter
    yield part


def label(notice: Notice, measure: Measure) -> Sheet:
    """The label for a box: whose design it is, its licence, and its source as a code."""
    code = 34.0
    column = _Column(code + 4, 1.6, LABEL_MM[0] - code - 7.5, measure)
    # What it was made from needs a line at least.
    column.write(_what(notice), 4, bold=True, most=1 if notice.credits else 2)
    column.write(_part(notice), 2.8, most=1)
    column.gap(0.8)
    column.write(f"Design: {', '.join(notice.authors)}", 2.6, most=2)
    column.write(f"Licence: {notice.licence}", 2.6, bold=True, most=3)
    column.write(f"Made at {notice.lab}, {notice.city}", 2.4, most=1)
    whole = _credit(column, notice.credits, 1.8, until_mm=36.3, code="the code")
    below = _Column(4, 36.3, LABEL_MM[0] - 8, measure)
    if notice.lacks_letters:
        below.write(LACKING, 1.7, most=1)
    below.y_mm = 38.6
    below.write(f"Source: {notice.source}", 2.3, most=2)
    below.write(f"This release: {notice.release}", 1.7, most=2)
    leads_to = Code(2, 2.5, code, notice.source if whole else notice.ancestry)
    return Sheet(LABEL_MM, (leads_to, *column.items, *below.items))


def lot_label(lot: LotLine, lab: str, page: str, measure: Measure, covers: Covers) -> Sheet:
    """The label for a spool or sheet: what it is, and a code that leads to its page. A text with
    letters that the paper lacks is left out; a name gives way to the lot's id."""
    code = 40.0
    column = _Column(code + 5, 2, LABEL_MM[0] - code - 8.5, measure)
    column.write(_material(lot.material), 6.5, bold=True, most=1)
    column.write(lot.name if covers(lot.name) else lot.id, 4.2, bold=True, most=3)
    column.gap(0.8)
    for said in filter(covers, (*_told_of(lot), lab)):
        column.write(said, 2.8, most=2)
    below = _Column(4, 43.5, LABEL_MM[0] - 8, measure)
    below.write(page, 2, most=2)
    return Sheet(LABEL_MM, (Code(2, 2.5, code, page), *column.items, *below.items))


def _told_of(lot: LotLine) -> list[str]:
    """What is printed of a lot; nothing that changes, such as what is left."""
    edges = [it for it in (lot.width_mm, lot.depth_mm, lot.thickness_mm) if it is not None]
    told = [
        lot.colour,
        " × ".join(f"{it:g}" for it in edges) + " mm" if edges else None,
        f"Grain along {lot.grain.upper()}" if lot.grain else None,
        " ".join(filter(None, (lot.maker, lot.maker_lot and f"lot {lot.maker_lot}"))),
        f"Empty spool {lot.tare_g:g} g" if lot.tare_g else None,
    ]
    return [it for it in told if it]


def _credit(
    column: _Column, owed: Sequence[Credit], size_mm: float, *, until_mm: float, code: str
) -> bool:
    """Whether every credit stands in the column, down to `until_mm`. Each stands there whole or
    not at all; of those that do not it is said how many there are, and to scan `code`."""
    said = [
        f"Made from {it.title} by {', '.join(it.authors)}, {it.licence}, {it.source}" for it in owed
    ]
    for at, text in enumerate(said):
        left = len(said) - at
        rest_mm = size_mm * _LEADING if left > 1 else 0
        if column.end_of(text, size_mm) + rest_mm > until_mm:
            works = f"{left} {'more' if at else 'other'} work{'s' if left > 1 else ''}"
            column.write(f"{'And' if at else 'Made'} from {works}: scan {code}", size_mm, most=1)
            return False
        column.write(text, size_mm)
    return True


def _day(at: datetime) -> str:
    """The day in English, as everything on a paper is."""
    return format_date(at.astimezone(UTC), "long", "en_GB")


def ticket(notice: Notice, measure: Measure) -> Sheet:
    """The ticket that goes with a job: what to make, for whom, and each duty with a box to tick."""
    margin, code = 12.0, 36.0
    width, right = TICKET_MM[0] - 2 * margin, TICKET_MM[0] - margin - code
    head = _Column(margin, 9, width - code - 2, measure)
    head.write(_what(notice), 6, bold=True, most=2)
    head.write(_part(notice), 4, most=2)
    head.gap(2)
    ordered = f"{capitalise(_PURPOSES.get(notice.purpose, notice.purpose))}. Ordered by"
    head.write(f"{ordered} {notice.ordered_by}, {_day(notice.ordered_at)}", 3.2, most=2)
    head.write(f"{notice.lab}, {notice.city}", 3.2, most=2)
    body = _Column(margin, 52, width, measure)
    for name, said in _facts(notice):
        _fact(body, name, said)
    body.gap(4)
    _tick(body, notice.duties or ("nothing is owed for this",), boxes=bool(notice.duties))
    foot_mm = TICKET_MM[1] - code - 8
    body.gap(3)
    whole = _credit(body, notice.credits, 2.7, until_mm=foot_mm - 1, code="the upper code")
    foot = _Column(margin, foot_mm, width - code - 4, measure)
    foot.write("The job, and what its machine does", 3.2, bold=True)
    foot.write(notice.page, 2.7, most=3)
    foot.gap(3)
    if notice.lacks_letters:
        foot.write(LACKING, 2.4)
    foot.write(NOTE, 2.4)
    above = notice.source if whole else notice.ancestry
    codes = (Code(right, 8, code, above), Code(right, foot_mm, code, notice.page))
    return Sheet(TICKET_MM, (*codes, *head.items, *body.items, *foot.items))


def _fact(column: _Column, name: str, said: str) -> None:
    """A name with what is said beside it."""
    top = column.y_mm
    column.write(name, 2.9)
    column.y_mm = top
    column.write(said, 3.4, bold=name == "Licence", most=3, indent_mm=24)
    column.gap(1.4)


def _tick(column: _Column, duties: Iterable[str], *, boxes: bool) -> None:
    column.write("What is owed", 3.4, bold=True)
    for duty in duties:
        column.gap(0.8)
        if boxes:
            column.items.append(Box(column.x_mm, column.y_mm + 0.9, 3.2))
        column.write(capitalise(duty), 3.2, most=3, indent_mm=5.5)


def _facts(notice: Notice) -> list[tuple[str, str]]:
    variant = [("Variant", notice.variant)] if notice.variant else []
    return [
        *variant,
        ("Design", ", ".join(notice.authors)),
        ("Licence", notice.licence),
        ("Source", notice.source),
        ("This release", notice.release),
    ]


def _what(notice: Notice) -> str:
    return f"{notice.title} {notice.version}"


def _material(key: str) -> str:
    return MATERIALS[key].name if key in MATERIALS else key


def _part(notice: Notice) -> str:
    material = _material(notice.material)
    if notice.variant:
        material = f"{notice.variant}, {material}"
    if notice.of_copies > notice.copies:
        return f"{notice.part}, {notice.copies} of {notice.of_copies}, {material}"
    count = f"{notice.copies} × " if notice.copies > 1 else ""
    return f"{count}{notice.part}, {material}"
