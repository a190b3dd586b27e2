"""GRBL's `$` commands. After gnea/grbl, grbl/system.c and doc/markdown/commands.md."""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from fab_agent.machines.firmware import grbl_reports as reports
from fab_agent.machines.firmware.grbl_parser import Refused
from fab_agent.machines.firmware.grbl_router import HOMING_S, Router

_SETTING = re.compile(r"\$(\d+)=([-+]?(?:\d+\.?\d*|\.\d+))")
_STARTUP = re.compile(r"\$N([01])=(.*)")


class Board(Protocol):
    """What a system command needs of the controller."""

    router: Router
    mode: str
    then: Callable[[], None] | None
    rx_size: int

    @property
    def moving(self) -> bool:
        """Some motion is under way."""
        ...

    def say(self, line: str) -> None:
        """Answer a line."""
        ...

    def wait(self, seconds: float) -> Iterator[None]:
        """Let so much time pass."""
        ...

    def reset(self) -> None:
        """The reset button."""
        ...

    def sleep(self) -> None:
        """Everything is off until a reset."""
        ...


def execute(board: Board, text: str) -> Iterator[None]:
    """Execute one line that starts with `$`.

    Raises:
        Refused: with the number of GRBL's error.
    """
    if text == "$":
        board.say(reports.HELP)
    elif text.startswith("$J"):
        yield from _jog(board, text)
    elif text in _ANY_TIME:
        _ANY_TIME[text](board)
    elif text[1] in "$GCX":
        raise Refused(3)
    elif board.moving or board.mode not in ("Idle", "Alarm"):
        raise Refused(8)
    elif text == "$H":
        yield from _home(board)
    else:
        yield from _at_rest(board, text)


def _jog(board: Board, text: str) -> Iterator[None]:
    if board.mode not in ("Idle", "Jog") or (board.mode == "Idle" and board.moving):
        raise Refused(8)
    if not text.startswith("$J="):
        raise Refused(3)
    yield from board.router.run(text[3:], check=False, jog=True)
    if not board.router.planner.empty:
        board.mode = "Jog"


def _settings(board: Board) -> None:
    if board.moving or board.mode in ("Hold", "Door"):
        raise Refused(8)
    for line in reports.settings(board.router):
        board.say(line)


def _check(board: Board) -> None:
    if board.mode == "Check":
        board.say("[MSG:Disabled]")
        board.then = board.reset
    elif board.mode != "Idle" or board.moving:
        raise Refused(8)
    else:
        board.say("[MSG:Enabled]")
        board.mode = "Check"


def _unlock(board: Board) -> None:
    if board.mode == "Alarm":
        board.say("[MSG:Caution: Unlocked]")
        board.mode = "Idle"


_ANY_TIME = {
    "$$": _settings,
    "$G": lambda board: board.say(board.router.modes.shown()),
    "$C": _check,
    "$X": _unlock,
}


def _home(board: Board) -> Iterator[None]:
    if not board.router.settings[22]:
        raise Refused(5)
    board.mode = "Home"
    yield from board.wait(HOMING_S)
    board.router.home()
    board.mode = "Idle"


def _at_rest(board: Board, text: str) -> Iterator[None]:
    router = board.router
    if text == "$#":
        lines = reports.parameters(router)
    elif text == "$I":
        lines = reports.build_info(router, board.rx_size + router.knobs.grblhal)
    elif text == "$N":
        lines = [f"$N{i}={line}" for i, line in enumerate(router.startup)]
    elif text == "$SLP":
        lines = []
        board.then = board.sleep
    elif text in ("$RST=$", "$RST=#", "$RST=*"):
        lines = ["[MSG:Restoring defaults]"]
        board.then = board.reset
    elif (startup := _STARTUP.fullmatch(text)) is not None:
        lines = []
        yield from _store_startup(board, int(startup[1]), startup[2])
    else:
        lines = []
        _store(router, text)
    for line in lines:
        board.say(line)


def _store_startup(board: Board, number: int, text: str) -> Iterator[None]:
    if board.mode != "Idle":
        raise Refused(8)
    if text:
        yield from board.router.run(text, check=False)  # executed once, to see that it is valid
    board.router.startup[number] = text


def _store(router: Router, text: str) -> None:
    match = _SETTING.fullmatch(text)
    if match is None:
        raise Refused(3)
    number, value = int(match[1]), float(match[2])
    if number not in router.settings:
        raise Refused(3)
    if value < 0:
        raise Refused(4)
    if number == 20 and value and not router.settings[22]:
        raise Refused(10)
    router.settings[number] = value
    if number == 22 and not value:
        router.settings[20] = 0
