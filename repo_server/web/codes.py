"""QR codes on pages."""

import segno
from markupsafe import Markup


def qr(address: str) -> Markup:
    """The code as an SVG without styles; readable with a quarter of it worn off."""
    code = segno.make(address, error="q", micro=False)
    return Markup(code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None))  # noqa: S704
