"""How far surfaces are apart: the interval holds what is known by other means."""

import numpy as np
import pytest

from repo_server.parsing.deviation import Target, cut, reach
from tests.mesh_files import CORNERS, FACES

BOX, SIDES = np.array(CORNERS, dtype=float), np.array(FACES)
FEW = 4000


def ball(radius: float, rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners lie on the ball; faces lie within."""
    up = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    grid = [(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in up for b in around]
    points = np.array([*grid, (0, 0, 1), (0, 0, -1)]) * radius
    n = 2 * rings
    faces = []
    for row in range(rings - 2):
        for at in range(n):
            a, b = row * n + at, row * n + (at + 1) % n
            faces += [(a, a + n, b), (b, a + n, b + n)]
    top, bottom = len(grid), len(grid) + 1
    faces += [(top, at, (at + 1) % n) for at in range(n)]
    low = (rings - 2) * n
    faces += [(bottom, low + (at + 1) % n, low + at) for at in range(n)]
    return points, np.array(faces)


def far(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> tuple:
    found = reach(cut(*one, more=FEW), Target(cut(*other, more=FEW)))
    return found.least_mm, found.most_mm


def test_a_larger_box_is_as_far_as_its_corners() -> None:
    least, most = far((BOX + (BOX > 0) * 1.0, SIDES), (BOX, SIDES))
    assert least <= np.sqrt(3) <= most
    assert least == pytest.approx(np.sqrt(3), abs=1e-3)  # a sample lies on the corner
    least, most = far((BOX, SIDES), (BOX + (BOX > 0) * 1.0, SIDES))
    assert least == pytest.approx(1.0, abs=1e-3) and most >= 1.0


@pytest.mark.parametrize("rings", [12, 30])
def test_a_larger_ball_is_as_far_as_its_radius(rings: int) -> None:
    least, most = far(ball(21, rings), ball(20, rings))
    flat = 20 * (1 - np.cos(np.pi / rings / 2) ** 2)  # so far faces lie below their ball
    assert least <= 1 + flat and most >= 1
    assert least == pytest.approx(1, abs=flat + 0.01)


def test_the_same_surface_cut_otherwise_is_nowhere_away() -> None:
    middle = BOX[SIDES].mean(axis=1)
    fan = np.concatenate([np.c_[SIDES[:, [a, (a + 1) % 3]], np.arange(12) + 8] for a in range(3)])
    least, most = far((np.vstack([BOX, middle]), fan), (BOX, SIDES))
    assert least == pytest.approx(0, abs=1e-9)
    assert 0 < most < 1.5  # the spacing of the samples


def test_a_moved_box_is_compared_as_it_lies_and_the_same_each_time() -> None:
    moved = (BOX + np.array([0, 0, 2.5]), SIDES)
    assert far(moved, (BOX, SIDES)) == far(moved, (BOX, SIDES))
    assert far(moved, (BOX, SIDES))[0] == pytest.approx(2.5, abs=1e-3)


def test_small_faces_beside_large_ones_hide_no_distance() -> None:
    """A place on a large face has many small ones near it, and still lies on the large one."""
    dense = ball(1.0, 40)
    plate = (BOX * (10, 10, 0.1), SIDES)
    both = (np.vstack([plate[0], dense[0] + (50, 100, 4)]), np.r_[SIDES, dense[1] + 8])
    found = Target(cut(*both, more=2000)).measure(
        np.array([[50 + at, 100.0, 3.0] for at in np.linspace(-1.2, 1.2, 25)])
    )
    assert found.most == pytest.approx(np.zeros(25), abs=1e-9)
    assert (found.least <= found.most).all()


def test_the_side_of_a_place_is_told_at_edges_and_corners_too() -> None:
    around = np.array([(x, y, z) for x in (-3, 5, 13) for y in (-3, 10, 23) for z in (-3, 15, 33)])
    outside = Target(cut(BOX, SIDES, more=500)).measure(around.astype(float)).outside
    inner = (around == (5, 10, 15)).all(axis=1)
    assert (outside == ~inner).all()
