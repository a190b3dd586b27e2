"""The loop between a stream and a port, on a clock that passes only while it reads."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from commons.errors import MachineFault, TransportLost
from fab_agent.machines.driver import Control, Message, Outcome, Progress, RunEnd, Temperatures
from fab_agent.machines.streamer import POLL_S, nobody, stream

LATEST_S = 0.01  # so late may a person's wish be noticed


class Port:
    """Answers every line with `ok`, at once or after `latency_s`; `log` is what happened."""

    name = "ender-1"

    def __init__(self, latency_s: float = 0.0) -> None:
        self.now, self.log = 0.0, list[tuple[float, bytes | str]]()
        self._latency_s, self._due = latency_s, list[float]()

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        self.log.append((self.now, data))
        self._due += [self.now + self._latency_s] * data.count(b"\n")

    def read(self, timeout: float) -> bytes:
        if not self._due or self._due[0] > self.now + timeout:
            self.now += timeout
            return b""
        self.now = max(self.now, self._due.pop(0))
        return b"ok\n"

    def discard(self) -> None:
        self.log.append((self.now, "discarded"))

    def close(self) -> None:
        """Nothing to let go of."""

    def times_of(self, what: bytes | str) -> list[float]:
        return [at for at, written in self.log if written == what]


class Counting:
    """A stream of `count` lines, one in flight. Says `!` to a hold and `?` to a poll."""

    expects_answer = True

    def __init__(self, count: int, *, hears: Callable[[int], Message | Temperatures] | None = None):
        self.answers = self.lines_sent = self.lines_done = 0
        self.silences: list[float] = []
        self._count, self._hears = count, hears

    @property
    def finished(self) -> bool:
        return self.lines_done == self._count

    def bytes_to_send(self) -> bytes:
        if self.lines_sent > self.lines_done or self.lines_sent == self._count:
            return b""
        self.lines_sent += 1
        return b"G1\n"

    def receive(self, data: bytes) -> list[Message | Temperatures]:
        if not data:
            return []
        self.lines_done += 1
        self.answers += 1
        return [self._hears(self.lines_done)] if self._hears else []

    def quiet(self, silent_s: float) -> None:
        self.silences.append(silent_s)

    def poll(self) -> bytes:
        return b"?"

    def control(self, control: Control) -> bytes:
        return {Control.HOLD: b"!", Control.RESUME: b"~"}[control]


def run(program, port, *, controls=nobody, make_safe=lambda: None, report=lambda _: None, **more):
    return stream(
        program, port, report, line_count=100, make_safe=make_safe, controls=controls,
        clock=port.clock, **more,
    )  # fmt: skip


def tapped(port: Port, at_s: float, wish: Control) -> Callable[[], Control | None]:
    """A person who taps once, at this moment."""
    wishes = [wish]
    return lambda: wishes.pop() if wishes and port.now >= at_s else None


@pytest.mark.parametrize("latency_s", [0.0, 0.001, 0.004, 0.5, 3.0])
def test_a_hold_is_on_the_wire_within_10_ms_whatever_the_machine_does(latency_s):
    port = Port(latency_s)
    tapped_at = 0.0 if latency_s == 0 else 0.0633
    run(Counting(400), port, controls=tapped(port, tapped_at, Control.HOLD), silence_s=10)
    (held_at,) = port.times_of(b"!")
    assert held_at - tapped_at <= LATEST_S + max(0.0, latency_s if latency_s < LATEST_S else 0.0)


def test_after_a_stop_what_waits_in_the_port_is_dropped_first_and_nothing_of_the_program_follows():
    port = Port(0.004)
    end = run(
        Counting(400), port, controls=tapped(port, 0.1, Control.ABORT),
        make_safe=lambda: port.log.append((port.now, "safe")),
    )  # fmt: skip
    assert end.outcome is Outcome.ABORTED
    assert [what for _, what in port.log[-2:]] == ["discarded", "safe"]
    assert port.times_of("safe")[0] - 0.1 <= LATEST_S + 0.004


@pytest.mark.parametrize("error", [MachineFault("it restarted"), TransportLost("gone")])
def test_a_run_that_breaks_off_is_made_safe_and_its_last_lines_are_told(error):
    port, told = Port(), []

    def breaks(line: int) -> Message:
        if line == 7:
            raise error
        return Message("on and on")

    with pytest.raises(type(error)):
        run(
            Counting(100, hears=breaks), port, report=told.append,
            make_safe=lambda: port.log.append((port.now, "safe")),
        )  # fmt: skip
    assert [what for _, what in port.log[-2:]] == ["discarded", "safe"]
    assert told[-1] == Progress(7, 7, 100)


def test_a_run_to_the_last_line_drops_nothing_and_needs_no_stop():
    port = Port()
    end = run(Counting(100), port, make_safe=lambda: pytest.fail("it stood already"))
    assert end == RunEnd(Outcome.FINISHED, 100, 100)
    assert not port.times_of("discarded")


def test_silence_ends_a_run_and_names_the_port_and_the_line():
    class Deaf(Port):
        def read(self, timeout: float) -> bytes:
            self.now += timeout
            return b""

    port, program = Deaf(), Counting(100)
    with pytest.raises(TransportLost, match="no answer for 60 s on port ender-1 after line 0"):
        run(program, port)
    assert port.now == pytest.approx(60, abs=0.1)
    assert program.silences[0] <= 2 * LATEST_S


def test_state_is_asked_and_progress_told_five_times_a_second():
    port, told = Port(0.004), []
    run(Counting(500), port, report=told.append)
    asked = port.times_of(b"?")
    gaps = [b - a for a, b in pairwise(asked)]
    assert min(gaps) >= POLL_S
    assert max(gaps) <= POLL_S + LATEST_S + 0.004
    assert len(told) <= len(asked) + 1


def test_temperatures_are_told_with_progress_and_messages_at_once():
    port, told = Port(0.004), []

    def hears(line: int) -> Message | Temperatures:
        return Message("Hello") if line == 3 else Temperatures(hotend_c=20.0 + line)

    run(Counting(200, hears=hears), port, report=told.append)
    assert told.index(Message("Hello")) <= 2
    warm = [it.hotend_c for it in told if isinstance(it, Temperatures)]
    assert len(warm) <= port.now / POLL_S + 2
    assert warm[-1] == 220.0
