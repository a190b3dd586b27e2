"""MarlinStream against hand-written answers, and against a simulated printer with faults."""

import pytest

from commons.errors import MachineFault, ProtocolViolation, TransportLost
from fab_agent.machines.driver import (
    Control,
    Held,
    Message,
    Outcome,
    Progress,
    RunEnd,
    Temperatures,
)
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.marlin import MarlinStream, numbered, temperatures
from fab_agent.machines.marlin_driver import MarlinDriver
from fab_agent.machines.streamer import stream

MOVES = [b"G1 X%d.5 Y%d.25 E0.0312" % (i % 200, i % 180) for i in range(300)]


def begun(*lines: bytes) -> MarlinStream:
    """A stream whose `M110 N0` is acknowledged and whose first window is sent."""
    program = MarlinStream(ListedLines(lines))
    assert program.bytes_to_send() == b"N0 M110 N0*125\n"
    program.receive(b"ok\n")
    program.bytes_to_send()
    return program


def stream_to(machine: SimulatedMarlin, lines: list[bytes] = MOVES, **settings):
    """Run `lines` on the machine; what happened, the wire, and how often it was made safe."""
    wire, events, safe = Wire(machine), [], []
    program = MarlinStream(ListedLines(lines), probe_s=2.5)
    outcome = None
    try:
        outcome = stream(
            program,
            wire,
            events.append,
            line_count=len(lines),
            make_safe=lambda: safe.append(True),
            clock=wire.clock,
            **settings,
        )
    except Exception as e:
        outcome = e
    return outcome, events, safe


def text(lines: list[bytes]) -> list[str]:
    return [line.decode() for line in lines]


def test_a_line_is_numbered_and_checked_as_marlin_does_it():
    # Marlin's documentation gives this very line as its example.
    assert numbered(3, b"T0") == b"N3 T0*57\n"


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        (b"ok T:19.37 /0.00 B:19.40 /0.00 @:0 B@:0", Temperatures(19.37, 0.0, 19.40, 0.0)),
        (b" T:209.9 /210.0 B:60.1 /60.0", Temperatures(209.9, 210.0, 60.1, 60.0)),
        (b"T:-14.00 E:0 W:?", Temperatures(-14.0)),
        (b"echo:busy: processing", None),
        (b"T:2.1.5 /0", None),
    ],
)
def test_temperatures_are_read_where_there_are_some(line, heard):
    assert temperatures(line) == heard


def test_the_window_is_counted_in_bytes():
    program = begun(*MOVES)
    sent = sum(len(numbered(n + 1, MOVES[n])) for n in range(program.lines_sent))
    assert sent <= 127 < sent + len(numbered(program.lines_sent + 1, MOVES[0]))


def test_a_command_that_may_last_is_alone_on_its_way():
    program = begun(b"G1 X1", b"M109 S200", b"G1 X2")
    assert program.lines_sent == 1
    program.receive(b"ok\n")
    assert program.bytes_to_send() == numbered(2, b"M109 S200")
    program.receive(b"T:20.0 E:0 W:?\n")
    assert program.bytes_to_send() == b""
    program.receive(b"ok\n")
    assert program.bytes_to_send() == numbered(3, b"G1 X2")


def test_every_line_is_executed_once_and_motion_has_ended():
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
    end, _, safe = stream_to(machine)
    assert end == RunEnd(Outcome.FINISHED, 300, 300)
    assert machine.executed == text(MOVES)
    assert machine.planner.empty
    assert safe == []


@pytest.mark.parametrize(
    "knobs",
    [
        MarlinKnobs(bad_line_ratio=0.01),
        MarlinKnobs(bad_line_ratio=0.2, seed=7),
        MarlinKnobs(resend_every=9, doubled_resend=True),
        MarlinKnobs(resend_every=9, ok_after_resend=False),
        MarlinKnobs(lost_ok_every=40),
        MarlinKnobs(garbage_every=5),
        MarlinKnobs(resend_every=11, lost_ok_every=13, garbage_every=3, doubled_resend=True),
        MarlinKnobs(lines_per_tick=1, resend_every=9),
        MarlinKnobs(moves_take_time=True, resend_every=9, planner_blocks=2),
        MarlinKnobs(autoreport=False),
    ],
    ids=str,
)
def test_what_is_damaged_or_lost_is_repaired_and_no_line_runs_twice(knobs):
    machine = SimulatedMarlin(knobs)
    end, _, safe = stream_to(machine)
    assert machine.executed == text(MOVES)
    assert end == RunEnd(Outcome.FINISHED, 300, 300)
    assert (machine.bytes_lost, safe) == (0, [])


def test_only_the_last_of_several_requests_counts_and_only_after_a_pause():
    program = begun(b"G1 X1", b"G1 X2", b"G1 X3")
    program.receive(b"Error:checksum mismatch, Last Line: 0\nResend: 1\nok\nResend: 2\nok\n")
    program.quiet(0.05)
    assert program.bytes_to_send() == b""
    program.quiet(0.07)
    assert program.bytes_to_send().startswith(numbered(2, b"G1 X2"))


def test_the_ok_of_a_resend_acknowledges_no_line():
    program = begun(b"G1 X1", b"G1 X2", b"G1 X3")
    program.receive(b"Error:checksum mismatch, Last Line: 1\nResend: 2\nok\n")
    assert program.lines_done == 0
    program.receive(b"ok\n")
    assert program.lines_done == 1


def test_a_request_for_a_line_that_was_never_sent_ends_the_run():
    program = begun(*MOVES)
    with pytest.raises(ProtocolViolation, match="asks for line 99"):
        program.receive(b"Resend: 99\n")
    assert program.bytes_to_send() == b""


def test_a_printer_that_counts_from_one_again_is_not_given_the_program_again():
    program = MarlinStream(ListedLines(MOVES))
    while program.lines_done < 20:
        program.bytes_to_send()
        program.receive(b"ok\n")
    with pytest.raises(MachineFault, match="must have been reset"):
        program.receive(b"Error:Line Number is not Last Line Number+1, Last Line: 0\nResend: 1\n")


def test_a_line_that_never_passes_ends_the_run():
    end, _, safe = stream_to(SimulatedMarlin(MarlinKnobs(resend_every=1)))
    assert isinstance(end, MachineFault)
    assert "refused line 1 10 times" in str(end)
    assert safe == [True]


@pytest.mark.parametrize(
    ("knobs", "words", "executed"),
    [
        (MarlinKnobs(reset_at_line=50), "the printer restarted", 49),
        (MarlinKnobs(kill_at_line=50), "Thermal Runaway", 49),
    ],
)
def test_a_printer_in_trouble_gets_nothing_more(knobs, words, executed):
    machine = SimulatedMarlin(knobs)
    end, _, safe = stream_to(machine)
    assert isinstance(end, MachineFault)
    assert words in str(end)
    assert machine.executed == text(MOVES[:executed])
    assert safe == [True]


def test_a_heater_that_does_not_heat_is_a_fault():
    machine = SimulatedMarlin(MarlinKnobs(heater_fails=True))
    end, _, safe = stream_to(machine, [b"M109 S200", *MOVES])
    assert isinstance(end, MachineFault)
    assert "Heating failed" in str(end)
    assert (machine.executed, safe) == ([], [True])


@pytest.mark.parametrize("line", [b"start", b"Marlin 2.1.2", b"!! Printer halted", b"fatal: x"])
def test_words_after_which_nothing_is_sent(line):
    program = begun(*MOVES)
    with pytest.raises(MachineFault):
        program.receive(b"ok\n" + line + b"\nok\n")
    assert program.bytes_to_send() == b""


def test_a_printer_that_falls_silent_is_lost():
    machine = SimulatedMarlin()
    machine.feed(b"M112\n")  # killed, and nobody has heard it
    end, _, safe = stream_to(machine, silence_s=60.0)
    assert isinstance(end, TransportLost)
    assert "no answer for 60 s" in str(end)
    assert safe == [True]


def test_a_long_command_is_waited_for_as_long_as_the_printer_says_busy():
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
    end, events, _ = stream_to(machine, [b"G4 P120000", b"M400"], silence_s=10.0)
    assert end == RunEnd(Outcome.FINISHED, 2, 2)
    assert not [event for event in events if isinstance(event, Message)]


def test_heating_longer_than_the_silence_allowed_is_not_silence():
    machine = SimulatedMarlin()
    end, events, _ = stream_to(machine, [b"M190 S80", b"M109 S210"], silence_s=10.0)
    assert end == RunEnd(Outcome.FINISHED, 2, 2)
    assert max(e.hotend_c for e in events if isinstance(e, Temperatures)) >= 200


def test_a_hold_is_told_when_the_printer_stands_still():
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
    stood, wishes = [], []

    def report(event):
        if isinstance(event, Progress) and not stood and not wishes:
            wishes.append(Control.HOLD)
        elif isinstance(event, Held):
            stood.append((machine.planner.empty, len(machine.executed)))
            wishes.append(Control.RESUME)

    wire = Wire(machine)
    end = stream(
        MarlinStream(ListedLines(MOVES)),
        wire,
        report,
        line_count=300,
        make_safe=lambda: None,
        controls=lambda: wishes.pop() if wishes else None,
        clock=wire.clock,
    )
    ((stands, lines_executed),) = stood
    assert stands
    assert 0 < lines_executed < 300
    assert end.outcome is Outcome.FINISHED
    assert machine.executed == text(MOVES)


def test_temperatures_are_asked_for_when_the_firmware_does_not_report_them():
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True, autoreport=False))
    wire, events = Wire(machine), []
    stream(
        MarlinStream(ListedLines(MOVES), asks_temperatures=True),
        wire,
        events.append,
        line_count=300,
        make_safe=lambda: None,
        clock=wire.clock,
    )
    assert machine.executed == text(MOVES)
    assert Temperatures(21.0, 0.0, 21.0, 0.0) in events
    assert wire.written.count(b"M105") <= wire.clock() / 2 + 1


@pytest.mark.parametrize("guarded", [True, False])
def test_identity_says_whether_the_firmware_guards_its_heaters(guarded):
    wire = Wire(SimulatedMarlin(MarlinKnobs(thermal_protection=guarded)))
    assert MarlinDriver(wire, clock=wire.clock).identify().guarded is guarded


def test_making_safe_stops_motion_and_heat():
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
    machine.feed(b"M140 S60\nM104 S200\n" + b"G1 X100 F60\n")
    wire = Wire(machine)
    MarlinDriver(wire, clock=wire.clock).make_safe()
    assert machine.planner.empty
    assert (machine.hotend.target_c, machine.bed.target_c) == (0.0, 0.0)
