"""From a person's tap to the byte on the wire, while the stream runs at full speed.

The tap is a line that the machine's process reads (a thread of it puts the order into the queue
where the office and the machine's own controls put theirs); the byte is seen when the firmware at
the other end of a wire at 115200 baud has received it. So reading, the loop's turn, and what still
lies in the kernel's queue before it are inside.
"""

import random
import time
from collections.abc import Callable

from bench.peers.machine import Wire
from bench.peers.scenarios import Floor
from bench.peers.sender import Child, PeerMissing

WIRE = Wire(baud=115_200)
RUN_S = 30.0


def holds_ms(floor: Floor, kind: str, ours: Child, taps: int) -> list[float]:
    """A hold and a resume, again and again: from each hold to its first byte."""

    def tap(at: list[float]) -> None:
        for _ in range(taps):
            time.sleep(random.uniform(0.1, 0.15))
            at.append(time.monotonic())
            ours.tap("hold")
            time.sleep(0.15)
            ours.tap("resume")

    return _waited_ms(floor, kind, ours, tap, moves=500 + 150 * taps)


def stops_ms(floor: Floor, kind: str, ours: Child, taps: int) -> list[float]:
    """A run and its cancelling, again and again: from each to the first byte of making safe."""

    def tap(at: list[float]) -> None:
        time.sleep(random.uniform(0.1, 0.2))
        at.append(time.monotonic())
        ours.tap("cancel")
        time.sleep(0.3)

    return [ms for _ in range(taps) for ms in _waited_ms(floor, kind, ours, tap, moves=1000)]


def _waited_ms(
    floor: Floor, kind: str, ours: Child, tap: Callable[[list[float]], None], *, moves: int
) -> list[float]:
    program = floor.program(kind, moves)
    machine, port = floor.machine(kind, program, WIRE)
    at: list[float] = []
    with machine:
        try:
            ours.open(port, WIRE.baud, program)
            ours.go()
            if not machine.wait_moving(RUN_S):
                raise PeerMissing(f"nothing moved on the {kind} machine")
            tap(at)
        finally:
            ours.close()
        marks = machine.stop().marks
    seen = [next((when for what, when in marks if when > t and what != "~"), None) for t in at]
    if None in seen:
        raise PeerMissing(f"a tap was never seen by the {kind} machine: {marks[-3:]}")
    return [(when - t) * 1e3 for when, t in zip(seen, at, strict=True) if when is not None]
