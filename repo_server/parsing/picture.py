"""Pictures of meshes and drawings, drawn by numpy and Pillow: no window, no graphics card."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from repo_server.parsing.triangles import Colour

SIZE_PX = 512
_FINE = 2  # drawn this many times larger and made smaller, so that edges are smooth
_MARGIN = 0.06
_PX_AT_ONCE = 1 << 21  # so many faces are drawn at once as have boxes of this many pixels
_MOST_FILLED_PX = 500_000_000
# From the front right and a little above, as one looks at a thing on a table.
_TURN, _TILT = np.radians(-32.0), np.radians(28.0)
_LIGHT = np.array([-0.35, 0.55, 0.76])  # from above left, towards the one who looks
_PART_RGB = np.array([217.0, 95.0, 56.0])
_SHEET = (222, 188, 138, 255)
_INK = (94, 62, 28, 255)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AnyFloats = NDArray[np.floating]
Rings = list[Floats]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What each pixel (size, size) shows: depth towards the eye, -inf for nothing; the face."""

    depth: Floats
    face: Ints


def of_mesh(
    vertices: Floats, faces: Ints, colours: Sequence[Colour | None] | None = None
) -> Image.Image:
    """The body from the front right, lit from above left, on nothing: RGBA, SIZE_PX square.

    vertices (n, 3) in any unit, z up; faces (m, 3) indices into them, m colours.
    """
    size = SIZE_PX * _FINE
    corners = _projected(vertices, size)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normals *= np.where(normals[:, 2:] < 0, -1.0, 1.0)  # both sides of a face look alike
    seen = _rasterised(corners, size)
    return _smooth(_shaded(seen, normals, _painted(len(faces), colours)))


def _painted(faces: int, colours: Sequence[Colour | None] | None) -> Floats:
    """The colour of each face (n, 3), 0…255 of a screen; that of all parts where it has none."""
    rgb = np.tile(_PART_RGB, (faces, 1))
    own = [(at, colour) for at, colour in enumerate(colours or ()) if colour is not None]
    if own:
        # The square root is near enough to how screens show light.
        rgb[[at for at, _ in own]] = 255 * np.sqrt([colour for _, colour in own])
    return rgb


def _projected(vertices: Floats, size: int) -> Floats:
    """Corners as (column, row upwards, depth) in pixels, the whole body in the picture."""
    turn, tilt = _TURN, _TILT
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    back = np.array([-np.sin(turn), np.cos(turn), 0.0])
    up = np.array([0.0, 0.0, np.cos(tilt)]) + np.sin(tilt) * back
    near = np.cross(right, up)
    points = vertices @ np.stack([right, up, near], axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size * (1 - 2 * _MARGIN) / max(float((high - low)[:2].max()), 1e-12)
    middle = (low + high) / 2
    placed: Floats = (points - middle) * scale + np.array([size / 2, size / 2, 0.0])
    return placed


def _rasterised(corners: Floats, size: int) -> _Seen:
    """The nearest face at each pixel's middle.

    Each triangle is cut into the spans of pixels that it covers in each row, so the work is the
    number of pixels drawn, however long and thin the triangles are.
    """
    depth = np.full(size * size, -np.inf)
    face = np.full(size * size, -1, dtype=np.int64)
    boxes = np.ptp(corners[:, :, :2], axis=1).clip(1, size).prod(axis=1)
    part = (np.cumsum(boxes) // _PX_AT_ONCE).astype(np.int64)
    for some in np.split(np.arange(len(corners)), np.flatnonzero(np.diff(part)) + 1):
        which, pixel, z = _covered(corners[some], size)
        np.maximum.at(depth, pixel, z)
        nearest = depth[pixel] == z
        face[pixel[nearest]] = some[which[nearest]]
    return _Seen(depth.reshape(size, size), face.reshape(size, size))


def _covered(corners: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """(triangle, pixel, depth) for every pixel whose middle lies in a triangle."""
    top = np.ceil(corners[:, :, 1].min(axis=1) - 0.5).astype(np.int64).clip(0, size)
    end = np.ceil(corners[:, :, 1].max(axis=1) - 0.5).astype(np.int64).clip(0, size)
    which, row = _ranges(top, end)
    left, right = _crossings(corners[which], row + 0.5)
    first = np.ceil(left - 0.5).astype(np.int64).clip(0, size)
    last = np.ceil(right - 0.5).astype(np.int64).clip(first, size)
    span, column = _ranges(first, last)
    triangle = which[span]
    z = _depth_at(corners, triangle, column + 0.5, row[span] + 0.5)
    return triangle, (size - 1 - row[span]) * size + column, z


def _ranges(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Every integer of every range [start, stop), and which range it is of."""
    counts = np.maximum(stop - start, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, start[which] + offset


def _crossings(corners: Floats, y: AnyFloats) -> tuple[Floats, Floats]:
    """Where the horizontal line y enters and leaves each triangle (n, 3, ·): two x."""
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        start, rise = corners[:, a], corners[:, b] - corners[:, a]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (y - start[:, 1]) / rise[:, 1]
            x = start[:, 0] + share * rise[:, 0]
        hit = (share >= 0) & (share <= 1)
        left = np.where(hit, np.minimum(left, x), left)
        right = np.where(hit, np.maximum(right, x), right)
    none = left > right
    return np.where(none, 0.0, left), np.where(none, 0.0, right)


def _depth_at(corners: Floats, which: Ints, x: AnyFloats, y: AnyFloats) -> Floats:
    """The depth of each triangle's plane at a pixel, never beyond its own corners."""
    a = corners[:, 0]
    u, v = corners[:, 1] - a, corners[:, 2] - a
    n = np.cross(u, v)
    flat = np.abs(n[:, 2]) < 1e-9
    n_z = np.where(flat, 1.0, n[:, 2])
    slope_x = np.where(flat, 0.0, -n[:, 0] / n_z)[which]
    slope_y = np.where(flat, 0.0, -n[:, 1] / n_z)[which]
    z = a[which, 2] + slope_x * (x - a[which, 0]) + slope_y * (y - a[which, 1])
    low, high = corners[:, :, 2].min(axis=1), corners[:, :, 2].max(axis=1)
    depth: Floats = np.clip(z, low[which], high[which])
    return depth


def _shaded(seen: _Seen, normals: Floats, colours: Floats) -> Floats:
    """RGBA (size, size, 4), 0…255: a key light and the sky, darker in corners and at edges."""
    body = seen.face >= 0
    normal = np.where(body[..., None], normals[seen.face], 0.0)
    light = _LIGHT / np.linalg.norm(_LIGHT)
    key = np.clip(normal @ light, 0.0, 1.0)
    sky = 0.5 + 0.5 * normal[..., 1]
    brightness = (0.42 + 0.22 * sky + 0.5 * key) * (1 - 0.5 * _sunken(seen, body))
    brightness *= 1 - 0.35 * _edges(seen, normal, body)
    rgb = np.clip(colours[seen.face] * brightness[..., None], 0, 255)
    return np.dstack([rgb, np.where(body, 255.0, 0.0)])


def _sunken(seen: _Seen, body: NDArray[np.bool_]) -> Floats:
    """0…1: how deep a pixel lies below its neighbourhood, where less light would reach it."""
    reach = len(body) / 60
    depth = np.where(body, seen.depth, 0.0)
    # What is blurred so widely is the same from every second pixel, in a quarter of the time.
    weight, total = (_blurred(of[::2, ::2], reach / 2) for of in (body.astype(float), depth))
    around = (total / np.maximum(weight, 1e-6)).repeat(2, axis=0).repeat(2, axis=1)
    sunken: Floats = np.where(body, np.clip((around - depth) / (3 * reach), 0.0, 1.0), 0.0)
    return sunken


def _blurred(values: Floats, reach: float) -> Floats:
    """The sums around each pixel (size, size), near ones counting more: nearly a bell with this
    standard deviation in pixels, which three boxes in a row are."""
    half = round(((4 * reach**2 + 1) ** 0.5 - 1) / 2)
    for _ in range(3):
        for _ in range(2):  # along the columns, then along the rows
            sums = np.cumsum(np.pad(values, ((half + 1, half), (0, 0))), axis=0)
            values = (sums[2 * half + 1 :] - sums[: -2 * half - 1]).T
    return values


def _edges(seen: _Seen, normal: Floats, body: NDArray[np.bool_]) -> Floats:
    """0 or 1: where the surface turns sharply, or another one begins behind it."""
    sharp = np.zeros(body.shape, dtype=bool)
    for axis in (0, 1):
        turned = (normal * np.roll(normal, 1, axis)).sum(axis=2) < 0.8
        depth = np.where(body, seen.depth, -1e9)
        stepped = np.abs(depth - np.roll(depth, 1, axis)) > len(body) / 100
        sharp |= turned | stepped
    sharp &= body
    sharp[1:] |= sharp[:-1]
    sharp[:, 1:] |= sharp[:, :-1]
    return sharp.astype(float)


def _smooth(rgba: Floats) -> Image.Image:
    """The fine picture made smaller; what is clear adds no colour."""
    alpha = rgba[..., 3:] / 255.0
    fine = np.dstack([rgba[..., :3] * alpha, rgba[..., 3:]])
    size = len(fine) // _FINE
    small = fine.reshape(size, _FINE, size, _FINE, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:] / 255.0, 1e-6)
    return Image.fromarray(small.clip(0, 255).round().astype(np.uint8), "RGBA")


def of_drawing(strokes: Rings) -> Image.Image:
    """The drawing as a cut sheet: closed lines are filled, what lies inside them is a hole.

    strokes: (n, 2) points in mm, y up; closed ones end where they start.
    """
    size = SIZE_PX * _FINE
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size * (1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    place = size / 2 - (low + high) / 2 * scale * [1, -1]
    lines = [(stroke * [scale, -scale] + place).tolist() for stroke in strokes]
    closed = [bool(np.array_equal(stroke[0], stroke[-1])) for stroke in strokes]
    material = _even_odd([line for line, ends in zip(lines, closed, strict=True) if ends], size)
    image = Image.new("RGBA", (size, size), (*_SHEET[:3], 0))
    image.paste(_SHEET, mask=material)
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line([tuple(point) for point in line], fill=_INK, width=3 * _FINE // 2, joint="curve")
    return _smooth(np.asarray(image, dtype=float))


def _even_odd(rings: list[list[list[float]]], size: int) -> Image.Image:
    """Each ring turns over what lies in its own box alone; when the boxes together are more work
    than a picture is worth, the rest stay lines."""
    inside = np.zeros((size, size), dtype=bool)
    work = 0
    for ring in (np.array(ring) for ring in rings if len(ring) > 2):
        left, top = np.floor(ring.min(axis=0)).astype(int).clip(0, size - 1)
        right, bottom = np.ceil(ring.max(axis=0)).astype(int).clip(0, size - 1) + 1
        work += int((right - left) * (bottom - top))
        if work > _MOST_FILLED_PX:
            break
        mask = Image.new("1", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(mask).polygon([tuple(it) for it in (ring - [left, top]).tolist()], fill=1)
        inside[top:bottom, left:right] ^= np.asarray(mask)
    return Image.fromarray(inside)
