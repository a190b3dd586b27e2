"""Charts and words: what is drawn and said is what is known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from commons.compare import Sign
from commons.flows import Ring, State
from commons.indicators import Figure
from repo_server.web import charts, figures, words

KNOWN = Figure("made", "Made here", "things", 2, 3, 4, State.DECLARED, None, "2026", "Turin")


def test_the_bar_is_whole_nearest_first_and_unknown_last() -> None:
    slices = charts.ring_slices({Ring.UNKNOWN: 30.0, Ring.BEYOND: 50.0, Ring.LAB: 20.0})
    assert [(it.ring, it.start, it.share) for it in slices] == [
        (Ring.LAB, 0.0, 0.2),
        (Ring.BEYOND, 0.2, 0.5),
        (Ring.UNKNOWN, 0.7, 0.3),
    ]


def test_no_material_is_no_bar() -> None:
    assert charts.ring_slices({}) == []
    assert charts.ring_slices({Ring.LAB: 0.0}) == []


def test_what_is_not_known_is_not_drawn_at_zero() -> None:
    assert charts.whisker(replace(KNOWN, low=None, central=None, high=None)) is None


def test_an_interval_without_a_middle_has_no_dot() -> None:
    whisker = charts.whisker(replace(KNOWN, unit="%", low=20, central=None, high=60))
    assert whisker == charts.Whisker(0.2 * charts.WIDTH, 0.6 * charts.WIDTH, None, "100")


@pytest.mark.parametrize(
    ("high", "end"),
    [(0.0, "1"), (0.03, "0.05"), (1.0, "1"), (1.1, "2"), (7.0, "10"), (2400.0, "5\u202f000")],
)
def test_the_axis_ends_at_the_next_round_number(high: float, end: str) -> None:
    whisker = charts.whisker(replace(KNOWN, low=0, central=high, high=high))
    assert whisker is not None
    assert whisker.end_label == end
    assert 0 <= whisker.high <= charts.WIDTH


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1234.0, "kg", "1\u202f200"),
        (0.0123, "kWh", "0.012"),
        (0.0, "kg", "0"),
        (0.0004, "kg", "less than 0.001"),
        (127.0, "things", "127"),
    ],
)
def test_a_figure_claims_two_digits_and_a_count_is_exact(
    value: float, unit: str, said: str
) -> None:
    assert figures.figure(value, unit) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_durations_have_the_units_that_matter(seconds: float, said: str) -> None:
    assert figures.duration(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000_000, "2 GB")]
)
def test_file_sizes_are_decimal(size: int, said: str) -> None:
    assert figures.file_size(size) == said


def test_every_state_has_its_word() -> None:
    tables = [table for table in words.TABLES.values() if isinstance(table, Mapping)]
    assert len(tables) > 5
    unchanged = {Sign.SAME, Sign.SKIPPED}  # of lines: no word is said of them
    for table in tables:
        kind = type(next(iter(table)))
        assert set(table) == set(kind) - (unchanged if table is words.SIGN_WORDS else set())
