"""Lines of a drawing: joined, and told apart by what lies in what."""

import numpy as np
import pytest

from repo_server.parsing import instances
from repo_server.parsing.strokes import facts_of, joined


def square(edge: float, at: float = 0) -> np.ndarray:
    return np.array([(0, 0), (edge, 0), (edge, edge), (0, edge), (0, 0)]) + at


def test_many_lines_that_meet_in_one_point_are_looked_at_once_each():
    """Quadratic work on these would outlast every limit."""
    star = [np.array([(0.0, 0.0), (1.0, float(at))]) for at in range(50_000)]
    assert len(joined(star)) == 25_000


def test_pieces_in_any_order_and_direction_become_one_contour():
    whole = square(10)
    pieces = [whole[at : at + 2][:: (-1) ** at] for at in (2, 0, 3, 1)]
    (ring,) = joined(pieces)
    assert facts_of([ring])["area_mm2"] == 100 and len(ring) == 5


@pytest.mark.parametrize(
    ("rings", "holes", "area"),
    [
        ([square(10), square(4, 2)], 1, 84),
        ([square(10), square(4, 2), square(2, 3)], 1, 88),
        ([square(10), square(4, 20)], 0, 116),
        ([square(10), square(4, 1)[:3]], 0, 100),
    ],
)
def test_contours_are_plates_and_holes_by_turns(rings, holes, area):
    facts = facts_of(rings)
    assert (facts["holes"], facts["area_mm2"]) == (holes, area)


def test_instances_are_multiplied_without_being_made():
    levels = {f"{n}": {f"{n - 1}": 10} for n in range(1, 100)}
    assert instances.count("5", {"0": 3}, levels, most=10**9) == 3 * 10**5
    assert instances.count("99", {"0": 3}, levels, most=1000) == 1001
    wide = {"top": {"a": 2, "b": 3}, "b": {"a": 1, "nowhere": 5}}
    assert instances.count("top", {"a": 1}, wide, most=1000) == 5
