"""The picture of a machine's newest program, kept for the panel in the machine's own folder."""

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from commons.toolpath import Sketch
from commons.wire import Id
from fab_agent.gcode.track import Track

log = logging.getLogger(__name__)
_FILE = "picture.json"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the program of an attempt looks like, and where its head is at which line."""

    attempt_id: str
    sketch: Sketch
    track: Track


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    attempt_id: Id
    sketch: Sketch
    track: Track


class Album:
    """One picture at a time: the newest replaces the one before, as a whole."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def keep(self, picture: Picture) -> None:
        """The picture is there for whoever looks; on a full disk there is none."""
        kept = _Kept(attempt_id=picture.attempt_id, sketch=picture.sketch, track=picture.track)
        aside = self._path.with_name(f"{_FILE}.{secrets.token_hex(4)}")
        try:
            aside.write_text(kept.model_dump_json(exclude_defaults=True), encoding="utf-8")
            os.replace(aside, self._path)
        except OSError as problem:
            aside.unlink(missing_ok=True)
            log.warning("the panel has no picture of %s: %s", picture.attempt_id, problem)

    def of(self, attempt_id: str) -> Picture | None:
        """The picture of this attempt's program; None when another one's is there, or none."""
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None
        if kept.attempt_id != attempt_id:
            return None
        return Picture(kept.attempt_id, kept.sketch, kept.track)
