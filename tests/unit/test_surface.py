"""Corners become a surface, and what is wrong with it is counted."""

import numpy as np
import pytest

from repo_server.parsing.surface import survey, weld

TETRAHEDRON = np.array(
    [
        [[0, 0, 0], [0, 3, 0], [3, 0, 0]],
        [[0, 0, 0], [3, 0, 0], [0, 0, 3]],
        [[0, 0, 0], [0, 0, 3], [0, 3, 0]],
        [[3, 0, 0], [0, 3, 0], [0, 0, 3]],
    ],
    dtype=np.float32,
)


def test_two_bodies_far_from_the_origin_are_told_right():
    corners = np.concatenate([TETRAHEDRON + 1000, TETRAHEDRON + 1010])
    vertices, faces = weld(corners)
    found = survey(vertices, faces)
    assert (len(vertices), found.bodies) == (8, 2)
    assert (found.open_edges, found.crowded_edges, found.turned_edges) == (0, 0, 0)
    assert found.volume == pytest.approx(2 * 27 / 6)
    assert found.area == pytest.approx(2 * (3 * 4.5 + 9 * np.sqrt(3) / 2))
    assert found.box == (13, 13, 13)


def test_minus_zero_is_the_same_corner():
    corners = TETRAHEDRON.copy()
    corners[0][corners[0] == 0] = -0.0
    assert len(weld(corners)[0]) == 4


@pytest.mark.parametrize(
    ("corners", "defects"),
    [
        (TETRAHEDRON[:3], (3, 0, 0)),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON[:1]]), (0, 3, 0)),
        (np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]), (0, 0, 3)),
    ],
    ids=["a hole", "a face twice", "a face inside out"],
)
def test_edges_that_make_it_no_body_are_counted(corners, defects):
    found = survey(*weld(corners))
    assert (found.open_edges, found.crowded_edges, found.turned_edges) == defects


def test_inside_out_has_a_volume_below_zero():
    assert survey(*weld(TETRAHEDRON[:, ::-1])).volume == pytest.approx(-4.5)
