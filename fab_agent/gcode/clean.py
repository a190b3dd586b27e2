"""From what a slicer wrote to what a machine gets: bare commands, one a line, hashed."""

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from commons.errors import Unavailable
from fab_agent.gcode.parser import refusal

# Text for a display: it changes nothing on the machine, and its free text is no G-code.
_DISPLAY = re.compile(rb"M117(?: |$)")
_BRACKETS = re.compile(rb"\([^()]*\)")


def bare_lines(raw: Iterable[bytes]) -> Iterator[bytes]:
    """The commands of a raw file: no comments, no blank lines, one space between words.

    M117 (text for the display) is dropped; all other judging is left to the proof.

    Raises:
        ProgramRefused: a bracket without its partner, or an order to the print host (`@…`, `//…`).
    """
    for number, line in enumerate(raw, 1):
        text = b" ".join(_without_comments(line, number).split())
        if text and not _DISPLAY.match(text):
            yield text


def write_program(lines: Iterable[bytes], path: Path) -> tuple[str, int]:
    """Write `lines`, each ended by a newline, to `path`; return their sha256 (hex) and count.

    The file appears whole or not at all. Memory stays flat.

    Raises:
        Unavailable: the disk does not take it.
    """
    digest, count = sha256(), 0
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            for line in lines:
                whole = line + b"\n"
                digest.update(whole)
                file.write(whole)
                count += 1
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        why = f"the program could not be written to {path}: {error.strerror}; is the disk full?"
        raise Unavailable(why) from error
    finally:
        aside.unlink(missing_ok=True)
    return digest.hexdigest(), count


def _without_comments(line: bytes, number: int) -> bytes:
    text = _BRACKETS.sub(b" ", line.partition(b";")[0]).strip()
    if b"(" in text or b")" in text:
        raise refusal("comment", number, "a bracket without its partner")
    if text.startswith((b"@", b"//")):
        shown = text[:60].decode("ascii", "replace")
        raise refusal("host-action", number, f"'{shown}' is an order to the print host")
    return text
