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
from fab_agent.machines.marlin_script import checksum
from fab_agent.machines.streamer import stream

MOVES = [b"G1 X%d.5 Y%d.25 E0.0312" % (i % 200, i % 180) for i in range(300)]


def begun(*lines: bytes) -> MarlinStream:
    """A stream whose `M110 N0` is acknowledged and whose first window is sent."""
    program = MarlinStream(ListedLines(lines))
    assert program.bytes_to_send() == b"N0M110 N0*93\n"
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
    assert checksum(b"N3 T0") == 57


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


def test_only_the_last_of_several_requests_counts_and_only_when_the_printer_has_nothing_left():
    program = begun(b"G1 X1", b"G1 X2", b"G1 X3")
    program.receive(b"Error:checksum mismatch, Last Line: 0\nResend: 1\nok\nResend: 2\nok\n")
    assert program.bytes_to_send() == b"M105\n"
    program.receive(b"ok\n")
    assert program.bytes_to_send() == b""
    program.receive(b"ok T:20.0 /0.0 B:20.0 /0.0\n")
    assert program.bytes_to_send() == numbered(2, b"G1 X2") + numbered(3, b"G1 X3")


def test_a_question_thrown_away_with_the_buffer_is_asked_again_with_ever_more_patience():
    program = begun(b"G1 X1", b"G1 X2")
    program.receive(b"Resend: 1\n")
    sent = []
    for hundredths in range(5, 105, 5):
        program.quiet(hundredths / 100)
        sent.append(program.bytes_to_send())
    assert [out for out in sent if out] == [b"M105\n", b"\nM105\n", b"\nM105\n", b"\nM105\n"]


@pytest.mark.parametrize(
    "answer",
    [
        b"Error:checksum mismatch, Last Line: 1\nResend: 2\nok\n",
        b"Error:checksum mismatch, Last Line: 1\nResend: 2\n",
        b"Error:No Checksum with line number, Last Line: 1\r\nResend: 2\r\nok\r\n",
        b"Error:Line Number is not Last Line Number+1, Last Line: 1\nResend: N2\nok\n",
        b"Resend:2\nok\n",
        b"rs 2\nok\n",
        b"rs N2\n",
        b"Resend: 2\nok\nResend: 2\nok\n",
    ],
)
def test_every_firmware_s_way_to_ask_for_a_line_is_understood(answer):
    program = begun(b"G1 X1", b"G1 X2", b"G1 X3")
    program.receive(answer)
    program.bytes_to_send()
    program.receive(b"ok T:20.0\n")
    assert program.lines_done == 1
    assert program.bytes_to_send() == numbered(2, b"G1 X2") + numbered(3, b"G1 X3")


def test_a_request_whose_number_contradicts_its_reason_is_not_believed():
    program = begun(b"G1 X1", b"G1 X2", b"G1 X3")
    program.receive(b"Error:checksum mismatch, Last Line: 1\nResend: 72\nok\n")
    assert program.lines_done == 0
    program.receive(b"Error:Line Number is not Last Line Number+1, Last Line: 1\nResend: 2\nok\n")
    assert program.bytes_to_send() == b"M105\n"


def test_a_question_of_ours_answered_too_early_costs_a_round_and_never_the_run():
    program = MarlinStream(ListedLines(MOVES), asks_temperatures=True)
    program.bytes_to_send()
    program.receive(b"ok\n")
    program.bytes_to_send()
    for _ in range(10):
        program.poll()
    program.bytes_to_send()
    program.receive(b"ok\n" * 3 + b"Resend: 4\nok\nok T:20.0\n")  # the poll's answer
    program.bytes_to_send()  # 4 and on: all accepted, and more are sent
    program.receive(b"Resend: 4\nok\nok T:20.0\n")
    program.bytes_to_send()
    program.receive(b"Resend: 7\nok\nok T:20.0\n")
    assert program.bytes_to_send().startswith(numbered(7, MOVES[6]))


def test_a_printer_that_counts_on_from_an_earlier_program_gets_line_0_again():
    program = MarlinStream(ListedLines(MOVES))
    program.bytes_to_send()
    program.receive(b"Error:checksum mismatch, Last Line: 801\nResend: 802\nok\n")
    assert program.bytes_to_send() == b"M105\n"
    program.receive(b"ok T:20.0\n")
    assert program.bytes_to_send() == b"N0M110 N0*93\n"


def test_a_printer_that_says_it_waits_while_it_has_something_to_do_has_lost_it():
    program = begun(b"G28", b"G1 X1")
    program.receive(b"wait\n")
    assert program.bytes_to_send() == b""
    program.receive(b"wait\n")
    assert program.bytes_to_send() == b"\nN0*126\n"


def test_the_lost_ok_of_a_heating_printer_is_found_though_it_goes_on_reporting():
    program = begun(b"M109 S200", b"G1 X1")
    reports = 0
    while not (out := program.bytes_to_send()):
        program.receive(b" T:200.0 /200.0 B:20.0 /0.0\n")
        reports += 1
    assert out == b"\nN0*126\n"
    assert reports == 30
    program.receive(b"Error:Line Number is not Last Line Number+1, Last Line: 1\nResend: 2\nok\n")
    assert program.bytes_to_send() == b"M105\n"
    program.receive(b"ok T:200.0 /200.0\n")
    assert program.bytes_to_send() == numbered(2, b"G1 X1")


def test_an_ok_with_a_number_makes_up_for_those_that_were_lost_or_doubled():
    program = begun(*MOVES[:9])
    program.receive(b"ok N1 P15 B3\nok N1 P15 B3\n")
    assert program.lines_done == 1
    program.receive(b"ok N3 P15 B3\n")
    assert program.lines_done == 3
    program.receive(b"ok N99 P15 B3\nok\n")
    assert program.lines_done == 3


def test_lines_that_have_left_the_receive_buffer_make_room_for_others():
    program = begun(*MOVES[:20])
    sent = program.lines_sent
    program.receive(b"ok N1 P15 B3\n")
    program.bytes_to_send()
    assert program.lines_sent == sent + 1
    program.receive(b"ok N2 P0 B0\n")  # the three slots that were free are taken
    program.bytes_to_send()
    assert program.lines_sent == sent + 1 + 1 + 3


def test_a_number_of_slots_that_cannot_be_widens_nothing():
    program = begun(*MOVES[:20])
    sent = program.lines_sent
    program.receive(b"ok N1 P15 B999\nok N2 P15 B0\n")
    program.bytes_to_send()
    assert program.lines_sent == sent + 2


def test_a_request_for_a_line_that_was_never_sent_ends_the_run():
    program = begun(*MOVES)
    with pytest.raises(ProtocolViolation, match="asks for line 99"):
        program.receive(b"Resend: 99\n")
    assert program.bytes_to_send() == b""


@pytest.mark.parametrize("done", [1, 2, 15, 20])
def test_a_printer_that_counts_from_one_again_is_not_given_the_program_again(done):
    program = MarlinStream(ListedLines(MOVES))
    while program.lines_done < done:
        program.bytes_to_send()
        program.receive(b"ok\n")
    with pytest.raises(MachineFault, match="must have been reset"):
        program.receive(b"Error:Line Number is not Last Line Number+1, Last Line: 0\nResend: 1\n")
    program.quiet(99.0)
    program.receive(b"ok\n")
    assert program.bytes_to_send() == b""


def test_a_printer_never_asks_again_for_what_it_has_named_as_accepted():
    program = begun(*MOVES[:9])
    program.receive(b"Error:checksum mismatch, Last Line: 2\nResend: 3\nok\n")
    program.bytes_to_send()
    program.receive(b"ok T:20.0\n")
    program.bytes_to_send()
    with pytest.raises(MachineFault, match="must have been reset"):
        program.receive(b"Error:checksum mismatch, Last Line: 1\nResend: 2\nok\n")
    assert program.bytes_to_send() == b""


def test_a_line_that_never_passes_ends_the_run():
    end, _, safe = stream_to(SimulatedMarlin(MarlinKnobs(resend_every=1)))
    assert isinstance(end, MachineFault)
    assert "refused line 0 10 times" in str(end)
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


@pytest.mark.parametrize(
    "line",
    [
        b"start",
        b"Marlin 2.1.2",
        b"Grbl 1.1h ['$' for help]",
        b"!! Printer halted",
        b"fatal: x",
        b"Error:Printer halted. kill() called!",
        b"Error:MAXTEMP triggered, system stopped! Heater_ID: 0",
        b"Error:Thermal Runaway, system stopped! Heater_ID: bed",
        b"echo:Homing Failed: Printer halted. kill() called!",
    ],
)
@pytest.mark.parametrize("later", [b"ok\n", b"Resend: 1\nok\n", b"wait\nwait\n"])
def test_words_after_which_nothing_is_sent(line, later):
    program = begun(*MOVES)
    with pytest.raises(MachineFault):
        program.receive(b"ok\n" + line + b"\nok\n")
    program.receive(later)
    program.quiet(99.0)
    program.poll()
    program.control(Control.HOLD)
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
