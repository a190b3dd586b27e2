"""Which side of a part lies on the bed: shapes whose best pose is known."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from fab_agent.slicing.mesh import body_of, volume_mm3
from fab_agent.slicing.orientation import laid, poses, suggested


def prism(outline, depth):
    """A body over a flat outline (x, z) without holes, drawn standing, `depth` along y."""
    flat = shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.Polygon(outline)))
    faces = []
    for piece in flat:
        a, b, c = shapely.get_coordinates(piece)[:3]
        if shapely.LinearRing((a, b, c)).is_ccw is False:
            b, c = c, b
        front = [(x, 0.0, z) for x, z in (a, b, c)]
        back = [(x, depth, z) for x, z in (a, c, b)]
        faces += [front, back]
    ring = np.array(outline, dtype=float)
    if shapely.LinearRing(outline).is_ccw is False:
        ring = ring[::-1]
    for (ax, az), (bx, bz) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        faces.append([(ax, 0, az), (ax, depth, az), (bx, 0, bz)])
        faces.append([(bx, 0, bz), (ax, depth, az), (bx, depth, bz)])
    triangles = np.array(faces, dtype=float)
    assert volume_mm3(triangles) == pytest.approx(shapely.Polygon(outline).area * depth)
    return triangles


def cone(radius, height, *, point_down):
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rim = np.column_stack((radius * np.cos(turn), radius * np.sin(turn), np.zeros(48)))
    pairs = zip(rim, np.roll(rim, -1, axis=0), strict=True)
    tip, middle = np.array((0, 0, height)), np.zeros(3)
    triangles = np.array([t for a, b in pairs for t in ((a, b, tip), (b, a, middle))])
    return triangles * (1, -1, -1) if point_down else triangles


def size(triangles):
    points = triangles.reshape(-1, 3)
    return tuple(np.round(points.max(axis=0) - points.min(axis=0), 3).tolist())


def best(triangles, fits=lambda box: True):
    found = suggested(triangles, fits)
    assert found is not None
    assert volume_mm3(found.triangles) == pytest.approx(volume_mm3(triangles))  # never mirrored
    assert found.triangles[..., 2].min() == pytest.approx(0)
    return size(found.triangles), found.sentence


BRACKET = [(0, 0), (60, 0), (60, 5), (5, 5), (5, 60), (0, 60)]
HANGING = [(0, 55), (55, 55), (55, 0), (60, 0), (60, 60), (0, 60)]
TEE = [(25, 0), (35, 0), (35, 50), (60, 50), (60, 60), (0, 60), (0, 50), (25, 50)]


def test_a_bracket_is_laid_on_its_side():
    assert best(prism(BRACKET, 30)) == (
        (60, 60, 30), "laid on its front: needs no supports, 30 mm high instead of 60 mm",
    )  # fmt: skip


def test_a_wide_bracket_whose_arm_hangs_is_turned_so_that_nothing_hangs():
    box, sentence = best(prism(HANGING, 120))
    assert box[1:] == (120, 60)
    assert "needs no supports" in sentence


def test_a_long_tee_stands_on_its_head():
    assert best(prism(TEE, 80)) == (
        (60, 80, 60), "upside down: needs no supports, where as drawn 4000 mm² hang over",
    )  # fmt: skip


def test_a_cone_stands_on_its_base():
    box, sentence = best(cone(20, 50, point_down=True))
    assert box == (40, 40, 50)
    assert sentence.startswith("upside down: needs no supports, 1253 mm² on the bed instead of 0")
    assert best(cone(20, 50, point_down=False))[1].startswith("stays as drawn, needs no supports")


def test_a_plate_on_its_edge_is_laid_flat():
    plate = prism([(0, 0), (80, 0), (80, 50), (0, 50)], 4)
    box, sentence = best(plate)
    assert box == (80, 50, 4)
    assert sentence.endswith("needs no supports, 4 mm high instead of 50 mm")


def test_a_plate_drawn_askew_is_laid_on_its_flat_side():
    angle = np.radians(30)
    turn = np.array(((1, 0, 0), (0, np.cos(angle), -np.sin(angle)),
                     (0, np.sin(angle), np.cos(angle))))  # fmt: skip
    box, sentence = best(prism([(0, 0), (80, 0), (80, 50), (0, 50)], 4) @ turn.T)
    assert sorted(box) == pytest.approx([4, 50, 80], abs=0.01)
    assert box[2] == pytest.approx(4, abs=0.01)
    assert sentence.startswith("tilted onto a flat side: needs no supports, 4 mm high")


def test_only_poses_that_fit_are_suggested():
    plate = prism([(0, 0), (80, 0), (80, 50), (0, 50)], 4)
    box, _ = best(plate, fits=lambda box: max(box[:2]) <= 60)
    assert box[2] == 80
    assert suggested(plate, lambda box: max(box) <= 60) is None


def test_the_same_part_is_always_laid_the_same():
    once, again = (best(prism(TEE, 20)) for _ in range(2))
    assert once == again


def test_what_is_drawn_well_stays_as_it_is():
    block = prism([(0, 0), (40, 0), (40, 20), (0, 20)], 40)
    assert best(block)[1].startswith("stays as drawn, needs no supports")


def test_each_pose_is_measured_in_its_own_direction():
    tee = prism(TEE, 20)
    drawn, head, *_ = poses(tee)
    assert (drawn.overhang_mm2, drawn.contact_mm2) == pytest.approx((1000, 200))
    assert (head.overhang_mm2, head.contact_mm2) == pytest.approx((0, 1200))
    assert drawn.height_mm == head.height_mm == 60
    assert all(laid(tee, pose)[..., 2].min() == pytest.approx(0) for pose in poses(tee))


DESIGNS = sorted((Path(__file__).parents[2] / "designs").glob("*/export/*.stl"))


@pytest.mark.slow
@pytest.mark.parametrize("file", DESIGNS, ids=lambda file: file.stem)
def test_our_designs_stay_as_they_are_drawn_and_come_back_to_that_from_any_other_side(file):
    part = body_of(file.read_bytes(), file.name, scale=1.0, max_faces=10**6)
    kept = suggested(part, lambda box: True)
    assert kept is not None and kept.sentence.startswith("stays as drawn")
    drawn = poses(part)[0]
    for turned in (part * (1, -1, -1), part[..., [0, 2, 1]] * (1, -1, 1)):
        found = suggested(turned, lambda box: True)
        assert found is not None
        pose = poses(found.triangles)[0]
        assert pose.cost == pytest.approx(drawn.cost, abs=0.02)
