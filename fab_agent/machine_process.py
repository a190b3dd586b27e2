"""One machine's process: `python -m fab_agent.machine_process` with its assignment on stdin.

The machine's name behind the command is for people who read `ps`.

Threads that share nothing but two queues: the machine thread builds, the office thread talks with
the server, the controls hear people beside the machine, and the main thread waits for the end.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread

import fab_agent.lean  # noqa: F401 (first: what follows would load more)
from commons.errors import FabError
from fab_agent.album import Album
from fab_agent.bench import Bench, Display, MachineLink, Offline, monotonic_s, show_nobody
from fab_agent.controls import ControlDesk, attended
from fab_agent.courier import Courier, Shown, drawing_for
from fab_agent.journal import Journal, Outbox
from fab_agent.machine_thread import MachineThread
from fab_agent.made import MadeBook
from fab_agent.office import Office
from fab_agent.operations import Operations
from fab_agent.orders import Inbox, Leave, News, Order, Recorded, Stop
from fab_agent.repository import Repository, new_client
from fab_agent.workplace import Assignment, Workplace, workplace

log = logging.getLogger(__name__)
# How often the main thread looks for a signal and for its supervisor, s.
LOOK_S = 0.25
# A server that is silent does not keep anybody who wants to switch the computer off, s.
LAST_S = 5.0

MakeOffice = Callable[[Repository, Outbox], Office]


def operate(place: Workplace, stop: Event, *, orphaned: Callable[[], bool]) -> None:
    """The machine has worked until `stop`, and what it did is reported, or kept for later.

    An orphan, whose supervisor is gone, finishes what its machine is doing and leaves.

    Raises:
        Unavailable: another process drives this machine, or its journal cannot be used.
    """
    news: SimpleQueue[News] = SimpleQueue()
    orders: SimpleQueue[Order] = SimpleQueue()
    journal = Journal(
        place.journal, machine_id=place.machine_id, announce=lambda: news.put(Recorded())
    )
    closed = Event()
    kept = Operations(place.journal)
    desk = ControlDesk(orders=orders, news=news, operators=place.operators, operations=kept)
    with (
        closing(journal),
        attended(place.journal, desk),
        ThreadPoolExecutor(1, thread_name_prefix="machine") as machine_thread,
    ):
        make_office = partial(
            Office,
            place.machine_id,
            boot=journal.boot,
            news=news,
            orders=orders,
            clock=monotonic_s,
            profile=place.profile,
        )
        show = _gallery(place, closed)
        working = machine_thread.submit(_work, place, journal, desk, orders, show)
        # The last question may still wait at the server when all is over: nobody waits for it.
        Thread(target=_talk, args=(place, make_office, closed), name="office", daemon=True).start()
        try:
            _wait_for_the_end(working, orders, stop=stop, orphaned=orphaned)
        finally:
            closed.set()
            _say_the_last(place, make_office)


def _work(
    place: Workplace,
    journal: Journal,
    desk: ControlDesk,
    orders: "SimpleQueue[Order]",
    show: Callable[[Shown], None],
) -> None:
    """The machine thread."""
    ago_s = Operations(place.journal).touched_ago_s()
    touched_at = None if ago_s is None else monotonic_s() - ago_s
    with closing(new_client()) as http:
        bench = Bench(
            machine_id=place.machine_id,
            jobs=Repository(place.identity, http),
            journal=journal,
            inbox=Inbox(orders, journal, desk.hear),
            link=MachineLink(place.open_driver),
            display=Display(place.machine_id, desk.hear, touched_at=touched_at),
            prepare=place.prepare,
            open_cache=place.open_cache,
            show=show,
            made=MadeBook(place.journal),
            offline=_offline(place),
        )
        MachineThread(bench).work()


def _offline(place: Workplace) -> Offline | None:
    """How it works without a server."""
    if place.offered is None or place.profile is None:
        return None
    return Offline(place.offered, place.profile, since=monotonic_s())


def _talk(place: Workplace, make_office: MakeOffice, closed: Event) -> None:
    """The office thread."""
    with closing(new_client()) as http, closing(Outbox(place.journal)) as outbox:
        make_office(Repository(place.identity, http), outbox).run(closed)


def _gallery(place: Workplace, closed: Event) -> Callable[[Shown], None]:
    """How the machine thread has programs shown; the courier thread does it."""
    if place.profile is None:
        return show_nobody
    drawings = place.journal / "drawings"
    courier = Courier(drawing_for(place.profile), drawings, album=Album(place.journal))
    Thread(target=_carry, args=(place, courier, closed), name="courier", daemon=True).start()
    return courier.put


def _carry(place: Workplace, courier: Courier, closed: Event) -> None:
    """The courier thread."""
    with closing(new_client()) as http:
        courier.run(Repository(place.identity, http), closed)


def _say_the_last(place: Workplace, make_office: MakeOffice) -> None:
    """Whatever the server has not heard is told now, once; else it stays in the journal."""
    with closing(new_client(LAST_S)) as http, closing(Outbox(place.journal)) as outbox:
        try:
            make_office(Repository(place.identity, http), outbox).flush()
        except FabError as problem:
            log.warning("the last reports are kept for the next start: %s", problem)


def _wait_for_the_end(
    working: "Future[None]",
    orders: "SimpleQueue[Order]",
    *,
    stop: Event,
    orphaned: Callable[[], bool],
) -> None:
    """The machine thread has ended; an error of ours that ended it is raised."""
    told: Order | None = None
    while not working.done():
        if stop.is_set() and told != Stop():
            told = Stop()
            orders.put(told)
        elif told is None and orphaned():
            log.warning("the supervisor is gone: leaving when the machine is done")
            told = Leave()
            orders.put(told)
        wait([working], timeout=LOOK_S)
    working.result()


def main() -> int:
    """Work on the assignment that stdin holds until SIGTERM."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    assignment = Assignment.model_validate_json(sys.stdin.buffer.read())
    name = assignment.machine.replace("%", "%%")
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {name}: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        operate(workplace(assignment), stop, orphaned=lambda: os.getppid() != parent)
    except FabError as problem:
        log.error("machine %s: %s", assignment.machine, problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
