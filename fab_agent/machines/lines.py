"""Lines: those of a program, without holding it in memory, and those a machine answers."""

import hashlib
from array import array
from collections.abc import Sequence
from itertools import islice
from typing import Protocol, Self

from commons.errors import ProgramRefused
from fab_agent.gcode.program import CUTTER_STOP, GcodeProgram

_STOP = CUTTER_STOP + b"\n"
LONGEST_ANSWER = 1024
# Lines read at once; also the distance between two remembered offsets.
BLOCK = 512


class AnswerLines:
    """Answers of a machine cut into lines again, however the reads have cut them."""

    def __init__(self) -> None:
        self._partial = b""

    def complete(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, stripped, without the empty ones, each as far as the
        longest answer goes."""
        *lines, partial = (self._partial + data).split(b"\n")
        self._partial = partial[:LONGEST_ANSWER]  # noise at a wrong speed has no newlines
        return [whole for line in lines if (whole := line[:LONGEST_ANSWER].strip())]


class LineSource(Protocol):
    """Numbered lines: `line(n)` for 0 <= n < `count`, without the newline."""

    @property
    def count(self) -> int:
        """How many lines there are."""
        ...

    def line(self, n: int) -> bytes:
        """Line `n`, counted from 0."""
        ...


class ListedLines:
    """Lines that are in memory already."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self.count = len(lines)

    def line(self, n: int) -> bytes:
        """Line `n`, counted from 0."""
        return self._lines[n]


class ProgramLines:
    """The lines of a program's file, read in blocks: 8 bytes of memory for 512 lines.

    `legs` are what lies between the lines at which it stops for another cutter: the first line of
    each, and the one behind its last. There is always one.

    Opening reads the file once and proves that it is still the program that was permitted:
    ProgramRefused when its hash, its number of lines or its longest line says otherwise, or when
    it does not stop once before each further cutter.
    """

    def __init__(self, program: GcodeProgram, *, longest: int) -> None:
        self.count = program.line_count
        self._file = program.path.open("rb")
        self._block_number, self._block = -1, [b""]
        self._stops: list[int] = []
        try:
            self._offsets = self._survey(program, longest)
        except BaseException:
            self._file.close()
            raise

    @property
    def legs(self) -> list[tuple[int, int]]:
        """From where to where it runs without a stop."""
        behind = [stop + 1 for stop in self._stops]
        return list(zip([0, *behind], [*self._stops, self.count], strict=True))

    def line(self, n: int) -> bytes:
        """Line `n`, counted from 0."""
        number, rest = divmod(n, BLOCK)
        if number != self._block_number:
            self._file.seek(self._offsets[number])
            size = self._offsets[number + 1] - self._offsets[number]
            self._block_number, self._block = number, self._file.read(size).splitlines()
        return self._block[rest]

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _survey(self, program: GcodeProgram, longest: int) -> "array[int]":
        offsets, count, digest = array("Q", [0]), 0, hashlib.sha256()
        while lines := list(islice(self._file, BLOCK)):
            block = b"".join(lines)
            digest.update(block)
            offsets.append(offsets[-1] + len(block))
            if max(map(len, lines)) > longest + 1:
                raise _too_long(program, lines, count, longest)
            if _STOP in lines:
                self._stops += [n for n, line in enumerate(lines, count) if line == _STOP]
            count += len(lines)
        if (digest.hexdigest(), count) != (program.sha256, program.line_count):
            raise changed(program)
        if len(self._stops) != max(len(program.cutters_mm) - 1, 0):
            raise changed(program)
        return offsets


def _too_long(
    program: GcodeProgram, lines: list[bytes], before: int, longest: int
) -> ProgramRefused:
    """The refusal of the first of `lines` that is too long; `before` come before them."""
    number, line = next((n, x) for n, x in enumerate(lines, before + 1) if len(x) > longest + 1)
    return ProgramRefused(
        f"{program.path.name}: line {number} has {len(line) - 1} characters, the firmware reads "
        f"{longest}",
        rule="line-too-long",
        line=number,
    )


def changed(program: GcodeProgram) -> ProgramRefused:
    """The refusal of a file that is no longer what was proved."""
    return ProgramRefused(
        f"{program.path.name} is not the program that was proved: prepare it again", rule="hash"
    )
