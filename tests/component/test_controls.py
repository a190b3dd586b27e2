"""The controls beside a machine: a real socket, real threads, a machine thread made of words."""

import json
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from commons.errors import Conflict, FabError, NotAllowed, Unavailable
from commons.wire import MachineReport, MachineState, Wish
from fab_agent import controls
from fab_agent.asking import ask
from fab_agent.controls import Ask, ControlDesk, Waits, attended, short_path
from fab_agent.machines.driver import Home, Jog, SetZero
from fab_agent.operations import Operations
from fab_agent.orders import LocalOrder, News, Order

END_S = 10.0


class Corner:
    """A machine's folder with its socket; `orders` are what reaches the machine thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders: SimpleQueue[Order] = SimpleQueue()
        self.news: SimpleQueue[News] = SimpleQueue()
        self.operations = Operations(folder)
        self.desk = ControlDesk(
            orders=self.orders,
            news=self.news,
            operators=("Ada",),
            operations=self.operations,
        )

    def order(self) -> LocalOrder:
        order = self.orders.get(timeout=END_S)
        assert isinstance(order, LocalOrder)
        return order

    def noted(self) -> list[dict[str, object]]:
        text = (self.folder / "operations.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    @contextmanager
    def says(self, answer: str | FabError) -> Iterator[list[LocalOrder]]:
        """The machine thread answers the next order with this; the list gets the order."""
        taken: list[LocalOrder] = []

        def work() -> None:
            order = self.order()
            taken.append(order)
            if isinstance(answer, FabError):
                order.refuse(answer)
            else:
                order.carry_out(lambda: answer)

        with ThreadPoolExecutor(1) as machine_thread:
            done = machine_thread.submit(work)
            yield taken
            done.result(END_S)


@pytest.fixture(autouse=True)
def _closes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "CLOSE_S", 0.002)


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    corner = Corner(tmp_path)
    with attended(tmp_path, corner.desk):
        yield corner


@contextmanager
def connected(corner: Corner) -> Iterator[socket.socket]:
    with short_path(corner.folder) as path, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(END_S)
        client.connect(path)
        yield client


def raw(corner: Corner, line: bytes) -> dict[str, object]:
    """What the socket answers to these bytes."""
    with connected(corner) as client, client.makefile("rb") as lines:
        client.sendall(line)
        answer: dict[str, object] = json.loads(lines.readline())
        return answer


def test_the_word_that_a_new_cutter_is_as_long_is_passed_on_and_kept(corner: Corner) -> None:
    with corner.says("it goes on") as taken:
        ask(corner.folder, Ask(do="resume", same_length=True, by="Ada"))
    assert [(order.wants, order.same_length) for order in taken] == [(Wish.RESUME, True)]
    assert json.loads(str(corner.noted()[-1]["what"])) == {"do": "resume", "same_length": True}


@pytest.mark.parametrize(
    ("do", "wish"), [("hold", Wish.HOLD), ("resume", Wish.RESUME), ("stop", Wish.CANCEL)]
)
def test_anybody_may_hold_resume_and_stop(corner: Corner, do: str, wish: Wish) -> None:
    with corner.says("it is told") as taken:
        assert ask(corner.folder, Ask.model_validate({"do": do})) == "it is told"
    assert [(order.wants, order.by) for order in taken] == [(wish, "")]


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        ({"do": "home"}, Home()),
        ({"do": "jog", "x_mm": 10, "y_mm": -5, "feed_mm_s": 4}, Jog(10, -5, 0, 4)),
        ({"do": "zero", "axes": "XY"}, SetZero("XY")),
    ],
)
def test_a_trained_person_moves_the_machine(
    corner: Corner, asked: dict[str, object], step: object
) -> None:
    with corner.says("at x 10") as taken:
        assert ask(corner.folder, Ask.model_validate(asked | {"by": "Ada"})) == "at x 10"
    assert [order.wants for order in taken] == [step]


@pytest.mark.parametrize("by", ["", "Bob", "ada"])
def test_nobody_else_moves_it(corner: Corner, by: str) -> None:
    with pytest.raises(Unavailable, match="only trained people"):
        ask(corner.folder, Ask(do="jog", by=by, x_mm=1))
    assert corner.orders.empty()
    assert corner.noted()[0]["by"] == by


def test_what_was_done_is_written_down_with_who_and_when(corner: Corner) -> None:
    with corner.says("at home"):
        ask(corner.folder, Ask(do="home", by="Ada"))
    with corner.says(Conflict("nothing runs")), pytest.raises(Unavailable, match="nothing runs"):
        ask(corner.folder, Ask(do="hold", by="Bob"))
    lines = [(it["by"], it["what"], it["result"], it["hands_on"]) for it in corner.noted()]
    assert lines == [
        ("Ada", '{"do":"home"}', "asked", True),
        ("Ada", '{"do":"home"}', "done: at home", True),
        ("Bob", '{"do":"hold"}', "refused: nothing runs", False),
    ]
    assert all(str(it["at"]).endswith("+00:00") for it in corner.noted())


def test_nothing_is_moved_that_cannot_be_written_down(corner: Corner) -> None:
    (corner.folder / "operations.jsonl").mkdir()
    with pytest.raises(Unavailable, match="cannot be recorded"):
        ask(corner.folder, Ask(do="home", by="Ada"))
    assert corner.orders.empty()


def test_a_stop_is_obeyed_also_when_it_cannot_be_written_down(corner: Corner) -> None:
    (corner.folder / "operations.jsonl").mkdir()
    with corner.says("it is told to stop"):
        assert ask(corner.folder, Ask(do="stop")) == "it is told to stop"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"stop\n",
        b'{"do":"dance"}\n',
        b'{"do":"jog","x_mm":"NaN"}\n',
        b'{"do":"jog","feed_mm_s":0}\n',
        b'{"do":"zero","axes":"XX"}\n',
        b'{"do":"stop","force":true}\n',
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_the_desk_goes_on(
    corner: Corner, line: bytes
) -> None:
    answer = raw(corner, line)
    assert answer["done"] is False
    assert "not understood" in str(answer["sentence"])
    assert "\n" not in str(answer["sentence"])
    assert ask(corner.folder, Ask(do="state")) == "it has just started"


def test_the_state_is_what_the_machine_last_showed(corner: Corner) -> None:
    corner.desk.hear(
        MachineReport(machine_id="m1", state=MachineState.HELD, sentence="the door is open")
    )
    assert ask(corner.folder, Ask(do="state")) == "held, the door is open"
    assert isinstance(corner.news.get_nowait(), MachineReport)


def test_only_the_account_of_the_agent_may_use_the_socket(corner: Corner) -> None:
    mode = (corner.folder / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_a_dead_socket_is_replaced_and_ours_is_gone_afterwards(tmp_path: Path) -> None:
    with short_path(tmp_path) as path, socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with pytest.raises(Unavailable, match="does not run here"):
        ask(tmp_path, Ask(do="state"))
    corner = Corner(tmp_path)
    with attended(tmp_path, corner.desk):
        assert ask(tmp_path, Ask(do="state")) == "it has just started"
    assert not (tmp_path / "control.sock").exists()
    with pytest.raises(Unavailable, match="machine's own switch"):
        ask(tmp_path, Ask(do="stop"))


def test_a_folder_may_lie_deeper_than_an_address_is_long(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a" * 50] * 4)
    folder.mkdir(parents=True)
    with attended(folder, Corner(folder).desk):
        assert ask(folder, Ask(do="state")) == "it has just started"


def gone() -> Waits:
    """Nobody waits any more."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return Waits(ours)


def test_a_step_that_nobody_waits_for_any_more_is_never_begun(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls, "LOOK_S", 0.001)
    waits = gone()
    answer = corner.desk.answer(b'{"do":"jog","by":"Ada","x_mm":5}', waits)
    waits._connection.close()
    assert (answer.done, "nothing was moved" in answer.sentence) == (False, True)
    began: list[str] = []
    assert not corner.order().carry_out(lambda: began.append("jog") or "moved")
    assert began == []


@pytest.mark.parametrize(("do", "stands"), [("stop", True), ("hold", True), ("resume", False)])
def test_a_stop_stands_when_nobody_waits_for_it_and_a_resume_does_not(
    corner: Corner, monkeypatch: pytest.MonkeyPatch, do: str, stands: bool
) -> None:
    monkeypatch.setattr(controls, "LOOK_S", 0.001)
    waits = gone()
    assert not corner.desk.answer(f'{{"do":"{do}"}}'.encode(), waits).done
    waits._connection.close()
    assert corner.order().carry_out(lambda: "told") is stands


def test_a_stop_does_not_wait_behind_a_step_that_is_under_way(corner: Corner) -> None:
    began, ends = threading.Event(), threading.Event()

    def home() -> str:
        began.set()
        assert ends.wait(END_S)
        return "at home"

    with ThreadPoolExecutor(2) as people:
        homing = people.submit(ask, corner.folder, Ask(do="home", by="Ada"))
        machine = people.submit(lambda: corner.order().carry_out(home))
        assert began.wait(END_S)
        assert ask(corner.folder, Ask(do="state")) == "it has just started"
        with connected(corner) as client:
            client.sendall(b'{"do":"stop"}\n')
            stop = corner.order()
            ends.set()
            assert stop.wants is Wish.CANCEL
            assert stop.carry_out(lambda: "told")
        assert machine.result(END_S)
        assert homing.result(END_S) == "at home"


def test_the_last_touch_is_remembered_over_a_restart(tmp_path: Path) -> None:
    operations = Operations(tmp_path)
    assert operations.touched_ago_s() is None
    operations.note("home", by="Ada", result="asked", hands_on=True)
    operations.note("stop", by="", result="done")
    with (tmp_path / "operations.jsonl").open("a") as file:
        file.write('{"at": "2026-')  # the power went
    ago_s = Operations(tmp_path).touched_ago_s()
    assert ago_s is not None
    assert 0 <= ago_s < 60


def test_only_a_person_whom_the_process_belongs_to_is_let_in(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: socket.socket, _path: str) -> None:
        raise PermissionError

    class Locked(socket.socket):
        connect = refused  # type: ignore[assignment]

    monkeypatch.setattr("fab_agent.asking.socket.socket", Locked)
    with pytest.raises(NotAllowed, match="only the account that runs the agent"):
        ask(corner.folder, Ask(do="stop"))
