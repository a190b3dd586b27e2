"""Pictures that designers publish: their size, and a small copy that carries nothing else."""

from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from commons.errors import InvalidInput

_MAX_PIXELS = 60_000_000
_LONGEST_PX = 960
_FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF"}


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Width and height in px, whether it names the place where it was taken, and a PNG without
    the original's metadata. A picture of another kind than its ending says is a problem beside.

    Raises InvalidInput for what is no picture, or too large a one.
    """
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is unpacked
    try:
        with Image.open(path, formats=sorted(set(_FORMATS.values()))) as image:
            width, height = image.size
            if width * height > _MAX_PIXELS:
                raise InvalidInput(f"this picture has {width} × {height} px; make it smaller")
            found, has_place = image.format or "", _has_place(image)
            small = ImageOps.exif_transpose(image)
            small.thumbnail((_LONGEST_PX, _LONGEST_PX))
            small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(f"this cannot be read as {kind.upper()}; it is damaged") from error
    plain = Image.new(small.mode, small.size)
    plain.paste(small)
    plain.save(out / "thumbnail", "PNG", optimize=True)
    facts = {"width_px": width, "height_px": height, "has_place": has_place}
    misnamed = f"this picture is {found}, whatever its name ends in; name it so"
    return {"facts": facts, "problem": misnamed if found != _FORMATS[kind] else None}


def paint(data: bytes, out: Path) -> None:
    """The thumbnail of another file is this picture, unless it is none: that harms nothing else."""
    picture = out / "picture"
    picture.write_bytes(data)
    try:
        inspect(picture, "png", out)
    except InvalidInput:
        return
    finally:
        picture.unlink()


def _has_place(image: Image.Image) -> bool:
    """Whether the original, which stays as it is, tells where its maker stood."""
    described = image.info.get("xmp") or b""
    in_xmp = b"GPSLatitude" in (described if isinstance(described, bytes) else b"")
    return in_xmp or bool(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))
