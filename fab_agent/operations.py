"""What people did at a machine, and who: one line of JSON each, durable, only ever appended."""

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from commons.errors import Unavailable

_FILE = "operations.jsonl"
# The newest lines are looked for in so many bytes at the end of the file.
_TAIL_BYTES = 64 * 1024


def _utc() -> datetime:
    return datetime.now(UTC)


class Operations:
    """The record of one machine. Several threads may write; a line is written as a whole."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = _utc) -> None:
        self._path, self._now = folder / _FILE, now
        self._lock = threading.Lock()

    def note(self, what: str, *, by: str, result: str, hands_on: bool = False) -> None:
        """It is on the disk that `by` did or tried `what`, and what came of it.

        `hands_on`: the machine was, or may have been, moved by hand.

        Raises:
            Unavailable: the disk did not take it.
        """
        line = json.dumps(
            {
                "at": self._now().isoformat(),
                "by": by,
                "what": what,
                "result": result,
                "hands_on": hands_on,
            },
            ensure_ascii=False,
        )
        try:
            with self._lock, self._path.open("ab", buffering=0) as file:
                file.write(f"{line}\n".encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(
                f"what is done by hand cannot be recorded in {self._path}: {error}"
            ) from error

    def touched_ago_s(self) -> float | None:
        """Seconds since somebody last worked at the machine by hand; None when nobody did.

        By the computer's clock, which may have been set since: never less than 0.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                lines = file.read().splitlines()
        except OSError:
            return None
        at = next((at for line in reversed(lines) if (at := _touched_at(line))), None)
        return None if at is None else max(0.0, (self._now() - at).total_seconds())


def _touched_at(line: bytes) -> datetime | None:
    """When this line says that somebody moved the machine; None for any other line."""
    try:
        noted = json.loads(line)
        return datetime.fromisoformat(noted["at"]) if noted["hands_on"] else None
    except (ValueError, KeyError, TypeError):  # cut short by a power cut, or by the tail
        return None
