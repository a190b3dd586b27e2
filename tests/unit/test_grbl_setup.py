"""What a trained person does by hand on a GRBL router: home, unlock, jog, set zero."""

import pytest

from commons.errors import InvalidInput, MachineFault, TransportLost, Unavailable
from commons.machine import MillLimits
from fab_agent.machines.driver import Home, Jog, SetZero, Unlock
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.grbl_router import Alarm
from fab_agent.machines.grbl_texts import ALARMS
from tests.profiles import router
from tests.routers import Bench

SMALL = GrblKnobs(travel_mm=(300.0, 200.0, 80.0))


def place(machine: SimulatedGrbl) -> list[float]:
    return [round(value, 3) for value in machine.position.values()]


def test_a_locked_router_is_homed_and_then_ready():
    bench = Bench(GrblKnobs(starts_locked=True, moves_take_time=True))
    said = bench.driver.operate(Home())
    assert said.startswith("the machine stands at X ")
    bench.driver.ready()


def test_what_was_unlocked_is_not_ready_until_it_is_homed():
    bench = Bench(GrblKnobs(starts_locked=True))
    bench.driver.operate(Unlock())
    assert bench.machine.state == "Idle"
    with pytest.raises(Unavailable, match="home it"):
        bench.driver.ready()
    bench.driver.operate(Home())
    bench.driver.ready()


def test_homing_that_is_switched_off_is_refused():
    with pytest.raises(Unavailable, match=r"homing is switched off \(\$22=0\)"):
        Bench(GrblKnobs(homing=False)).driver.operate(Home())


def test_homing_that_fails_says_why_and_the_router_stays_unready():
    def never_touches_a_switch():
        raise Alarm(9)

    bench = Bench(GrblKnobs(starts_locked=True))
    bench.machine.router.home = never_touches_a_switch
    with pytest.raises(MachineFault, match=f"alarm 9: {ALARMS['9'][0]}"):
        bench.driver.operate(Home())
    with pytest.raises(Unavailable, match="in alarm"):
        bench.driver.ready()


def test_after_a_limit_switch_unlock_resets_first():
    bench = Bench(GrblKnobs(limit_at_line=1))
    bench.say("G1 X1 F600")
    assert (bench.machine.state, bench.wire.written) == ("Alarm", b"")
    bench.driver.operate(Unlock())
    assert bench.machine.state == "Idle"


@pytest.mark.parametrize("line", ["$C", "!", "$SLP"])
def test_unlock_frees_a_router_that_only_a_reset_can_free(line):
    bench = Bench()
    bench.say(line)
    bench.driver.operate(Unlock())
    assert bench.machine.state == "Idle"


def test_an_open_door_is_not_unlocked():
    bench = Bench()
    bench.machine.open_door()
    with pytest.raises(Unavailable, match="the door is open"):
        bench.driver.operate(Unlock())


def test_a_jog_goes_so_far_and_says_where_it_is():
    bench = Bench(GrblKnobs(moves_take_time=True))
    before = place(bench.machine)
    said = bench.driver.operate(Jog(x_mm=10, y_mm=-2.5, feed_mm_s=20))
    assert said.startswith("the machine stands at X 10.000 Y -2.500 Z 0.000 of the work, X -")
    assert place(bench.machine) == [before[0] + 10, before[1] - 2.5, before[2]]
    assert bench.machine.state == "Idle"


@pytest.mark.parametrize(
    ("jog", "words"),
    [
        (Jog(), "say how far to jog"),
        (Jog(x_mm=float("nan")), "say how far to jog"),
        (Jog(x_mm=1, feed_mm_s=0), "must be above 0 and at most 50"),
        (Jog(x_mm=1, feed_mm_s=51), "must be above 0 and at most 50"),
        (Jog(z_mm=1, feed_mm_s=11), "Z would move at 11.0 mm/s, its limit is 10"),
        (Jog(x_mm=601), "the machine has 600 mm"),
        (Jog(x_mm=160), "X would go to 10.000 mm of the machine, whose travel is -300 … 0 mm"),
        (Jog(y_mm=-101), "Y would go to -201.000 mm"),
    ],
)
def test_a_jog_beyond_the_limits_is_refused_and_nothing_moves(jog, words):
    bench = Bench(SMALL)
    before = place(bench.machine)
    with pytest.raises(InvalidInput, match=words):
        bench.driver.operate(jog)
    assert place(bench.machine) == before
    assert b"$J" not in bench.wire.written


def test_a_jog_that_the_firmware_refuses_is_no_fault_of_the_machine():
    bench = Bench(SMALL, settings={130: 300.0})
    bench.machine.router.settings[130] = 300.0
    bench.driver._bearings.lose()  # the driver does not judge places any more, the firmware does
    with pytest.raises(InvalidInput, match="error 15: the jog would leave"):
        bench.driver.operate(Jog(x_mm=160))


def test_a_locked_router_is_not_jogged():
    bench = Bench(GrblKnobs(starts_locked=True))
    with pytest.raises(Unavailable, match="in alarm"):
        bench.driver.operate(Jog(x_mm=1))


class Sticks(SimulatedGrbl):
    """A router that is held by its own button as soon as it jogs."""

    def tick(self, seconds):
        said = super().tick(seconds)
        if self.mode == "Jog":
            self.open_door()
        return said


def test_a_jog_that_is_stopped_is_cancelled_and_told():
    bench = Bench(machine=Sticks(GrblKnobs(moves_take_time=True)))
    with pytest.raises(MachineFault, match="the jog was stopped: Door"):
        bench.driver.operate(Jog(x_mm=10))
    assert b"\x85" in bench.wire.written
    assert not bench.machine.moving


def soon(looks: int = 5):
    """A person who wants to stop at the n-th look."""
    left = iter(range(looks, -1000, -1))
    return lambda: next(left) <= 0


def test_somebody_stops_a_jog_and_the_machine_stands_where_it_was_stopped():
    bench = Bench(GrblKnobs(moves_take_time=True))
    with pytest.raises(Unavailable, match="it was stopped before the step had ended"):
        bench.driver.operate(Jog(x_mm=100, feed_mm_s=5), wants_stop=soon())
    assert not bench.machine.moving
    assert b"\x85" in bench.wire.written
    bench.driver.ready()  # a jog that is cancelled costs no position


def test_somebody_stops_homing_and_it_must_be_homed_again():
    bench = Bench(GrblKnobs(moves_take_time=True, starts_homed=False))
    with pytest.raises(Unavailable, match="it was stopped before the step had ended"):
        bench.driver.operate(Home(), wants_stop=soon())
    assert not bench.machine.moving
    assert b"\x18" in bench.wire.written
    with pytest.raises(Unavailable, match="home"):
        bench.driver.ready()


def test_a_router_that_falls_silent_while_it_jogs_is_lost():
    class FallsSilent(SimulatedGrbl):
        def feed(self, data):
            said = super().feed(data)
            return b"" if self.mode == "Jog" else said

        def tick(self, seconds):
            said = super().tick(seconds)
            return b"" if self.mode == "Jog" else said

    bench = Bench(machine=FallsSilent(GrblKnobs(moves_take_time=True)))
    with pytest.raises(TransportLost, match=r"did not answer \$J="):
        bench.driver.operate(Jog(x_mm=100, feed_mm_s=0.5))
    assert bench.wire.written.endswith(b"\x85")


@pytest.mark.parametrize(
    ("axes", "zeroed"), [("XY", [0, 0, 4]), ("z", [3, 2, 0]), ("XYZ", [0] * 3)]
)
def test_zero_is_set_for_these_axes_alone(axes, zeroed):
    bench = Bench()
    bench.say("G0 X3 Y2 Z4")
    bench.driver.operate(SetZero(axes))
    assert [round(v, 3) for v in bench.machine.work_position.values()] == zeroed


@pytest.mark.parametrize("axes", ["", "A", "XX", "XYZA"])
def test_zero_of_no_axis_or_of_others_is_refused(axes):
    with pytest.raises(InvalidInput, match="zero is set for X, Y and Z"):
        Bench().driver.operate(SetZero(axes))


def test_zero_that_was_not_taken_over_is_told():
    class Ignores(SimulatedGrbl):
        def feed(self, data):
            return super().feed(data.replace(b"G10L20P1X0", b"G10L20P2X0"))

    bench = Bench(machine=Ignores())
    bench.say("G0 X3")
    with pytest.raises(MachineFault, match="zero of X was not taken over"):
        bench.driver.operate(SetZero("X"))


def test_without_switches_a_restart_asks_for_all_three_zeros_again():
    bench = Bench(GrblKnobs(homing=False), profile=router(cnc=MillLimits(homing=False)))
    bench.machine.reset()
    bench.driver.operate(SetZero("XY"))
    with pytest.raises(Unavailable, match="set X, Y and Z to zero again"):
        bench.driver.ready()
    bench.driver.operate(SetZero("Z"))
    bench.driver.ready()
