"""The simulated machine (firmware.c) as the bench uses it, and what it measured."""

import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Wire:
    """What a machine is connected by, and what goes wrong on it. `baud` 0: no limit.

    `line_us`: what the firmware takes to understand a line; `block_us`: how long a move lasts.
    """

    baud: int = 0
    latency_us: int = 0
    bad: float = 0.0
    line_us: float = 0.0
    block_us: float = 0.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What the machine saw. Rates count from the first executed move to the last.

    `program_bytes` are those of the file's lines, newlines included, whatever a sender put around
    them; `wire_bytes` are those that came for them. `marks` are when a person's wish was seen.
    """

    moves: int
    executed: int
    exact: int
    wrong: int
    span_s: float
    program_bytes: int
    wire_bytes: int
    gap_p99_ms: float
    gap_max_ms: float
    outstanding: int
    overflowed: int
    starved: int
    damaged: int
    resends: int
    refused: int
    checked: int
    status: int
    marks: list[tuple[str, float]]

    @property
    def once_in_order(self) -> bool:
        """Every move of the file was executed, once, in order, and nothing else."""
        return self.executed == self.moves and not self.wrong

    @property
    def bytes_per_s(self) -> float:
        return self.program_bytes / self.span_s if self.span_s else 0.0

    @property
    def lines_per_s(self) -> float:
        return (self.executed - 1) / self.span_s if self.span_s else 0.0

    def wire_share(self, baud: int) -> float:
        """Executed bytes per second, of what the wire can carry."""
        return self.wire_bytes / self.span_s / (baud / 10)


def compiled(folder: Path, source: str) -> Path:
    """`source`, a C file beside this one, as a program in `folder`."""
    program = folder / Path(source).stem
    subprocess.run(["cc", "-O2", "-o", program, HERE / source, "-lm"], check=True)
    return program


class Machine:
    """One simulated machine at `port`, for one run. It ends with the context."""

    def __init__(self, firmware: Path, kind: str, program: Path, port: Path, wire: Wire) -> None:
        values = {
            "kind": kind, "program": program, "link": port, "baud": wire.baud, "bad": wire.bad,
            "latency-us": wire.latency_us, "line-us": wire.line_us,
            "block-us": wire.block_us, "seed": wire.seed,
        }  # fmt: skip
        command = [str(firmware), *(str(x) for k, v in values.items() for x in (f"--{k}", v))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        take_core(self._process.pid, 1)
        self._said = ""
        self._wait_for("at ", 10.0)

    def wait_done(self, timeout_s: float) -> bool:
        """The last move of the file was executed; False when it was not within `timeout_s`."""
        return self._wait_for("done\n", timeout_s)

    def wait_moving(self, timeout_s: float) -> bool:
        """The first move of the file was executed."""
        return self._wait_for("moving\n", timeout_s)

    def stop(self) -> Measured:
        """It is gone; what it measured."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        text = self._process.stdout.read()
        self._process.wait()
        return Measured(**json.loads(text.splitlines()[-1]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _wait_for(self, word: str, timeout_s: float) -> bool:
        assert self._process.stdout is not None
        end = time.monotonic() + timeout_s
        while word not in self._said and (left_s := end - time.monotonic()) > 0:
            if select.select([self._process.stdout], [], [], left_s)[0]:
                self._said += os.read(self._process.stdout.fileno(), 4096).decode()
        return word in self._said


def take_core(pid: int, n: int) -> None:
    """A real machine computes for itself: sender (0) and simulated machine (1) get a core each."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {cores[n % len(cores)]})
