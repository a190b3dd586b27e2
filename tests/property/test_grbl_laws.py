"""Laws of the GRBL stream: any program, any buffer, any cutting of reads."""

from hypothesis import given
from hypothesis import strategies as st

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.streamer import stream

axes = st.sampled_from("XYZ")
words = st.builds("{}{:.2f}".format, axes, st.floats(-99, 99))
# An axis given twice or a move without a feed would be refused (errors 25 and 22).
moves = st.lists(words, min_size=1, max_size=3, unique_by=lambda word: word[0]).map(
    lambda w: " ".join(["G1", *w, "F9"])
)


def run(program, machine, *, line_count: int, read_size: int) -> None:
    wire = Wire(machine, read_size=read_size)
    stream(
        program,
        wire,
        lambda _: None,
        line_count=line_count,
        make_safe=lambda: None,
        clock=wire.clock,
    )


@given(st.lists(moves, max_size=60), st.integers(32, 128), st.integers(1, 64), st.integers(0, 3))
def test_no_program_and_no_cutting_of_reads_overflows_the_controller(
    program, rx_buffer, read_size, lines_per_tick
):
    machine = SimulatedGrbl(GrblKnobs(rx_buffer=rx_buffer, lines_per_tick=lines_per_tick))
    lines = ListedLines([line.encode() for line in program])
    grbl = GrblStream(lines, rx_buffer=rx_buffer)
    run(grbl, machine, line_count=len(program), read_size=read_size)
    assert machine.executed == program
    assert machine.bytes_lost == 0
