"""MarlinDriver: who is there, may it start, and stopping it.

Answers to M115 as the firmwares give them: Klipper klippy/extras/gcode.py, Smoothieware
GcodeDispatch.cpp, RepRapFirmware and Repetier documentation, GRBL 1.1 `error:20`.
"""

import pytest

from commons.errors import NotAllowed, TransportLost, Unavailable
from fab_agent.machines.driver import Evidence, Home
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.marlin_driver import SAFE, MarlinDriver
from tests.profiles import printer


class Answering:
    """Something on a port that answers every line it gets with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self.written, self._answer, self._waiting, self.now_s = b"", answer, b"", 0.0

    @property
    def name(self) -> str:
        return "/dev/ttyX"

    def clock(self) -> float:
        return self.now_s

    def read(self, timeout: float) -> bytes:
        data, self._waiting = self._waiting, b""
        self.now_s += 0.0 if data else timeout
        return data

    def write(self, data: bytes) -> None:
        self.written += data
        self._waiting += self._answer if data else b""

    def close(self) -> None:
        pass


def driver_on(wire, **changes) -> MarlinDriver:
    return MarlinDriver(wire, printer(**changes), clock=wire.clock)


def simulated(**knobs) -> tuple[SimulatedMarlin, Wire]:
    machine = SimulatedMarlin(MarlinKnobs(**knobs))
    return machine, Wire(machine)


@pytest.mark.parametrize("guarded", [True, False])
def test_identity_says_whether_the_firmware_guards_its_heaters(guarded):
    _, wire = simulated(thermal_protection=guarded)
    assert driver_on(wire).identify().guarded is guarded


def test_identity_says_when_a_stop_has_to_wait():
    _, wire = simulated(emergency_parser=False)
    details = driver_on(wire).identify().details
    assert "no emergency parser: a stop waits for the command under way" in details


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "the printer on /dev/ttyX does not answer M115: is it switched on"),
        (b"\xf0\x91\x00\xfe\x8c\xe0\xfc", "the baud rate is wrong"),
        (b"login: \n", "something on /dev/ttyX answers 'login:', but not to M115"),
        (b"error:20\r\n", 'this is GRBL, no Marlin printer: write driver = "grbl"'),
        (b"\r\nGrbl 1.1h ['$' for help]\r\n", "this is GRBL"),
        (b"ok FIRMWARE_VERSION:v0.12.0 FIRMWARE_NAME:Klipper\n", "this is Klipper.*Moonraker"),
        (b"FIRMWARE_NAME:Smoothieware, FIRMWARE_URL:http%3A//smoothieware.org\nok\n", "Smoothie"),
        (
            b"FIRMWARE_NAME: RepRapFirmware for Duet 2 WiFi FIRMWARE_VERSION: 3.4.0\nok\n",
            "this is RepRapFirmware",
        ),
        (b"FIRMWARE_NAME:Repetier_1.0.4 PROTOCOL_VERSION:1.0\nok\n", "this is Repetier"),
    ],
)
def test_what_is_no_marlin_printer_is_told_in_one_sentence(answer, sentence):
    port = Answering(answer)
    with pytest.raises((Unavailable, TransportLost), match=sentence) as told:
        driver_on(port).ready()
    assert str(told.value).count(". ") == 0
    assert b"G" not in port.written


def test_a_board_that_is_deaf_while_it_starts_is_waited_for():
    _, wire = simulated(starts_up_s=4.0)
    assert driver_on(wire).identify().firmware.startswith("Marlin")
    assert wire.clock() >= 4.0


def test_a_board_that_starts_twice_is_spoken_to_when_it_is_calm():
    _, wire = simulated(second_start=True)
    driver_on(wire).ready()
    assert wire.clock() > 1.0
    assert b"start" not in wire.read(5.0)


def test_an_unguarded_printer_starts_only_where_somebody_is_always_there():
    _, wire = simulated(thermal_protection=False)
    with pytest.raises(Unavailable, match="set attended_only = true for Printer"):
        driver_on(wire, attended_only=False).ready()
    driver_on(wire, attended_only=True).ready()


def test_a_guarded_printer_may_start_alone():
    _, wire = simulated()
    driver_on(wire, attended_only=False).ready()


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (b"T:-14.0 /0.0 B:21.0 /0.0", "the hotend sensor reads -14 °C: check its wires"),
        (b"T:21.0 /0.0 B:900.0 /0.0", "the bed sensor reads 900 °C"),
        (b"B:21.0 /0.0 @:T:", "does not say how hot it is"),
    ],
)
def test_a_broken_sensor_keeps_it_from_starting(report, sentence):
    port = Answering(b"FIRMWARE_NAME:Marlin 2.1 MACHINE_TYPE:x\nok " + report + b"\n")
    with pytest.raises(Unavailable, match=sentence):
        driver_on(port).ready()


def test_a_printer_is_not_set_up_by_hand_and_keeps_no_records():
    _, wire = simulated()
    with pytest.raises(NotAllowed, match="its program homes it"):
        driver_on(wire).operate(Home())
    assert driver_on(wire).evidence("1", "0" * 64) is Evidence.UNKNOWN


@pytest.mark.parametrize("parser", [True, False])
def test_making_safe_stops_motion_and_heat(parser):
    machine, wire = simulated(moves_take_time=True, emergency_parser=parser)
    machine.feed(b"M140 S60\nM104 S200\nG1 X100 F60\n")
    driver_on(wire).make_safe()
    assert machine.planner.empty
    assert machine.heaters_off
    assert not machine.dead


def test_making_safe_ends_a_wait_for_heat():
    machine, wire = simulated()
    machine.feed(b"M190 S90\n")
    driver_on(wire).make_safe()
    assert machine.heaters_off
    assert wire.clock() < 1.0


def test_a_printer_just_made_safe_is_left_in_peace():
    _, wire = simulated()
    driver = driver_on(wire)
    driver.make_safe()
    driver.make_safe()
    assert wire.written.count(SAFE) == 1


def test_a_printer_at_work_is_waited_for_and_not_killed():
    machine, wire = simulated(emergency_parser=False)
    machine.feed(b"M104 S200\nG28\n")
    driver_on(wire).make_safe()
    assert machine.heaters_off
    assert not machine.dead


def test_heaters_that_were_not_heard_to_be_off_are_told_again_and_then_the_printer_is_halted():
    port = Answering(b"ok T:200.0 /210.0 B:60.0 /60.0\n")
    driver_on(port).make_safe()
    assert port.written.count(SAFE) > 1
    assert port.written.endswith(b"\nM112\n")


def test_a_deaf_printer_is_waited_for_once_and_for_a_few_seconds():
    port = Answering(b"")
    driver = driver_on(port)
    driver.make_safe()
    once_s = port.clock()
    driver.make_safe()
    assert once_s <= 4.1
    assert port.clock() - once_s <= 0.2
    assert port.written.count(b"M104 S0") == 2
    assert port.written.count(b"M112") == 2


def test_a_printer_that_is_gone_cannot_be_made_safe_and_that_is_no_error():
    machine, wire = simulated()
    machine.pull_cable()
    driver_on(wire).make_safe()
