"""Meshes on one plate: where each copy lies, and what is said when there is no room."""

import numpy as np
import pytest

from commons.errors import MeshInvalid
from commons.plates import PrintArea, Rectangle
from fab_agent.slicing.mesh import binary_stl
from fab_agent.slicing.plate import PlateItem, PlateRequest
from fab_agent.slicing.plating import plate
from tests.unit.test_slicing_mesh import box, triangles_of

BED = PrintArea(0, 0, 200, 100, 150)


def laid(*meshes, copies=1, names=("part.stl", "other.stl"), **wish):
    items = tuple(
        PlateItem(name=name, copies=copies) for name, _ in zip(names, meshes, strict=False)
    )
    request = PlateRequest(**{"items": items, "scale": 1.0, "area": BED} | wish)
    stl, facts = plate([binary_stl(mesh) for mesh in meshes], request)
    return triangles_of(stl), facts


def refusal(*meshes, **wish):
    with pytest.raises(MeshInvalid) as refused:
        laid(*meshes, **wish)
    return str(refused.value)


def spots(triangles, each=12):
    """The box of each body in x and y."""
    bodies = triangles.reshape(-1, each * 3, 3)
    return [(*body.min(axis=0)[:2], *body.max(axis=0)[:2]) for body in bodies]


def test_a_single_part_stands_in_the_middle_of_the_bed():
    triangles, facts = laid(box(20, 30, 40) + np.array((500, -700, 33)))
    assert spots(triangles) == [pytest.approx((90, 35, 110, 65))]
    assert triangles[..., 2].min() == 0
    assert facts.size_mm == pytest.approx((20, 30, 40))
    assert facts.poses == ()


def test_copies_and_different_parts_lie_apart_and_are_counted_together():
    triangles, facts = laid(box(40, 30, 10), box(20, 20, 20), copies=3, margin_mm=5)
    places = spots(triangles)
    assert len(places) == 6
    assert facts.faces == 6 * 12
    assert facts.volume_mm3 == pytest.approx(3 * (40 * 30 * 10 + 20**3))
    for number, (x0, y0, x1, y1) in enumerate(places):
        assert min(x0, y0) >= 5 and x1 <= 195 and y1 <= 95
        for a0, b0, a1, b1 in places[number + 1 :]:
            assert x1 + 14 <= a0 + 1e-3 or a1 + 14 <= x0 + 1e-3 or (
                y1 + 14 <= b0 + 1e-3 or b1 + 14 <= y0 + 1e-3
            )  # fmt: skip


def test_a_part_that_fits_only_sideways_is_turned_and_not_mirrored():
    _, facts = laid(box(90, 180, 40))
    assert facts.size_mm == pytest.approx((180, 90, 40))
    assert facts.volume_mm3 == pytest.approx(90 * 180 * 40)


def test_the_scale_counts_before_the_room():
    assert laid(box(2000, 900, 400), scale=0.1)[1].size_mm == pytest.approx((200, 90, 40))


NO_ROOM = [
    ({}, (210, 110, 40),
     "part.stl: is 210 x 110 x 40 mm and this machine has room for 200 x 100 x 150 mm: choose a "
     "larger machine, a smaller scale or fewer copies"),
    ({"scale": 2}, (20, 20, 80),
     "part.stl: is 40 x 40 x 160 mm and this machine has room for 200 x 100 x 150 mm; laid on its "
     "front it fits: order it with the suggested orientation"),
    ({"scale": 0.05}, (10, 10, 10),
     "part.stl: is 0.5 x 0.5 x 0.5 mm, too small to print: choose a larger scale"),
    ({"copies": 4}, (90, 90, 90),
     "part.stl: 4 of 90 x 90 x 90 mm do not fit at once on 200 x 100 x 150 mm, 2 do: choose a "
     "larger machine, a smaller scale or fewer copies"),
    ({"suggested": True}, (300, 300, 300),
     "part.stl: is 300 x 300 x 300 mm and this machine has room for 200 x 100 x 150 mm, on none "
     "of its sides"),
    ({"area": PrintArea(0, 0, 200, 100, 150, (Rectangle(90, 40, 110, 60),))}, (120, 60, 5),
     "part.stl: is 120 x 60 x 5 mm and this machine has room for 200 x 100 x 150 mm less what "
     "stands on it; laid on its front it fits: order it with the suggested orientation"),
    ({"max_faces": 20, "copies": 2}, (10, 10, 10),
     "part.stl: all copies have 24 triangles, more than 20: order fewer at once or simplify it"),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "size", "sentence"), NO_ROOM)
def test_what_has_no_room_is_refused_in_one_sentence(wish, size, sentence):
    assert refusal(box(*size), **wish) == sentence


def test_parts_that_fit_alone_and_not_together_are_refused_by_name():
    said = refusal(box(150, 90, 10), box(90, 90, 10))
    assert said == (
        "1 × part.stl, 1 × other.stl: do not fit on one plate together: order fewer at once"
    )


def test_the_suggested_pose_is_one_in_which_all_copies_fit():
    triangles, facts = laid(box(100, 100, 8), copies=3, suggested=True)
    assert len(spots(triangles)) == 3
    assert np.ptp(triangles[..., 2]) == pytest.approx(100)
    assert facts.poses[0].startswith("part.stl: laid on its ")
