"""The classical defects of a mesh, each mended, counted, and proved to be a body afterwards."""

from pathlib import Path

import numpy as np
import pytest

from commons.errors import MeshInvalid
from repo_server.parsing import REPAIR, mending, repair, threemf
from repo_server.parsing.mending import Mended, Steps
from repo_server.parsing.surface import survey
from tests.mesh_files import CORNERS, FACES, stl

BOX = np.array(CORNERS, dtype=float), np.array(FACES)  # mm: 10 by 20 by 30 from the origin
WHOLE = 6000.0


def box(low: tuple[float, ...], high: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(low) + BOX[0] / (10, 20, 30) * (np.array(high) - low), BOX[1]


def together(*meshes: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum([0] + [len(vertices) for vertices, _ in meshes])
    faces = [faces + at for (_, faces), at in zip(meshes, ends, strict=False)]
    return np.vstack([vertices for vertices, _ in meshes]), np.concatenate(faces)


def inside_out(mesh: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return mesh[0], mesh[1][:, ::-1]


def mend(mesh: tuple[np.ndarray, np.ndarray]) -> Mended:
    """What comes out; closed, turned alike and with an inside, whatever went in."""
    mended = mending.mend(*mesh)
    surface = survey(mended.vertices, mended.faces)
    assert (surface.open_edges, surface.turned_edges) == (0, 0) and surface.volume > 0
    return mended


def volume(mended: Mended) -> float:
    return survey(mended.vertices, mended.faces).volume


def test_a_sound_box_is_left_as_it_is() -> None:
    mended = mend(BOX)
    assert mended.steps == Steps()
    assert sorted(map(tuple, mended.vertices)) == sorted(map(tuple, BOX[0]))


@pytest.mark.parametrize("gone", [[0], [0, 1], [2, 3], [0, 5]])
def test_a_hole_is_closed(gone: list[int]) -> None:
    mended = mend((BOX[0], np.delete(BOX[1], gone, axis=0)))
    assert volume(mended) == pytest.approx(WHOLE)
    assert mended.steps.holes >= 1 and mended.steps.filled_mm2 > 0
    assert len(mended.places) == mended.steps.holes


def test_a_ring_that_is_missing_is_closed_as_a_ring() -> None:
    """A tube without its top: the hole through it stays open."""
    shell, bore = box((0, 0, 0), (20, 20, 60)), inside_out(box((8, 8, 0), (12, 12, 60)))
    sides = [faces[4:] for _, faces in (shell, bore)]  # without bottoms and tops
    mended = mend(together((shell[0], sides[0]), (bore[0], sides[1])))
    assert volume(mended) == pytest.approx(20 * 20 * 60 - 4 * 4 * 60)
    assert mended.steps.holes == 4


def test_a_hole_that_is_not_level_is_closed_too() -> None:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = np.c_[10 * np.cos(angles), 10 * np.sin(angles), 30 + 2 * np.sin(3 * angles)]
    base = np.c_[rim[:, :2], np.zeros(24)]
    at, after = np.arange(24), (np.arange(24) + 1) % 24
    walls = np.r_[np.c_[at, after, after + 24], np.c_[at, after + 24, at + 24]]
    bottom = np.c_[np.full(22, 0), at[2:], at[1:-1]]
    mended = mend((np.vstack([base, rim]), np.r_[walls, bottom]))
    area = 24 / 2 * 100 * np.sin(2 * np.pi / 24)
    assert volume(mended) == pytest.approx(area * 30, rel=0.02)


def test_a_turned_face_is_turned_back() -> None:
    faces = BOX[1].copy()
    faces[[3, 7]] = faces[[3, 7], ::-1]
    mended = mend((BOX[0], faces))
    assert (mended.steps.turned, mended.steps.holes) == (2, 0)
    assert volume(mended) == pytest.approx(WHOLE)


def test_a_body_that_is_inside_out_is_turned_and_a_cavity_stays() -> None:
    assert mend(inside_out(BOX)).steps.bodies_turned == 1
    cavity = inside_out(box((2, 2, 2), (8, 8, 8)))
    mended = mend(together(BOX, cavity))
    assert volume(mended) == pytest.approx(WHOLE - 216)
    assert mended.steps.bodies_turned == 0


@pytest.mark.parametrize("turned", [False, True])
def test_a_face_that_lies_there_twice_is_there_once(turned: bool) -> None:
    again = BOX[1][[4]]
    mended = mend((BOX[0], np.r_[BOX[1], again[:, ::-1] if turned else again]))
    assert volume(mended) == pytest.approx(WHOLE)
    assert mended.steps.doubled == (2 if turned else 1)


def test_a_face_without_area_is_left_out() -> None:
    mended = mend((BOX[0], np.r_[BOX[1], [(3, 3, 5)]]))
    assert (mended.steps.flat, mended.steps.doubled) == (1, 0)
    assert volume(mended) == pytest.approx(WHOLE)


def test_a_fin_at_an_edge_is_left_out() -> None:
    vertices = np.vstack([BOX[0], [(-5.0, -5.0, 15.0)]])
    mended = mend((vertices, np.r_[BOX[1], [(0, 4, 8)]]))
    assert mended.steps.fins == 1
    assert volume(mended) == pytest.approx(WHOLE)


def test_a_wall_within_a_body_is_left_out() -> None:
    """Two boxes that share a wall which is there once: the edges around it have three faces."""
    low, high = box((0, 0, 0), (10, 20, 15)), box((0, 0, 15), (10, 20, 30))
    top_of_low, bottom_of_high = [2, 3], [0, 1]
    halves = together((low[0], low[1]), (high[0], np.delete(high[1], bottom_of_high, axis=0)))
    mended = mend(halves)
    assert mended.steps.fins == len(top_of_low)
    assert volume(mended) == pytest.approx(WHOLE)


def test_bodies_that_overlap_become_one() -> None:
    mended = mend(together(BOX, box((5, 5, 5), (15, 15, 15))))
    assert volume(mended) == pytest.approx(WHOLE + 1000 - 500)
    assert mended.steps.bodies_united == 1
    apart = mend(together(BOX, box((50, 0, 0), (60, 10, 10))))
    assert (apart.steps.bodies_united, volume(apart)) == (0, pytest.approx(WHOLE + 1000))


def test_bodies_that_touch_along_an_edge_stay_sound() -> None:
    mended = mend(together(box((0, 0, 0), (10, 10, 10)), box((10, 10, 0), (20, 20, 10))))
    assert volume(mended) == pytest.approx(2000)


def test_corners_that_almost_meet_become_one() -> None:
    corners = BOX[0][BOX[1]].reshape(-1, 3)
    corners = corners + 0.003 * (np.arange(len(corners)) % 2)[:, None]
    mended = mend((corners, np.arange(len(corners)).reshape(-1, 3)))
    assert mended.steps.corners_joined and mended.steps.holes == 0
    assert volume(mended) == pytest.approx(WHOLE, rel=0.01)


def test_a_seam_where_faces_are_cut_otherwise_is_closed() -> None:
    """A corner in the middle of an edge that the neighbour does not have."""
    a, b, c = BOX[1][0]
    vertices = np.vstack([BOX[0], (BOX[0][a] + BOX[0][b]) / 2])
    mended = mend((vertices, np.r_[BOX[1][1:], [(a, 8, c), (8, b, c)]]))
    assert (mended.steps.seams, mended.steps.holes) == (1, 0)
    assert volume(mended) == pytest.approx(WHOLE)


@pytest.mark.parametrize(
    ("mesh", "said"),
    [
        ((BOX[0], BOX[1][:6]), "a sheet rather than a body"),
        ((BOX[0], np.r_[BOX[1][:2], BOX[1][:2, ::-1]]), "lie doubled"),
    ],
)
def test_what_would_be_a_guess_is_refused_with_a_sentence(mesh: object, said: str) -> None:
    with pytest.raises(MeshInvalid, match=said):
        mending.mend(*mesh)  # type: ignore[misc]


def test_a_surface_of_one_side_has_no_inside() -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    far = [30 + w * np.cos(turn / 2) for w in (-5, 5)]
    rim = [
        np.c_[r * np.cos(turn), r * np.sin(turn), w * np.sin(turn / 2)]
        for r, w in zip(far, (-5, 5), strict=True)
    ]
    at, after = np.arange(39), np.arange(1, 40)
    band = np.r_[np.c_[at, after, at + 40], np.c_[after, after + 40, at + 40]]
    last = [(39, 40, 79), (40, 0, 79)]
    with pytest.raises(MeshInvalid):
        mending.mend(np.vstack(rim), np.r_[band, last])


def test_a_copy_is_the_same_file_each_time_and_reads_as_what_was_written(tmp_path: Path) -> None:
    odd = BOX[0] / 3
    data = threemf.written(odd, BOX[1])
    assert data == threemf.written(odd, BOX[1])
    path = tmp_path / "copy.3mf"
    path.write_bytes(data)
    again = threemf.read(path)
    assert (again.vertices == odd).all() and (again.faces == BOX[1]).all()


def test_what_was_done_is_told_with_the_distance_between_old_and_new(tmp_path: Path) -> None:
    path = tmp_path / "open.stl"
    faces = np.delete(BOX[1], [4, 5], axis=0)  # a side of 10 by 30
    path.write_bytes(stl(CORNERS, faces.tolist()))
    facts = repair.inspect(path, "stl", tmp_path)["facts"]
    assert (facts["before"]["volume_mm3"], facts["after"]["volume_mm3"]) == (None, 6000.0)
    assert (facts["before"]["open_edges"], facts["after"]["open_edges"]) == (4, 0)
    assert (facts["steps"]["holes"], facts["steps"]["filled_mm2"]) == (1, 300.0)
    assert facts["left"]["least_mm"] == 0.0  # all that was there is there
    assert facts["added"]["least_mm"] <= 5 <= facts["added"]["most_mm"]  # the middle of the lid
    assert (tmp_path / REPAIR.file).is_file()


def test_what_is_sound_is_told_so_and_no_copy_is_made(tmp_path: Path) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl())
    with pytest.raises(MeshInvalid, match="nothing to repair"):
        repair.inspect(path, "stl", tmp_path)
    assert not (tmp_path / REPAIR.file).exists()
