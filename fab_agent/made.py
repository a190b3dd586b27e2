"""What was made on a machine, for the people beside it: one line of JSON each, only ever appended.

Not what decides anything: starts are the journal's, the ledger is the server's. A line that a full
disk did not take, or a kill cut short, is a thing that is judged on the server's page instead.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from commons.wire import EventKind, JobOffer, ProgramFacts

log = logging.getLogger(__name__)
_FILE = "made.jsonl"
# The newest lines are looked for in so many bytes at the end of the file.
_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Made:
    """One attempt on this machine. `ended` is None while it has no end. `led_by` is the one that
    was started: itself, or that of the plate which it shares."""

    attempt_id: str
    led_by: str
    title: str
    part: str
    copies: int
    material: str
    material_g: float | None
    ended: EventKind | None = None
    at: datetime | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it came to its last line: somebody may say whether it is good."""
        return self.ended is EventKind.FINISHED


class MadeBook:
    """The book of one machine. One thread writes, others read."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def staged(self, offer: JobOffer, facts: ProgramFacts) -> None:
        """What is about to be made is noted, each thing of a plate that several orders share.

        What it takes is known of a whole plate alone.
        """
        alone = None if offer.also else facts.material_g
        for it in offer.on_plate:
            self._note(
                {
                    "attempt_id": it.attempt_id,
                    "led_by": offer.attempt_id,
                    "title": it.title,
                    "part": it.part,
                    "copies": it.copies,
                    "material": offer.material,
                    "material_g": alone,
                }
            )

    def ended(self, attempt_id: str, kind: EventKind) -> None:
        """How it ended is noted; with it ended all that was on its plate."""
        at = datetime.now(UTC).isoformat()
        self._note({"attempt_id": attempt_id, "ended": kind.value, "at": at})

    def newest(self) -> dict[str, Made]:
        """The newest attempts by id, the latest first."""
        found: dict[str, Made] = {}
        for line in self._lines():
            try:
                _read(json.loads(line), found)
            except (ValueError, KeyError, TypeError):
                continue  # cut short by a kill, or by the tail
        return dict(reversed(found.items()))

    def _note(self, line: dict[str, object]) -> None:
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(f"{json.dumps(line, ensure_ascii=False)}\n".encode())
                os.fsync(file.fileno())
        except OSError as problem:
            log.warning("the panel will not know of %s: %s", line["attempt_id"], problem)

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                yield from file.read().splitlines()
        except OSError:
            return


def _read(noted: dict[str, object], found: dict[str, Made]) -> None:
    id_ = str(noted["attempt_id"])
    if "ended" not in noted:
        found[id_] = Made(
            attempt_id=id_,
            led_by=str(noted.get("led_by", id_)),
            title=str(noted["title"]),
            part=str(noted["part"]),
            copies=int(str(noted["copies"])),
            material=str(noted["material"]),
            material_g=None if noted["material_g"] is None else float(str(noted["material_g"])),
        )
        return
    at, ended = datetime.fromisoformat(str(noted["at"])), EventKind(str(noted["ended"]))
    for made in [it for it in found.values() if it.led_by == id_]:
        del found[made.attempt_id]
        found[made.attempt_id] = replace(made, ended=ended, at=at)
