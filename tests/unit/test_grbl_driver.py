"""GrblDriver on a simulated router: ready or not, check run, stops, and what is no GRBL."""

import re
from dataclasses import replace

import pytest

from commons.errors import (
    MachineFault,
    ProgramRefused,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from commons.machine import Envelope, MillLimits
from fab_agent.cache import Cache
from fab_agent.gcode.proof import proved_program
from fab_agent.machines.driver import (
    Control,
    Evidence,
    Held,
    Message,
    Outcome,
    Progress,
    Resumed,
    Unlock,
)
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl import MOST_IN_FLIGHT
from fab_agent.machines.grbl_driver import GrblDriver
from tests.profiles import router
from tests.routers import PROGRAM, START, Bench, program_at

_NUMBERS = re.compile(r"-?\d+\.\d{3}")
NO_SWITCHES = router(cnc=MillLimits(homing=False))


@pytest.fixture
def program(tmp_path):
    return lambda lines=None: program_at(tmp_path / "program.nc", lines)


# Ready, or what a person must do first


@pytest.mark.parametrize("grblhal", [False, True])
def test_a_homed_idle_router_is_ready_and_nothing_has_moved(grblhal):
    bench = Bench(GrblKnobs(grblhal=grblhal))
    before = bench.machine.position
    bench.driver.ready()
    assert (bench.machine.executed, bench.machine.position) == ([], before)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({22: 0, 20: 0}, r"homing is switched off \(\$22=0\)"),
        ({20: 0}, r"does not guard its travel \(\$20=0\)"),
        ({32: 1}, "in laser mode"),
    ],
)
def test_settings_that_make_a_router_unsafe_are_refused(settings, words):
    with pytest.raises(Unavailable, match=words):
        Bench(settings=settings).driver.ready()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["G55"], "works in G55, programs run in G54"),
        (["G93"], "takes feeds for times"),
        (["M3 S1000"], "spindle is switched on"),
        (["G92 X7"], "an offset that a reset forgets"),
        (["G43.1 Z3"], "an offset that a reset forgets"),
        (["$N0=G0X5"], "start-up line 'G0X5' acts at every reset"),
        (["$SLP"], "is asleep: unlock it, then home it"),
        (["$C"], "left in check mode"),
        (["!"], "is held"),
    ],
)
def test_what_a_person_left_behind_is_refused(lines, words):
    bench = Bench()
    bench.say(*lines)
    with pytest.raises(Unavailable, match=words):
        bench.driver.ready()


def test_harmless_start_up_lines_are_none_of_our_business():
    bench = Bench()
    bench.say("$N0=G21G90G54", "$N1=M5")
    bench.driver.ready()


def test_a_router_in_motion_is_not_ready():
    bench = Bench(GrblKnobs(moves_take_time=True))
    bench.wire.write(b"G1 X100 F60\n")
    with pytest.raises(Unavailable, match="its state is 'Run'"):
        bench.driver.ready()


def test_an_open_door_is_told_with_what_to_do():
    bench = Bench()
    bench.machine.open_door()
    with pytest.raises(Unavailable, match="the door is open: close it, then resume"):
        bench.driver.ready()
    bench.machine.close_door()
    with pytest.raises(Unavailable, match="closed again: resume"):
        bench.driver.ready()


def test_an_unlocked_router_with_switches_must_be_homed_all_the_same():
    bench = Bench(GrblKnobs(starts_locked=True))
    with pytest.raises(Unavailable, match="in alarm: look at it, then home or unlock it"):
        bench.driver.ready()
    bench.say("$X")
    with pytest.raises(Unavailable, match="does not know where it is: home it"):
        bench.driver.ready()


def test_a_grblhal_that_says_that_it_is_not_homed_is_refused():
    bench = Bench(GrblKnobs(grblhal=True))
    bench.driver.ready()
    bench.machine.router.homed = False
    with pytest.raises(Unavailable, match="home it"):
        bench.driver.ready()
    assert bench.wire.clock() < 1  # its complete report (0x87) was answered, both times


def test_a_router_without_switches_needs_no_homing_but_a_new_zero_after_a_restart():
    bench = Bench(GrblKnobs(homing=False), profile=NO_SWITCHES)
    bench.driver.ready()
    bench.machine.reset()
    with pytest.raises(Unavailable, match="set X, Y and Z to zero again"):
        bench.driver.ready()


# The check run before the first real one


def test_the_first_run_is_checked_and_the_second_is_not(program):
    bench = Bench()
    assert bench.run(program()).outcome is Outcome.FINISHED
    assert bench.machine.executed == PROGRAM
    first, bench.wire.written = bytes(bench.wire.written), bytearray()
    bench.run(program())
    assert bench.machine.executed == PROGRAM * 2
    assert (first.count(b"$C\n"), bench.wire.written.count(b"$C\n")) == (2, 0)
    assert first.count(b"X10.5 Y20.25") == 2 * bench.wire.written.count(b"X10.5 Y20.25")


def test_the_check_run_is_told_in_words_and_not_as_progress(program):
    bench = Bench()
    bench.run(program())
    checked = bench.events.index(Message("check run: every line is good"))
    assert not [e for e in bench.events[:checked] if isinstance(e, Progress)]
    assert isinstance(bench.events[-1], Progress)


def test_a_new_work_zero_is_checked_anew(program):
    bench = Bench()
    bench.run(program())
    bench.say("G10 L20 P1 X5")
    bench.run(program())
    assert bench.wire.written.count(b"$C\n") == 2


def test_a_line_that_the_controller_does_not_take_is_named_and_nothing_moves(program):
    bench = Bench()
    before = bench.machine.position
    with pytest.raises(ProgramRefused, match=r"line 9 \(G33 X1\): error 20: .* nothing has moved"):
        bench.run(program([*PROGRAM[:8], "G33 X1", *PROGRAM[8:]]))
    assert (bench.machine.executed, bench.machine.position) == ([], before)
    bench.driver.ready()


def test_a_program_beyond_the_travel_is_refused_before_anything_is_sent(program):
    bench = Bench(GrblKnobs(travel_mm=(200.0, 200.0, 50.0)))
    bench.say("G10 L20 P1 X180")  # the work's zero is where it reaches X50 of 20 at most
    with pytest.raises(Unavailable, match=r"X would go to .* whose travel is -200 … 0 mm"):
        bench.run(replace(program(), low=(10.5, 20.25, -1.0), high=(49.5, 49.25, 5.0)))
    assert bench.machine.executed == ["G10 L20 P1 X180"]
    assert b"$C" not in bench.wire.written


def test_what_only_the_controller_sees_is_found_by_the_check_run(program):
    bench = Bench(GrblKnobs(travel_mm=(400.0, 400.0, 50.0)))
    inches = ["G20 G90", "G1 Z-0.1 F20", "G1 X10 F40"]
    with pytest.raises(ProgramRefused, match=r"line 7: alarm 2: .*nothing has moved") as refused:
        bench.run(program([*START, *inches, "G0 Z0.5", "M5"]))
    assert (refused.value.line, bench.machine.executed) == (7, [])
    with pytest.raises(Unavailable, match="in alarm"):
        bench.driver.ready()


def asking(*wishes):
    """Controls that ask for these, one at every look."""
    left = list(wishes)
    return lambda: left.pop(0) if left else None


def test_an_abort_in_the_check_run_leaves_check_mode_and_runs_nothing(program):
    bench = Bench(GrblKnobs(lines_per_tick=1))
    end = bench.run(program(), asking(None, None, Control.ABORT))
    assert (end.outcome, end.lines_done, bench.machine.executed) == (Outcome.ABORTED, 0, [])
    bench.driver.ready()


def test_a_hold_in_the_check_run_stops_it_until_somebody_resumes(program):
    bench = Bench(GrblKnobs(lines_per_tick=1))
    wishes = [None, Control.HOLD, *[None] * 2000, Control.RESUME]
    assert bench.run(program(), asking(*wishes)).outcome is Outcome.FINISHED
    told = [e for e in bench.events if isinstance(e, Held | Resumed)]
    assert told == [Held("feed hold in the check run: nothing moves"), Resumed()]
    assert bench.machine.executed == PROGRAM


class NeverChecks(SimulatedGrbl):
    """A controller that says that it checks, and does not."""

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        self._mode = "Idle" if mode == "Check" else mode


def test_without_check_mode_nothing_is_sent(program):
    bench = Bench(machine=NeverChecks())
    with pytest.raises(MachineFault, match="did not enter check mode, it says 'Idle'"):
        bench.run(program())
    assert bench.machine.executed == []


class Forgets(SimulatedGrbl):
    """A controller that loses its place when it leaves check mode."""

    def reset(self):
        super().reset()
        self.planner.position = (-1.0, -1.0, -1.0, 0.0)


def test_a_place_lost_in_the_check_run_is_noticed_before_anything_moves(program):
    bench = Bench(machine=Forgets())
    with pytest.raises(
        MachineFault, match=r"after the check run the machine stands at .* set zero"
    ):
        bench.run(program())
    assert bench.machine.executed == []


def test_a_restart_in_the_check_run_ends_it(program):
    class Restarts(SimulatedGrbl):
        def say(self, line):
            super().say(line)
            if self.mode == "Check" and line == "ok":
                self.answered = getattr(self, "answered", 0) + 1
                if self.answered == 20:
                    self.reset()

    bench = Bench(machine=Restarts())
    with pytest.raises(MachineFault, match="restarted after line"):
        bench.run(program())
    sent = bytes(bench.wire.written)
    assert sent.count(b"\n") < 40


# Stops


def test_a_stop_in_full_motion_loses_no_position():
    bench = Bench(GrblKnobs(moves_take_time=True, acceleration_mm_s2=100.0))
    bench.wire.write(b"M3 S1000\nG1 X500 F6000\nG1 X0\n")
    bench.settle()
    bench.driver.make_safe()
    assert (bench.machine.state, bench.machine.moving) == ("Idle", False)
    assert bench.machine.spindle_off
    bench.driver.ready()


def test_a_router_that_answers_nothing_is_reset_within_seconds():
    class Dead(SimulatedGrbl):
        def feed(self, data):
            return b""

        def tick(self, seconds):
            return b""

    bench = Bench(machine=Dead())
    bench.driver.make_safe()
    assert b"\x18" in bench.wire.written
    assert bench.wire.clock() < 15


@pytest.mark.parametrize("knob", ["limit_at_line", "error_at_line", "reset_at_line"])
def test_however_a_run_ends_the_spindle_stands(program, knob):
    bench = Bench(GrblKnobs(moves_take_time=True, **{knob: 60}))
    with pytest.raises(MachineFault):
        bench.run(program())
    assert bench.machine.executed == PROGRAM[: len(bench.machine.executed)]
    assert (bench.machine.spindle_off, bench.machine.moving) == (True, False)


def test_after_a_limit_switch_it_must_be_unlocked_and_homed(program):
    bench = Bench(GrblKnobs(limit_at_line=60))
    with pytest.raises(MachineFault, match="alarm 1: a limit switch was hit"):
        bench.run(program())
    with pytest.raises(Unavailable, match="in alarm"):
        bench.driver.ready()


def test_a_lost_cable_ends_the_run(program):
    bench = Bench(GrblKnobs(drop_at_line=60))
    with pytest.raises(TransportLost):
        bench.run(program())


def test_a_door_opened_in_mid_run_holds_it_and_a_resume_behind_it_goes_on(program):
    bench = Bench(GrblKnobs(moves_take_time=True, door_at_line=60))

    def controls():
        closed = isinstance(bench.events[-1], Held) and "closed again" in bench.events[-1].why
        return Control.RESUME if closed else None

    assert bench.run(program(), controls).outcome is Outcome.FINISHED
    assert bench.machine.executed == PROGRAM
    assert [type(e) for e in bench.events if isinstance(e, Held | Resumed)][-1] is Resumed


def test_only_that_it_still_moves_can_be_seen_afterwards():
    bench = Bench(GrblKnobs(moves_take_time=True))
    assert bench.driver.evidence("a1", "0" * 64) is Evidence.UNKNOWN
    bench.wire.write(b"G1 X100 F60\n")
    assert bench.driver.evidence("a1", "0" * 64) is Evidence.STILL_RUNNING


# The buffer


class TellsLess(SimulatedGrbl):
    """An older 1.1 that does not tell its buffer's size in $I, but perhaps in its reports."""

    def say(self, line):
        super().say("[OPT:V]" if line.startswith("[OPT:") else line)


@pytest.mark.parametrize(
    ("machine", "mask", "size"),
    [
        (SimulatedGrbl(GrblKnobs(rx_buffer=64)), 1, 64),
        (SimulatedGrbl(GrblKnobs(grblhal=True)), 511, MOST_IN_FLIGHT + 1),
        (TellsLess(GrblKnobs(rx_buffer=256)), 3, 256),
        (TellsLess(GrblKnobs(rx_buffer=256)), 1, 128),
    ],
)
def test_the_window_is_what_the_controller_tells_it_can_hold_and_a_hold_may_wait_behind(
    program, machine, mask, size
):
    bench = Bench(machine=machine, settings={10: mask})
    free = []
    work = machine._next_line

    def seen():
        free.append(len(machine._rx))
        return work()

    machine._next_line = seen
    bench.run(program())
    assert size - 45 < max(free) < size
    assert machine.bytes_lost == 0


# What is no GRBL


class Stranger:
    """Something else on the port: the same answer to all that it is sent."""

    def __init__(self, answer: bytes) -> None:
        self._answer, self._waiting, self._now_s = answer, b"", 0.0

    def clock(self) -> float:
        return self._now_s

    def read(self, timeout: float) -> bytes:
        if not self._waiting:
            self._now_s += timeout
        said, self._waiting = self._waiting, b""
        return said

    def write(self, data: bytes) -> None:
        self._waiting += self._answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"", TransportLost, "does not answer .I: is it switched on"),
        (b"\x80\xf8\x00\x9c\xff" * 9, ProtocolViolation, "garbage: set its baud rate"),
        (b'echo:Unknown command: "$I"\nok\n', ProtocolViolation, 'Marlin: say driver = "marlin"'),
        (b'// Unknown command:"$I"\nok\n', ProtocolViolation, "Klipper: drive it through"),
        (b"error:Invalid statement\n", ProtocolViolation, "Smoothieware"),
        (b"<Idle,MPos:0,0,0,WPos:0,0,0>\r\n[0.9j.20160317:]\r\nok\r\n", ProtocolViolation,
         "a GRBL older than 1.1"),
        (b"Error: Bad command: $I\n", ProtocolViolation, "RepRapFirmware"),
        (b"220 printer.local FTP\r\n", ProtocolViolation, "it says '220 printer.local FTP'"),
    ],
)  # fmt: skip
def test_what_is_no_grbl_is_named_in_one_sentence(answer, error, words):
    stranger = Stranger(answer)
    driver = GrblDriver(stranger, router(), clock=stranger.clock)
    for ask in (driver.ready, driver.identify):
        with pytest.raises(error, match=words):
            ask()


def test_a_marlin_printer_on_the_port_is_named():
    wire = Wire(SimulatedMarlin())
    with pytest.raises(ProtocolViolation, match="Marlin"):
        GrblDriver(wire, router(), clock=wire.clock).ready()


def test_reports_in_inches_are_understood(program):
    class Inches(SimulatedGrbl):
        """`$13=1`: positions and offsets are said in inches."""

        def say(self, line):
            if line.startswith(("<", "[G5", "[G28", "[G30", "[G92", "[TLO")):
                line = _NUMBERS.sub(lambda m: f"{float(m[0]) / 25.4:.4f}", line)
            super().say(line)

    bench = Bench(machine=Inches(), settings={13: 1})
    assert bench.run(program()).outcome is Outcome.FINISHED
    assert bench.driver.operate(Unlock()).startswith("the machine stands at X 49.5")


def test_the_box_that_the_proof_found_comes_with_the_program_from_the_cache(tmp_path):
    lines = ["G21", "G90", "G0 Z5", "M3 S10000", "G0 X10 Y20", "G1 Z-1 F300", "G1 X30 F600",
             "G0 Z5", "M5"]  # fmt: skip
    profile = router(envelope=Envelope(z_min_mm=-5, x_max_mm=600, y_max_mm=400, z_max_mm=60))
    with Cache(tmp_path / "cache", max_bytes=10**6) as cache:
        with cache.workspace() as aside:
            path = program_at(aside / "program.nc", lines).path
            cache.keep_program({"a": "b"}, proved_program(path, profile))
        kept = cache.program({"a": "b"})
    assert kept is not None
    assert (kept.low, kept.high) == ((10.0, 20.0, -1.0), (30.0, 20.0, 5.0))
