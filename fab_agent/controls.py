"""Hold, resume, stop and steps by hand from beside the machine: no server, no network.

A Unix domain socket in the machine's own folder, one line of JSON each way. Whoever may use the
agent's account may use it. A request becomes an order for the machine thread, in the same queue
as those of the office; what that thread answers goes back.
"""

import logging
import os
import select
import socket
import socketserver
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from commons.errors import FabError, InvalidInput, NotAllowed, Unavailable
from commons.quantities import Finite, Positive, Value
from commons.wire import MachineReport, Wish
from fab_agent.machines.driver import Home, Jog, SetZero, Unlock
from fab_agent.operations import Operations
from fab_agent.orders import ClearBed, LocalOrder, Make, News, Order, StartNow, Wanted

log = logging.getLogger(__name__)
_FILE = "control.sock"
_LONGEST = 4096
# A client says its line within this time, s.
LINE_S = 5.0
# An order that the machine thread has not begun after this long (s) is answered without it.
PATIENCE_S = 10.0
# How often it is looked whether whoever asked still waits, s.
LOOK_S = 0.1
# How late the socket's thread notices that it is to end, s.
CLOSE_S = 0.1
_WISHES: dict[str, Wish] = {"hold": Wish.HOLD, "resume": Wish.RESUME, "stop": Wish.CANCEL}
# Wishes that stay when nobody waits for their answer any more: they make nothing move.
_STANDING = (Wish.HOLD, Wish.CANCEL)


class Ask(Value):
    """What somebody wants. The figures belong to `jog`, the axes to `zero`; release and part to
    `make`, the attempt to `start`: both are for while the server is away.

    `same_length` belongs to `resume`: the cutter that was changed needs no zero of its own.
    """

    do: Literal[
        "hold", "resume", "stop", "state", "clear", "home", "unlock", "jog", "zero", "make", "start"
    ]
    by: Annotated[str, Field(max_length=80)] = ""
    x_mm: Finite = 0.0
    y_mm: Finite = 0.0
    z_mm: Finite = 0.0
    feed_mm_s: Positive = 10.0
    axes: Literal["X", "Y", "Z", "XY", "XZ", "YZ", "XYZ"] = "XYZ"
    same_length: bool = False
    release_id: Annotated[str, Field(max_length=64)] = ""
    part: Annotated[str, Field(max_length=200)] = ""
    attempt_id: Annotated[str, Field(max_length=64)] = ""

    @property
    def wants(self) -> Wanted:
        """The order; not for `state`, which orders nothing."""
        match self.do:
            case "clear":
                return ClearBed(self.by)
            case "make":
                return Make(self.release_id, self.part)
            case "start":
                return StartNow(self.attempt_id)
            case "home":
                return Home()
            case "unlock":
                return Unlock()
            case "jog":
                return Jog(self.x_mm, self.y_mm, self.z_mm, self.feed_mm_s)
            case "zero":
                return SetZero(self.axes)
            case _:
                return _WISHES[self.do]


class Answer(Value):
    """What came of it, in one sentence; for `state` the machine's last report, too."""

    done: bool
    sentence: str
    report: MachineReport | None = None


class ControlDesk:
    """Takes what is asked beside one machine. `operators` are the people who may move it.

    It is called from many threads: what the machine shows is one frozen value, put in its place
    by `hear` and read by whoever asks.
    """

    def __init__(
        self,
        *,
        orders: "SimpleQueue[Order]",
        news: "SimpleQueue[News]",
        operators: tuple[str, ...],
        operations: Operations,
    ) -> None:
        self._orders, self._news = orders, news
        self._operators, self._operations = operators, operations
        self._report: MachineReport | None = None

    def hear(self, news: News) -> None:
        """Pass on to the office what the machine thread says, and remember what it shows."""
        if isinstance(news, MachineReport):
            self._report = news
        self._news.put(news)

    def answer(self, line: bytes, waits: "Waits") -> Answer:
        """The line was read, carried out or refused, and recorded. Never raises."""
        try:
            asked = _parsed(line)
            if asked.do == "state":
                return Answer(done=True, sentence=self._shown(), report=self._report)
            return Answer(done=True, sentence=self._order(asked, waits))
        except FabError as refused:
            return Answer(done=False, sentence=str(refused))
        except Exception:
            log.exception("the controls failed at %r", line[:200])
            return Answer(done=False, sentence="it failed, see the agent's log; use the machine")

    def _order(self, asked: Ask, waits: "Waits") -> str:
        by_hand = asked.do not in (*_WISHES, "clear", "make", "start")
        if asked.do == "clear" and not asked.by.strip():
            raise InvalidInput("say who says so: a clear bed is somebody's word")
        what = asked.model_dump_json(exclude={"by"}, exclude_defaults=True)
        if by_hand:  # recorded before anything moves, so that no crash can hide it
            self._require_trained(asked, what)
            self._operations.note(what, by=asked.by, result="asked", hands_on=True)
        order = LocalOrder(asked.wants, asked.by, Future(), asked.same_length)
        self._orders.put(order)
        try:
            said = self._result(order, waits)
        except FabError as refused:
            self._record(what, asked.by, f"refused: {refused}", hands_on=by_hand)
            raise
        self._record(what, asked.by, f"done: {said}", hands_on=by_hand)
        return said

    def _require_trained(self, asked: Ask, what: str) -> None:
        if asked.by in self._operators:
            return
        who = asked.by or "whoever does not say who they are"
        refusal = (
            f"{who} is not among this machine's operators in agent.toml: only trained people move "
            "it by hand"
        )
        self._record(what, asked.by, f"refused: {refusal}", hands_on=False)
        raise NotAllowed(refusal)

    def _result(self, order: LocalOrder, waits: "Waits") -> str:
        """What the machine thread answers. Whoever leaves, or waits in vain, moves nothing."""
        left_s, stands = PATIENCE_S, order.wants in _STANDING
        while True:
            with suppress(TimeoutError):
                return order.answer.result(timeout=LOOK_S)
            left_s -= LOOK_S
            late = left_s <= 0 or not waits()
            if late and stands and not order.answer.running():
                raise Unavailable(
                    f"it was told, and has not answered yet ({self._shown()}): "
                    "use the machine's own switch if it moves"
                )
            if late and order.answer.cancel():
                raise Unavailable(f"not now ({self._shown()}): nothing was moved; try again")

    def _record(self, what: str, by: str, result: str, *, hands_on: bool) -> None:
        """A full disk does not turn what was done into something that was not."""
        try:
            self._operations.note(what, by=by, result=result, hands_on=hands_on)
        except Unavailable as problem:
            log.error("%s by %s: %s: %s", what, by, result, problem)

    def _shown(self) -> str:
        report = self._report
        if report is None:
            return "it has just started"
        words = [str(report.state)]
        if report.sentence:
            words.append(report.sentence)
        if (now := report.progress) is not None:
            words.append(f"{now.phase} {now.done} of {now.total}")
        return ", ".join(words)


class Waits:
    """Whether whoever asked is still there."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __call__(self) -> bool:
        """Look, without waiting. A client that has closed its end has gone."""
        readable, _, _ = select.select([self._connection], [], [], 0)
        try:
            return not readable or bool(self._connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False


def _parsed(line: bytes) -> Ask:
    try:
        return Ask.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise InvalidInput(f"this is not understood: {where}: {first['msg'].lower()}") from error


class _Client(socketserver.StreamRequestHandler):
    """One connection: a line in, a line out."""

    timeout = LINE_S
    server: "_Desk"

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked has gone, or said nothing
            line = self.rfile.readline(_LONGEST + 1)
            answer = self.server.desk.answer(line, Waits(self.connection))
            self.wfile.write(answer.model_dump_json().encode() + b"\n")


class _Desk(socketserver.ThreadingUnixStreamServer):
    """The socket. Nobody but its owner may connect, from its first moment on."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, path: str, desk: ControlDesk) -> None:
        self.desk = desk
        super().__init__(path, _Client)

    def server_bind(self) -> None:
        super().server_bind()
        os.chmod(str(self.server_address), 0o600)  # nobody can connect before `listen`


@contextmanager
def attended(folder: Path, desk: ControlDesk) -> Iterator[None]:
    """Whoever connects to the socket in `folder` is answered by `desk` until the section ends.

    For the one process that holds the folder: a socket that is there already is a dead one's.

    Raises:
        Unavailable: there can be no socket in this folder.
    """
    socket_file = folder / _FILE
    with short_path(folder) as path:
        try:
            socket_file.unlink(missing_ok=True)
            server = _Desk(path, desk)
        except OSError as error:
            raise Unavailable(f"there can be no {socket_file}: {error}") from error
        thread = Thread(target=server.serve_forever, args=(CLOSE_S,), name="controls", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            socket_file.unlink(missing_ok=True)


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path of the socket in `folder` that fits an address (107 bytes), however deep it lies."""
    here = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{here}/{_FILE}"
    finally:
        os.close(here)
