"""A photograph, drawn anew: `python -m fab_agent.panel.photo` in a limited child.

Whatever else was in the file (place, programs, a second file behind the picture) is not in the new
one. `redrawn` is what the panel calls.
"""

import sys
import tempfile
from pathlib import Path

from commons.errors import InvalidInput, Unavailable
from commons.verdict import MAX_PHOTO_BYTES
from fab_agent.sandbox import IN, OUT, Ending, Limits, run_python

_FORMATS = ("JPEG", "PNG", "WEBP")
_LONGEST_PX, _MOST_PIXELS = 1600, 100_000_000
_QUALITIES = (82, 65, 45)
_LIMITS = Limits(memory_bytes=2**30, cpu_s=20, wall_s=40.0, file_bytes=8 * 2**20)
_IS_NONE, _TOO_MANY = 3, 4


def redrawn(photo: bytes) -> bytes:
    """The picture as a JPEG of at most MAX_PHOTO_BYTES and 1600 px, upright.

    Raises:
        InvalidInput: it is no picture that a camera makes, or too large to be one.
        Unavailable: it could not be looked at.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, out = folder / "given", folder / "out"
        given.write_bytes(photo)
        out.mkdir()
        child = run_python(
            "fab_agent.panel.photo", [], out_dir=out, limits=_LIMITS, inputs={"photo": given}
        )
        if child.exit_code == _TOO_MANY:
            raise InvalidInput("the photo has more than 100 million pixels: take a smaller one")
        if child.exit_code == _IS_NONE or child.ending in (Ending.MEMORY, Ending.TIME):
            raise InvalidInput("that is no photo: send a JPEG, PNG or WebP, or go without")
        if child.exit_code:
            raise Unavailable(f"the photo could not be looked at ({child.why}): go without it")
        return (out / "photo.jpg").read_bytes()


def _draw() -> int:
    """The child. Its exit code says what was wrong."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(IN / "photo", formats=_FORMATS) as given:
            if given.width * given.height > _MOST_PIXELS:
                return _TOO_MANY
            given.draft("RGB", (_LONGEST_PX, _LONGEST_PX))
            upright = ImageOps.exif_transpose(given).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return _IS_NONE
    upright.thumbnail((_LONGEST_PX, _LONGEST_PX))
    plain = Image.new("RGB", upright.size)  # the pixels alone
    plain.paste(upright)
    for quality in _QUALITIES:
        plain.save(OUT / "photo.jpg", "JPEG", quality=quality)
        if (OUT / "photo.jpg").stat().st_size <= MAX_PHOTO_BYTES:
            return 0
    return _TOO_MANY


if __name__ == "__main__":
    sys.exit(_draw())
