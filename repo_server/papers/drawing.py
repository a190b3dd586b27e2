"""Sheets as PDF, its text as text, and as PNG for label printers; both with the same letters."""

from functools import cache
from io import BytesIO
from pathlib import Path
from unicodedata import bidirectional

import segno
from fontTools.ttLib import TTFont
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from repo_server.papers.layout import Box, Code, Sheet, Text

_FONTS = Path(__file__).parent / "fonts"
_FILES = {False: "DejaVuSansCondensed.ttf", True: "DejaVuSansCondensed-Bold.ttf"}
_MM_PER_INCH = 25.4
_POINTS_PER_MM = 72 / _MM_PER_INCH
DOTS_PER_INCH = 300  # of usual label printers
_DOTS_PER_MM = DOTS_PER_INCH / _MM_PER_INCH
_QUIET = 4  # modules around a code, as its standard asks
# Hebrew, Arabic, and marks that turn the direction.
_ANOTHER_WAY = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "PDF", "PDI", "FSI"}
_UNITS = 100  # letters are measured at this size, in dots


@cache
def _font(size: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONTS / _FILES[bold], size, layout_engine=ImageFont.Layout.BASIC)


def width_mm(text: str, size_mm: float, bold: bool) -> float:
    """How wide the text is, whichever way it is drawn."""
    return _font(_UNITS, bold=bold).getlength(text) * size_mm / _UNITS


@cache
def _letters() -> frozenset[int]:
    """The letters that both fonts have."""
    of_fonts = []
    for file in _FILES.values():
        with TTFont(_FONTS / file) as font:
            of_fonts.append(frozenset(font.getBestCmap() or ()))
    return frozenset.intersection(*of_fonts)


def covers(text: str) -> bool:
    """Whether the text can be drawn as it is read: the fonts have its letters, and they run from
    left to right, each in one form."""
    known = _letters()
    return all(ord(it) in known and bidirectional(it) not in _ANOTHER_WAY for it in text)


def _modules(content: str) -> list[list[bool]]:
    """The code's dark modules; readable with a quarter of it worn off."""
    code = segno.make(content, error="q", micro=False)
    return [[bool(it) for it in row] for row in code.matrix_iter(border=_QUIET)]


def pdf(sheet: Sheet, *, title: str) -> bytes:
    """The sheet as a PDF of one page of its size."""
    width, height = sheet.size_mm
    paper = FPDF(unit="mm", format=(width, height))
    paper.set_title(title)
    paper.set_auto_page_break(False)
    paper.add_font("Sans", "", _FONTS / _FILES[False])
    paper.add_font("Sans", "B", _FONTS / _FILES[True])
    paper.add_page()
    paper.set_line_width(0.25)
    for item in sheet.items:
        match item:
            case Text():
                style = "B" if item.bold else ""
                paper.set_font("Sans", style, item.size_mm * _POINTS_PER_MM)
                paper.text(item.x_mm, item.y_mm, item.text)
            case Code():
                _code_in_pdf(paper, item)
            case Box():
                paper.rect(item.x_mm, item.y_mm, item.edge_mm, item.edge_mm)
    return bytes(paper.output())


def _code_in_pdf(paper: FPDF, code: Code) -> None:
    rows = _modules(code.content)
    edge = code.edge_mm / len(rows)
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):  # neighbours as one bar: no hairlines between them
            run = next((n for n in range(x, len(row)) if not row[n]), len(row)) - x
            if run:
                paper.rect(code.x_mm + x * edge, code.y_mm + y * edge, run * edge, edge, style="F")
            x += run or 1


def png(sheet: Sheet) -> bytes:
    """The sheet as a PNG of black and white dots, 300 an inch."""
    size = tuple(round(edge * _DOTS_PER_MM) for edge in sheet.size_mm)
    image = Image.new("L", (size[0], size[1]), 255)
    draw = ImageDraw.Draw(image)
    for item in sheet.items:
        match item:
            case Text():
                font = _font(round(item.size_mm * _DOTS_PER_MM), bold=item.bold)
                draw.text(_dots(item.x_mm, item.y_mm), item.text, fill=0, font=font, anchor="ls")
            case Code():
                _code_in_png(image, item)
            case Box():
                left, top = _dots(item.x_mm, item.y_mm)
                edge = item.edge_mm * _DOTS_PER_MM
                draw.rectangle((left, top, left + edge, top + edge), outline=0, width=3)
    data = BytesIO()
    bilevel = image.point(lambda grey: 255 if grey > 127 else 0).convert("1")
    bilevel.save(data, "PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return data.getvalue()


def _code_in_png(image: Image.Image, code: Code) -> None:
    """Each module is a whole number of dots, so that all of them are equally wide."""
    rows = _modules(code.content)
    dots = int(code.edge_mm * _DOTS_PER_MM) // len(rows)
    small = Image.new("L", (len(rows), len(rows)), 255)
    small.putdata([0 if dark else 255 for row in rows for dark in row])
    large = small.resize((len(rows) * dots, len(rows) * dots), Image.Resampling.NEAREST)
    left, top = _dots(code.x_mm, code.y_mm)
    spare = (code.edge_mm * _DOTS_PER_MM - large.width) / 2
    image.paste(large, (round(left + spare), round(top + spare)))


def _dots(x_mm: float, y_mm: float) -> tuple[float, float]:
    return x_mm * _DOTS_PER_MM, y_mm * _DOTS_PER_MM
