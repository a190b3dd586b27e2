"""Corners become a surface, and what is wrong with it is counted."""

from collections import defaultdict

import networkx as nx
import numpy as np
import pytest

from repo_server.parsing import edges, weld
from repo_server.parsing.edges import Edges
from repo_server.parsing.surface import survey

TETRAHEDRON = np.array(
    [
        [[0, 0, 0], [0, 3, 0], [3, 0, 0]],
        [[0, 0, 0], [3, 0, 0], [0, 0, 3]],
        [[0, 0, 0], [0, 0, 3], [0, 3, 0]],
        [[3, 0, 0], [0, 3, 0], [0, 0, 3]],
    ],
    dtype=np.float32,
)


def test_two_bodies_far_from_the_origin_are_told_right():
    corners = np.concatenate([TETRAHEDRON + 1000, TETRAHEDRON + 1010])
    vertices, faces = weld.weld(corners)
    found = survey(vertices, faces)
    assert (len(vertices), found.bodies) == (8, 2)
    assert (found.open_edges, found.turned_edges) == (0, 0)
    assert found.volume == pytest.approx(2 * 27 / 6)
    assert found.area == pytest.approx(2 * (3 * 4.5 + 9 * np.sqrt(3) / 2))
    assert found.box == (13, 13, 13)


def test_minus_zero_is_the_same_corner():
    corners = TETRAHEDRON.copy()
    corners[0][corners[0] == 0] = -0.0
    assert len(weld.weld(corners)[0]) == 4


@pytest.mark.parametrize(
    ("corners", "defects"),
    [
        (TETRAHEDRON[:3], (3, 0)),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON[:1]]), (3, 0)),
        (np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]), (0, 3)),
    ],
    ids=["a hole", "a face twice", "a face inside out"],
)
def test_edges_that_make_it_no_body_are_counted(corners, defects):
    found = survey(*weld.weld(corners))
    assert (found.open_edges, found.turned_edges) == defects


def test_inside_out_has_a_volume_below_zero():
    assert survey(*weld.weld(TETRAHEDRON[:, ::-1])).volume == pytest.approx(-4.5)


def test_bodies_that_touch_along_an_edge_are_sound_and_two():
    mirrored = (TETRAHEDRON * np.float32([-1, -1, 1]))[:]
    found = survey(*weld.weld(np.concatenate([TETRAHEDRON, mirrored])))
    assert (found.open_edges, found.turned_edges, found.bodies) == (0, 0, 2)
    assert found.volume == pytest.approx(9)


def test_a_face_that_uses_a_corner_twice_counts_nowhere():
    flat = np.float32([[[0, 0, 0], [3, 0, 0], [3, 0, 0]]])
    found = survey(*weld.weld(np.concatenate([TETRAHEDRON, flat])))
    assert (found.open_edges, found.turned_edges, found.bodies) == (0, 0, 1)


def test_corners_nearly_in_one_place_meet_once_they_are_rounded():
    corners = TETRAHEDRON.copy()
    corners[0] += np.float32(0.0001)
    assert survey(*weld.weld(corners)).open_edges > 0
    assert survey(*weld.weld(corners, decimals=3)).open_edges == 0


def plain_weld(corners, decimals=None):
    """Vertices and faces, corner by corner."""
    index, vertices, faces = {}, [], []
    for corner in corners.reshape(-1, 3):
        sought = tuple((corner if decimals is None else corner.round(decimals)) + 0)
        if sought not in index:
            index[sought] = len(vertices)
            vertices.append(corner)
        faces.append(index[sought])
    return np.array(vertices, dtype=np.float64), np.array(faces).reshape(-1, 3)


def plain_edges(faces):
    """Open edges, turned edges and bodies, edge by edge."""
    uses = defaultdict(list)
    for number, (a, b, c) in enumerate(faces.tolist()):
        for start, end in ((a, b), (b, c), (c, a)):
            uses[min(start, end), max(start, end)].append((number, 1 if start < end else -1))
    links = nx.Graph((one[0][0], one[1][0]) for one in uses.values() if len(one) == 2)
    links.add_nodes_from(range(len(faces)))
    ways = [[way for _, way in one] for one in uses.values()]
    opened = sum(len(one) % 2 for one in ways)
    turned = sum(len(one) % 2 == 0 and sum(one) != 0 for one in ways)
    return Edges(opened, turned, nx.number_connected_components(links))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("keyless", [False, True], ids=["keys", "keys that say nothing"])
def test_the_quick_way_answers_as_the_plain_one(monkeypatch, keyless, dtype):
    """Any soup, in stretches of a few faces. With keys that say nothing, only the comparison of
    what they stand for is left."""
    monkeypatch.setattr(weld, "FACES_AT_ONCE", 16)
    monkeypatch.setattr(edges, "_AT_ONCE", 24)
    monkeypatch.setattr(edges, "_FACES_AT_ONCE", 7)
    if keyless:
        monkeypatch.setattr(weld, "_STIR", (0, 0, 0))
        monkeypatch.setattr(edges, "_ROOM", 0)
    dice = np.random.default_rng(3)
    for size in (1, 2, 15, 60, 300):
        for most in (2, 4, 9):
            corners = dice.integers(-1, most, (size, 3, 3)).astype(dtype) * dtype(-0.0625)
            for decimals in (None, 1):
                vertices, faces = weld.weld(corners, decimals=decimals)
                plain = plain_weld(corners, decimals)
                assert np.array_equal(vertices, plain[0])
                assert np.array_equal(faces, plain[1])
            whole = faces[[len(set(face)) == 3 for face in faces.tolist()]]
            if len(whole):
                assert edges.count(whole, len(vertices)) == plain_edges(whole)


def star(leaves, middle):
    return [(middle, leaf) for leaf in leaves if leaf != middle]


def test_pieces_are_counted_whatever_the_order_of_their_links():
    dice = np.random.default_rng(6)
    nodes = 200
    mixed = dice.permutation(nodes)
    cases = [
        np.empty((0, 2)),
        star(range(nodes), nodes - 1),
        star(range(nodes - 1, -1, -1), nodes // 2),
        np.stack([mixed[:-1], mixed[1:]], axis=1),
        *(dice.integers(0, nodes, (links, 2)) for links in (5, 90, 130, 400)),
    ]
    for links in cases:
        graph = nx.Graph(map(tuple, np.array(links, dtype=int).tolist()))
        graph.add_nodes_from(range(nodes))
        told = edges.pieces(nodes, np.array(links, dtype=np.int32).T)
        assert told == nx.number_connected_components(graph)
