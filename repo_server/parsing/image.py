"""Pictures that designers publish: their size, and a small copy that carries nothing else."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from commons.errors import InvalidInput

_MAX_PIXELS = 60_000_000
_LONGEST_PX = 960
_FORMATS = ("PNG", "JPEG", "WEBP")


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Width and height in px, and a PNG without the original's metadata (place, camera).

    Raises InvalidInput for what is no picture, or too large a one.
    """
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is unpacked
    try:
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > _MAX_PIXELS:
                raise InvalidInput(f"this picture has {width} × {height} px; make it smaller")
            small = ImageOps.exif_transpose(image)
            small.thumbnail((_LONGEST_PX, _LONGEST_PX))
            small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(f"this cannot be read as {kind.upper()}; it is damaged") from error
    plain = Image.new(small.mode, small.size)
    plain.paste(small)
    plain.save(out / "thumbnail", "PNG", optimize=True)
    return {"facts": {"width_px": width, "height_px": height}}
