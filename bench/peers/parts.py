"""Parts to be printed, of any number of triangles."""

import numpy as np

from fab_agent.slicing.stl import binary_stl


def ring(around: int, across: int) -> bytes:
    """A closed ring of some 80 mm with twelve knobs, as a binary STL of 2 * around * across."""
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi, around, endpoint=False),
        np.linspace(0, 2 * np.pi, across, endpoint=False),
        indexing="ij",
    )
    thick = 9 + 2 * np.cos(12 * u)
    away = 30 + thick * np.cos(v)
    corners = np.stack((away * np.cos(u), away * np.sin(u), thick * np.sin(v)), axis=-1)
    right, up = np.roll(corners, -1, axis=0), np.roll(corners, -1, axis=1)
    far = np.roll(right, -1, axis=1)
    halves = (np.stack((corners, right, far), axis=2), np.stack((corners, far, up), axis=2))
    return binary_stl(np.concatenate([half.reshape(-1, 3, 3) for half in halves]))
