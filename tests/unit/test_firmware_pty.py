"""A simulated machine behind a real pseudo-terminal: what a sender that opens the port sees."""

import pytest

from commons.errors import TransportLost
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import served
from fab_agent.machines.transport import SerialConnection, SerialPort


def answered(port: SerialPort, ending: bytes) -> bytes:
    """What it says up to these bytes."""
    said = b""
    while not said.endswith(ending):
        said += port.read(1.0)
    return said


def test_a_pulled_cable_closes_the_port():
    machine = SimulatedMarlin(MarlinKnobs(drop_at_line=2))
    with served(machine) as (name, _), SerialPort(SerialConnection(name)) as port:
        port.write(b"N1 G1 X1*96\n")
        assert answered(port, b"ok\n")
        port.write(b"N2 G1 X1*99\n")
        with pytest.raises(TransportLost, match="is gone"):
            while True:
                port.read(1.0)
    assert machine.executed == ["G1 X1", "G1 X1"]


def test_a_baud_rate_holds_in_the_machine_s_own_time():
    machine = SimulatedGrbl(GrblKnobs(baudrate=9600))
    with served(machine, speed=100) as (name, _), SerialPort(SerialConnection(name)) as port:
        port.write(b"G1X1F9\n" * 20)
        assert answered(port, b"ok\r\n" * 20).count(b"ok") == 20
    assert machine.bytes_lost == 0


def test_the_record_has_a_line_before_its_answer_is_heard(tmp_path):
    record = tmp_path / "record"
    with (
        served(SimulatedGrbl(), record=record) as (name, _),
        SerialPort(SerialConnection(name)) as port,
    ):
        port.write(b"G1X1F9\nG1X2\n")
        answered(port, b"ok\r\n" * 2)
        assert record.read_text() == "G1X1F9\nG1X2\n"
