"""Holds: what the program has set, where the hot end waits, and how it comes back."""

import pytest

from commons.machine import Park, PrintLimits
from fab_agent.machines.driver import Control, Held, Outcome, Resumed
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.marlin import SYNC, MarlinStream, numbered
from fab_agent.machines.marlin_modes import Modes
from fab_agent.machines.marlin_pause import Parking, excursion
from fab_agent.machines.streamer import stream
from tests.profiles import printer

HEAD = [b"G28", b"M190 S45", b"M109 S60", b"G90", b"M82", b"G92 E0", b"G1 X50 Y50 Z0.3 F3000"]
PATH = [b"G1 X%d.5 Y%d.25 E%.4f" % (50 + i % 90, 60 + i % 80, i / 50) for i in range(1, 200)]
PROGRAM = [*HEAD, *PATH]


def parking(**changes) -> Parking:
    found = Parking.of(printer(fdm=PrintLimits(park=Park(x_mm=5, y_mm=200, **changes))))
    assert found is not None
    return found


def text(lines: list[bytes]) -> list[str]:
    return [line.decode() for line in lines]


def modes(*lines: bytes) -> Modes:
    found = Modes()
    found.follow(lines)
    return found


class Bench:
    """A printer, a program, and a person who holds it once and goes on later."""

    def __init__(
        self, lines=PROGRAM, *, park=None, hold_at=40, then=((0.0, Control.RESUME),), **knobs
    ):
        self.machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True, **knobs))
        self.wire = Wire(self.machine)
        self.lines, self._hold_at, self._then = lines, hold_at, list(then)
        self.stream = MarlinStream(ListedLines(lines), parking=park)
        self.events, self.stood, self.came_back = [], None, None
        self.targets_c, self.held_s = set(), 0.0
        self.taken_back = False
        self._wishes = []

    def report(self, event) -> None:
        self.events.append(event)
        if isinstance(event, Held):
            self.stood, self.held_s = self.machine.position, self.wire.clock()
            self.warm = self.machine.hotend.warm
            self._wishes += self._then
        elif isinstance(event, Resumed):
            self.came_back = self.machine.position

    def controls(self) -> Control | None:
        if self.stood:
            self.targets_c.add(self.machine.hotend.target_c)
        if self._hold_at is not None and self._now():
            self._hold_at = None
            if self.taken_back:
                self._wishes.append((0.0, Control.RESUME))
            return Control.HOLD
        if self._wishes and self.wire.clock() >= self.held_s + self._wishes[0][0]:
            return self._wishes.pop(0)[1]
        return None

    def _now(self) -> bool:
        if self._hold_at == "heating":
            return self.machine.hotend.target_c > 0
        return self.stream.lines_done >= self._hold_at

    def run(self):
        return stream(
            self.stream,
            self.wire,
            self.report,
            line_count=len(self.lines),
            make_safe=lambda: None,
            controls=self.controls,
            clock=self.wire.clock,
        )

    def program_executed(self) -> bool:
        """Every line of the program, once and in order; ours only between two of them."""
        executed, program = self.machine.executed, text(self.lines)
        ours = len(executed) - len(program)
        begin = executed.index("M114") if ours else 0
        return executed[:begin] + executed[begin + ours :] == program


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        ([b"G28", b"G90", b"M83", b"G1 X1 F1200"], (False, True, b"1200", None, True)),
        ([b"G28", b"G90", b"M82", b"G1 X1 E2.5 F900"], (False, False, b"900", b"2.5", True)),
        ([b"G28", b"G90", b"M82", b"G1 E2.5", b"G92 E0"], (False, False, None, b"0", True)),
        ([b"G28", b"G90", b"M82", b"G1 E2", b"M83", b"M82"], (False, False, None, None, True)),
        ([b"G28 W", b"G90"], (False, None, None, None, True)),
        ([b"G28 X", b"G91"], (True, None, None, None, False)),
        ([b"G28", b"M82", b"G90"], (False, None, None, None, True)),
        ([b"G28", b"M84"], (None, None, None, None, False)),
        ([b"G90", b"M82", b"G3 X1 Y1 I2 J0 E7 F60"], (False, False, b"60", b"7", False)),
    ],
)
def test_the_modes_of_a_program_are_read_from_its_lines(lines, known):
    m = modes(*lines)
    assert (m.relative, m.e_relative, m.feed_mm_min, m.e_mm, m.homed) == known


def test_the_nozzle_is_as_hot_as_the_last_line_wanted_it():
    assert modes(b"M104 S200", b"M109 S215.5", b"M140 S60").nozzle_c == 215.5


def test_the_way_back_has_the_same_digits_as_the_way_out():
    away, back = excursion(parking(), modes(*PROGRAM), (54.37, 65.25, 0.3))
    assert away == [
        b"G91", b"M83", b"G1 E-2.000 F1500", b"G1 Z10.000 F720", b"G1 X-49.370 Y134.750 F12000",
    ]  # fmt: skip
    assert back == [
        b"G91", b"M83", b"G1 X49.370 Y-134.750 F12000", b"G1 Z-10.000 F720", b"G1 E2.000 F1500",
        b"G90", b"M82", b"G92 E3.9800", b"G1 F3000",
    ]  # fmt: skip


def test_it_never_rises_above_the_envelope():
    away, _ = excursion(parking(lift_mm=50), modes(*PROGRAM), (50.0, 50.0, 200.0))
    assert b"G1 Z10.000 F720" in away


@pytest.mark.parametrize(
    "where", [None, (50.0, 50.0, 210.0), (-3.0, 50.0, 1.0), (50.0, 999.0, 1.0), (5.0, 5.0, -2.0)]
)
def test_it_stays_where_it_is_when_stepping_aside_could_do_harm(where):
    assert excursion(parking(), modes(*PROGRAM), where) == ([], [])


def test_cold_filament_is_not_pulled():
    away, back = excursion(parking(), modes(b"G28", b"G90", b"M82", b"G1 F60"), (1.0, 1.0, 1.0))
    assert not [line for line in (*away, *back) if b" E" in line]


def test_a_hold_steps_aside_waits_there_and_comes_back():
    bench = Bench(park=parking())
    assert bench.run().outcome is Outcome.FINISHED
    assert bench.program_executed()
    assert (bench.stood["X"], bench.stood["Y"]) == pytest.approx((5, 200), abs=0.01)
    assert bench.stood["Z"] == pytest.approx(10.3)
    assert [type(e) for e in bench.events if isinstance(e, Held | Resumed)] == [Held, Resumed]


def test_relative_moves_after_a_hold_end_where_they_end_without_it():
    def ends(**changes):
        bench = Bench(
            [*HEAD, *PATH, b"G91", b"M83", b"G1 X1 E0.5", b"G1 Y1", b"G1 X2 Z1"], **changes
        )
        bench.hold_at = len(HEAD) + len(PATH) + 4 if changes else None
        bench.run()
        return bench.machine.position

    assert ends(park=parking()) == pytest.approx(ends(), abs=1e-6)


@pytest.mark.parametrize("knobs", [{"bad_line_ratio": 0.3, "seed": 5}, {"resend_every": 3}])
def test_our_own_moves_are_checked_and_sent_again_like_the_program_s(knobs):
    bench = Bench(park=parking(), **knobs)
    assert bench.run().outcome is Outcome.FINISHED
    assert bench.program_executed()
    assert bench.came_back["Z"] == pytest.approx(0.3)


def test_held_for_long_the_nozzle_cools_and_is_hot_again_before_it_comes_back():
    bench = Bench(park=parking(cool_after_s=30), then=[(60.0, Control.RESUME)])
    bench.run()
    assert bench.program_executed()
    assert bench.targets_c == {60.0, 0.0}
    ours = bench.machine.executed
    assert ours.index("M104 S0") < ours.index("M109 S60", ours.index("M104 S0"))


def test_held_for_a_short_time_the_nozzle_stays_hot():
    bench = Bench(park=parking(cool_after_s=30), then=[(25.0, Control.RESUME)])
    bench.run()
    assert bench.targets_c == {60.0}


def test_a_printer_that_is_held_hears_from_us_so_that_its_motors_stay_on():
    bench = Bench(then=[(115.0, Control.RESUME)])
    bench.run()
    assert bench.wire.written.count(b"M105\n") == 5


@pytest.mark.parametrize("lines", [[b"G90", b"M83", *PATH], [b"G28", b"G90", *PATH]])
def test_a_printer_whose_modes_are_not_known_is_held_where_it_is(lines):
    bench = Bench(lines, park=parking())
    bench.run()
    assert bench.machine.executed == text(lines)
    assert [e for e in bench.events if isinstance(e, Held)]


def test_a_hold_while_it_heats_is_told_at_once_and_the_program_goes_on_later():
    bench = Bench(hold_at="heating", then=[(90.0, Control.RESUME)])
    bench.run()
    assert not bench.warm
    assert bench.machine.executed == text(PROGRAM)
    assert [e.why for e in bench.events if isinstance(e, Held)] == [
        "a person asked for it; it goes on heating first"
    ]


def test_a_hold_that_is_taken_back_before_the_printer_stands_steps_nowhere():
    bench = Bench(park=parking())
    bench.taken_back = True
    bench.run()
    assert bench.machine.executed == text(PROGRAM)


def test_a_hold_before_the_first_line_still_sets_the_printer_s_count_first():
    program = MarlinStream(ListedLines([b"G28"]))
    program.control(Control.HOLD)
    assert program.bytes_to_send() == b"N0M110 N0*93\n"
    program.receive(b"ok\n")
    assert program.bytes_to_send() == numbered(1, SYNC)
    program.receive(b"ok\n")
    assert program.bytes_to_send() == b""
    assert [type(event) for event in program.receive(b"")] == [Held]
    program.control(Control.RESUME)
    assert program.bytes_to_send() == numbered(2, b"G28")


def test_a_hold_wished_on_the_way_back_is_another_hold():
    then = [(0.0, Control.RESUME), (0.0, Control.HOLD), (9.0, Control.RESUME)]
    bench = Bench(park=parking(), then=then)
    bench.run()
    kinds = [type(e) for e in bench.events if isinstance(e, Held | Resumed)]
    assert kinds[:3] == [Held, Resumed, Held]


def test_a_held_program_can_be_aborted():
    bench = Bench(park=parking(), then=[(1.0, Control.ABORT)])
    assert bench.run().outcome is Outcome.ABORTED
    assert len(bench.machine.executed) < len(PROGRAM)
