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
    assert (found.open_edges, found.turned_edges) == (0, 0)
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
        (TETRAHEDRON[:3], (3, 0)),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON[:1]]), (3, 0)),
        (np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]), (0, 3)),
    ],
    ids=["a hole", "a face twice", "a face inside out"],
)
def test_edges_that_make_it_no_body_are_counted(corners, defects):
    found = survey(*weld(corners))
    assert (found.open_edges, found.turned_edges) == defects


def test_inside_out_has_a_volume_below_zero():
    assert survey(*weld(TETRAHEDRON[:, ::-1])).volume == pytest.approx(-4.5)


def test_bodies_that_touch_along_an_edge_are_sound_and_two():
    mirrored = (TETRAHEDRON * np.float32([-1, -1, 1]))[:]
    found = survey(*weld(np.concatenate([TETRAHEDRON, mirrored])))
    assert (found.open_edges, found.turned_edges, found.bodies) == (0, 0, 2)
    assert found.volume == pytest.approx(9)


def test_a_face_that_uses_a_corner_twice_counts_nowhere():
    flat = np.float32([[[0, 0, 0], [3, 0, 0], [3, 0, 0]]])
    found = survey(*weld(np.concatenate([TETRAHEDRON, flat])))
    assert (found.open_edges, found.turned_edges, found.bodies) == (0, 0, 1)


def test_corners_nearly_in_one_place_meet_once_they_are_rounded():
    corners = TETRAHEDRON.copy()
    corners[0] += np.float32(0.0001)
    assert survey(*weld(corners)).open_edges > 0
    assert survey(*weld(corners, decimals=3)).open_edges == 0


def test_points_and_edges_that_share_a_key_are_still_told_apart(monkeypatch):
    """With keys that say nothing, only the comparison of what they stand for is left."""
    dice = np.random.default_rng(3)
    corners = dice.integers(0, 3, (200, 3, 3)).astype(np.float32)
    before = weld(corners), survey(*weld(corners))
    monkeypatch.setattr("repo_server.parsing.surface._STIR", (np.uint64(0), np.uint64(0)))
    monkeypatch.setattr("repo_server.parsing.surface._ODD", np.uint64(0))
    vertices, faces = weld(corners)
    assert np.array_equal(vertices[faces], corners) and len(vertices) == 27
    assert np.array_equal(faces, before[0][1]) and survey(vertices, faces) == before[1]
