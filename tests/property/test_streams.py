"""Laws of the Marlin stream: any program, any cutting of reads, any damage."""

from hypothesis import given
from hypothesis import strategies as st

from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.marlin import MarlinStream
from fab_agent.machines.streamer import stream

axes = st.sampled_from("XYZ")
words = st.builds("{}{:.2f}".format, axes, st.floats(-99, 99))
moves = st.lists(words, min_size=1, max_size=3).map(lambda w: " ".join(["G1", *w]))
programs = st.lists(moves | st.sampled_from(["G28", "M400", "M109 S25", "G4 P10"]), max_size=60)


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


@given(
    programs,
    st.builds(
        MarlinKnobs,
        bad_line_ratio=st.floats(0, 0.3),
        seed=st.integers(0, 9999),
        doubled_resend=st.booleans(),
        lost_ok_every=st.sampled_from([0, 7, 31]),
        garbage_every=st.sampled_from([0, 3]),
        lines_per_tick=st.integers(0, 3),
        moves_take_time=st.booleans(),
        planner_blocks=st.integers(1, 16),
    ),
    st.integers(1, 64),
)
def test_no_damage_on_the_line_loses_or_repeats_a_command(program, knobs, read_size):
    machine = SimulatedMarlin(knobs)
    marlin = MarlinStream(ListedLines([line.encode() for line in program]))
    run(marlin, machine, line_count=len(program), read_size=read_size)
    assert machine.executed == program
    assert machine.planner.empty
    assert machine.bytes_lost == 0


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_noise_alone_never_counts_as_an_acknowledgement(noise):
    program = MarlinStream(ListedLines([b"G1 X1"] * 10))
    program.bytes_to_send()
    for data in noise:
        program.receive(data.replace(b"o", b"").replace(b"s", b"").replace(b"E", b"").lower())
    assert program.lines_done == 0
