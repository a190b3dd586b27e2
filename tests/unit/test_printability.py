"""What is said of a body before it is printed, held against bodies whose answers are known."""

import numpy as np
import pytest
import trimesh

from repo_server.parsing.printability import MARKS, Printability, examine
from repo_server.parsing.unit_guess import guess


def box(x: float, y: float, z: float, at: tuple[float, float, float] = (0, 0, 0)):
    return trimesh.creation.box((x, y, z)).apply_translation(at)


def examined(mesh: trimesh.Trimesh) -> Printability:
    return examine(np.asarray(mesh.vertices), np.asarray(mesh.faces))


def joined(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.boolean.union(meshes, engine="manifold")


def cut(mesh: trimesh.Trimesh, hole: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.boolean.difference([mesh, hole], engine="manifold")


def test_a_block_has_sound_walls_no_gaps_and_hangs_nowhere() -> None:
    found = examined(box(10, 20, 30))
    assert found.walls.least_mm == pytest.approx(10, abs=0.01)
    assert (found.walls.share, found.walls.places) == (0, ())
    assert (found.gaps.least_mm, found.gaps.share) == (None, 0)
    assert (found.hanging_share, found.hanging) == (0, ())


@pytest.mark.parametrize("at", [(0, 0, 0), (5000, -3000, 0)])
def test_a_thin_wall_is_measured_wherever_it_stands(at: tuple[float, float, float]) -> None:
    """A wall of 0.5 × 40 × 20 mm on a base of 40 × 40 × 5 mm."""
    body = joined(box(40, 40, 5), box(0.5, 40, 20.01, (0, 0, 12.495))).apply_translation(at)
    found = examined(body)
    assert found.walls.least_mm == pytest.approx(0.5, abs=0.01)
    assert found.walls.share == pytest.approx(2 * 40 * 20 / body.area, rel=0.05)
    assert len(found.walls.places) > MARKS / 2
    x, _, z = np.array(found.walls.places).T
    assert (np.abs(x - at[0]) < 0.3).all() and (z > 2.4).all()


def test_a_slot_that_would_close_is_a_gap_and_no_wall() -> None:
    body = cut(box(20, 20, 20), box(0.2, 30, 10, (0, 0, 5.01)))
    found = examined(body)
    assert found.gaps.least_mm == pytest.approx(0.2, abs=0.01)
    assert found.gaps.share == pytest.approx(2 * 20 * 10 / body.area, rel=0.05)
    assert found.walls.share == 0


def test_a_wide_slot_is_no_gap() -> None:
    assert examined(cut(box(20, 20, 20), box(2, 30, 10, (0, 0, 5.01)))).gaps.share == 0


def test_what_hangs_is_what_lies_open_below_but_not_what_lies_on_the_bed() -> None:
    """A T: two arms of 15 × 10 mm hang, of a surface of 2,500 mm²."""
    body = joined(box(10, 10, 30), box(40, 10, 5, (0, 0, 17.5)))
    found = examined(body)
    assert found.hanging_share == pytest.approx(300 / body.area, abs=1e-4)
    assert {z for _, _, z in found.hanging} == {15}


def test_a_slope_of_45_degrees_carries_itself() -> None:
    cone = trimesh.creation.cone(10, 10.5, sections=400)  # its tip up, then down
    assert examined(cone).hanging_share == 0
    steep = trimesh.creation.cone(10, 9.5, sections=400)
    for tip_down in (cone, steep):
        tip_down.apply_transform(trimesh.transformations.rotation_matrix(np.pi, (1, 0, 0)))
    assert examined(cone).hanging_share == 0
    assert examined(steep).hanging_share > 0.5


def test_the_same_mesh_gets_the_same_answer() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=5)
    assert examined(mesh) == examined(mesh)


@pytest.mark.parametrize(
    ("longest", "unit"),
    [(3, "mm"), (120, "mm"), (2000, "mm"), (2.5, "in"), (0.6, "in"), (0.12, "m"), (0.004, "m"),
     (0.001, None), (80_000, "µm"), (1e9, None), (0, None)],
)  # fmt: skip
def test_a_unit_is_guessed_by_the_size_of_a_part(longest: float, unit: str | None) -> None:
    assert guess(longest) == unit
