"""PINs, and temperatures as a line: what of the panel is pure, or nearly so."""

from pathlib import Path

import pytest

from commons.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from fab_agent.panel.floor import Warmth
from fab_agent.panel.operators import TRIES, Doorkeeper, Operators
from fab_agent.panel.plot import plot_of


def test_five_wrong_pins_and_the_name_waits_longer_each_time(tmp_path: Path) -> None:
    now = [0.0]
    operators = Operators(tmp_path)
    operators.add("Ada", "271828")
    assert "271828" not in (tmp_path / "operators.json").read_text()
    assert (tmp_path / "operators.json").stat().st_mode & 0o077 == 0
    door = Doorkeeper(operators, lambda: now[0])
    for pause_s in (30, 60):
        for left in range(TRIES - 1, 0, -1):
            with pytest.raises(NotSignedIn, match=f"{left} more tr"):
                door.admit("Ada", "271829")
        with pytest.raises(NotSignedIn, match=f"next try is in {pause_s} s"):
            door.admit("Ada", "271829")
        with pytest.raises(Conflict, match=f"try again in {pause_s} s"):
            door.admit("Ada", "271828")
        now[0] += pause_s + 1
    door.admit("Ada", "271828")
    with pytest.raises(NotSignedIn, match="nobody here is called Eve"):
        door.admit("Eve", "271828")


@pytest.mark.parametrize("pin", ["", "12345", "1234567890123", "12345a", "١٢٣٤٥٧", "111111",
                                 "123456", "987654"])  # fmt: skip
def test_a_pin_that_is_guessed_at_once_is_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(InvalidInput):
        Operators(tmp_path).add("Ada", pin)
    assert Operators(tmp_path).names() == []


def test_an_operator_who_is_removed_is_known_no_longer(tmp_path: Path) -> None:
    operators = Operators(tmp_path)
    operators.add("Ada", "271828")
    operators.remove("Ada")
    assert operators.mark_of("Ada") is None
    with pytest.raises(NotFound, match="no operator is called Ada"):
        operators.remove("Ada")


def test_temperatures_are_a_line_that_is_broken_where_nobody_looked() -> None:
    warmth = [Warmth(0, 20, None), Warmth(2, 110, None), Warmth(60, 200, 60), Warmth(62, None, 61)]
    plot = plot_of(warmth, 1800)
    assert plot.top_c == 250
    assert plot.hotend == "M0.0 138.0L0.7 84.0M20.0 30.0"
    assert plot.bed == "M20.0 114.0L20.7 113.4"
    assert plot_of(warmth, 1861).hotend == ""
    assert plot_of([Warmth(0, None, None)], 0).is_empty
