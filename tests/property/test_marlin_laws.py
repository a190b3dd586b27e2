"""Laws of the Marlin stream: any program, any cutting of reads, any damage, holds at any moment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commons.machine import Driver, Envelope, MachineProfile, Park, PrintLimits, Process
from fab_agent.machines.driver import Control, Held, Outcome, Resumed
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.marlin import MarlinStream
from fab_agent.machines.marlin_pause import Parking
from fab_agent.machines.streamer import nobody, stream

axes = st.sampled_from("XYZ")
words = st.builds("{}{:.2f}".format, axes, st.floats(0, 99))
moves = st.lists(words, min_size=1, max_size=3).map(lambda w: " ".join(["G1", *w]))
programs = st.lists(moves | st.sampled_from(["G28", "M400", "M109 S25", "G4 P10"]), max_size=60)
damage = st.builds(
    MarlinKnobs,
    bad_line_ratio=st.floats(0, 0.3),
    seed=st.integers(0, 9999),
    doubled_resend=st.booleans(),
    ok_after_resend=st.booleans(),
    lost_ok_every=st.sampled_from([0, 7, 31]),
    garbage_every=st.sampled_from([0, 3]),
    echo_every=st.sampled_from([0, 4]),
    wait_every_s=st.sampled_from([0.0, 1.0]),
    advanced_ok=st.booleans(),
    buffer_size=st.integers(2, 8),
    lines_per_tick=st.integers(0, 3),
    moves_take_time=st.booleans(),
    planner_blocks=st.integers(1, 16),
    baudrate=st.sampled_from([0, 9600, 115200]),
)
PARKING = Parking.of(
    MachineProfile(
        name="law",
        process=Process.FDM,
        driver=Driver.MARLIN,
        envelope=Envelope(x_max_mm=200, y_max_mm=200, z_max_mm=200),
        max_feed_mm_s=200,
        max_feed_z_mm_s=20,
        materials=(),
        fdm=PrintLimits(park=Park(x_mm=5, y_mm=190, cool_after_s=3.0)),
    )
)


def run(program, machine, *, read_size, controls=nobody, report=lambda _: None, **kind):
    wire = Wire(machine, read_size=read_size)
    lines = ListedLines([line.encode() for line in program])
    return stream(
        MarlinStream(lines, **kind),
        wire,
        report,
        line_count=len(program),
        make_safe=lambda: None,
        controls=controls,
        clock=wire.clock,
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(programs, damage, st.integers(1, 64), st.booleans())
def test_no_damage_on_the_line_loses_or_repeats_a_command(program, knobs, read_size, asks):
    machine = SimulatedMarlin(knobs)
    run(program, machine, read_size=read_size, asks_temperatures=asks)
    assert machine.executed == program
    assert machine.planner.empty


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(programs, damage, st.lists(st.integers(0, 40), max_size=6))
def test_holds_and_resumes_at_any_moment_lose_and_repeat_nothing(program, knobs, pauses):
    machine = SimulatedMarlin(knobs)
    wishes = [wish for n in pauses for wish in [None] * n + [Control.HOLD, Control.RESUME]]
    events = []
    end = run(
        program,
        machine,
        read_size=64,
        controls=lambda: wishes.pop(0) if wishes else None,
        report=events.append,
    )
    assert end.outcome is Outcome.FINISHED
    assert machine.executed == program


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(moves, min_size=5, max_size=60), damage, st.integers(0, 12))
def test_a_printer_that_stepped_aside_comes_back_to_the_same_place(path, knobs, moment):
    head = ["G28", "M109 S40", "G90", "M82", "G92 E0", "G1 F3000 E1.5"]
    machine = SimulatedMarlin(knobs)
    wishes, stood, program = [None] * moment + [Control.HOLD], [], [*head, *path]

    def report(event):
        if isinstance(event, Held):
            stood.append(machine.position)
            wishes.extend([*[None] * 60, Control.RESUME])
        elif isinstance(event, Resumed):
            stood.append(machine.position)

    run(
        program,
        machine,
        read_size=64,
        parking=PARKING,
        controls=lambda: wishes.pop(0) if wishes else None,
        report=report,
    )
    clean = SimulatedMarlin(MarlinKnobs(moves_take_time=knobs.moves_take_time))
    run(program, clean, read_size=64)
    ours = len(machine.executed) - len(program)
    begins = next((n for n, line in enumerate(machine.executed) if line == "M114"), len(program))
    assert machine.executed[:begins] + machine.executed[begins + ours :] == program
    assert {k: round(v, 6) for k, v in machine.position.items()} == {
        k: round(v, 6) for k, v in clean.position.items()
    }
    assert machine.hotend.target_c == 40


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.lists(moves, min_size=20, max_size=80),
    st.builds(
        MarlinKnobs,
        advanced_ok=st.booleans(),
        rx_buffer=st.just(127),
        buffer_size=st.integers(1, 16),
        planner_blocks=st.integers(2, 16),
        lines_per_tick=st.integers(0, 3),
        moves_take_time=st.booleans(),
        autoreport=st.just(False),
        baudrate=st.sampled_from([0, 115200]),
    ),
    st.integers(1, 64),
)
def test_whatever_room_the_printer_tells_its_receive_buffer_never_overflows(path, knobs, read_size):
    machine = SimulatedMarlin(knobs)
    run(path, machine, read_size=read_size, asks_temperatures=True, probe_s=1e9)
    assert machine.executed == path
    assert machine.bytes_lost == 0


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_noise_alone_never_counts_as_an_acknowledgement(noise):
    program = MarlinStream(ListedLines([b"G1 X1"] * 10))
    program.bytes_to_send()
    for data in noise:
        program.receive(data.replace(b"o", b"").replace(b"s", b"").replace(b"E", b"").lower())
    assert program.lines_done == 0
