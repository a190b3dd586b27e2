"""Question and answer with a machine that is not running a program."""

from collections.abc import Callable

from fab_agent.machines.lines import AnswerLines
from fab_agent.machines.transport import Transport

READ_S = 0.05
# A late answer comes within 1 ms of the one before it at 115200 baud, within 20 ms over a slow USB
# adapter. A machine that talks all the time is not waited for longer than SETTLE_S.
QUIET_S, SETTLE_S = 0.06, 0.5
# What machines say by themselves, and nobody asked for: it tells nothing of late answers.
_BY_ITSELF = (b"T:", b"B:", b"wait", b"echo:busy")


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
        """Late answers to earlier questions are read and forgotten.

        Reports that come by themselves (temperatures, `wait`) do not hold it up.
        """
        partial = AnswerLines()
        now = self._clock()
        end, quiet_at = now + SETTLE_S, now + QUIET_S
        while (now := self._clock()) < min(end, quiet_at):
            lines = partial.complete(self._port.read(quiet_at - now))
            if not all(line.startswith(_BY_ITSELF) for line in lines):
                quiet_at = self._clock() + QUIET_S
