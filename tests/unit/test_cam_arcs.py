"""Chords become arcs again: what is one, what is none, and that nothing moves by it."""

from math import acos, cos, pi, sin

import numpy as np
import pytest
from shapely import LineString, Point

from fab_agent.cam.arcs import FIT_MM, with_arcs
from fab_agent.cam.gcode import grbl_lines
from fab_agent.cam.toolpath import Move, Toolpath
from tests.milling import moves


def path_of(points, *, kind=Move.CUT, feed=10.0):
    xyz = np.round(np.array(points, dtype=float), 3)
    if xyz.shape[1] == 2:
        xyz = np.hstack([xyz, np.full((len(xyz), 1), -1.0)])
    kinds = np.full(len(xyz), kind, dtype=np.int8)
    return Toolpath(xyz, kinds, np.full(len(xyz), feed), np.full((len(xyz), 2), np.nan))


def round_way(radius, degrees, *, step=4.0, start=0.0, rise=0.0, about=(50.0, 50.0)):
    count = int(abs(degrees) / step)
    angles = [(start + degrees * i / count) * pi / 180 for i in range(count + 1)]
    return [
        (about[0] + radius * cos(a), about[1] + radius * sin(a), -1 + rise * i / count)
        for i, a in enumerate(angles)
    ]


def chord_degrees(radius):
    """Chords that stay within 0.003 mm."""
    return 2 * acos(1 - 0.003 / radius) * 180 / pi


@pytest.mark.parametrize("radius", [0.2, 1.5, 20.0, 60.0])
@pytest.mark.parametrize(("degrees", "move"), [(150, Move.COUNTER), (-150, Move.CLOCKWISE)])
def test_chords_of_an_arc_become_a_few_arcs_about_its_middle(radius, degrees, move):
    short = with_arcs(path_of(round_way(radius, degrees, step=chord_degrees(radius))))
    assert set(short.kind[1:].tolist()) == {move}
    assert len(short.kind) <= 3
    assert short.centre[1:] == pytest.approx(
        np.array([(50.0, 50.0)] * (len(short.kind) - 1)), abs=0.02
    )


def test_a_whole_turn_is_written_in_parts_that_never_end_where_they_start():
    short = with_arcs(path_of(round_way(10, 360, step=2)))
    assert 3 <= len(short.xyz) <= 5
    assert all(short.kind[1:] == Move.COUNTER)
    assert np.hypot(*np.diff(short.xyz[:, :2], axis=0).T).min() > 0.1


def test_a_ramp_round_a_hole_is_a_helix():
    short = with_arcs(path_of(round_way(3, 140, rise=-1.5)))
    assert len(short.xyz) == 2
    assert short.xyz[-1, 2] == pytest.approx(-2.5)


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)],
        [(0, 0), (10, 0), (20, 0), (30, 0), (40, 0)],
        round_way(30, 180, step=20),  # a polygon on purpose: its sides stay straight
        [(0, 0), (1, 0.02), (2, 0), (3, 0.02), (4, 0)],
    ],
)
def test_what_is_straight_stays_straight(points):
    way = path_of(points)
    assert with_arcs(way).kind.tolist() == way.kind.tolist()


def test_a_short_piece_of_a_huge_circle_is_no_arc():
    # GRBL computes in 32 bits and takes an arc that hardly turns for a whole circle.
    hardly = path_of(round_way(1500, 0.2, step=0.04))
    assert set(with_arcs(hardly).kind.tolist()) == {Move.CUT}


@pytest.mark.parametrize("seed", range(5))
def test_no_arc_turns_so_little_that_32_bits_would_blur_it(seed):
    rng = np.random.default_rng(seed)
    radii, turns = rng.uniform(0.1, 1900, 20), rng.uniform(0.05, 120, 20)
    for radius, turn in zip(radii, turns, strict=True):
        short = with_arcs(path_of(round_way(radius, turn, step=turn / 30)))
        for start, end, kind, about in zip(
            short.xyz[:-1], short.xyz[1:], short.kind[1:], short.centre[1:], strict=True
        ):
            if kind != Move.CUT:
                one, other = start[:2] - about, end[:2] - about
                angle = np.arccos(one @ other / np.hypot(*one) / np.hypot(*other))
                assert angle > 0.003


def test_a_plunge_at_one_place_or_a_rapid_is_no_arc():
    plunge = path_of([(5, 5, -z) for z in range(6)])
    assert with_arcs(plunge).kind.tolist() == [Move.CUT] * 6
    rapid = path_of(round_way(5, 90), kind=Move.RAPID)
    assert set(with_arcs(rapid).kind.tolist()) == {Move.RAPID}


def test_an_arc_goes_at_the_slowest_feed_and_not_over_a_change_of_it():
    way = path_of(round_way(10, 120, step=2))
    way.feed[30:] = 5.0
    way.feed[10] = 9.9
    short = with_arcs(way)
    assert short.feed[1] == 9.9
    assert short.feed[-1] == 5.0
    assert len(short.xyz) == 3


def test_line_arc_line_arc_keeps_its_corners_and_every_point_lies_on_the_new_way():
    points = [(0.0, 0.0, -1.0), *round_way(5, 90, start=-90, about=(30, 5)),
              *round_way(8, -90, start=180, about=(43, 20)), (80.0, 28.0, -1.0)]  # fmt: skip
    way = path_of(points)
    short = with_arcs(way)
    assert len(short.xyz) <= 6
    lines = list(grbl_lines(short, spindle_rpm=1000, safe_mm=5))
    drawn = [end[:2] for _, start, end in moves(lines) if end[2] == -1]
    new = LineString(drawn)
    assert max(new.distance(Point(p)) for p in way.xyz[:, :2]) <= FIT_MM + 0.002
    assert new.hausdorff_distance(LineString(way.xyz[:, :2])) <= FIT_MM + 0.002


def test_a_straight_way_between_two_round_corners_stays_straight():
    """As found in a finishing pass: both corners' arcs reach for the way between them, and the
    circle of the second without its first point would have cut 0.09 mm into the part."""
    way = path_of(
        [(8.987, 0.479), (6.377, -0.015), (6.277, -0.029), (6.175, -0.032), (6.074, -0.026),
         (5.974, -0.009), (5.876, 0.018), (5.829, 0.036), (0.805, 1.99), (0.68, 2.029),
         (0.552, 2.052), (0.421, 2.058), (0.291, 2.046), (0.163, 2.018)]
    )  # fmt: skip
    lines = list(grbl_lines(with_arcs(way), spindle_rpm=9000, safe_mm=5))
    new = LineString([end[:2] for _, start, end in moves(lines) if end[2] == -1])
    assert new.hausdorff_distance(LineString(way.xyz[:, :2])) <= FIT_MM + 0.002
