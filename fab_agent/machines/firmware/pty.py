"""A simulated machine behind a pseudo-terminal, so that any sender can open it as a port."""

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from commons.errors import InvalidInput
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.wire import SimulatedMachine

READ_SIZE = 4096
# How often time passes for an idle machine and for a busy one (s of the wall clock): a sender
# that waits for room in the planner is answered within the shorter one.
IDLE_TICK_S, BUSY_TICK_S = 0.02, 0.001
BUSY_S = 1.0  # after its last word a machine still counts as busy for so long


@dataclass(frozen=True, slots=True)
class Pty:
    """The two ends of a pseudo-terminal; `port` is what a sender opens."""

    machine_end: int
    port: str


def serve(
    machine: SimulatedMachine,
    pty_: Pty,
    *,
    stop: threading.Event,
    speed: float = 1.0,
    record: Path | None = None,
) -> None:
    """Run `machine` behind the pty until `stop` is set or its cable is pulled.

    `speed` is how many seconds pass for the machine in one of ours. Every executed line is in
    `record` before its answer is on the wire.
    """
    fd = pty_.machine_end
    readable = select.poll()
    readable.register(fd, select.POLLIN)
    with ExitStack() as stack:
        log = stack.enter_context(record.open("ab", buffering=0)) if record else None
        ticked = spoke = time.monotonic()
        recorded = len(machine.executed)
        while not (stop.is_set() or machine.dropped):
            answers = b""
            wait_s = BUSY_TICK_S if ticked - spoke < BUSY_S else IDLE_TICK_S
            ready = readable.poll(wait_s * 1000)
            passed = time.monotonic() - ticked
            if passed >= BUSY_TICK_S:  # first the time before the bytes that have come now
                ticked += passed
                answers = machine.tick(passed * speed)
            if ready:
                answers += machine.feed(os.read(fd, READ_SIZE))
            if log and recorded < len(machine.executed):
                log.write("".join(f"{x}\n" for x in machine.executed[recorded:]).encode())
                recorded = len(machine.executed)
            if answers:
                spoke = ticked
                _write(fd, answers)


def simulate(
    kind: str,
    *,
    link: Path,
    record: Path | None = None,
    speed: float = 1.0,
    knobs: MarlinKnobs | GrblKnobs | None = None,
    stop: threading.Event,
) -> None:
    """Be a machine of this kind (marlin, grbl) at `link` until `stop` is set."""
    with open_pty(link) as pty_:
        serve(_machine(kind, knobs), pty_, stop=stop, speed=speed, record=record)


def _machine(kind: str, knobs: MarlinKnobs | GrblKnobs | None) -> SimulatedMachine:
    if kind == "marlin" and not isinstance(knobs, GrblKnobs):
        return SimulatedMarlin(knobs or MarlinKnobs(moves_take_time=True))
    if kind == "grbl" and not isinstance(knobs, MarlinKnobs):
        return SimulatedGrbl(knobs or GrblKnobs(moves_take_time=True))
    raise InvalidInput(f"there is no simulated '{kind}' with such knobs: say marlin or grbl")


def _write(fd: int, answers: bytes) -> None:
    """Say it, or lose it as a UART does when nobody reads."""
    while answers:
        try:
            answers = answers[os.write(fd, answers) :]
        except BlockingIOError:
            return


@contextmanager
def open_pty(link: Path | None = None) -> Iterator[Pty]:
    """A raw pty; `link` points to its port as long as it exists."""
    machine_end, port_end = pty.openpty()
    try:
        tty.setraw(port_end)
        os.set_blocking(machine_end, False)
        port = os.ttyname(port_end)
        if link is None:
            yield Pty(machine_end, port)
            return
        _point(link, port)
        try:
            yield Pty(machine_end, port)
        finally:
            link.unlink(missing_ok=True)
    finally:
        os.close(machine_end)
        os.close(port_end)


@contextmanager
def served(
    machine: SimulatedMachine,
    *,
    link: Path | None = None,
    record: Path | None = None,
    speed: float = 1.0,
) -> Iterator[tuple[str, threading.Event]]:
    """A port with `machine` behind it, run by a thread; setting the event pulls the cable."""
    stop = threading.Event()

    def run() -> None:
        with open_pty(link) as pty_:
            ports.append(pty_.port)
            opened.set()
            serve(machine, pty_, stop=stop, speed=speed, record=record)

    ports: list[str] = []
    opened = threading.Event()
    thread = threading.Thread(target=run, name="simulated machine")
    thread.start()
    opened.wait()
    try:
        yield ports[0], stop
    finally:
        stop.set()
        thread.join()


def _point(link: Path, port: str) -> None:
    if link.exists() and not link.is_symlink():
        raise InvalidInput(f"{link} is a file of yours: choose another name for the port")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(port)
