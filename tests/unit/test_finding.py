"""Asking a port who is there: at which speed, how often, and what is said when nobody answers."""

from collections.abc import Callable

import pytest

from commons.errors import FabError
from fab_agent.finding import FoundBoard, is_garbage, probe_port
from fab_agent.machines.transport import SerialConnection

MARLIN = {
    b"$I": b'echo:Unknown command: "$I"\nok\n',
    b"M115": b"FIRMWARE_NAME:Marlin 2.1.2 MACHINE_TYPE:Ender\nCap:THERMAL_PROTECTION:1\nok\n",
    b"M211": b"echo:Soft endstops: On  Min:  X0 Y0 Z0   Max:  X235 Y220 Z250\nok\n",
    b"M503": b"echo:  M203 X500.00 Y400.00 Z5.00 E25.00\nok\n",
}
GRBL = {
    b"$I": b"[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n",
    b"$$": b"$20=1\r\n$22=1\r\n$130=600.000\r\n$131=400.000\r\nok\r\n",
    b"?": b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0>\r\n",
}
NOISE = b"\xf8\x00\x80\xfe\x00\xf8\x86\xfe\xff\x00"


class Board:
    """A board of its own speed on a line; at another speed what it says is noise.

    It starts when its port is opened, and is deaf for `starts_up` questions.
    """

    def __init__(self, says: dict[bytes, bytes], *, baud: int = 115200, starts_up: int = 0) -> None:
        self.says, self.baud, self.starts_up = says, baud, starts_up
        self.opened: list[int] = []
        self.heard: list[bytes] = []
        self.closed = 0
        self.now = 0.0

    def open(self, connection: SerialConnection) -> "Board":
        self.opened.append(connection.baudrate)
        self._answers = b""
        return self

    def write(self, data: bytes) -> None:
        question = data.strip()
        self.heard.append(question)
        if len(self.heard) <= self.starts_up:
            return
        right = self.opened[-1] == self.baud
        self._answers += self.says.get(question, b"") if right else NOISE if self.says else b""

    def read(self, timeout: float) -> bytes:
        self.now += timeout
        data, self._answers = self._answers[:7], self._answers[7:]
        return data

    def close(self) -> None:
        self.closed += 1


def probe(board: Board, bauds: tuple[int, ...] = (115200, 250000)) -> FoundBoard:
    return probe_port(
        "/dev/ttyUSB0", bauds, open_port=board.open, clock=lambda: board.now, tell=lambda _: None
    )


def test_marlin_is_found_and_reports_what_it_knows_of_itself() -> None:
    board = Board(MARLIN)
    found = probe(board)
    assert found.connection == SerialConnection("/dev/ttyUSB0", 115200)
    assert found.firmware.guarded is True
    assert found.firmware.facts["envelope.y_max_mm"] == 220
    assert found.firmware.facts["max_feed_z_mm_s"] == 5
    assert board.closed == 1


def test_grbl_is_found_by_its_own_question_and_never_hears_marlins() -> None:
    board = Board(GRBL)
    found = probe(board)
    assert found.firmware.name == "GRBL 1.1h.20190830"
    assert found.state == "Alarm"
    assert found.settings == {20: 1, 22: 1, 130: 600, 131: 400}
    assert board.heard == [b"$I", b"$$", b"?"]


@pytest.mark.parametrize("says", [MARLIN, GRBL])
def test_only_questions_are_sent(says: dict[bytes, bytes]) -> None:
    board = Board(says, baud=250000)
    probe(board)
    assert set(board.heard) <= {b"$I", b"M115", b"M211", b"M503", b"$$", b"?"}


def test_the_next_speed_is_tried_as_soon_as_only_noise_comes() -> None:
    board = Board(MARLIN, baud=250000)
    assert probe(board).connection.baudrate == 250000
    assert board.opened == [115200, 250000]
    assert board.heard[0] == board.heard[1] == b"$I"


def test_a_board_that_starts_with_its_port_is_waited_for() -> None:
    board = Board(MARLIN, starts_up=3)
    assert probe(board).firmware.name == "Marlin 2.1.2"
    assert board.opened == [115200]


def refusal(board: Board) -> str:
    with pytest.raises(FabError) as caught:
        probe(board)
    assert board.closed == len(board.opened)
    return str(caught.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Board({}),
         "nothing answers on /dev/ttyUSB0 (tried at 115200, 250000 baud): is the machine switched "
         "on, and is this its port?"),
        (lambda: Board(MARLIN, baud=57600),
         "what comes from /dev/ttyUSB0 is no text (tried at 115200, 250000 baud): the board has "
         "another baud rate, see its firmware's settings, or a bad cable"),
        (lambda: Board({b"$I": b"?\n", b"M115": b"SYNTAX ERROR\n"}),
         "what answers on /dev/ttyUSB0 at 115200 baud is neither Marlin nor GRBL ('?'): there is "
         "no driver for it"),
        (lambda: Board({b"M115": b"FIRMWARE_NAME:Klipper\nok\n"}),
         "this is Klipper: add it by the address of its Moonraker instead"),
    ],
)  # fmt: skip
def test_what_cannot_be_driven_is_one_sentence(make: Callable[[], Board], sentence: str) -> None:
    assert refusal(make()) == sentence


def test_firmware_that_reports_nothing_more_is_found_all_the_same() -> None:
    silent = {b"$I": GRBL[b"$I"], b"$$": b"error:3\r\n"}
    found = probe(Board(silent))
    assert (found.settings, found.state) == ({}, "")


@pytest.mark.parametrize(
    ("data", "garbage"),
    [(b"", False), (b"\xff\xff", False), (NOISE, True), (b"T:21.0 /0.0 B:\xb021 ok\n", False)],
)
def test_noise_is_told_from_text(data: bytes, garbage: bool) -> None:
    assert is_garbage(data) is garbage
