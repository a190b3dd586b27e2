"""SerialPort over a real pty with pyserial, and what happens when the cable is pulled."""

import hashlib
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from commons.errors import InvalidInput, MachineFault, ProgramRefused, TransportLost
from commons.machine import Process
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.machines.driver import Evidence, Outcome, Progress
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import open_pty, served, simulate
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.marlin_driver import MarlinDriver
from fab_agent.machines.transport import SerialConnection, SerialPort
from tests.profiles import printer, router

MOVES = [f"G1 X{i % 200}.5 Y{i % 180}.25 F6000" for i in range(2000)]
FAST = 1000.0


def nobody():
    return None


@pytest.fixture
def program(tmp_path):
    def write(lines: list[str]) -> GcodeProgram:
        content = "".join(f"{line}\n" for line in lines).encode()
        path = tmp_path / "program.gcode"
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        return GcodeProgram(path, sha256, len(lines), Process.FDM, Estimate(1.0, None))

    return write


@contextmanager
def running(work):
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def connect(port: str) -> SerialPort:
    return SerialPort(SerialConnection(port))


def test_bytes_pass_unchanged_both_ways():
    with open_pty() as pty, connect(pty.port) as port:
        port.write(bytes(range(256)))
        assert os.read(pty.machine_end, 4096) == bytes(range(256))
        os.write(pty.machine_end, b"\x00\r\n\x03\xff")
        assert port.read(1.0) == b"\x00\r\n\x03\xff"
        assert port.read(0.0) == b""


def test_an_answer_that_trickles_in_is_read_once_it_is_whole():
    with open_pty() as pty, SerialPort(SerialConnection(pty.port), shortest=3) as port:

        def trickle() -> None:
            for byte in b"ok\n":
                os.write(pty.machine_end, bytes([byte]))
                time.sleep(0.02)

        with running(trickle):
            assert port.read(5.0) == b"ok\n"


def test_what_is_shorter_than_any_answer_is_read_at_the_end_of_the_wait():
    with open_pty() as pty, SerialPort(SerialConnection(pty.port), shortest=3) as port:
        os.write(pty.machine_end, b"k")
        assert port.read(0.05) == b"k"
        os.write(pty.machine_end, b"\n")  # the rest of a line is not waited for so long
        assert port.read(3600.0) == b"\n"
        os.write(pty.machine_end, b"busy")
        assert port.read(3600.0) == b"busy"
        assert port.read(3600.0) == b""


def test_a_port_has_one_owner():
    with open_pty() as pty, connect(pty.port), pytest.raises(TransportLost, match="cannot be open"):
        connect(pty.port)


def test_a_port_that_another_program_holds_is_told_with_that_programs_name():
    with open_pty() as pty:
        command = [sys.executable, "-c", HOLDS, pty.port]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            with pytest.raises(TransportLost, match=rf"held by .*\(process {other.pid}\): close"):
                connect(pty.port)
            other.communicate()
        connect(pty.port).close()


HOLDS = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(); input()"


def test_a_port_that_is_not_there_is_named():
    with pytest.raises(TransportLost, match="there is no port /dev/ttyNONE: is the machine plug"):
        connect("/dev/ttyNONE")


def test_what_is_no_serial_port_is_told(tmp_path):
    (tmp_path / "notes").touch()
    with pytest.raises(TransportLost, match="is no serial port: name one of /dev/serial/by-id"):
        connect(str(tmp_path / "notes"))


@pytest.mark.parametrize("baudrate", [-1, 2**40])
def test_a_speed_that_the_system_refuses_is_told(baudrate):
    with open_pty() as pty, pytest.raises(TransportLost, match=f"be set to {baudrate} baud: set"):
        SerialPort(SerialConnection(pty.port, baudrate))


def test_what_the_kernel_has_not_sent_can_be_taken_back():
    waiting = b"G1 X1\n" * 1500  # a pty passes 4 KB on at once, as a chip passes on its few bytes
    with open_pty() as pty, connect(pty.port) as port:
        port.write(waiting)
        port.discard()
        port.write(b"M108\n")
        arrived = b""
        while not arrived.endswith(b"M108\n"):  # the kernel passes it on when it likes
            select.select([pty.machine_end], [], [], 10.0)
            arrived += os.read(pty.machine_end, len(waiting))
        assert len(arrived) < len(waiting)
    port.discard()


def test_a_port_that_vanishes_is_lost_for_reading_and_writing():
    with open_pty() as pty:
        port = connect(pty.port)
    with pytest.raises(TransportLost, match=f"{pty.port} is gone: check the USB cable"):
        port.read(0.1)
    with pytest.raises(TransportLost, match="is gone"):
        port.write(b"G28\n")
    port.close()
    port.close()


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [0.0, 0.01])
def test_a_marlin_program_crosses_a_real_port_and_bad_lines_are_repaired(program, ratio):
    machine = SimulatedMarlin(MarlinKnobs(bad_line_ratio=ratio))
    with served(machine, speed=FAST) as (port, _):
        driver = MarlinDriver(connect(port), printer())
        end = driver.run(program(MOVES), attempt="1", report=lambda _: None, controls=nobody)
        driver.close()
    assert end.outcome is Outcome.FINISHED
    assert machine.executed == MOVES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver_of", "profile", "machine"),
    [
        (MarlinDriver, printer(), SimulatedMarlin(MarlinKnobs(moves_take_time=True))),
        (GrblDriver, router(), SimulatedGrbl(GrblKnobs(moves_take_time=True))),
    ],
)
def test_a_cable_pulled_in_mid_run_ends_it_at_once(program, driver_of, profile, machine):
    with served(machine, speed=100) as (port, cable):
        driver = driver_of(connect(port), profile)

        def pull(event):
            if isinstance(event, Progress):
                cable.set()

        with pytest.raises(TransportLost, match="is gone"):
            driver.run(program(MOVES), attempt="1", report=pull, controls=nobody)
        driver.make_safe()
        driver.close()
    assert machine.executed == MOVES[: len(machine.executed)]
    assert len(machine.executed) < len(MOVES)


@pytest.mark.slow
def test_a_board_that_resets_in_mid_run_is_not_sent_the_rest(program):
    machine = SimulatedMarlin(MarlinKnobs(reset_at_line=500))
    with served(machine, speed=FAST) as (port, _):
        driver = MarlinDriver(connect(port), printer())
        with pytest.raises(MachineFault, match="restarted after line"):
            driver.run(program(MOVES), attempt="1", report=lambda _: None, controls=nobody)
        assert driver.evidence("1", "0" * 64) is Evidence.UNKNOWN
        driver.close()
    assert machine.executed == MOVES[:499]


def test_a_program_is_read_back_from_any_line(program):
    written = program(MOVES)
    with ProgramLines(written, longest=80) as lines:
        assert [lines.line(n).decode() for n in (1999, 0, 512, 511, 1024, 3)] == [
            MOVES[n] for n in (1999, 0, 512, 511, 1024, 3)
        ]


def test_a_line_too_long_for_the_firmware_is_refused_before_anything_moves(program):
    with pytest.raises(ProgramRefused, match="line 2 has 84 characters") as refused:
        ProgramLines(program(["G28", "G1 X" + "1" * 80]), longest=80)
    assert (refused.value.rule, refused.value.line) == ("line-too-long", 2)


@pytest.mark.slow
def test_a_simulated_machine_records_what_it_executes_and_takes_its_link_away(program, tmp_path):
    link, record, stop = tmp_path / "ports" / "marlin", tmp_path / "executed", threading.Event()
    machine = threading.Thread(
        target=simulate,
        args=("marlin",),
        kwargs={"link": link, "record": record, "speed": 1e4, "stop": stop},
    )
    machine.start()
    try:
        driver = MarlinDriver(connect_when_there(link), printer())
        driver.run(program(MOVES[:200]), attempt="1", report=lambda _: None, controls=nobody)
        assert record.read_text().splitlines() == MOVES[:200]
        driver.close()
    finally:
        stop.set()
        machine.join()
    assert not link.is_symlink()


def connect_when_there(link: Path) -> SerialPort:
    while True:
        try:
            return connect(str(link))
        except TransportLost:
            continue


def test_a_file_of_the_user_is_never_replaced_by_a_port(tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(InvalidInput, match="choose another name"), open_pty(mine):
        pass
    assert mine.read_text() == "mine"
