"""From what a slicer wrote to what a machine gets: bare commands, one a line, hashed."""

import os
import re
from collections.abc import Generator, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Protocol

from commons.errors import Unavailable
from fab_agent.gcode.parser import refusal

# Text for a display: it changes nothing on the machine, and its free text is no G-code.
_DISPLAY = re.compile(rb"M117(?: |$)")
_BRACKETS = re.compile(rb"\([^()]*\)")
_COMMENT = re.compile(rb";[^\n]*")
_LINES_AT_ONCE = 4096
# Lines of these alone, without what is odd, are bare commands and blank lines.
_BARE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+=_ \n"
_ODD = (b"  ", b" \n", b"\n ", b"M117")


class Digest(Protocol):
    """What hashes bytes piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take some more."""


def bare_lines(raw: Iterable[bytes], *, first: int = 1) -> Iterator[bytes]:
    """The commands of a raw file: no comments, no blank lines, one space between words.

    M117 (text for the display) is dropped; all other judging is left to the proof. `first` is the
    number of the first line, for sentences.

    Raises:
        ProgramRefused: a bracket without its partner, or an order to the print host (`@…`, `//…`).
    """
    raw = iter(raw)
    while lines := list(islice(raw, _LINES_AT_ONCE)):
        bare = _bare_already(lines)
        yield from _stripped(lines, first) if bare is None else bare
        first += len(lines)


def _bare_already(lines: list[bytes]) -> list[bytes] | None:
    """The lines without their comments, if that leaves bare commands alone.

    Nearly everything that a slicer writes is so; a look at many lines at once tells it quickly.
    """
    text = b"".join([b"\n", *lines])
    whole = text.count(b"\n") == 1 + len(lines)
    text = _COMMENT.sub(b"", text)
    if not whole or text.translate(None, _BARE) or any(odd in text for odd in _ODD):
        return None
    return [line for line in text.split(b"\n") if line]


def _stripped(lines: Iterable[bytes], first: int) -> Iterator[bytes]:
    """The commands of lines of any kind, one by one; `first` is the number of the first."""
    for number, line in enumerate(lines, first):
        text = b" ".join(_without_comments(line, number).split())
        if text and not _DISPLAY.match(text):
            yield text


def written(lines: Iterable[bytes], path: Path, digest: Digest) -> Generator[bytes, None, None]:
    """The same `lines`; when the last was taken they are the file at `path`, a newline behind each.

    `digest` has been told every byte of it then. The file appears whole or not at all. Memory
    stays flat. Whoever leaves off before must close it.

    Raises:
        Unavailable: the disk does not take it.
    """
    lines, aside = iter(lines), path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            while some := list(islice(lines, _LINES_AT_ONCE)):
                text = b"\n".join([*some, b""])
                digest.update(text)
                file.write(text)
                yield from some
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        why = f"the program could not be written to {path}: {error.strerror}; is the disk full?"
        raise Unavailable(why) from error
    finally:
        aside.unlink(missing_ok=True)


def write_program(lines: Iterable[bytes], path: Path) -> tuple[str, int]:
    """Write `lines` to `path` as `written` does; return their sha256 (hex) and count."""
    digest = sha256()
    count = sum(1 for _ in written(lines, path, digest))
    return digest.hexdigest(), count


def _without_comments(line: bytes, number: int) -> bytes:
    text = _BRACKETS.sub(b" ", line.partition(b";")[0]).strip()
    if b"(" in text or b")" in text:
        raise refusal("comment", number, "a bracket without its partner")
    if text.startswith((b"@", b"//")):
        shown = text[:60].decode("ascii", "replace")
        raise refusal("host-action", number, f"'{shown}' is an order to the print host")
    return text
