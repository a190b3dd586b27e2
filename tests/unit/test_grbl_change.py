"""The stop for another cutter, on a simulated router: what is sent, when, and on whose word."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from commons.errors import (
    Conflict,
    InvalidInput,
    MachineFault,
    NotAllowed,
    ProgramRefused,
    TransportLost,
    Unavailable,
)
from fab_agent.gcode.proof import prove
from fab_agent.machines.driver import (
    Control,
    Held,
    Home,
    Jog,
    Outcome,
    Progress,
    Resumed,
    SetZero,
    Unlock,
    nobody_stops,
)
from fab_agent.machines.firmware.grbl import GrblKnobs
from tests.corpus.hostile import ROUTER
from tests.routers import LEGS, TWO_CUTTERS, Bench, program_at

ASKED = Held("change the cutter to 1.5 mm, set its Z zero, then resume")
ZERO = "G10L20P1Z0"
# Looks of a person who is in no hurry: two seconds on the wire's clock.
A_WHILE = 100
SMALL = GrblKnobs(travel_mm=(200.0, 200.0, 100.0))
Act = Callable[["AtTheRouter"], Control | None]


class AtTheRouter:
    """A bench, and somebody who does one thing after the other once the run has stopped."""

    def __init__(self, folder, *acts: Act, knobs: GrblKnobs | None = None, lines=None) -> None:
        self.bench = Bench(knobs)
        self.machine, self.wire = self.bench.machine, self.bench.wire
        self.program = program_at(
            folder / "program.nc", lines or TWO_CUTTERS, cutters_mm=(3.0, 1.5)
        )
        self.said: list[str] = []
        self._acts, self._looks = iter(acts), iter(range(1_000_000))

    def run(self):
        return self.bench.run(self.program, self._controls)

    @property
    def held(self) -> list[Held | Resumed]:
        return [event for event in self.bench.events if isinstance(event, Held | Resumed)]

    @property
    def at_stop(self):
        return self.held[-1].at_stop

    def step(self, step, wants_stop=nobody_stops) -> None:
        self.said.append(self.at_stop.operate(step, wants_stop=wants_stop))

    def resume(self, *, same_length: bool = False) -> None:
        self.said.append(self.at_stop.resume(same_length=same_length))

    def _controls(self) -> Control | None:
        if not self.held or isinstance(self.held[-1], Resumed):
            return None
        if next(self._looks) < A_WHILE:
            return None
        act = next(self._acts, None)
        return act(self) if act else Control.ABORT


def zero(it: AtTheRouter) -> None:
    it.step(SetZero("Z"))


def resume(it: AtTheRouter) -> None:
    it.resume()


def refused(kind, words, what) -> Act:
    def act(it: AtTheRouter) -> None:
        with pytest.raises(kind, match=words):
            what(it)

    return act


def after_the_check(it: AtTheRouter) -> bytes:
    """What was sent once the controller had read the program."""
    return bytes(it.wire.written).rpartition(b"$C\n")[2]


def test_the_program_of_these_tests_is_one_that_the_proof_accepts():
    prove(TWO_CUTTERS, ROUTER, cutters_mm=(3.0, 1.5))


@pytest.mark.parametrize("grblhal", [False, True])
def test_both_legs_are_executed_once_and_in_order_with_the_hands_steps_between(tmp_path, grblhal):
    knobs = GrblKnobs(grblhal=grblhal, moves_take_time=True)
    it = AtTheRouter(tmp_path, lambda it: it.step(Jog(z_mm=-3)), zero, resume, knobs=knobs)
    assert it.run().outcome is Outcome.FINISHED
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]
    assert b"M0" not in it.wire.written
    assert it.held == [ASKED, Held(it.held[1].why), Resumed()]
    assert it.said[-1] == "it goes on with the 1.5 mm cutter"


def test_all_before_the_stop_is_done_and_nothing_behind_it_is_sent(tmp_path):
    seen = []

    def look(it: AtTheRouter) -> None:
        seen.append((list(it.machine.executed), it.machine.state, it.machine.spindle_off))
        seen.append(after_the_check(it))

    it = AtTheRouter(tmp_path, look, zero, look, resume, knobs=GrblKnobs(moves_take_time=True))
    it.run()
    (first, sent_first, second, sent_second) = seen
    assert first == (LEGS[0], "Idle", True)
    assert second[0] == [*LEGS[0], ZERO]
    assert b"S9000" not in sent_first + sent_second
    assert b"S9000" in after_the_check(it)


def test_the_lines_are_counted_over_the_whole_program(tmp_path):
    it = AtTheRouter(tmp_path, zero, resume)
    end = it.run()
    assert (end.lines_sent, end.lines_done) == (len(TWO_CUTTERS), len(TWO_CUTTERS))
    told = [event for event in it.bench.events if isinstance(event, Progress)]
    assert Progress(len(LEGS[0]), len(LEGS[0]), len(TWO_CUTTERS)) in told
    assert told == sorted(told, key=lambda p: (p.lines_done, p.lines_sent))


def test_three_cutters_stop_twice_and_each_wants_its_own_zero(tmp_path):
    it = AtTheRouter(tmp_path, zero, resume, refused(Conflict, "set the zero of", resume), zero,
                     resume, lines=[*TWO_CUTTERS, "M0", *LEGS[2]])  # fmt: skip
    shapes = ("flat", "flat", "ball")
    it.program = replace(it.program, cutters_mm=(3.0, 1.5, 6.0), cutter_shapes=shapes)
    assert it.run().outcome is Outcome.FINISHED
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1], ZERO, *LEGS[2]]
    assert [held.why for held in it.held if isinstance(held, Held)][2].startswith(
        "change the cutter to 6 mm ball"
    )


def test_without_a_new_zero_it_goes_on_only_on_a_persons_word_that_none_is_needed(tmp_path):
    it = AtTheRouter(
        tmp_path,
        refused(Conflict, "set the zero of the 1.5 mm cutter", resume),
        lambda it: it.resume(same_length=True),
    )
    assert it.run().outcome is Outcome.FINISHED
    assert it.machine.executed == [*LEGS[0], *LEGS[1]]


def test_a_resume_from_afar_before_the_zero_is_set_is_answered_by_a_sentence(tmp_path):
    it = AtTheRouter(
        tmp_path, lambda _: Control.RESUME, zero, lambda _: Control.RESUME, lambda _: Control.RESUME
    )
    assert it.run().outcome is Outcome.FINISHED
    assert it.held[1].why.startswith("set the zero of the 1.5 mm cutter (Z) at the machine first")
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]


def test_two_people_resume_and_it_goes_on_once(tmp_path):
    def both(it: AtTheRouter) -> None:
        resume(it)
        refused(Conflict, "no longer waits", resume)(it)
        refused(Conflict, "no longer waits", lambda it: it.step(Jog(x_mm=1)))(it)

    it = AtTheRouter(tmp_path, zero, both)
    assert it.run().outcome is Outcome.FINISHED
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]


def test_a_hold_at_the_stop_changes_nothing(tmp_path):
    it = AtTheRouter(tmp_path, lambda _: Control.HOLD, zero, lambda _: Control.HOLD, resume)
    assert it.run().outcome is Outcome.FINISHED
    assert b"!" not in after_the_check(it)
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]


def test_an_abort_at_the_stop_ends_safe_and_sends_nothing_more(tmp_path):
    it = AtTheRouter(tmp_path, zero, lambda _: Control.ABORT)
    end = it.run()
    assert (end.outcome, end.lines_done) == (Outcome.ABORTED, len(LEGS[0]))
    assert it.machine.executed == [*LEGS[0], ZERO]
    assert b"!" in after_the_check(it)
    it.bench.driver.ready()


@pytest.mark.parametrize("step", [Home(), Unlock(), SetZero("XY"), SetZero("XYZ")])
def test_nothing_but_jogs_and_the_zero_of_z_is_done_by_hand(tmp_path, step):
    it = AtTheRouter(tmp_path, refused(NotAllowed, "zero of Z", lambda it: it.step(step)))
    it.run()
    assert it.machine.executed == LEGS[0]


def test_a_jog_out_of_the_travel_is_refused_and_the_stop_goes_on(tmp_path):
    far = refused(InvalidInput, "whose travel is", lambda it: it.step(Jog(x_mm=-150)))
    it = AtTheRouter(tmp_path, far, zero, resume, knobs=SMALL)
    assert it.run().outcome is Outcome.FINISHED


def test_a_zero_from_which_the_program_would_leave_the_travel_is_not_gone_on_with(tmp_path):
    it = AtTheRouter(tmp_path, lambda it: it.step(Jog(z_mm=-40)), zero,
                     refused(Conflict, "Z would go to", resume), knobs=SMALL)  # fmt: skip
    it.program = replace(it.program, low=(0.0, 0.0, -20.0), high=(50.0, 50.0, 8.0))
    assert it.run().outcome is Outcome.ABORTED
    assert it.machine.executed == [*LEGS[0], ZERO]


def test_a_stopped_jog_ends_the_run(tmp_path):
    stopped = refused(Unavailable, "stopped", lambda it: it.step(Jog(x_mm=20), lambda: True))
    it = AtTheRouter(tmp_path, zero, stopped, resume, knobs=GrblKnobs(moves_take_time=True))
    assert it.run().outcome is Outcome.ABORTED
    assert it.machine.executed == [*LEGS[0], ZERO]


def others(*lines: str) -> Act:
    """Somebody at another panel sends these lines past us."""

    def act(it: AtTheRouter) -> None:
        for line in lines:
            it.machine.feed(f"{line}\n".encode())

    return act


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("G10 L20 P1 X3", "zero in X and Y is not where it was"),
        ("G91", "has left the program's modes"),
        ("M3 S1000", "has left the program's modes"),
        ("G92 X3", "zero in X and Y"),
    ],
)
def test_what_somebody_changed_past_us_keeps_it_from_going_on(tmp_path, line, words):
    it = AtTheRouter(tmp_path, zero, others(line), refused(Conflict, words, resume))
    assert it.run().outcome is Outcome.ABORTED
    assert it.machine.executed == [*LEGS[0], ZERO, line]
    assert it.machine.spindle_off


def push_the_reset(it: AtTheRouter) -> None:
    it.machine.reset()


def hit_a_switch(it: AtTheRouter) -> None:
    it.machine.say("ALARM:1")


@pytest.mark.parametrize(
    ("fault", "words"),
    [(push_the_reset, "it restarted"), (hit_a_switch, "a limit switch was hit")],
)
@pytest.mark.parametrize("zeroed", [False, True])
def test_a_reset_or_an_alarm_at_the_stop_ends_the_run(tmp_path, fault, words, zeroed):
    it = AtTheRouter(tmp_path, *[zero] * zeroed, fault, resume)
    with pytest.raises(MachineFault, match=words):
        it.run()
    assert it.machine.executed == [*LEGS[0], *[ZERO] * zeroed]
    with pytest.raises(Unavailable, match="home it"):
        it.bench.driver.ready()


def test_a_reset_and_a_resume_in_one_breath_do_not_go_on(tmp_path):
    def both(it: AtTheRouter) -> None:
        it.machine.reset()
        resume(it)

    it = AtTheRouter(tmp_path, zero, refused(MachineFault, "restarted", both))
    with pytest.raises(MachineFault, match="restarted"):
        it.run()
    assert it.machine.executed == [*LEGS[0], ZERO]


def test_a_pulled_cable_at_the_stop_loses_the_run(tmp_path):
    it = AtTheRouter(tmp_path, zero, lambda it: it.machine.pull_cable(), resume)
    with pytest.raises(TransportLost, match="cable"):
        it.run()
    it.machine.plug_in()
    assert it.machine.executed == [*LEGS[0], ZERO]


def test_a_machine_that_falls_silent_at_the_stop_is_lost(tmp_path):
    def power_off(it: AtTheRouter) -> None:
        it.machine.feed = lambda data: b""

    it = AtTheRouter(tmp_path, zero, power_off, *[lambda _: None] * 10_000)
    with pytest.raises(TransportLost, match="said nothing for 60 s"):
        it.run()


def test_a_long_wait_is_no_silence(tmp_path):
    it = AtTheRouter(tmp_path, *[lambda _: None] * 10_000, zero, resume)
    assert it.run().outcome is Outcome.FINISHED
    assert it.wire.clock() > 180


def test_a_door_opened_for_the_change_is_let_go_by_one_resume_and_the_next_goes_on(tmp_path):
    door_shut = refused(Conflict, "let go: resume once more", resume)
    it = AtTheRouter(
        tmp_path,
        lambda it: it.machine.open_door(),
        refused(Conflict, "the door is open", zero),
        refused(Conflict, "the door is open", resume),
        lambda it: it.machine.close_door(),
        refused(Conflict, "closed again: resume", zero),
        door_shut,
        zero,
        resume,
    )
    assert it.run().outcome is Outcome.FINISHED
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]


@pytest.mark.parametrize("cutters_mm", [(), (3.0,), (3.0, 1.5, 1.0)])
def test_a_program_with_other_stops_than_its_cutters_need_never_starts(tmp_path, cutters_mm):
    it = AtTheRouter(tmp_path)
    it.program = replace(it.program, cutters_mm=cutters_mm)
    with pytest.raises(ProgramRefused, match="not the program that was proved"):
        it.run()
    assert it.wire.written == b""


def test_the_check_run_reads_every_leg_and_names_the_line_in_the_program(tmp_path):
    lines = [*TWO_CUTTERS[:-1], "G33 X1", "M5"]
    it = AtTheRouter(tmp_path, lines=lines)
    with pytest.raises(ProgramRefused, match=rf"line {len(lines) - 1} \(G33 X1\): error 20"):
        it.run()
    assert it.machine.executed == []
    assert b"M0" not in it.wire.written


def test_a_hold_in_the_leg_behind_the_stop_is_a_hold_like_any_other(tmp_path):
    it = AtTheRouter(tmp_path, zero, resume, knobs=GrblKnobs(moves_take_time=True))
    wishes: Iterator[Control | None] = iter([Control.HOLD, *[None] * 50, Control.RESUME])
    at_the_stop = it._controls

    def controls():
        behind = LEGS[1][1] in it.machine.executed
        return next(wishes, None) if behind else at_the_stop()

    assert it.bench.run(it.program, controls).outcome is Outcome.FINISHED
    assert [type(event) for event in it.held][-2:] == [Held, Resumed]
    assert it.machine.executed == [*LEGS[0], ZERO, *LEGS[1]]
