"""Lines per second over a pty: our streams against a bare pyserial ping-pong loop.

Both talk to the same simulated machine in a process of its own, one after the other, so that
only their ratio counts: absolute figures drift with the computer. The simulated machine answers
at once (no baud rate, moves take no time), so the sender and the scheduler are what is measured.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import serial

from fab_agent.machines.firmware.grbl import GrblKnobs
from fab_agent.machines.firmware.marlin import MarlinKnobs
from fab_agent.machines.firmware.pty import simulate
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.lines import ListedLines
from fab_agent.machines.marlin import MarlinStream, numbered
from fab_agent.machines.streamer import Stream, stream
from fab_agent.machines.transport import SerialConnection, SerialPort

LINES, ROUNDS = 20_000, 5
# 23 to 26 bytes each, 33 to 36 with number and checksum: short moves of a printed curve.
PROGRAM = [
    b"G1 X%.3f Y%.3f E%.4f" % (20 + i % 997 / 7, 30 + i % 1009 / 9, i % 89 / 100)
    for i in range(LINES)
]
READY_S = 10.0
KNOBS = {"marlin": MarlinKnobs(), "grbl": GrblKnobs()}


def our_marlin(port: str) -> None:
    _stream(port, MarlinStream(ListedLines(PROGRAM)))


class AcknowledgedStream(GrblStream):
    """Ends with the last `ok`, as ping-pong does, and not when polls say that motion has ended."""

    @property
    def finished(self) -> bool:
        return self.lines_done == LINES


def our_grbl(port: str) -> None:
    _stream(port, AcknowledgedStream(ListedLines(PROGRAM)))


def marlin_pingpong(port: str) -> None:
    _pingpong(port, [numbered(0, b"M110 N0")])
    _pingpong(port, [numbered(n, line) for n, line in enumerate(PROGRAM, start=1)])


def grbl_pingpong(port: str) -> None:
    _pingpong(port, [line + b"\n" for line in PROGRAM])


def _stream(port: str, program: Stream) -> None:
    with SerialPort(SerialConnection(port)) as opened:
        stream(program, opened, lambda _: None, line_count=LINES, make_safe=lambda: None)


def _pingpong(port: str, lines: list[bytes]) -> None:
    with serial.Serial(port, 115200, timeout=5, exclusive=True) as opened:
        for line in lines:
            opened.write(line)
            if opened.readline().strip() != b"ok":
                raise RuntimeError(f"no ok for {line!r}")


def lines_per_s(sender: Callable[[str], None], port: str) -> float:
    """How fast `sender` gets the whole program executed."""
    start = time.perf_counter()
    sender(port)
    return LINES / (time.perf_counter() - start)


def measure(kind: str, ours: Callable[[str], None], pingpong: Callable[[str], None]) -> list[float]:
    """Medians of interleaved rounds: ours and ping-pong in lines per second, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / kind
        command = [sys.executable, "-m", "bench.streaming", "--serve", kind, str(link)]
        machine = subprocess.Popen(command)
        try:
            _wait_for(link)
            rounds = [
                (lines_per_s(ours, str(link)), lines_per_s(pingpong, str(link)))
                for _ in range(ROUNDS)
            ]
        finally:
            machine.terminate()
            machine.wait()
    columns = [*zip(*rounds, strict=True), [mine / theirs for mine, theirs in rounds]]
    return [statistics.median(column) for column in columns]


def _take_core(n: int) -> None:
    """A real machine computes for itself: sender and simulated machine get a core each."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[n % len(cores)]})


def _wait_for(link: Path) -> None:
    end = time.monotonic() + READY_S
    while not os.path.lexists(link):
        if time.monotonic() > end:
            raise RuntimeError(f"no simulated machine at {link}")
        time.sleep(0.05)


def main() -> None:
    """Print a table and, as the last line, one JSON object."""
    figures: dict[str, float] = {}
    print(f"{'':8}{'ours, lines/s':>16}{'ping-pong':>12}{'ratio':>8}   median of {ROUNDS}")
    cases = (("marlin", our_marlin, marlin_pingpong), ("grbl", our_grbl, grbl_pingpong))
    for kind, ours, pingpong in cases:
        mine, theirs, ratio = measure(kind, ours, pingpong)
        prefix = "" if kind == "marlin" else f"{kind}_"
        figures[f"{kind}_lines_per_s"] = round(mine)
        figures[f"{prefix}pingpong_lines_per_s"] = round(theirs)
        figures[f"{kind}_ratio"] = round(ratio, 2)
        print(f"{kind:8}{mine:16,.0f}{theirs:12,.0f}{ratio:8.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _take_core(1)
        simulate(sys.argv[2], link=Path(sys.argv[3]), knobs=KNOBS[sys.argv[2]],
                 stop=threading.Event())  # fmt: skip
    else:
        _take_core(0)
        main()
