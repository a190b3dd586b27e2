"""What printers behind a print host share: a whole file is handed over, and known by its name."""

import hashlib
import re
from pathlib import Path

from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.lines import changed

HASH_BLOCK = 1 << 20


def job_name(attempt: str, program_sha256: str) -> str:
    """The file name under which a print host remembers this attempt."""
    return f"a{re.sub(r'[^A-Za-z0-9-]', '-', attempt)}-{program_sha256[:8]}.gcode"


def digest_of_proved(program: GcodeProgram, algorithm: str) -> str:
    """The `algorithm` digest (hex) of the file, which still has the bytes that were permitted.

    ProgramRefused when it is no longer the program that was proved.
    """
    sha256, wanted = hashlib.sha256(), hashlib.new(algorithm, usedforsecurity=False)
    with program.path.open("rb") as opened:
        while block := opened.read(HASH_BLOCK):
            sha256.update(block)
            wanted.update(block)
    if sha256.hexdigest() != program.sha256:
        raise changed(program)
    return wanted.hexdigest()


class LineCounter:
    """How many lines of a file lie before a position that only grows. Memory stays flat."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._position = self._lines = 0

    def lines_at(self, position: int) -> int:
        """Whole lines in the first `position` bytes; a position that went back counts as before."""
        while (left := position - self._position) > 0:
            block = self._file.read(min(left, HASH_BLOCK))
            if not block:
                break
            self._position += len(block)
            self._lines += block.count(b"\n")
        return self._lines

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        self._file.close()
