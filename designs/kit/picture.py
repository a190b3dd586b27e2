"""Pictures of placed parts, drawn by numpy alone: no graphics card, no display.

A z-buffer finds what each pixel sees; shadow maps from many directions of the sky give soft
light; every picture of the same parts is the same picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from .solids import Floats, Placed, triangles_of

Ints = NDArray[np.int64]

BACKGROUND = np.array([247, 244, 238]) / 255
FINISHES = {
    "accent": (231, 100, 62),
    "slate": (74, 86, 98),
    "plywood": (224, 190, 142),
}
PLY_MM = 1.2  # birch plywood: a veneer every 1.2 mm
SUN_LEFT_DEG, SUN_HEIGHT_DEG, SUN_SOFTNESS = 42.0, 50.0, 0.24  # as seen from the camera
SUN_SAMPLES, SKY_SAMPLES = 12, 28
SHADOW_PIXELS = 420
SMOOTH_COS = np.cos(np.radians(35))
OVERSAMPLING = 2
PIXELS_AT_ONCE = 2_000_000  # bounds the memory of one step
POINTS_AT_ONCE = 20_000  # few enough to stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Scene:
    """Triangles of all parts in one list; the row is a triangle's number everywhere."""

    corners: Floats  # (n, 3, 3) mm, in the scene
    local: Floats  # (n, 3, 3) mm, in the part's own coordinates
    normals: Floats  # (n, 3, 3) smoothed, per corner
    face_normal: Floats  # (n, 3)
    body: Ints  # (n,) which part
    finish: tuple[str, ...]  # of each part


@dataclass(frozen=True, slots=True)
class Camera:
    """A perspective camera; `shift` and `zoom` frame the scene in the picture's pixels."""

    eye: Floats
    axes: Floats  # rows: right, up, towards the eye
    zoom: float
    shift: Floats

    def to_pixels(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixel coordinates (…, 2) and nearness (…,), which is linear over a triangle's picture."""
        seen = (points - self.eye) @ self.axes.T
        near = 1 / -seen[..., 2]
        flat = seen[..., :2] * near[..., None] * self.zoom * [1, -1]
        return flat + self.shift, near

    def rays(self, pixels: Floats) -> Floats:
        """Unit directions (n, 3) through pixels (n, 2)."""
        flat = (pixels - self.shift) / self.zoom * [1, -1]
        ray = np.column_stack([flat, -np.ones(len(flat))]) @ self.axes
        return ray / np.linalg.norm(ray, axis=1)[:, None]


def write_picture(
    path: Path,
    parts: Sequence[Placed],
    *,
    azimuth: float = -50.0,
    elevation: float = 28.0,
    size: tuple[int, int] = (960, 720),
) -> None:
    """Write a PNG of the parts on a pale floor, seen from `azimuth`, `elevation` (degrees)."""
    scene = _gather(parts)
    width, height = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
    camera = _framed(scene, azimuth, elevation, (width, height))
    pixels, near = camera.to_pixels(scene.corners)
    seen, _ = _nearest(pixels, near, width, height)
    lights = _lights(scene, azimuth - SUN_LEFT_DEG)
    image = _floor(scene, camera, lights, (width, height))
    hit = np.flatnonzero(seen.ravel() >= 0)
    image.reshape(-1, 3)[hit] = _shaded(scene, camera, lights, seen, hit)
    small = image.reshape(size[1], OVERSAMPLING, size[0], OVERSAMPLING, 3).mean(axis=(1, 3))
    encoded = np.clip(small, 0, 1) ** (1 / 2.2) * 255
    picture = Image.fromarray(np.round(encoded).astype(np.uint8), "RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)


def _gather(parts: Sequence[Placed]) -> Scene:
    corners, local, normals, flat, body = [], [], [], [], []
    for number, part in enumerate(parts):
        points, faces = triangles_of(part.solid)
        placed = points @ part.place[:, :3].T + part.place[:, 3]
        triangle = placed[faces]
        corners.append(triangle)
        local.append(points[faces])
        normals.append(_smoothed(triangle, faces, len(points)))
        flat.append(_unit_normals(triangle))
        body.append(np.full(len(faces), number))
    finishes = tuple(part.finish for part in parts)
    return Scene(*(np.concatenate(x) for x in (corners, local, normals, flat, body)), finishes)


def _smoothed(triangle: Floats, faces: Ints, points: int) -> Floats:
    """Normal at each corner: the mean over the faces round that point that bend little from it.

    Each face counts by its angle there, so that long thin triangles do not outweigh the others.
    """
    along = np.roll(triangle, -1, axis=1) - triangle
    along /= np.maximum(np.linalg.norm(along, axis=2), 1e-12)[..., None]
    angle = np.arccos(np.clip(-np.sum(along * np.roll(along, 1, axis=1), axis=2), -1, 1)).ravel()
    unit = _unit_normals(triangle)
    order = np.argsort(faces.ravel(), kind="stable")
    starts = np.searchsorted(faces.ravel()[order], np.arange(1, points))
    out = np.empty((faces.size, 3))
    for around in np.split(order, starts):
        normal = unit[around // 3]
        alike = normal @ normal.T > SMOOTH_COS
        out[around] = alike @ (normal * angle[around, None])
    out /= np.maximum(np.linalg.norm(out, axis=1), 1e-12)[:, None]
    return out.reshape(-1, 3, 3)


def _unit_normals(triangle: Floats) -> Floats:
    cross = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    return cross / np.maximum(np.linalg.norm(cross, axis=1), 1e-12)[:, None]


def _framed(scene: Scene, azimuth: float, elevation: float, size: tuple[int, int]) -> Camera:
    a, e = np.radians([azimuth, elevation])
    back = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    axes = np.vstack([right, np.cross(back, right), back])
    points = scene.corners.reshape(-1, 3)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    eye = middle + back * 3.4 * np.ptp(points, axis=0).max()
    raw, _ = Camera(eye, axes, 1.0, np.zeros(2)).to_pixels(points)
    low, high = raw.min(axis=0), raw.max(axis=0)
    zoom = float(np.min(0.78 * np.array(size) / (high - low)))
    return Camera(eye, axes, zoom, np.array(size) / 2 - zoom * (low + high) / 2)


def _nearest(pixels: Floats, near: Floats, width: int, height: int) -> tuple[Ints, Floats]:
    """For each pixel the triangle nearest to the eye, -1 where there is none, and its nearness.

    Each triangle is cut into the runs of pixels that its rows cover; all runs are filled at once.
    """
    best = np.zeros(width * height)
    winner = np.full(width * height, -1)
    triangle, y, first, count = _runs(pixels, width, height)
    slope_x, slope_y = _slopes(pixels, near)
    whole = np.cumsum(count)
    breaks = np.searchsorted(whole, np.arange(PIXELS_AT_ONCE, whole[-1], PIXELS_AT_ONCE))
    for run in np.split(np.arange(len(count)), breaks):
        filled = np.repeat(run, count[run])
        if filled.size == 0:
            continue
        within = np.arange(len(filled)) - np.repeat(np.cumsum(count[run]) - count[run], count[run])
        x, row, which = first[filled] + within, y[filled], triangle[filled]
        start = pixels[which, 0]
        depth = near[which, 0] + slope_x[which] * (x + 0.5 - start[:, 0])
        depth += slope_y[which] * (row + 0.5 - start[:, 1])
        pixel = row * width + x
        np.maximum.at(best, pixel, depth)
        won = depth == best[pixel]
        winner[pixel[won]] = which[won]
    return winner.reshape(height, width), best.reshape(height, width)


def _runs(pixels: Floats, width: int, height: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Triangle, row, first pixel and number of pixels of every run inside the frame."""
    low = np.clip(np.ceil(pixels[..., 1].min(axis=1) - 0.5), 0, height).astype(int)
    high = np.clip(np.ceil(pixels[..., 1].max(axis=1) - 0.5), 0, height).astype(int)
    rows = high - low
    triangle = np.repeat(np.arange(len(pixels)), rows)
    y = np.arange(len(triangle)) - np.repeat(np.cumsum(rows) - rows - low, rows)
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for k in range(3):
        (ax, ay), (bx, by) = pixels[triangle, k].T, pixels[triangle, (k + 1) % 3].T
        middle = y + 0.5
        crosses = (np.minimum(ay, by) <= middle) & (middle < np.maximum(ay, by))
        x = ax + (middle - ay) * (bx - ax) / np.where(crosses, by - ay, 1)
        left = np.where(crosses, np.minimum(left, x), left)
        right = np.where(crosses, np.maximum(right, x), right)
    some = right > left
    triangle, y, left, right = triangle[some], y[some], left[some], right[some]
    first = np.clip(np.ceil(left - 0.5), 0, width).astype(int)
    return triangle, y, first, np.clip(np.ceil(right - 0.5), 0, width).astype(int) - first


def _slopes(pixels: Floats, near: Floats) -> tuple[Floats, Floats]:
    """Change of nearness (n,) for one pixel to the right and one down, over each triangle."""
    (ux, uy), (vx, vy) = (pixels[:, 1] - pixels[:, 0]).T, (pixels[:, 2] - pixels[:, 0]).T
    area = ux * vy - uy * vx
    area = np.where(np.abs(area) < 1e-9, np.inf, area)  # seen edge on: one depth will do
    u, v = near[:, 1] - near[:, 0], near[:, 2] - near[:, 0]
    return (u * vy - v * uy) / area, (v * ux - u * vx) / area


@dataclass(frozen=True, slots=True)
class Light:
    """One direction that light comes from, and how far towards it the first surface lies."""

    direction: Floats
    axes: Floats
    low: Floats
    scale: float
    depth: Floats  # (SHADOW_PIXELS, SHADOW_PIXELS), -inf where nothing stands in the way
    is_sun: bool

    def reaches(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether light from here falls on each point (n, 3)."""
        seen = points @ np.vstack([self.axes, self.direction]).T.astype(np.float32)
        cell = ((seen[:, :2] - self.low.astype(np.float32)) * np.float32(self.scale)).astype(int)
        cell = np.clip(cell, 0, SHADOW_PIXELS - 1)  # nothing is drawn on the map's border
        return self.depth[cell[:, 1], cell[:, 0]] <= seen[:, 2] + 1.5 / self.scale


def _lights(scene: Scene, sun_azimuth: float) -> list[Light]:
    """The sun as a bundle of directions and the sky as many, nearer the top more often."""
    a, e = np.radians([sun_azimuth, SUN_HEIGHT_DEG])
    middle = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    disc = SUN_SOFTNESS * _spread(SUN_SAMPLES)
    flat = _spread(SKY_SAMPLES) * 0.98
    up = np.sqrt(1 - np.sum(flat**2, axis=1))
    sun = middle + np.column_stack([disc, np.zeros(SUN_SAMPLES)])
    sky = np.column_stack([flat, up])
    return [_light(scene, d, True) for d in sun] + [_light(scene, d, False) for d in sky]


def _spread(count: int) -> Floats:
    """`count` points (n, 2) evenly over the unit disc: steps of the golden angle."""
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt((np.arange(count) + 0.5) / count)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])


def _light(scene: Scene, direction: Floats, is_sun: bool) -> Light:
    d = direction / np.linalg.norm(direction)
    right = np.cross(d, [0.3, 0.9, 0.1])
    right /= np.linalg.norm(right)
    axes = np.vstack([right, np.cross(d, right)])
    flat, along = scene.corners @ axes.T, scene.corners @ d
    low = flat.min(axis=(0, 1))
    scale = (SHADOW_PIXELS - 4) / float(np.max(flat.max(axis=(0, 1)) - low))
    low = low - 2 / scale
    far = along.min()
    pixels, near = (flat - low) * scale, along - far + 1
    winner, nearness = _nearest(pixels, near, SHADOW_PIXELS, SHADOW_PIXELS)
    depth = np.where(winner >= 0, nearness + far - 1, -np.inf)
    return Light(d, axes, low, scale, depth, is_sun)


def _daylight(lights: Sequence[Light], points: Floats, normals: Floats) -> Floats:
    """Brightness (n,) of points: 1 on open level ground."""
    pieces = [slice(i, i + POINTS_AT_ONCE) for i in range(0, len(points), POINTS_AT_ONCE)]
    return np.concatenate([_brightness(lights, points[k], normals[k]) for k in pieces])


def _brightness(lights: Sequence[Light], points: Floats, normals: Floats) -> Floats:
    total, open_ground = np.zeros(len(points)), 0.0
    suns = sum(light.is_sun for light in lights)
    raised = (points + normals * 1.2 / lights[0].scale).astype(np.float32)
    for light in lights:
        weight = 0.62 / suns if light.is_sun else 0.62 / (len(lights) - suns)
        facing = normals @ light.direction
        lit = np.flatnonzero(facing > 0)
        total[lit] += weight * facing[lit] * light.reaches(raised[lit])
        open_ground += weight * light.direction[2]
    bounce = 0.3 * (1 - normals[:, 2]) / 2  # the pale floor lights what looks down
    return total / open_ground + bounce


def _floor(scene: Scene, camera: Camera, lights: Sequence[Light], size: tuple[int, int]) -> Floats:
    """The background with the soft shadow on it: (height, width, 3), linear light."""
    coarse = 4
    width, height = size[0] // coarse, size[1] // coarse
    y, x = np.mgrid[0:height, 0:width]
    rays = camera.rays(np.column_stack([x.ravel(), y.ravel()]) * coarse + coarse / 2)
    floor_z = scene.corners[..., 2].min()
    reach = (floor_z - camera.eye[2]) / np.minimum(rays[:, 2], -1e-3)
    points = camera.eye + rays * reach[:, None]
    light = _daylight(lights, points, np.broadcast_to([0.0, 0.0, 1.0], points.shape))
    soft = gaussian_filter(light.reshape(height, width), sigma=2.2)
    shade = Image.fromarray(soft.astype(np.float32))
    smooth = np.asarray(shade.resize(size, Image.Resampling.BICUBIC), dtype=float)
    smooth = np.clip(smooth, 0, 1)[..., None]
    return BACKGROUND**2.2 * (0.25 + 0.75 * smooth)


def _shaded(scene: Scene, camera: Camera, lights: Sequence[Light], seen: Ints, hit: Ints) -> Floats:
    """Colour (n, 3), linear light, of the pixels `hit`."""
    width = seen.shape[1]
    triangle = seen.ravel()[hit]
    rays = camera.rays(np.column_stack([hit % width + 0.5, hit // width + 0.5]))
    normal, corner = scene.face_normal[triangle], scene.corners[triangle, 0]
    slope = np.sum(rays * normal, axis=1)
    slope = np.where(np.abs(slope) < 1e-4, -1e-4, slope)
    points = camera.eye + rays * (np.sum((corner - camera.eye) * normal, axis=1) / slope)[:, None]
    share = _barycentric(points, scene.corners[triangle])
    smooth = np.einsum("nk,nkd->nd", share, scene.normals[triangle])
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1), 1e-9)[:, None]
    local = np.einsum("nk,nkd->nd", share, scene.local[triangle])
    colour = _albedo(scene, scene.body[triangle], local)
    colour *= _edge_tone(scene, seen).ravel()[hit][:, None]
    light = _daylight(lights, points, smooth)
    half = -rays + lights[0].direction
    half /= np.linalg.norm(half, axis=1)[:, None]
    gloss = 0.06 * np.clip(np.sum(smooth * half, axis=1), 0, 1) ** 24
    return colour * (0.06 + 0.94 * light)[:, None] + gloss[:, None]


def _barycentric(points: Floats, corners: Floats) -> Floats:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    size = np.maximum(np.sum(normal * normal, axis=1), 1e-12)
    v = np.sum(np.cross(c - b, points - b) * normal, axis=1) / size
    w = np.sum(np.cross(a - c, points - c) * normal, axis=1) / size
    share = np.clip(np.column_stack([v, w, 1 - v - w]), 0, 1)
    return share / share.sum(axis=1)[:, None]


def _albedo(scene: Scene, body: Ints, local: Floats) -> Floats:
    base = (np.array([FINISHES[name] for name in scene.finish]) / 255) ** 2.2
    colour = base[body]
    wood = np.array([name == "plywood" for name in scene.finish])[body]
    colour[wood] *= _grain(local[wood])[:, None]
    return colour


def _grain(local: Floats) -> Floats:
    """Tone of plywood: long waves along x on its faces, dark and light veneers on its edges."""
    x, y, z = local.T
    waves = np.sin(0.42 * y + 1.6 * np.sin(0.011 * x + 0.05 * y)) + 0.5 * np.sin(1.3 * y + 0.02 * x)
    face = 1 + 0.025 * waves
    depth = np.minimum(z - z.min(initial=0), z.max(initial=0) - z)
    veneer = np.where(np.floor(z / PLY_MM).astype(int) % 2 == 1, 0.62, 0.9)
    return np.where(depth < 0.02, face, veneer)


def _edge_tone(scene: Scene, seen: Ints) -> Floats:
    """A little darker where neighbouring pixels show another part or a sharp bend."""
    normal, body = scene.face_normal[seen], np.where(seen >= 0, scene.body[seen], -1)
    tone = np.ones(seen.shape)
    for axis in (0, 1):
        other = np.roll(seen, 1, axis=axis)
        bend = np.sum(normal * scene.face_normal[other], axis=-1) < 0.72
        edge = bend | (body != np.roll(body, 1, axis=axis))
        tone = np.where(edge, 0.72, tone)
    return tone
