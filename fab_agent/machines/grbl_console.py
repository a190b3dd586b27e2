"""Questions to a GRBL that runs no program, and what it says unasked meanwhile."""

from collections.abc import Callable

from commons.errors import MachineFault, TransportLost, Unavailable
from fab_agent.machines import grbl
from fab_agent.machines.driver import nobody_stops
from fab_agent.machines.grbl_answers import Status, status_of
from fab_agent.machines.grbl_texts import alarm_text, error_text
from fab_agent.machines.lines import AnswerLines
from fab_agent.machines.transport import Transport

# How long one read waits, and so how late a person's wish can be noticed.
READ_S = 0.02
# An Arduino that restarts when its port is opened listens again after 2 s.
ANSWER_S, TRIES = 2.0, 5
RESET_S, RESETS = 3.0, 3
# What is heard is kept up to here, to say what it is if it is not GRBL.
HEARD = 4096


class Stopped(Unavailable):
    """Somebody wants the machine to stop while it carries out a step by hand."""


class Refused(MachineFault):
    """The machine answered `error:n` to a command; `number` is n, as text."""

    def __init__(self, command: str, answer: str) -> None:
        super().__init__(f"the machine refused {command}: {error_text(answer)}")
        self.number = answer.removeprefix("error:").strip()


class Console:
    """One question at a time on an open port.

    `alarm` is the number of the last alarm that was heard, `restarted` whether it sent its
    banner without being asked; whoever looks at them resets them. `upsets` counts all alarms and
    banners. While `wants_stop` says so,
    every question ends in Stopped.
    """

    def __init__(self, port: Transport, clock: Callable[[], float]) -> None:
        self.alarm: str | None = None
        self.restarted = False
        self.upsets = 0
        self.heard = b""
        self.wants_stop: Callable[[], bool] = nobody_stops
        self._port, self._clock = port, clock
        self._answers = AnswerLines()

    def ask(
        self, question: bytes, *, until: Callable[[list[str]], bool], within_s: float
    ) -> list[str] | None:
        """The lines answered up to the one at which `until` is satisfied; None if it never is."""
        self._port.write(question)
        lines: list[str] = []
        self.heard = b""
        end = self._clock() + within_s
        while self._clock() < end:
            if self.wants_stop():
                raise Stopped("it was stopped before the step had ended: look where it stands")
            for line in self._read():
                lines.append(line)
                if until(lines):
                    return lines
        return None

    def listen(self, seconds: float) -> None:
        """Hear what it says unasked for so long."""
        self.ask(b"", until=lambda _: False, within_s=seconds)

    def command(self, line: str, *, wanted: str = "", within_s: float = ANSWER_S) -> list[str]:
        """What it answers to one line, up to its `ok`; `wanted` begins a line of that answer.

        Raises Refused for an error, MachineFault for an alarm or a restart, TransportLost when
        there is no answer.
        """

        def ended(lines: list[str]) -> bool:
            last = lines[-1]
            if last == "ok":
                return not wanted or any(line.startswith(wanted) for line in lines)
            return last.startswith(("error:", "ALARM:", "Grbl"))

        answer = self.ask(f"{line}\n".encode(), until=ended, within_s=within_s)
        if answer is None:
            raise TransportLost(
                f"the machine did not answer {line} within {within_s:.0f} s: is it switched on "
                "and connected?"
            )
        if answer[-1].startswith("error:"):
            raise Refused(line, answer[-1])
        if answer[-1].startswith("ALARM:"):
            raise MachineFault(f"after {line}, {alarm_text(answer[-1][6:])}")
        if answer[-1].startswith("Grbl"):
            raise MachineFault(f"the machine restarted at {line}: its position may be lost")
        return answer[:-1]

    def status(
        self, question: bytes = grbl.STATUS, *, tries: int = TRIES, within_s: float = ANSWER_S
    ) -> Status | None:
        """Its state; None when it does not say it."""
        for _ in range(tries):
            answer = self.ask(question, until=_is_status, within_s=within_s)
            if answer is not None:
                return status_of(answer[-1])
        return None

    def reset(self) -> bool:
        """Stop all and forget all that waits; whether the machine has said that it has."""
        for _ in range(RESETS):
            answer = self.ask(grbl.RESET, until=_is_banner, within_s=RESET_S)
            self.restarted = False  # that was us
            if answer is not None:
                return True
        return False

    def settle(self) -> None:
        """Late answers to earlier questions are heard and forgotten."""
        while self._read():
            pass

    def _read(self) -> list[str]:
        data = self._port.read(READ_S)
        self.heard = (self.heard + data)[:HEARD]
        lines = [line.decode("ascii", "replace") for line in self._answers.complete(data)]
        for line in lines:
            if line.startswith("ALARM:"):
                self.alarm = line[6:]
            self.restarted |= line.startswith("Grbl")
            self.upsets += line.startswith(("ALARM:", "Grbl"))
        return lines


def _is_status(lines: list[str]) -> bool:
    return status_of(lines[-1]) is not None


def _is_banner(lines: list[str]) -> bool:
    return lines[-1].startswith("Grbl")
