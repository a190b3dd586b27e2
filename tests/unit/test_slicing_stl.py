"""Binary STL: read as it was written, and whether its surface closes, without sorting its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fab_agent.slicing.mesh import edge_faults
from fab_agent.slicing.stl import binary_stl, closes, is_binary_stl, read_binary_stl
from tests.unit.test_slicing_mesh import box


def single(triangles):
    return np.asarray(triangles, dtype=np.float32)


def test_what_was_written_is_read():
    cube = single(box())
    data = binary_stl(cube)
    assert is_binary_stl(data)
    assert not is_binary_stl(data[:-1])
    assert (read_binary_stl(data) == cube).all()


def test_no_slicer_takes_it_for_text():
    assert max(binary_stl(np.full((12, 3, 3), 2.0))[84:][:128]) > 127


def test_a_box_closes_wherever_it_stands_and_however_its_triangles_begin():
    cube = single(box())
    assert closes(cube)
    assert closes(cube[::-1] + np.float32(7))
    assert closes(np.roll(cube, 1, axis=1))
    assert closes(np.concatenate((cube, cube + np.float32(50))))


@pytest.mark.parametrize("number", range(12))
def test_without_one_of_its_triangles_or_with_one_turned_it_does_not(number):
    cube = single(box())
    assert not closes(np.delete(cube, number, axis=0))
    cube[number] = cube[number, ::-1]
    assert not closes(cube)


def test_zero_has_no_sign_and_what_is_no_number_closes_nothing():
    cube = single(box())
    assert closes(read_binary_stl(binary_stl(cube * np.where(cube == 0, np.float32(-1), 1))))
    cube[0, 0, 0] = np.nan
    assert not closes(cube)


corners = st.integers(0, 4)
surfaces = st.lists(st.tuples(corners, corners, corners), min_size=1, max_size=12)


@given(surfaces)
def test_it_says_what_counting_every_edge_says(faces):
    points = np.random.default_rng(3).normal(size=(5, 3))
    assert closes(single(points[np.array(faces)])) == (edge_faults(np.array(faces)) == (0, 0))


@given(surfaces)
def test_a_surface_and_its_inside_out_close_together(faces):
    points = single(np.random.default_rng(4).normal(size=(5, 3)))[np.array(faces)]
    assert closes(np.concatenate((points, points[:, ::-1])))
