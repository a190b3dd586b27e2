"""PDF: how many pages of which size, and how the first one looks. Drawn by PDFium, which is
built without JavaScript; links and attached files are counted and never followed or opened."""

from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from commons.errors import InvalidInput

_LONGEST_PX = 960
_MM_PER_POINT = 25.4 / 72
_MOST_LETTERS = 100
_PASSWORD = 4  # FPDF_ERR_PASSWORD


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Pages, the first one's (width, height) in mm, title, attached files; a PNG of that page.

    Raises InvalidInput for what is no PDF, has a password or no page.
    """
    try:
        document = pdfium.PdfDocument(path.read_bytes())
        pages = len(document)
        if not pages:
            raise InvalidInput("this PDF has no page")
        first = document[0]
        size = first.get_size()
        _draw(first, size, out)
        title = document.get_metadata_value("Title")
        attached = document.count_attachments()
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise InvalidInput("this PDF has a password; publish it without one") from error
        raise InvalidInput("this cannot be read as PDF; it is damaged or another kind") from error
    return {
        "facts": {
            "pages": pages,
            "page_mm": [round(edge * _MM_PER_POINT, 1) for edge in size],
            "title": "".join(filter(str.isprintable, title))[:_MOST_LETTERS] or None,
            "attached": attached,
        }
    }


def _draw(page: Any, size: tuple[float, float], out: Path) -> None:
    """The page on white, as large as other pictures, however large it says that it is."""
    longest = max(size)
    if not 0 < longest < float("inf"):
        raise InvalidInput("the first page of this PDF has no size")
    picture = page.render(scale=_LONGEST_PX / longest, may_draw_forms=False).to_pil()
    picture.convert("RGB").save(out / "thumbnail", "PNG", optimize=True)
