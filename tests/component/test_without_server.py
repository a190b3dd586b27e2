"""What people make at a machine while its server is away: a real journal and cache.

Clock, orders and machine are those of test_attempt.py.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from commons.dispatch import ATTENDED_S, FENCE_STEP, MachineJournal
from commons.errors import Conflict, FabError, NotAllowed, NotArmed, NotFound, Unavailable
from commons.local_builds import LocalBuilds, MachineTold, Makeable, Maker
from commons.machine import Process
from commons.wire import MachineState, Wish
from fab_agent.attempt import carry_out
from fab_agent.bench import Offline
from fab_agent.machine_thread import MachineThread
from fab_agent.machines.driver import Evidence
from fab_agent.made import MadeBook
from fab_agent.offered import OfferedBook
from fab_agent.orders import ClearBed, Heard, LocalOrder, Make, Order, Spoke, StartNow, Stop, Wanted
from fab_agent.recovery import settle
from fab_agent.without_server import make
from tests.component.test_attempt import OFFER, Shop, fill, make_room
from tests.profiles import printer

FILE = b"solid"
RELEASE = "ab" * 32
ITEM = Makeable(
    release_id=RELEASE, title="Hook", part="hook", process=Process.FDM, material="pla",
    file_name="hook.stl", file_sha256=sha256(FILE).hexdigest(), file_size=len(FILE),
)  # fmt: skip
TOLD = LocalBuilds(
    makeable=(ITEM,),
    people=(Maker(person_id="p1", names=("ada", "Ada Maker")),),
    machines=(MachineTold(machine_id="m1", fence=FENCE_STEP, lot_id="l1", material="pla",
                          makers=("p1",)),),
)  # fmt: skip
WISH = Make(RELEASE, "hook")
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


class Script(deque[Order | Callable[[], Order]]):
    """Orders that are made up only when their turn has come."""

    def popleft(self) -> Order:  # type: ignore[override]
        order = super().popleft()
        return order() if callable(order) else order


class Lab:
    """A shop whose server has been away for two minutes."""

    def __init__(self, folder: Path, told: LocalBuilds | None = TOLD) -> None:
        self.shop = Shop(folder)
        self.shop.orders.script = Script()  # type: ignore[assignment]
        self.book = OfferedBook(folder)
        if told is not None:
            self.book.ask(_Says(told), now=BEFORE)
        self.answers: list[Future[str]] = []
        with self.shop.bench.open_cache() as cache:
            cache.put_file(ITEM.file_sha256, [FILE])
        self.stand()

    def stand(self) -> None:
        offline = Offline(self.book, printer(), since=self.shop.clock() - 120)
        self.bench = replace(self.shop.bench, offline=offline)

    def order(self, wants: Wanted, by: str = "ada") -> LocalOrder:
        self.answers.append(Future())
        return LocalOrder(wants, by, self.answers[-1])

    def start(self, by: str = "ada") -> Callable[[], Order]:
        """The order to start what is shown when it comes."""

        def now() -> Order:
            shown = self.shop.reports[-1].progress
            return self.order(StartNow(shown.attempt_id if shown else "none"), by)

        return now

    def make(self, *orders: Order | Callable[[], Order], wish: Make = WISH, by: str = "ada") -> str:
        """What was answered to the wish, while these orders came; then the agent stops."""
        self.shop.orders.script.extend((*orders, Stop()))  # type: ignore[arg-type]
        wanted = self.order(wish, by)
        make(wanted, wish, self.bench)
        return wanted.answer.result(0)

    def refusals(self) -> list[FabError]:
        return [error for it in self.answers if (error := it.exception(0))]  # type: ignore[misc]


class _Says:
    def __init__(self, told: LocalBuilds) -> None:
        self._told = told

    def local_builds(self) -> LocalBuilds:
        return self._told


SAYS = _Says(TOLD.model_copy(update={"machines": (TOLD.machines[0].model_copy(
    update={"machine_id": "p1"}),)}))  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.shop.journal.close()


def clear(lab: Lab) -> Callable[[], Order]:
    return lambda: lab.order(ClearBed("ada"))


def test_it_is_prepared_shown_cleared_started_and_told_with_all_that_the_server_needs(
    lab: Lab,
) -> None:
    assert "is prepared; it starts once you have looked" in lab.make(clear(lab), lab.start())
    assert lab.shop.told() == ["ordered", "started", "finished"]
    ordered = lab.shop.events()[0]
    assert ordered.fence == FENCE_STEP + 1
    assert lab.shop.machine.started == [ordered.attempt_id]
    said = ordered.local
    assert said is not None
    assert ordered.program == lab.shop.facts
    assert (said.by, said.person_id, said.lot_id) == ("ada", "p1", "l1")
    assert (said.release_id, said.part, said.clear.by) == (RELEASE, "hook", "ada")
    assert lab.bench.display.word() is None
    waits = [it.sentence for it in lab.shop.reports if it.state is MachineState.WAITING]
    assert "Hook: hook is ready, about 1 min, 1 g of pla" in waits[0]


def test_a_spool_that_would_run_out_is_not_started_on(lab: Lab) -> None:
    machine = TOLD.machines[0].model_copy(update={"mass_left_g": 2.3})
    lab.book.ask(_Says(TOLD.model_copy(update={"machines": (machine,)})), now=BEFORE)
    for _ in range(3):  # of 1 g each: 0.3 g are not enough for a third
        lab.bench = replace(lab.bench, made=MadeBook(lab.shop.folder))
        lab.make(clear(lab), lab.start())
        lab.shop.crash()
        lab.stand()
    assert len([it for it in lab.shop.events() if it.kind == "ordered"]) == 2
    (why,) = lab.refusals()
    assert "what is loaded has 0 g left, this part needs 1 g with reserve" in str(why)


def test_each_start_wants_a_word_of_its_own_and_has_a_greater_fence(lab: Lab) -> None:
    lab.make(lab.start(), clear(lab), lab.start())
    assert isinstance(lab.refusals()[0], NotArmed)
    lab.shop.crash()
    lab.stand()
    lab.make(lab.start())
    assert isinstance(lab.refusals()[1], NotArmed)
    assert len(lab.shop.machine.started) == 1
    lab.shop.crash()
    lab.stand()
    lab.make(clear(lab), lab.start())
    fences = [it.fence for it in lab.shop.events() if it.kind == "ordered"]
    assert fences == [FENCE_STEP + 1, FENCE_STEP + 2]


def test_a_word_that_is_too_old_is_given_once_more(lab: Lab) -> None:
    def later() -> Order:
        lab.shop.clock.now_s += ATTENDED_S + 1
        return lab.start()()

    lab.make(clear(lab), later)
    assert "more than 10 minutes ago" in str(lab.refusals()[0])
    assert lab.shop.told() == []


def test_once_the_server_is_back_nothing_is_ordered_and_nothing_started_here(lab: Lab) -> None:
    lab.make(clear(lab), lambda: Spoke(lab.shop.clock()), lab.start())
    assert (lab.shop.told(), lab.shop.machine.started) == ([], [])
    lab.shop.crash()
    lab.stand()
    lab.bench.inbox.spoke_at = lab.shop.clock()
    with pytest.raises(Conflict, match="the server is back: order it there"):
        lab.make()


@pytest.mark.parametrize(
    ("told", "wish", "by", "kind", "sentence"),
    [
        (None, WISH, "ada", Conflict, "has told nothing yet"),
        (TOLD, Make(RELEASE, "lid"), "ada", NotFound, "not among what may be made here"),
        (TOLD, WISH, "eve", NotAllowed, "the server knows no operator 'eve'"),
        (TOLD, WISH, "", NotAllowed, "the server knows no operator ''"),
        (TOLD.model_copy(update={"makeable": (ITEM.model_copy(update={"refusal": "ask Bea"}),)}),
         WISH, "ada", NotAllowed, "waits for the server: ask Bea"),
        (TOLD.model_copy(update={"makeable": (ITEM.model_copy(update={"file_sha256": "0" * 64}),)}),
         WISH, "ada", NotFound, "hook.stl is not kept here"),
        (TOLD.model_copy(update={"makeable": (ITEM.model_copy(update={"material": "petg"}),)}),
         WISH, "ada", Conflict, "made of petg, and pla was loaded"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is_done(
    tmp_path: Path, told: LocalBuilds | None, wish: Make, by: str, kind: type[FabError],
    sentence: str,
) -> None:  # fmt: skip
    lab = Lab(tmp_path, told)
    with pytest.raises(kind, match=sentence):
        lab.make(wish=wish, by=by)
    assert (lab.shop.told(), lab.shop.machine.started) == ([], [])
    lab.shop.journal.close()


def test_what_was_leased_is_given_back_and_can_never_start_afterwards(lab: Lab) -> None:
    lab.shop.orders.script.extend((lambda: lab.order(WISH), Stop()))  # type: ignore[arg-type]
    offer = OFFER.model_copy(update={"fence": 2 * FENCE_STEP})
    carry_out(offer, lab.bench)
    assert lab.shop.told() == ["staged", "unused", "declined"]
    assert "people make something else" in lab.shop.last_sentence()
    lab.shop.orders.script.clear()
    lab.make(clear(lab), lab.start())
    assert lab.shop.journal.card == MachineJournal(2 * FENCE_STEP + 1, 2 * FENCE_STEP)


def test_a_crash_in_the_midst_is_told_as_of_any_other_start(lab: Lab) -> None:
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    lab.shop.machine.meanwhile = kill
    with pytest.raises(Killed):
        lab.make(clear(lab), lab.start())
    lab.shop.crash()
    lab.shop.machine.evidence_is = [Evidence.FINISHED]
    settle(lab.shop.bench)
    assert lab.shop.told() == ["ordered", "started", "finished"]
    assert len(lab.shop.machine.started) == 1


def test_a_stop_before_the_start_and_a_wish_for_something_else_are_answered(lab: Lab) -> None:
    lab.make(lambda: lab.order(WISH), lambda: lab.order(Wish.CANCEL, "eve"))
    assert "hook waits to be started here" in str(lab.refusals()[0])
    assert lab.shop.told() == []
    assert "stopped at the machine by eve" in lab.shop.reports[-1].sentence


def test_the_machine_thread_makes_it_and_asks_an_absent_server_for_nothing(lab: Lab) -> None:
    wanted = lab.order(WISH)
    lab.shop.orders.script.extend((wanted, clear(lab), lab.start(), Heard(9), Stop()))  # type: ignore[arg-type]
    MachineThread(lab.bench).work()
    assert lab.shop.told() == ["ordered", "started", "finished"]


def test_a_full_disk_before_the_start_starts_nothing_and_uses_the_word_up(lab: Lab) -> None:
    def starts_late() -> Order:
        fill(lab.shop.journal)
        return lab.start()()

    with pytest.raises(Unavailable, match="is full"):
        lab.make(clear(lab), starts_late)
    assert lab.shop.machine.started == []
    make_room(lab.shop.journal)
    assert lab.shop.journal.card == MachineJournal()
    assert not {"ordered", "started"} & set(lab.shop.told())
    assert lab.bench.display.word() is None
