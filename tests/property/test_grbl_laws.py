"""Laws of the GRBL stream: any program, any buffer, any cutting of reads, any holds and doors."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from commons.errors import FabError, MachineError, Unavailable
from fab_agent.machines.driver import (
    Control,
    Held,
    Jog,
    Outcome,
    Resumed,
    SetZero,
    nobody_stops,
)
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.grbl_check import CheckStream
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.streamer import nobody, stream
from tests.profiles import router
from tests.routers import LEGS, Bench, program_at

axes = st.sampled_from("XYZ")
words = st.builds("{}{:.2f}".format, axes, st.floats(-99, 99))
moves = st.lists(words, min_size=1, max_size=3, unique_by=lambda word: word[0]).map(
    lambda w: " ".join(["G1", *w, "F6000"])
)
programs = st.lists(moves | st.sampled_from(["G4 P0.1", "M3 S1000", "M5", "G0 Z5"]), max_size=60)
buffers = st.integers(48, 128)
cuts = st.integers(1, 64)


class Counted(Wire):
    """A wire that counts the bytes of lines that the controller has not answered yet."""

    def __init__(self, machine, *, read_size):
        super().__init__(machine, read_size=read_size)
        self.most = 0
        self._unanswered, self._heard = b"", b""

    def write(self, data):
        self._unanswered += bytes(byte for byte in data if byte not in b"?!~\x18")
        self.most = max(self.most, len(self._unanswered))
        super().write(data)

    def read(self, timeout):
        data = super().read(timeout)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for _ in range(lines.count(b"ok\r")):
            self._unanswered = self._unanswered.partition(b"\n")[2]
        return data


def run(program, wire, *, line_count, controls=nobody):
    return stream(
        program,
        wire,
        lambda _: None,
        line_count=line_count,
        make_safe=lambda: None,
        controls=controls,
        clock=wire.clock,
    )


def listed(program):
    return ListedLines([line.encode() for line in program])


@settings(deadline=None)
@given(programs, buffers, cuts, st.integers(0, 3), st.booleans())
def test_no_program_and_no_cutting_of_reads_overflows_the_controller(
    program, rx_buffer, read_size, lines_per_tick, moves_take_time
):
    machine = SimulatedGrbl(
        GrblKnobs(
            rx_buffer=rx_buffer, lines_per_tick=lines_per_tick, moves_take_time=moves_take_time
        )
    )
    wire = Counted(machine, read_size=read_size)
    grbl = GrblStream(listed(program), rx_buffer=rx_buffer)
    run(grbl, wire, line_count=len(program))
    assert machine.executed == program
    assert machine.bytes_lost == 0
    assert wire.most < rx_buffer


@settings(deadline=None, max_examples=40)
@given(
    st.lists(moves, min_size=10, max_size=60),
    buffers,
    cuts,
    st.lists(st.integers(0, 40), max_size=6),
    st.integers(0, 40),
)
def test_holds_and_doors_at_any_moment_cost_no_line(program, rx_buffer, read_size, when, door_at):
    knobs = GrblKnobs(rx_buffer=rx_buffer, moves_take_time=True, door_at_line=door_at)
    machine = SimulatedGrbl(knobs)
    turns = iter(range(1_000_000))

    def controls():
        """Hold at the turns that were drawn; somebody always comes back to resume."""
        turn = next(turns)
        if turn in when:
            return Control.HOLD
        return Control.RESUME if turn % 50 == 49 else None

    grbl = GrblStream(listed(program), rx_buffer=rx_buffer)
    end = run(
        grbl, Counted(machine, read_size=read_size), line_count=len(program), controls=controls
    )
    assert end.outcome is Outcome.FINISHED
    assert machine.executed == program
    assert (machine.bytes_lost, machine.moving) == (0, False)


@settings(deadline=None, max_examples=40)
@given(programs, buffers, cuts)
def test_a_check_run_reads_every_line_and_executes_none(program, rx_buffer, read_size):
    machine = SimulatedGrbl(GrblKnobs(rx_buffer=rx_buffer))
    wire = Counted(machine, read_size=read_size)
    wire.write(b"$C\n")
    said = b""
    while not said.endswith(b"ok\r\n"):
        said += wire.read(0.1)
    check = CheckStream(listed(program), rx_buffer=rx_buffer)
    end = run(check, wire, line_count=len(program))
    assert (end.outcome, end.lines_done) == (Outcome.FINISHED, len(program))
    assert (machine.executed, machine.state) == ([], "Check")
    assert wire.most < rx_buffer


@given(st.lists(st.binary(max_size=40), max_size=20), buffers)
def test_noise_never_counts_as_an_acknowledgement(noise, rx_buffer):
    program = GrblStream(ListedLines([b"G1 X1"] * 100), rx_buffer=rx_buffer)
    sent = program.bytes_to_send()
    for data in noise:
        try:
            program.receive(data.replace(b"k", b""))
        except MachineError:  # that it gives up is its right
            break
    assert program.lines_done == 0
    assert program.bytes_to_send() == b""
    assert len(sent) < rx_buffer


answers = st.lists(
    st.sampled_from([b"ok\r\n", b"<Idle|MPos:0,0,0>\r\n", b"<Run|MPos:1,0,0>\r\n", b"o", b"k\r\n"])
    | st.binary(max_size=8),
    max_size=80,
)


@given(answers, buffers, st.integers(0, 20), st.integers(1, 20))
def test_whatever_is_answered_a_leg_sends_its_own_lines_and_no_byte_behind_them(
    said, rx_buffer, first, length
):
    lines = [b"G1 X%d" % n for n in range(60)]
    leg = GrblStream(ListedLines(lines), rx_buffer=rx_buffer, first=first, end=first + length)
    sent = leg.bytes_to_send()
    for data in said:
        try:
            leg.receive(data)
        except MachineError:
            break
        sent += leg.bytes_to_send()
    whole = b"".join(line + b"\n" for line in lines[first : first + length])
    assert whole.startswith(sent)
    assert not leg.finished or sent == whole


class Watched(Wire):
    """A wire that takes nothing of what lies behind a stop before a person has resumed."""

    granted = False

    def write(self, data):
        sent = bytes(self.written + data)
        assert b"M0" not in sent
        checks, ran = sent.count(b"$C\n"), sent.rpartition(b"$C\n")[2]
        assert self.granted or checks < 2 or b"S9000" not in ran  # but for the check run
        super().write(data)


hands = st.lists(
    st.sampled_from(["zero", "resume", "same", "jog", Control.HOLD, Control.RESUME, None]),
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(
    hands,
    cuts,
    buffers,
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["", "reset", "alarm", "cable", "door", "noise"]),
    st.integers(0, 12),
)
def test_nothing_behind_a_stop_leaves_before_a_person_has_resumed(
    tmp_path_factory, hands, read_size, rx_buffer, lines_per_tick, takes_time, fault, fault_at
):
    knobs = GrblKnobs(
        rx_buffer=rx_buffer, lines_per_tick=lines_per_tick, moves_take_time=takes_time
    )
    bench = Bench(knobs)
    bench.wire = Watched(bench.machine, read_size=read_size)
    bench.driver = GrblDriver(bench.wire, router(), clock=bench.wire.clock)
    path = tmp_path_factory.mktemp("stop") / "program.nc"
    first, second = ([line for line in leg if "F1200" not in line] for leg in LEGS[:2])
    whole = [*first, *second]
    program = program_at(path, [*first, "M0", *second], cutters_mm=(3.0, 1.5))
    someone = _Someone(bench, hands, fault, fault_at)
    with suppress(MachineError, Unavailable):
        bench.run(program, someone.controls)
    done = [line for line in bench.machine.executed if not line.startswith("G10")]
    assert done == whole[: len(done)]
    assert bench.wire.granted or done == first[: len(done)]


class _Someone:
    """Does what was drawn while the run stands at its stop; then gives up. Things go wrong once."""

    def __init__(self, bench, hands, fault, fault_at):
        self._bench, self._hands = bench, iter(hands)
        self._fault, self._left = fault, fault_at

    def controls(self):
        held = next((e for e in self._bench.events[::-1] if isinstance(e, Held | Resumed)), None)
        if not isinstance(held, Held) or held.at_stop is None:
            return None
        self._left -= 1
        if self._left == 0:
            self._go_wrong()
        act = next(self._hands, Control.ABORT)
        if act in ("zero", "jog", "resume", "same"):
            with suppress(FabError):
                self._by_hand(act, held.at_stop)
            return None
        if act is Control.RESUME:  # from afar: counts where the zero is set
            self._bench.wire.granted |= self._is_zeroed
        return act

    _is_zeroed = False

    def _by_hand(self, act, at_stop):
        if act == "zero":
            at_stop.operate(SetZero("Z"), wants_stop=nobody_stops)
            self._is_zeroed = True
        elif act == "jog":
            at_stop.operate(Jog(z_mm=1), wants_stop=nobody_stops)
        else:
            at_stop.resume(same_length=act == "same")
            self._bench.wire.granted = self._is_zeroed or act == "same"

    def _go_wrong(self):
        machine = self._bench.machine
        match self._fault:
            case "reset":
                machine.reset()
            case "alarm":
                machine.say("ALARM:1")
            case "cable":
                machine.pull_cable()
            case "door":
                machine.open_door()
            case "noise":
                machine.say("okok\x7f")
