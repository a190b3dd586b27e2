"""What is told of two meshes of which it is known how they differ."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from repo_server.parsing import SHAPE_CHANGE, shape_change
from tests.mesh_files import CORNERS, FACES, stl
from tests.unit.test_mending import BOX, box, together


@pytest.fixture(autouse=True)
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """As true and less close: what is told of the spacing is told of these."""
    monkeypatch.setattr(shape_change, "_MEASURED_CELLS", 3000)
    monkeypatch.setattr(shape_change, "_SHOWN_CELLS", 1500)


def compared(folder: Path, old: tuple, new: tuple) -> dict:
    for name, (vertices, faces) in (("old", old), ("new", new)):
        (folder / name).write_bytes(stl(vertices.tolist(), faces.tolist()))
    return shape_change.inspect(folder / "old", "stl+stl", folder, folder / "new")["facts"]


def colours(folder: Path) -> set[tuple[int, ...]]:
    """The colours of the corners that faces use."""
    data = (folder / SHAPE_CHANGE.file).read_bytes()
    (size,) = struct.unpack("<I", data[12:16])
    told, binary = json.loads(data[20 : 20 + size]), data[28 + size :]
    views = [binary[it["byteOffset"] :][: it["byteLength"]] for it in told["bufferViews"]]
    used = np.unique(np.frombuffer(views[1], dtype="<u4"))
    return set(map(tuple, np.frombuffer(views[2], dtype=np.uint8).reshape(-1, 4)[used].tolist()))


GREY, BLUE, ORANGE = map(tuple, shape_change._COLOURS.tolist())


def test_what_was_added_is_told_by_volume_distance_and_place(tmp_path: Path) -> None:
    pin = box((4, 9, 30), (6, 11, 42))
    facts = compared(tmp_path, BOX, together(BOX, pin))
    assert facts["after"]["volume_mm3"] - facts["before"]["volume_mm3"] == pytest.approx(48)
    assert facts["added"]["least_mm"] == pytest.approx(12, abs=1e-3)
    assert facts["added"]["most_mm"] == pytest.approx(12 + facts["spacing_mm"], abs=1e-3)
    x, y, z, far = facts["added"]["places"][0]
    assert (4 <= x <= 6, 9 <= y <= 11, z, far) == (True, True, 42, 12)
    assert (facts["removed"]["least_mm"], facts["removed"]["places"]) == (0.0, ())
    assert colours(tmp_path) == {GREY, BLUE}


def test_what_was_taken_away_is_told_where_it_was(tmp_path: Path) -> None:
    facts = compared(tmp_path, together(BOX, box((2, 5, 30), (8, 15, 38))), BOX)
    assert facts["removed"]["least_mm"] == pytest.approx(8, abs=1e-3)
    assert facts["added"]["least_mm"] == 0.0
    assert colours(tmp_path) == {GREY, ORANGE}
    assert facts["after"]["box_mm"] == [10, 20, 30]


def test_the_same_shape_of_other_triangles_has_no_change(tmp_path: Path) -> None:
    middle = np.array(CORNERS)[np.array(FACES)].mean(axis=1)
    fan = np.concatenate(
        [np.c_[BOX[1][:, [at, (at + 1) % 3]], np.arange(12) + 8] for at in range(3)]
    )
    facts = compared(tmp_path, BOX, (np.vstack([BOX[0], middle]), fan))
    assert facts["added"]["places"] == facts["removed"]["places"] == ()
    assert colours(tmp_path) == {GREY}


def test_a_moved_part_is_compared_as_it_lies(tmp_path: Path) -> None:
    facts = compared(tmp_path, BOX, (BOX[0] + np.array([3.0, 0, 0]), BOX[1]))
    assert facts["added"]["least_mm"] == facts["removed"]["least_mm"] == pytest.approx(3, abs=1e-3)
    assert facts["before"]["volume_mm3"] == facts["after"]["volume_mm3"] == 6000
    assert colours(tmp_path) == {GREY, BLUE, ORANGE}
