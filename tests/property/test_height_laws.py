"""The height map is never below what a drop cutter finds, and above it only as far as it says."""

import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from fab_agent.cam.heights import (
    GUARD_MM,
    LINE_CELLS,
    OFF_CELLS,
    OFF_LINE_MM,
    Shape,
    grid_over,
    reach,
    top_of,
)
from fab_agent.cam.planform import read_mesh
from fab_agent.cam.request import MeshKind
from tests.dropping import dropped

FLAT, BALL, BULL = Shape(3.0), Shape(3.0, 1.5), Shape(4.0, 1.0)
CELL_MM = 0.25


def random_body(seed):
    """Spikes, steps and slopes: the convex hulls of a few clouds of points, side by side."""
    random = np.random.default_rng(seed)
    hulls = []
    for _ in range(4):
        cloud = random.uniform(-5, 5, (12, 3)) * random.uniform(0.2, 1, 3)
        hull = trimesh.convex.convex_hull(cloud)
        hull.apply_translation(random.uniform(-6, 6, 3))
        hulls.append(hull)
    return trimesh.util.concatenate(hulls).triangles


def relief():
    """Waves with a wall through them, as a designer would carve."""
    x, y = np.meshgrid(np.linspace(-10, 10, 41), np.linspace(-8, 8, 33))
    z = 2 * np.sin(x / 2) * np.cos(y / 3) + np.where(x > 3, 2.0, 0.0)
    at = np.stack([x, y, z], axis=2)
    one = np.stack([at[:-1, :-1], at[:-1, 1:], at[1:, 1:]], axis=2)
    other = np.stack([at[:-1, :-1], at[1:, 1:], at[1:, :-1]], axis=2)
    return np.concatenate([one.reshape(-1, 3, 3), other.reshape(-1, 3, 3)])


def plate():
    """A plate with a slot and a round post."""
    body = trimesh.creation.box((30, 20, 4)).difference(
        trimesh.creation.box((12, 4, 10), trimesh.transformations.translation_matrix((3, 2, 2)))
    )
    post = trimesh.creation.cylinder(2.5, 9, sections=24)
    return trimesh.util.concatenate([body, post]).triangles


def design(name):
    """A printed part of one of our designs, as it stands on its bed."""
    file = next((Path(__file__).parents[2] / "designs").glob(f"*/export/{name}.stl"))
    return read_mesh(file.read_bytes(), MeshKind.STL)


BODIES = [pytest.param(random_body(seed), id=f"random {seed}") for seed in range(5)]
BODIES += [pytest.param(design(name), id=name) for name in ("gusset-hook", "cap")]
BODIES += [pytest.param(relief(), id="relief"), pytest.param(plate(), id="plate")]


def heights_at(triangles, cutter, points):
    grid = grid_over(triangles, cell_mm=CELL_MM, margin_mm=cutter.diameter_mm)
    found = reach(top_of(triangles, grid), CELL_MM, cutter)
    return found[grid.square_of(*points.T)]


def places(triangles, count, seed=1):
    low, high = triangles[..., :2].min(axis=(0, 1)), triangles[..., :2].max(axis=(0, 1))
    return np.random.default_rng(seed).uniform(low - 1, high + 1, (count, 2))


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="opencamlib has no wheel for this Python")
@pytest.mark.parametrize("cutter", [FLAT, BALL, BULL], ids=["flat", "ball", "bull-nose"])
@pytest.mark.parametrize("triangles", BODIES)
def test_no_place_lies_below_opencamlibs_height_nor_above_what_it_reaches_nearby(triangles, cutter):
    points = places(triangles, 1000)
    ours = heights_at(triangles, cutter, points)
    true = dropped(triangles, points, cutter)
    over_body = true > -999
    assert over_body.sum() > 200
    assert (ours - true)[over_body].min() >= -1e-6
    # What a cutter touches from anywhere within d, one touches from here whose flat end is d wider.
    far = OFF_CELLS * CELL_MM
    wider = Shape(cutter.diameter_mm + 2 * far, cutter.corner_mm)
    assert (ours - dropped(triangles, points, wider)).max() <= GUARD_MM + 1e-6


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="opencamlib has no wheel for this Python")
@pytest.mark.parametrize("cutter", [FLAT, BALL, BULL], ids=["flat", "ball", "bull-nose"])
@pytest.mark.parametrize("triangles", BODIES)
def test_along_the_middles_of_rows_the_map_is_as_safe_and_nearer(triangles, cutter):
    grid = grid_over(triangles, cell_mm=CELL_MM, margin_mm=cutter.diameter_mm)
    found = reach(top_of(triangles, grid), CELL_MM, cutter, on_line=True)
    points = places(triangles, 1000)
    row, column = grid.square_of(*points.T)
    off = np.random.default_rng(4).uniform(-OFF_LINE_MM, OFF_LINE_MM, len(points))
    points[:, 1] = grid.middles()[1][row] + off
    ours, true = found[row, column], dropped(triangles, points, cutter)
    assert (ours - true)[true > -999].min() >= -1e-6
    far = LINE_CELLS * CELL_MM + 2 * OFF_LINE_MM
    wider = Shape(cutter.diameter_mm + 2 * far, cutter.corner_mm)
    assert (ours - dropped(triangles, points, wider)).max() <= GUARD_MM + 1e-6


@pytest.mark.parametrize("cutter", [FLAT, BALL, BULL], ids=["flat", "ball", "bull-nose"])
def test_on_level_ground_the_map_is_exact(cutter):
    box = trimesh.creation.box((20, 20, 4)).triangles
    inside = np.random.default_rng(2).uniform(-8, 8, (50, 2))
    assert np.abs(heights_at(box, cutter, inside) - 2.0).max() <= 2 * GUARD_MM
