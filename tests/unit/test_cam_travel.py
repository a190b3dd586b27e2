"""Short tours: every place once, never longer than the nearest first, and no crossings."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fab_agent.cam.travel import _nearest_first, length_mm, short_tour

HERE = np.zeros(2)
PLACES = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=40).map(
    lambda places: np.array(places, dtype=float)
)


@settings(max_examples=60, deadline=None)
@given(PLACES)
def test_every_place_is_visited_once_on_a_way_no_longer_than_to_each_nearest(places):
    order = short_tour(places, HERE)
    assert sorted(order.tolist()) == list(range(len(places)))
    nearest = places[_nearest_first(places, HERE)]
    assert length_mm(places[order], HERE) <= length_mm(nearest, HERE) + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_seven_places_are_visited_almost_as_short_as_can_be(seed):
    places = np.random.default_rng(seed).uniform(0, 100, (7, 2))
    best = min(length_mm(places[list(order)], HERE) for order in permutations(range(7)))
    assert length_mm(places[short_tour(places, HERE)], HERE) <= 1.1 * best


def test_a_grid_of_holes_takes_hardly_more_than_one_step_for_each():
    rng = np.random.default_rng(3)
    grid = rng.permutation([(x * 10.0, y * 10.0) for x in range(12) for y in range(12)])
    assert length_mm(grid[short_tour(grid, HERE)], HERE) < 1.12 * 143 * 10
