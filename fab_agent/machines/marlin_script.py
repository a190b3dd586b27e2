"""What each line number stands for: the program's lines, and commands of ours between them.

A number stands for the same text for good, so that whatever line a printer asks for again is the
one it has missed. Commands of ours take numbers too: only a numbered line is checked, and a move
whose digits the wire has changed must never be carried out.
"""

import re

from fab_agent.machines.lines import LineSource

# Acknowledged when motion has ended. Firmware ignores the S0; it tells our own command from a
# program's M400.
SYNC = b"M400 S0"
# Commands whose `ok` may be long in coming. Most lines are moves: the first bytes settle it.
_BLOCKING = re.compile(rb"(?:G0*(?:4|28|29)|M0*(?:109|190|191|303|400|600))(?!\d)")
_MOVES = (b"G1 ", b"G0 ", b"G2 ", b"G3 ")
# Lines made ready at once: enough to be cheap, few enough to be quick (0.1 ms).
BLOCK = 128


def checksum(body: bytes) -> int:
    """The XOR of all bytes, as Marlin checks it, folded by halves: at most 128 of them."""
    bits = int.from_bytes(body, "little")
    for half in (512, 256, 128, 64, 32, 16, 8):
        bits ^= bits >> half
    return bits & 0xFF


def numbered(number: int, line: bytes) -> bytes:
    """`line` as Marlin checks it: number, text, and the XOR of both.

    Without a space behind the number: strtol ends at the letter, and parser.cpp skips N, digits
    and spaces, if any (Prusa-Firmware the same). Cura has always sent them so.
    """
    body = b"N%d%s" % (number, line)
    return b"%s*%d\n" % (body, checksum(body))


class Script:
    """Line 0 is `M110 N0`, then come the program and what was inserted, and `SYNC` at the end."""

    def __init__(self, lines: LineSource) -> None:
        self._lines = lines
        self._inserted: list[tuple[int, list[bytes]]] = []  # first number and texts, in order
        self.last = lines.count + 1  # the number of the closing SYNC, or of what came behind it

    def insert(self, number: int, texts: list[bytes]) -> None:
        """From `number` on, which was never sent, come `texts`; the program goes on behind them."""
        self._inserted.append((number, texts))
        self.last += len(texts)

    def text(self, number: int) -> bytes:
        """What `number` stands for."""
        before = 0
        for first, texts in self._inserted:
            if number < first:
                break
            if number < first + len(texts):
                return texts[number - first]
            before += len(texts)
        index = number - before - 1
        if index < 0:
            return b"M110 N0"
        return self._lines.line(index) if index < self._lines.count else SYNC

    def program_lines(self, number: int) -> int:
        """How many lines of the program have this number or one before it."""
        ours = sum(min(max(number - first + 1, 0), len(texts)) for first, texts in self._inserted)
        return min(max(number - ours, 0), self._lines.count)

    def ready(self, number: int, end: int) -> tuple[list[bytes], bool]:
        """Lines as they are sent, from `number` up to `end` or a blocking one; is it one?

        A blocking line comes alone; at least one line comes if `number` <= `end`.
        """
        block: list[bytes] = []
        for n in range(number, min(number + BLOCK, end + 1)):
            text = self.text(n) if self._inserted or not n else self._program_text(n - 1)
            if text[:3] not in _MOVES and (n == 0 or _BLOCKING.match(text)):
                return (block, False) if block else ([numbered(n, text)], True)
            block.append(numbered(n, text))
        return block, False

    def _program_text(self, index: int) -> bytes:
        return self._lines.line(index) if index < self._lines.count else SYNC
