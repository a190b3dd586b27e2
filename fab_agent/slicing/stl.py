"""Binary STL read at once, and a quick look whether its surface closes. Pure."""

import numpy as np
from numpy.typing import NDArray

HEAD, FACE = 84, 50  # bytes
_ROW = np.dtype([("normal", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")])
# The first words of SHA-512, made odd: numbers without a pattern that turn corners into others.
_KEYS = np.array(
    [
        0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B,
    ],
    dtype=np.uint64,
)  # fmt: skip


def is_binary_stl(data: bytes) -> bool:
    """The length is what a binary STL of its own number of triangles has."""
    return len(data) == HEAD + FACE * int.from_bytes(data[80:84], "little")


def read_binary_stl(data: bytes) -> NDArray[np.float32]:
    """The triangles (n, 3 corners, 3 coordinates); -0 is 0."""
    return np.ascontiguousarray(np.frombuffer(data, _ROW, offset=HEAD)["at"]) + np.float32(0)


def binary_stl(triangles: NDArray[np.floating]) -> bytes:
    """`triangles` as an STL with an empty header; readers compute the normals themselves.

    The normals are -0: PrusaSlicer takes a file for text that has no byte above 127 among the first
    128 behind the head, as a part of round sizes may have (seen on 2.5.0).
    """
    whole = np.zeros(HEAD + FACE * len(triangles), dtype=np.uint8)
    whole[80:84] = np.frombuffer(len(triangles).to_bytes(4, "little"), dtype=np.uint8)
    rows = whole[HEAD:].view(_ROW)
    rows["normal"], rows["at"] = -0.0, triangles
    return whole.tobytes()


def closes(triangles: NDArray[np.float32]) -> bool:
    """Each edge is walked as often one way as the other: the surface bounds a body.

    Without sorting: an edge becomes a number of 64 bits that is the negative of its way back, and
    all of them must add up to zero. Corners are the same when their bits are. Edges that do not
    cancel add up to zero once in 2^64; whoever builds such a mesh gets one that has a hole.
    """
    if not np.isfinite(triangles).all():
        return False
    bits = triangles.view(np.uint32).astype(np.uint64)
    x, y, z = (bits[..., axis] * _KEYS[axis] for axis in range(3))
    corner = _stirred(x + y + z, _KEYS[3])
    after = np.roll(corner, -1, axis=1)
    there = _stirred(corner * _KEYS[4] + after * _KEYS[5], _KEYS[6])
    back = _stirred(after * _KEYS[4] + corner * _KEYS[5], _KEYS[6])
    return int((there - back).sum(dtype=np.uint64)) == 0


def _stirred(numbers: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    """Each bit depends on each bit."""
    numbers ^= numbers >> np.uint64(29)
    numbers *= key
    numbers ^= numbers >> np.uint64(32)
    return numbers
