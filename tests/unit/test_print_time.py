"""How long a print takes, against figures worked out by hand."""

import io
from math import sqrt

import pytest

from commons.machine import Driver
from fab_agent.gcode import print_time
from fab_agent.gcode.print_time import Z_ACCELERATION_MM_S2, Quickness, print_s
from fab_agent.gcode.proof import prove
from fab_agent.timing import KLIPPER_BLOCKS, MARLIN_BLOCKS, Recording
from tests.profiles import printer

HEAD = [b"G90", b"M83", b"G28", b"M109 S210", b"G1 X0 Y0 Z0 F600", b"G1 E9 F60", b"G4 P1000"]
TAIL = [b"G4 P1000", b"M104 S0"]


def whole_s(lines, blocks, driver):
    file = io.BytesIO()
    recording = Recording(file)
    prove([*HEAD, *lines, *TAIL], printer(driver=driver), watch=recording.watch)
    recording.flush()
    file.seek(0)
    return print_s(file, Quickness(1000.0, 8.0, blocks))


def lasts(*lines, blocks=MARLIN_BLOCKS, driver=Driver.MARLIN):
    """Of these lines alone, from rest to rest."""
    rest_s = whole_s([], blocks, driver)
    return whole_s([line.encode() for line in lines], blocks, driver) - rest_s


def test_a_print_covers_where_filament_was_pushed_since_it_began():
    primed = [b"G1 X180 E3 F3000"]
    printed = [b"G1 X30 Y40", b"G1 X60 E1", b"G1 Y20 E1", b"G1 X99 Y99", b"G1 E-1", b"G1 X0 Y0"]
    recording = Recording(io.BytesIO())
    lines = iter([*HEAD, *primed, *printed, *TAIL])
    followed = recording.followed(lines, start=len(HEAD) + len(primed))
    prove(followed, printer(), watch=recording.watch)
    assert recording.covers_mm == (60, 20, 60, 40)


def test_a_line_is_path_over_feed_and_its_ramps():
    assert lasts("G1 X100 E3 F3000") == pytest.approx(100 / 50 + 50 / 1000)
    assert lasts("G1 X1 E.03 F3000") == pytest.approx(2 * sqrt(1 / 1000))


def test_a_square_corner_is_passed_at_the_speed_of_the_profile():
    around = lasts("G1 X100 E3 F3000", "G1 Y100 E3")
    slowing = 2 * (50 - 8) ** 2 / (2 * 1000 * 50)  # later than with no corner at all
    assert around == pytest.approx(200 / 50 + 50 / 1000 + slowing)


def test_pieces_of_a_straight_line_last_as_long_as_the_whole():
    pieces = [f"G1 X{x} E.3 F3000" for x in range(10, 101, 10)]
    assert lasts(*pieces) == pytest.approx(100 / 50 + 50 / 1000)


def test_klipper_knows_more_blocks_ahead_than_marlin():
    tiny = [f"G1 X{n / 20:g} E.002 F9000" for n in range(1, 1001)]
    klipper = lasts(*tiny, blocks=KLIPPER_BLOCKS, driver=Driver.MOONRAKER)
    assert klipper == pytest.approx(50 / 150 + 150 / 1000, rel=0.01)
    known_mm = MARLIN_BLOCKS / 20
    assert lasts(*tiny) == pytest.approx(50 / sqrt(2 * 1000 * known_mm), rel=0.1)


def test_filament_alone_stops_the_move_and_has_ramps_of_its_own():
    pull = lasts("G1 E-2 F2100")
    assert pull == pytest.approx(2 / 35 + 35 / 1000)
    assert lasts("G1 E-.1 F2100") == pytest.approx(2 * sqrt(0.1 / 1000))
    half = 50 / 50 + 50 / 1000
    way = lasts("G1 X50 F3000", "G1 E-2 F2100", "G1 X100 F3000")
    assert way == pytest.approx(2 * half + pull)


def test_waits_are_stops_and_what_takes_no_time_is_none():
    half = 50 / 50 + 50 / 1000
    assert lasts("G1 X50 F3000", "G4 P500", "G1 X100") == pytest.approx(2 * half + 0.5)
    whole = lasts("G1 X50 F3000", "M106 S255", "G92 E0", "G1 X100")
    assert whole == pytest.approx(100 / 50 + 50 / 1000)


def test_the_z_axis_is_slow_to_speed_up():
    assert lasts("G1 Z0.2 F720") == pytest.approx(2 * sqrt(0.2 / Z_ACCELERATION_MM_S2))


def test_a_program_may_be_planned_in_windows(monkeypatch):
    lines = [f"G1 X{(n * 37) % 200} Y{(n * 53) % 200} F6000" for n in range(1, 400)]
    whole = lasts(*lines)
    monkeypatch.setattr(print_time, "WINDOW_MOVES", 100)
    assert whole < lasts(*lines) < whole * 1.01
