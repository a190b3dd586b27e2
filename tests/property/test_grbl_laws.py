"""Laws of the GRBL stream: any program, any buffer, any cutting of reads, any holds and doors."""

from hypothesis import given, settings
from hypothesis import strategies as st

from commons.errors import MachineError
from fab_agent.machines.driver import Control, Outcome
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.grbl_check import CheckStream
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.streamer import nobody, stream

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
