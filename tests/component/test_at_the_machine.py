"""What people beside a machine ask, at every moment of its work. Bench and clock are the tests'."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from commons.errors import Conflict, MachineFault, TransportLost, Unavailable
from commons.wire import MachineState, Wish
from fab_agent.handwork import attend
from fab_agent.machine_thread import MachineThread
from fab_agent.machines.driver import (
    Control,
    Evidence,
    Held,
    Home,
    Jog,
    Report,
    Resumed,
    SetZero,
    Step,
)
from fab_agent.orders import ClearBed, Leave, LocalOrder, Misses, Order, Stop, Work
from fab_agent.sandbox import _wait
from tests.component.test_attempt import BED, CANCEL, HEARD, START, Shop

JOG = Jog(x_mm=5)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.journal.close()


def asked(wants: Wish | Step, by: str = "Ada") -> LocalOrder:
    return LocalOrder(wants, by, Future())


def answer(order: LocalOrder) -> str:
    """What came of it; a refusal raises."""
    return order.answer.result(timeout=0)


def test_a_run_is_held_resumed_and_stopped_from_beside_the_machine(shop: Shop) -> None:
    hold, resume, stop = (asked(wish) for wish in (Wish.HOLD, Wish.RESUME, Wish.CANCEL))
    shop.machine.meanwhile = lambda: shop.orders.script.extend([hold, resume, stop])
    assert shop.carry_out(HEARD) == ["staged", "started", "failed"]
    assert shop.machine.obeyed == [Control.HOLD, Control.RESUME, Control.ABORT]
    assert shop.last_sentence() == "stopped at the machine by Ada"
    assert [answer(it) for it in (hold, resume, stop)] == [
        "it is told to hold",
        "it is told to go on",
        "it is told to stop",
    ]


def test_who_stops_a_machine_need_not_say_who_they_are(shop: Shop) -> None:
    shop.machine.meanwhile = lambda: shop.orders.script.append(asked(Wish.CANCEL, by=""))
    shop.carry_out(HEARD)
    assert shop.last_sentence() == "stopped at the machine"


def test_nothing_is_moved_by_hand_in_a_run(shop: Shop) -> None:
    jog = asked(JOG)
    shop.machine.meanwhile = lambda: shop.orders.script.append(jog)
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]
    assert shop.machine.steps == []
    with pytest.raises(Conflict, match="hold or stop it first"):
        answer(jog)


class AtStop:
    """A router's stop for another cutter, made of words."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.resumed: list[bool] = []
        self.stopped: list[bool] = []

    def operate(self, step: Step, *, wants_stop: Callable[[], bool]) -> str:
        self.steps.append(step)
        if isinstance(step, Jog):  # long enough that somebody may stop it
            self.stopped.append(wants_stop())
        return "at z 0"

    def resume(self, *, same_length: bool) -> str:
        if not (SetZero("Z") in self.steps or same_length):
            raise Conflict("set its zero first")
        self.resumed.append(same_length)
        return "it goes on"


def at_a_stop(shop: Shop, *orders: Order) -> AtStop:
    """A run that comes to its stop, where these orders come; the stop that took them."""
    stop = AtStop()

    def held(report: Report) -> None:
        report(Held("change the cutter to 1.5 mm", stop))
        shop.orders.script.extend(orders)

    shop.machine.on_report = held
    shop.carry_out(HEARD)
    return stop


def test_at_a_stop_for_another_cutter_its_zero_is_set_by_hand_and_then_it_goes_on(
    shop: Shop,
) -> None:
    resume, zero, again = asked(Wish.RESUME), asked(SetZero("Z")), asked(Wish.RESUME)
    stop = at_a_stop(shop, resume, zero, again)
    with pytest.raises(Conflict, match="set its zero first"):
        answer(resume)
    assert (answer(zero), answer(again)) == ("at z 0", "it goes on")
    assert (stop.steps, stop.resumed) == ([SetZero("Z")], [False])
    held = [it.sentence for it in shop.reports if it.state is MachineState.HELD]
    assert set(held) == {"change the cutter to 1.5 mm"}
    assert shop.bench.display.touched_s() == 0.0  # whoever cleared it for the next start, again


def test_a_persons_word_that_the_cutter_is_as_long_goes_with_the_resume(shop: Shop) -> None:
    word = LocalOrder(Wish.RESUME, "Ada", Future(), same_length=True)
    assert at_a_stop(shop, word).resumed == [True]
    assert answer(word) == "it goes on"


def test_that_word_means_nothing_elsewhere(shop: Shop) -> None:
    word = LocalOrder(Wish.RESUME, "Ada", Future(), same_length=True)
    shop.machine.meanwhile = lambda: shop.orders.script.append(word)
    shop.carry_out(HEARD)
    with pytest.raises(Conflict, match="does not wait for another cutter"):
        answer(word)
    assert shop.machine.obeyed == []


def test_a_step_at_a_stop_ends_when_the_job_is_cancelled_and_so_does_the_run(shop: Shop) -> None:
    jog, other = asked(JOG), asked(Home())
    stop = at_a_stop(shop, jog, other, CANCEL)
    assert stop.stopped == [True]
    with pytest.raises(Conflict, match="works at it by hand"):
        answer(other)


def test_a_run_that_has_left_its_stop_takes_no_steps_by_hand(shop: Shop) -> None:
    jog = asked(JOG)
    stop = AtStop()

    def past(report: Report) -> None:
        report(Held("change the cutter to 1.5 mm", stop))
        report(Resumed())
        shop.orders.script.append(jog)

    shop.machine.on_report = past
    shop.carry_out(HEARD)
    with pytest.raises(Conflict, match="hold or stop it first"):
        answer(jog)
    assert stop.steps == []


def test_a_resume_that_nobody_waits_for_is_not_obeyed(shop: Shop) -> None:
    resume = asked(Wish.RESUME)
    resume.answer.cancel()
    shop.machine.meanwhile = lambda: shop.orders.script.append(resume)
    shop.carry_out(HEARD)
    assert shop.machine.obeyed == []


def test_a_step_while_it_waits_for_a_clear_bed_makes_that_word_count_no_longer(shop: Shop) -> None:
    jog = asked(JOG)
    shop.server.answers = [BED]
    shop.server.on_arm = lambda: None
    shop.carry_out(HEARD, jog, Work())
    assert (answer(jog), shop.machine.steps) == ("at x 1", [JOG])
    before, after = shop.server.asked
    assert before.touched_s is None
    assert after.touched_s == 0.0
    assert MachineState.MANUAL in shop.states()


def cleared(by: str = "Ada") -> LocalOrder:
    return LocalOrder(ClearBed(by), by, Future())


def test_a_word_about_the_bed_goes_with_the_next_question_at_once_and_is_used_up(
    shop: Shop,
) -> None:
    early, again = cleared(), cleared("Bob")
    attend(early, shop.bench)
    shop.server.answers = [Unavailable("no answer")]
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]
    first, second = shop.server.asked
    assert first.clear is not None
    assert second.clear is not None
    assert (first.clear.by, first.clear.id) == ("Ada", second.clear.id)
    assert "the next start may use that up" in answer(early)
    assert shop.bench.display.word() is None
    shop.orders.script.extend([again, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    assert "the next start" in answer(again)
    assert [it.clear.by for it in shop.reports if it.clear][-1] == "Bob"
    assert shop.reports[-1].clear is None  # whoever starts the agent anew has looked at nothing


def test_a_word_is_taken_while_it_waits_and_asked_with_at_once(shop: Shop) -> None:
    word = cleared()
    shop.server.answers = [BED]
    shop.server.on_arm = lambda: None if word.answer.done() else shop.orders.script.append(word)
    began = shop.clock()
    assert shop.carry_out(HEARD)[-1] == "finished"
    assert [ask.clear and ask.clear.by for ask in shop.server.asked] == [None, "Ada"]
    assert shop.clock() - began < 1


def test_two_who_say_it_count_once_and_a_hand_at_the_machine_takes_it_back(shop: Shop) -> None:
    one, two, jog = cleared(), cleared("Bob"), asked(JOG)
    shop.orders.script.extend([one, two, jog, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    assert answer(two) == "Ada said so 0 s ago: it counts once"
    ids = {it.clear.id for it in shop.reports if it.clear}
    assert len(ids) == 1
    moved = next(n for n, it in enumerate(shop.reports) if it.state is MachineState.MANUAL)
    assert not any(it.clear for it in shop.reports[moved:])


def test_nobody_clears_a_bed_in_a_run_or_while_a_permit_may_exist(shop: Shop) -> None:
    waiting, during = cleared(), cleared()
    shop.server.answers = [Unavailable("no answer")]
    shop.server.on_arm = lambda: (
        None if waiting.answer.done() else shop.orders.script.append(waiting)
    )
    shop.machine.meanwhile = lambda: shop.orders.script.append(during)
    assert shop.carry_out(HEARD)[-1] == "finished"
    with pytest.raises(Unavailable, match="about to start"):
        answer(waiting)
    with pytest.raises(Conflict, match="a program is running"):
        answer(during)
    assert shop.bench.display.word() is None


def test_a_word_that_the_server_finds_used_up_is_held_no_longer(shop: Shop) -> None:
    attend(cleared(), shop.bench)
    shop.server.answers = [BED]
    shop.carry_out(HEARD)
    assert [ask.clear is None for ask in shop.server.asked] == [False, True]
    late = cleared()
    attend(late, shop.bench)  # what was shown last is a run
    with pytest.raises(Conflict, match="in state 'running'"):
        answer(late)


def test_a_word_that_a_permit_may_have_used_up_is_not_held_for_the_next_start(shop: Shop) -> None:
    attend(cleared(), shop.bench)
    shop.server.answers = [Unavailable("no answer")] * 100
    shop.carry_out(HEARD)
    assert shop.bench.display.word() is None


def test_a_step_is_refused_while_a_permit_may_exist(shop: Shop) -> None:
    jog = asked(JOG)
    shop.server.answers = [Unavailable("no answer")]
    shop.server.on_arm = lambda: None if jog.answer.done() else shop.orders.script.append(jog)
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]
    assert shop.machine.steps == []
    with pytest.raises(Unavailable, match="about to start"):
        answer(jog)


def test_a_step_asked_while_the_permit_comes_is_refused_and_the_start_is_the_one_permitted(
    shop: Shop,
) -> None:
    jog = asked(JOG)
    shop.server.on_arm = lambda: shop.orders.script.append(jog)
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]
    assert shop.machine.steps == []
    with pytest.raises(Unavailable, match="about to start"):
        answer(jog)


def test_a_stop_while_the_permit_comes_starts_nothing(shop: Shop) -> None:
    stop = asked(Wish.CANCEL)
    shop.server.on_arm = lambda: shop.orders.script.append(stop)
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]
    assert shop.machine.started == []
    assert shop.last_sentence() == "stopped at the machine by Ada before the start"
    assert "goes back" in answer(stop)


def test_a_stop_before_anything_was_asked_gives_the_job_back(shop: Shop) -> None:
    assert shop.carry_out(asked(Wish.CANCEL)) == ["staged", "declined"]
    assert shop.machine.started == []


def test_a_machine_at_rest_is_moved_by_hand_and_shows_it(shop: Shop) -> None:
    home, hold = asked(Home()), asked(Wish.HOLD)
    shop.orders.script.extend([home, hold, Stop()])
    shop.bench.journal.record("declined", "a0", 1)  # nothing new is asked for before it is heard
    MachineThread(shop.bench).work()
    assert (answer(home), shop.machine.steps) == ("at x 1", [Home()])
    manual = next(it for it in shop.reports if it.state is MachineState.MANUAL)
    assert manual.sentence == "Ada homes it"
    with pytest.raises(Conflict, match="nothing runs"):
        answer(hold)


def test_a_step_under_way_is_stopped_at_once_and_nothing_else_is_done_meanwhile(
    shop: Shop,
) -> None:
    jog, again, stop = asked(JOG), asked(Home()), asked(Wish.CANCEL, by="")
    shop.machine.steps_last = True
    shop.orders.script.extend([jog, again, stop, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    with pytest.raises(Unavailable, match="it was stopped"):
        answer(jog)
    with pytest.raises(Conflict, match="works at it by hand"):
        answer(again)
    assert (answer(stop), shop.machine.steps) == ("it is told to stop", [JOG])


def test_the_agents_end_stops_a_step_under_way(shop: Shop) -> None:
    jog = asked(JOG)
    shop.machine.steps_last = True
    shop.orders.script.extend([jog, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    with pytest.raises(Unavailable, match="it was stopped"):
        answer(jog)


def test_a_machine_in_alarm_can_be_homed(shop: Shop) -> None:
    home = asked(Home())
    shop.machine.unready = [Unavailable("the machine is in alarm")] * 2
    shop.orders.script.extend([home, Stop()])
    MachineThread(shop.bench).work()
    assert answer(home) == "at x 1"


def test_a_stop_at_rest_tells_the_machine_all_the_same(shop: Shop) -> None:
    stop = asked(Wish.CANCEL)
    shop.orders.script.extend([stop, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    assert shop.machine.made_safe == 1
    assert "told to stop" in answer(stop)


def test_a_step_that_the_machine_refuses_is_its_sentence_and_the_thread_lives_on(
    shop: Shop,
) -> None:
    shop.machine.step_error = MachineFault("the limit switch was hit")
    jog, state = asked(JOG), asked(Wish.HOLD)
    shop.orders.script.extend([jog, state, Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    with pytest.raises(MachineFault, match="limit switch"):
        answer(jog)
    assert state.answer.done()


def test_while_nobody_knows_what_became_of_a_start_it_can_only_be_stopped(shop: Shop) -> None:
    shop.machine.error = TransportLost("the cable is out")
    shop.carry_out(HEARD)
    jog, stop = asked(JOG), asked(Wish.CANCEL)
    shop.machine.evidence_is = [Evidence.STILL_RUNNING] * 3
    before = shop.machine.made_safe
    shop.orders.script.extend([jog, stop, Stop()])
    MachineThread(shop.bench).work()
    assert shop.machine.steps == []
    assert shop.machine.made_safe > before
    with pytest.raises(Conflict, match="only be stopped"):
        answer(jog)
    assert "told to stop" in answer(stop)
    assert shop.journal.open_starts()[0].start == START


def test_a_machine_whose_reports_the_server_misses_says_so_and_takes_no_work(shop: Shop) -> None:
    shop.orders.script.extend([Misses(42), Work(), Stop()])
    shop.bench.journal.record("declined", "a0", 1)
    MachineThread(shop.bench).work()
    faults = [it.sentence for it in shop.reports if it.state is MachineState.FAULT]
    assert faults
    assert all(it.startswith("the server misses reports before 42: ") for it in faults)
    assert shop.told() == ["declined"]


def a_long_child(shop: Shop, *orders: Order) -> Callable[[], None]:
    """A preparation in a child of a minute, during which these orders come."""

    def prepare() -> None:
        with TemporaryFile() as said:
            shop.orders.script.extend(orders)
            _wait(
                ["sleep", "60"],
                60.0,
                streams=(subprocess.DEVNULL, said, said),
                keep_fd=said.fileno(),
            )

    return prepare


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (CANCEL, "cancelled before the start"),
        (Wish.CANCEL, "stopped at the machine by Ada before the start"),
        (Leave(), "the agent was stopped before the start"),
    ],
)
def test_a_program_that_nobody_wants_any_more_is_not_made_to_its_end(
    shop: Shop, order: Order | Wish, why: str
) -> None:
    jog = asked(JOG)
    order = asked(order) if isinstance(order, Wish) else order
    shop.preparing = a_long_child(shop, jog, order)
    assert shop.carry_out() == ["declined"]
    assert shop.last_sentence() == why
    with pytest.raises(Unavailable, match="prepares a job"):
        answer(jog)
