"""GrblStream against hand-written answers, and against a simulated router with faults."""

import pytest

from commons.errors import (
    MachineFault,
    ProgramRefused,
    ProtocolViolation,
    TransportLost,
)
from fab_agent.machines.driver import Control, Held, Message, Outcome, Resumed, RunEnd
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.streamer import stream
from tests.profiles import router

MOVES = [b"G1 X%d.5 Y%d.25 F1200" % (i % 200, i % 180) for i in range(300)]


def text(lines: list[bytes]) -> list[str]:
    return [line.decode() for line in lines]


def stream_to(machine: SimulatedGrbl, wire: Wire, lines: list[bytes] = MOVES):
    """How the run ended, or what it raised; the driver made the machine safe where it must."""
    driver = GrblDriver(wire, router(), clock=wire.clock)
    try:
        return stream(
            GrblStream(ListedLines(lines)),
            wire,
            lambda _: None,
            line_count=len(lines),
            make_safe=driver.make_safe,
            clock=wire.clock,
        )
    except (MachineFault, ProtocolViolation) as e:
        return e


def test_fewer_bytes_than_the_buffer_holds_are_in_flight():
    program = GrblStream(ListedLines(MOVES), rx_buffer=64)
    everything = b"".join(move + b"\n" for move in MOVES)
    first = program.bytes_to_send()
    assert first == everything[:63]
    assert program.lines_sent == first.count(b"\n")  # the last one has only begun
    assert program.bytes_to_send() == b""
    program.receive(b"ok\r\n")
    room = len(MOVES[0]) + 1
    assert program.bytes_to_send() == everything[63 : 63 + room]


def test_every_line_is_executed_once_and_the_machine_stands_still():
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True))
    assert stream_to(machine, Wire(machine)) == RunEnd(Outcome.FINISHED, 300, 300)
    assert machine.executed == text(MOVES)
    assert (machine.planner.empty, machine.bytes_lost) == (True, 0)


def test_the_end_is_not_believed_before_two_idle_reports():
    program = GrblStream(ListedLines([b"G1 X1"]))
    program.bytes_to_send()
    program.receive(b"<Idle|MPos:0,0,0>\r\n<Idle|MPos:0,0,0>\r\nok\r\n<Idle|MPos:0,0,0>\r\n")
    assert not program.finished
    program.receive(b"<Run|MPos:0.5,0,0>\r\n<Idle|MPos:1,0,0>\r\n")
    assert not program.finished
    program.receive(b"<Idle|MPos:1,0,0>\r\n")
    assert program.finished


@pytest.mark.parametrize(
    ("knobs", "words", "executed"),
    [
        (GrblKnobs(limit_at_line=50), "a limit switch was hit", 49),
        (
            GrblKnobs(error_at_line=50),
            "refused line 50 (G1 X49.5 Y49.25 F1200): error 20: it does not know this command",
            None,
        ),
        (GrblKnobs(reset_at_line=50), "restarted after line 49", None),
        (GrblKnobs(lost_ok_at_line=50), "unanswered", 300),
        (GrblKnobs(garbage_at_line=50), "garbled", None),
    ],
)
def test_a_machine_in_trouble_gets_nothing_more(knobs, words, executed):
    machine = SimulatedGrbl(knobs)
    wire = Wire(machine)
    end = stream_to(machine, wire)
    assert words in str(end)
    assert executed is None or machine.executed == text(MOVES[:executed])
    sent = bytes(wire.written).replace(b"?", b"")
    job, _, after = sent.partition(b"!")
    assert b"".join(line + b"\n" for line in MOVES).startswith(job)
    assert after == b"\x18$G\n"  # reset, and is the spindle off?


class FallsSilent(SimulatedGrbl):
    """A controller whose power fails after ten lines."""

    def feed(self, data):
        answer = super().feed(data)
        return answer if len(self.executed) < 10 else b""


def test_a_machine_that_falls_silent_is_lost():
    machine = FallsSilent()
    with pytest.raises(TransportLost, match="no answer for 60 s on port simulated after line"):
        stream_to(machine, Wire(machine))


@pytest.mark.parametrize(
    "word",
    [
        b"ALARM:1",
        b"error:9",
        b"Grbl 1.1h ['$' for help]",
        b"GrblHAL 1.1f ['$' or '$HELP' for help]",
        b"[MSG:'$H'|'$X' to unlock]",
        b"<Alarm|>",
    ],
)
def test_words_after_which_nothing_is_sent(word):
    program = GrblStream(ListedLines(MOVES))
    program.bytes_to_send()
    with pytest.raises(MachineFault):
        program.receive(b"ok\r\n" + word + b"\r\nok\r\n")
    assert program.bytes_to_send() == b""


def test_an_answer_to_nothing_means_that_somebody_else_is_sending():
    program = GrblStream(ListedLines([b"G1 X1"]))
    program.bytes_to_send()
    with pytest.raises(ProtocolViolation, match="another program"):
        program.receive(b"ok\r\nok\r\n")


@pytest.mark.parametrize(
    "noise", [b"o*", b"\xf0\x91", b"okok", b"ets Jul 29 2019", b"<Rnn|MPos:0,0,0>", b"[MSG:P\x8am]"]
)
def test_a_garbled_answer_ends_the_run_since_no_line_has_a_checksum(noise):
    program = GrblStream(ListedLines(MOVES))
    program.bytes_to_send()
    with pytest.raises(ProtocolViolation, match="garbled"):
        program.receive(b"ok\r\n" + noise + b"\r\nok\r\n")
    assert (program.lines_done, program.bytes_to_send()) == (1, b"")


def test_what_the_controller_remarks_is_told_and_counts_for_nothing():
    program = GrblStream(ListedLines(MOVES))
    program.bytes_to_send()
    said = b"[MSG:Pgm End]\r\n>G54:ok\r\n$0=10\r\n"
    assert program.receive(said) == [Message(x) for x in ("[MSG:Pgm End]", ">G54:ok", "$0=10")]
    assert program.lines_done == 0


def test_a_line_longer_than_the_buffer_is_refused_before_any_near_it_is_sent():
    program = GrblStream(ListedLines([b"G1 X1", b"G1 " + b"X1" * 20]), rx_buffer=24)
    with pytest.raises(ProgramRefused, match="line 2 has 44 bytes"):
        program.bytes_to_send()


def test_hold_and_resume_pass_all_that_waits():
    program = GrblStream(ListedLines(MOVES))
    assert (program.control(Control.HOLD), program.control(Control.RESUME)) == (b"!", b"~")
    told = program.receive(b"<Hold:1|>\r\n<Hold:0|>\r\n<Run|>\r\n")
    assert told == [Held("feed hold"), Resumed()]


def test_a_door_opened_in_mid_run_holds_until_somebody_resumes_behind_the_closed_door():
    program = GrblStream(ListedLines(MOVES))
    program.bytes_to_send()
    states = [b"Run", b"Door:2", b"Door:1", b"Door:0", b"Door:3", b"Run"]
    told = [event for state in states for event in program.receive(b"<%b|MPos:0,0,0>\r\n" % state)]
    assert told == [
        Held("the door is open: close it, then resume"),
        Held("the door was opened and is closed again: resume when nobody is in the way"),
        Held("the door was closed, the machine goes back to where it was"),
        Resumed(),
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [("Check", "moves nothing"), ("Sleep", "asleep"), ("Jog", "did not ask for")],
)
def test_a_state_in_which_no_program_runs_ends_it(state, words):
    program = GrblStream(ListedLines(MOVES))
    program.bytes_to_send()
    with pytest.raises(MachineFault, match=words):
        program.receive(f"<{state}|MPos:0,0,0>\r\n".encode())
    assert program.bytes_to_send() == b""


def test_the_word_idle_in_a_dwell_is_no_sign_that_a_line_was_lost():
    dwelling = GrblStream(ListedLines([b"G4 P60", b"G1 X1"]))
    moving = GrblStream(ListedLines([b"G1 X1", b"G4 P60"]))
    for program in (dwelling, moving):
        program.bytes_to_send()
        program.receive(b"<Idle|MPos:0,0,0>\r\n" * 300)
    assert (dwelling.answers, moving.answers) == (300, 0)
    dwelling.receive(b"<Idle|MPos:0,0,0>\r\n" * 300)
    assert dwelling.answers < 400
    with pytest.raises(ProtocolViolation, match="2 lines are unanswered"):
        dwelling.quiet(21.0)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 7])
def test_answers_are_understood_however_they_are_cut(cut):
    program = GrblStream(ListedLines(MOVES))
    count = program.bytes_to_send().count(b"\n")
    answers = b"ok\r\n<Run|MPos:0,0,0>\r\n" + b"ok\r\n" * (count - 1)
    for start in range(0, len(answers), cut):
        program.receive(answers[start : start + cut])
    assert program.lines_done == count


def test_lines_are_prepared_in_blocks_and_none_is_left_out_or_sent_twice():
    lines = [b"G1 X%d" % n for n in range(2000)]
    program, sent = GrblStream(ListedLines(lines), rx_buffer=1024), b""
    while program.lines_done < len(lines):
        sent += program.bytes_to_send()
        program.receive(b"ok\r\n" * ((program.lines_sent - program.lines_done + 1) // 2))
    assert sent == b"".join(line + b"\n" for line in lines)
