"""Question and answer with a machine that is not running a program."""

from collections.abc import Callable

from fab_agent.machines.lines import AnswerLines
from fab_agent.machines.transport import Transport

READ_S = 0.05
# Some machines report temperatures all the time: they are never quite silent.
SETTLE_S = 0.5


class Conversation:
    """Short questions on an open port, one at a time."""

    def __init__(self, port: Transport, clock: Callable[[], float]) -> None:
        self._port, self._clock = port, clock

    def ask(
        self, question: bytes, *, until: Callable[[list[bytes]], bool], within_s: float
    ) -> list[bytes]:
        """The lines answered up to the one at which `until` is satisfied; [] if it never is.

        `until` gets all lines so far, at least one.
        """
        self._port.write(question)
        partial, lines = AnswerLines(), list[bytes]()
        end = self._clock() + within_s
        while self._clock() < end:
            for line in partial.complete(self._port.read(READ_S)):
                lines.append(line)
                if until(lines):
                    return lines
        return []

    def settle(self) -> None:
        """Late answers to earlier questions are read and forgotten."""
        end = self._clock() + SETTLE_S
        while self._port.read(READ_S) and self._clock() < end:
            pass
