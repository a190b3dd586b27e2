"""What is behind a serial port: opened, asked who it is, and never told to do anything.

Opening a port restarts most boards, so a person is asked before. The questions are `$I`, which
Marlin answers as unknown, and M115, which GRBL refuses; after that only reports are asked for.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from commons.errors import TransportLost, Unavailable
from commons.machine import Driver
from fab_agent.firmware_facts import (
    Firmware,
    grbl_facts,
    grbl_settings,
    marlin_facts,
    recognise,
)
from fab_agent.machines.conversation import Conversation
from fab_agent.machines.ports import require_usable
from fab_agent.machines.transport import SerialConnection, SerialPort, Transport

# In the order in which boards are likely to have them; the whole round takes half a minute.
LIKELY_BAUD_RATES = (115200, 250000, 57600, 9600, 230400, 500000)
QUESTIONS = (b"\n$I\n", b"\nM115\n")
# Four questions: a board that restarts with its port listens after 2 to 5 s.
ROUNDS, ANSWER_S = 2, 1.3
REPORT_S = 5.0
READ_S = 0.05
# Bytes that are no text, of at least so many: the speed is wrong.
GARBAGE_SHARE, GARBAGE_BYTES = 0.3, 8
_TEXT = frozenset(b"\t\r\n") | frozenset(range(32, 127))
_SAYS_WHO = ("FIRMWARE_NAME", "[VER:", "[0.", "Unknown command")
_STATE = re.compile(r"^<(\w+)")

OpenPort = Callable[[SerialConnection], Transport]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FoundBoard:
    """A board that has answered, and what else it reported. `state` is GRBL's word for it."""

    connection: SerialConnection
    firmware: Firmware
    settings: dict[int, float] = field(default_factory=dict)
    state: str = ""


def probe_port(
    port: str,
    baud_rates: Sequence[int] = LIKELY_BAUD_RATES,
    *,
    open_port: OpenPort = SerialPort,
    clock: Callable[[], float] = time.monotonic,
    tell: Tell = lambda sentence: None,
) -> FoundBoard:
    """The board at this port, found at the first of the speeds at which it says who it is.

    Raises:
        Unavailable: the port cannot be used, or no driver speaks with what answers there.
        TransportLost: nothing answers there, or only noise.
    """
    heard: dict[int, bytes] = {}
    for baud in baud_rates:
        tell(f"asking {port} at {baud} baud who is there …")
        connection = SerialConnection(port, baud)
        line = open_port(connection)
        try:
            firmware, heard[baud] = _introduction(line, clock)
            if firmware is not None:
                return _interrogated(connection, firmware, Conversation(line, clock))
        finally:
            line.close()
    raise _nobody(port, heard)


def probe_serial(
    port: str, baud_rates: Sequence[int] = LIKELY_BAUD_RATES, *, tell: Tell = lambda sentence: None
) -> FoundBoard:
    """As `probe_port`, for a port of this computer; says first why it could not be opened."""
    require_usable(port)
    return probe_port(port, baud_rates, tell=tell)


def is_garbage(data: bytes) -> bool:
    """Too much of it is no text: the two ends speak at different speeds."""
    strange = sum(byte not in _TEXT for byte in data)
    return len(data) >= GARBAGE_BYTES and strange > GARBAGE_SHARE * len(data)


def _introduction(line: Transport, clock: Callable[[], float]) -> tuple[Firmware | None, bytes]:
    heard = b""
    for question in QUESTIONS * ROUNDS:
        heard += _answer(line, question, clock)
        if (firmware := recognise(_lines(heard))) is not None:
            return firmware, heard
        if is_garbage(heard):
            break
    return None, heard


def _answer(line: Transport, question: bytes, clock: Callable[[], float]) -> bytes:
    """All that comes until it has said who it is, or time is up."""
    line.write(question)
    heard, end = b"", clock() + ANSWER_S
    while clock() < end and not _is_complete(_lines(heard)) and not is_garbage(heard):
        heard += line.read(READ_S)
    return heard


def _is_complete(lines: Sequence[str]) -> bool:
    """Who it is, and after that an `ok`."""
    told = [i for i, line in enumerate(lines) if any(word in line for word in _SAYS_WHO)]
    return bool(told) and any(line.startswith("ok") for line in lines[told[0] + 1 :])


def _interrogated(
    connection: SerialConnection, firmware: Firmware, talk: Conversation
) -> FoundBoard:
    talk.settle()
    if firmware.driver is Driver.GRBL:
        settings = grbl_settings(_report(talk, b"$$\n"))
        status = talk.ask(b"?", until=lambda lines: lines[-1].startswith(b"<"), within_s=REPORT_S)
        states = [match[1] for line in _texts(status) if (match := _STATE.match(line))]
        known = replace(firmware, facts={**firmware.facts, **grbl_facts(settings)})
        return FoundBoard(connection, known, settings, "".join(states[-1:]))
    said = [*_report(talk, b"M211\n"), *_report(talk, b"M503\n")]
    known = replace(firmware, facts={**firmware.facts, **marlin_facts(said)})
    return FoundBoard(connection, known)


def _report(talk: Conversation, question: bytes) -> list[str]:
    def ends(lines: list[bytes]) -> bool:
        return lines[-1].startswith((b"ok", b"error"))

    return _texts(talk.ask(question, until=ends, within_s=REPORT_S))


def _texts(lines: Iterable[bytes]) -> list[str]:
    return [line.decode("ascii", "replace").strip() for line in lines]


def _lines(heard: bytes) -> list[str]:
    """The lines that have ended."""
    return _texts(heard.split(b"\n")[:-1])


def _nobody(port: str, heard: dict[int, bytes]) -> TransportLost | Unavailable:
    tried = f"{', '.join(map(str, heard))} baud"
    for baud, data in heard.items():
        words = [line for line in _lines(data) if line]
        if words and not is_garbage(data):
            return Unavailable(
                f"what answers on {port} at {baud} baud is neither Marlin nor GRBL "
                f"('{words[0][:60]}'): there is no driver for it"
            )
    if any(heard.values()):
        return TransportLost(
            f"what comes from {port} is no text (tried at {tried}): the board has another baud "
            "rate, see its firmware's settings, or a bad cable"
        )
    return TransportLost(
        f"nothing answers on {port} (tried at {tried}): is the machine switched on, and is this "
        "its port?"
    )
