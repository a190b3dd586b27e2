"""Programs that slicers drop at the panel, kept until the server has them, and told to it once.

    <id>/program        the bytes as they came
    <id>/told.json      who dropped them when, and what became of them

A folder appears by one rename, after fsync: after a crash or on a full disk it is whole or absent.
What is told to the server is told under the drop's id, which is one order however often it is said.
"""

import hashlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import IO, Protocol

from pydantic import AwareDatetime, ValidationError

from commons.errors import (
    Conflict,
    FabError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Unavailable,
)
from commons.own_programs import BroughtProgram, read_traits
from commons.quantities import Value

log = logging.getLogger(__name__)
# Whoever sends the same bytes under the same name again within this time sends them because no
# answer came: slicers carry no key by which a repetition could be told from a second wish.
REPEATED = timedelta(seconds=60)
# How often the server is asked to take what waits, s.
TELL_EVERY_S = 10.0
# What the server answers of a program itself; all else says nothing about it.
REFUSED = (InvalidInput, NotAllowed, NotFound, Conflict)
_MOST_WAITING, _MOST_PAST = 100, 30
_PROGRAM, _TOLD, _PIECE = "program", "told.json", 1 << 20


class Drop(Value):
    """One program that somebody dropped. `wanted`: it is to be queued, not only kept. Of those
    that the server has heard of it says which order it became, or why it became none."""

    id: str
    name: str
    by: str
    sha256: str
    size: int
    at: AwareDatetime
    wanted: bool
    order_id: str | None = None
    refused: str = ""

    @property
    def waits(self) -> bool:
        """The server has not heard of it yet."""
        return self.wanted and self.order_id is None and not self.refused


class Taker(Protocol):
    """The server, as far as it takes programs. See fab_agent.repository."""

    def bring_program(self, program: Path, *, name: str, by: str, key: str) -> BroughtProgram:
        """The order that the program became."""
        ...


class Drops:
    """The drops in a folder. One process uses it, with several threads."""

    _lock = Lock()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(
        self, stream: IO[bytes], *, name: str, by: str, wanted: bool, now: datetime
    ) -> tuple[Drop, bool]:
        """The program is on the disk, and whether it is a new drop: one that is repeated is not.

        Raises:
            InvalidInput: it is no program. Conflict: too many wait. Unavailable: the disk is full.
            Nothing is left of it then.
        """
        with self._aside() as aside:
            sha256, size = _copied(stream, aside / _PROGRAM)
            with (aside / _PROGRAM).open("rb") as file:
                read_traits(iter(lambda: file.read(_PIECE), b""))
            with self._lock:
                known = self.all()
                for drop in known:
                    same = (drop.sha256, drop.name, drop.by) == (sha256, name, by)
                    told = wanted <= drop.wanted and not drop.refused
                    if same and told and now - drop.at < REPEATED:
                        return drop, False
                _require_room(known)
                drop = Drop(
                    id=secrets.token_hex(8), name=name, by=by, sha256=sha256, size=size, at=now,
                    wanted=wanted,
                )  # fmt: skip
                _write(aside, drop)
                aside.rename(self._folder / drop.id)
                _sync(self._folder)
            return drop, True

    def all(self) -> list[Drop]:
        """Every drop that is kept, the latest first; a damaged one is left out."""
        found = []
        for path in self._folder.glob(f"[!.]*/{_TOLD}"):
            try:
                found.append(Drop.model_validate_json(path.read_bytes()))
            except (OSError, ValidationError) as odd:
                log.error("a dropped program is damaged and left out: %s: %s", path, odd)
        return sorted(found, key=lambda drop: drop.at, reverse=True)

    def get(self, id_: str) -> Drop:
        """The drop of this id; NotFound when there is none (any more)."""
        for drop in self.all():
            if drop.id == id_:
                return drop
        raise NotFound("there is no such program here (any more)")

    def want(self, id_: str) -> Drop:
        """The kept program is to be queued."""
        return self._set(self.get(id_), wanted=True)

    def tell(self, drop: Drop, server: Taker) -> Drop:
        """The server has heard of the drop, and it says what became of it.

        Raises:
            InvalidInput, NotAllowed, NotFound, Conflict: the server refused it, which it says, too.
            FabError: it does not answer, or not to this agent; the drop waits on.
        """
        program = self._folder / drop.id / _PROGRAM
        try:
            order = server.bring_program(program, name=drop.name, by=drop.by, key=drop.id)
        except REFUSED as refused:
            self._set(drop, refused=str(refused))
            raise
        self._forget()
        return self._set(drop, order_id=order.order_id)

    def tell_all(self, server: Taker) -> None:
        """What waits was told, the oldest first, as far as the server answers."""
        for drop in reversed(self.all()):
            if drop.waits:
                try:
                    self.tell(drop, server)
                except REFUSED as refused:
                    log.warning("%s of %s was refused: %s", drop.name, drop.by, refused)

    def run(self, server: Taker, stop: Event) -> None:
        """What waits is told until `stop`. What a killed process left half-kept is gone."""
        for left in self._folder.glob(".aside-*"):
            shutil.rmtree(left, ignore_errors=True)
        while not stop.wait(TELL_EVERY_S):
            try:
                if any(drop.waits for drop in self.all()):
                    self.tell_all(server)
            except FabError as away:
                log.info("dropped programs wait: %s", away)

    def _set(self, drop: Drop, **changes: object) -> Drop:
        changed = drop.model_copy(update=changes)
        folder = self._folder / drop.id
        with _full_disk_is_unavailable(folder):
            _write(folder, changed)
        return changed

    def _forget(self) -> None:
        """The last few are shown; what is older and done with is gone."""
        done = [drop for drop in self.all() if not drop.waits]
        for drop in done[_MOST_PAST:]:
            shutil.rmtree(self._folder / drop.id, ignore_errors=True)

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A folder beside the drops, gone afterwards unless it became one."""
        with _full_disk_is_unavailable(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".aside-", dir=self._folder))
            try:
                yield aside
            finally:
                shutil.rmtree(aside, ignore_errors=True)


def _require_room(known: Sequence[Drop]) -> None:
    open_ = [drop for drop in known if drop.order_id is None and not drop.refused]
    if len(open_) >= _MOST_WAITING:
        raise Conflict(
            f"{len(open_)} programs wait here already: queue or remove some, or wait until the "
            "server is back"
        )


def _copied(stream: IO[bytes], path: Path) -> tuple[str, int]:
    """The stream's bytes are in the file, on the disk; their hash and number."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _write(folder: Path, drop: Drop) -> None:
    aside = folder / f".{_TOLD}"
    with aside.open("wb") as file:
        file.write(drop.model_dump_json(indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / _TOLD)
    _sync(folder)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _full_disk_is_unavailable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"the program cannot be kept in {folder} ({error.strerror}): is the disk full?"
        ) from error
