"""What a picture of a body is shaded by, held against what scipy makes."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from repo_server.parsing import picture


def test_what_lies_around_a_pixel_counts_by_a_bell() -> None:
    dot = np.zeros((101, 101))
    dot[50, 40] = 1.0
    blurred, bell = picture._blurred(dot, 8.5), gaussian_filter(dot, 8.5)
    blurred /= blurred.sum()
    assert np.unravel_index(blurred.argmax(), blurred.shape) == (50, 40)
    assert np.abs(blurred - bell).max() < 0.12 * bell.max()


def test_what_is_outside_of_body_and_picture_has_no_weight() -> None:
    body = np.zeros((40, 40))
    body[:25, 3:] = 1.0
    around = picture._blurred(7.0 * body, 3.0) / np.maximum(picture._blurred(body, 3.0), 1.0)
    assert around[body > 0] == pytest.approx(7.0)
