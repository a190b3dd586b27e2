"""What may be made here while the server is away, as it told when it was last there."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Protocol

from pydantic import AwareDatetime, ValidationError

from commons.errors import FabError, Unavailable
from commons.local_builds import LocalBuilds
from commons.wire import Told
from fab_agent import private_files

log = logging.getLogger(__name__)
_FILE = "local_builds.json"
ASK_EVERY_S = 120.0


class Kept(Told):
    """What the server told, and when."""

    at: AwareDatetime
    told: LocalBuilds


class Teller(Protocol):
    """The half of the server that tells it. See fab_agent.repository."""

    def local_builds(self) -> LocalBuilds:
        """What may be made without it."""
        ...


class OfferedBook:
    """The last answer, in a folder: one process asks, all read."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def seen(self) -> Kept | None:
        """What was told last; None when nothing ever was."""
        try:
            return Kept.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None

    def ask(self, teller: Teller, *, now: datetime) -> None:
        """It is as the server tells it now.

        Raises:
            Unavailable: it does not answer, or the disk is full; what was told before is kept.
        """
        kept = Kept(at=now, told=teller.local_builds())
        try:
            private_files.replace(self._path, kept.model_dump_json().encode())
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error

    def run(self, teller: Teller, stopping: Event, *, now: Callable[[], datetime]) -> None:
        """Ask now and then, until `stopping`."""
        while not stopping.is_set():
            try:
                self.ask(teller, now=now())
            except FabError as problem:
                log.info("what may be made without the server is as it was: %s", problem)
            except Exception:
                log.exception("what may be made without the server cannot be asked for")
            stopping.wait(ASK_EVERY_S)
