"""What the agent keeps: fetched files and prepared programs, so that nothing is made twice.

    files/ab/abcd…          a fetched file under its sha256
    programs/<key>/         program.gcode and program.json
    refused/                the last programs that were refused, each beside its picture (.svg)
    locks/                  whoever makes the program of a key holds its lock
    aside/                  everything while it is being made; nobody looks there

An entry appears by one rename, after fsync: after a crash it is whole or absent. Several
processes share one folder; locks are the kernel's (flock), so a killed process holds none.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from commons.cutters import CutterShape
from commons.errors import Unavailable
from commons.machine import Process
from fab_agent.gcode.program import Estimate, GcodeProgram

_PROGRAM, _SIDECAR = "program.gcode", "program.json"
_LOCKS = 64
_REFUSED = 5  # programs that are kept for people to look at
_FULL = {errno.ENOSPC, errno.EDQUOT}


class _Sidecar(BaseModel):
    """All of a program that is not in its bytes, and what it was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: dict[str, str]
    sha256: str
    line_count: int
    process: Process
    estimate: Estimate
    low: tuple[float, float, float] | None = None
    high: tuple[float, float, float] | None = None
    cutters_mm: tuple[float, ...] = ()
    cutter_shapes: tuple[CutterShape, ...] = ()
    pose: str = ""
    offcuts_mm: tuple[tuple[float, float], ...] = ()


def program_key(parts: Mapping[str, str]) -> str:
    """The name under which the program made from `parts` is kept: a hash of all of them."""
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


def is_kept(root: Path, sha256: str) -> bool:
    """Whether a file with this name lies in the cache in `root`; nobody has read what is in it."""
    return (root / "files" / sha256[:2] / sha256).is_file()


class Cache:
    """A folder of files and programs by hash, at most `max_bytes` large.

    Invariants: what this object has handed out stays on the disk until it is closed (so open
    one for each attempt); what it hands out has the hash that it is named after; when there is
    no more room, what was used longest ago goes first, and what somebody holds stays.
    """

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self._root, self._max_bytes = root, max_bytes
        self._held: list[int] = []
        with _full_disk_is_unavailable(root):
            for name in ("files", "programs", "refused", "locks", "aside"):
                (root / name).mkdir(parents=True, exist_ok=True)
        self._sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """What was handed out may be evicted from now on."""
        while self._held:
            os.close(self._held.pop())

    def file(self, sha256: str) -> Path | None:
        """The file with this hash, or None; a damaged one is removed and counts as absent."""
        path = self._file_path(sha256)
        if not self._hold(path):
            return None
        if _hash_of(path) != sha256:
            path.unlink(missing_ok=True)
            return None
        return path

    def put_file(self, sha256: str, chunks: Iterable[bytes]) -> Path:
        """The file is kept under its hash; what arrived differently leaves no trace.

        Raises:
            Unavailable: the bytes are not those of `sha256`, or the disk is full.
        """
        path = self._file_path(sha256)
        with self.workspace() as aside:
            digest, part = hashlib.sha256(), aside / "file"
            with part.open("wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if digest.hexdigest() != sha256:
                raise Unavailable(f"file {sha256[:12]} arrived damaged: fetch it again")
            path.parent.mkdir(exist_ok=True)
            part.replace(path)
            _sync_folder(path.parent)
            self._hold(path)
        self._evict()
        return path

    def program(self, parts: Mapping[str, str]) -> GcodeProgram | None:
        """The program that was made from `parts`, or None; a damaged one counts as absent."""
        folder = self._root / "programs" / program_key(parts)
        path = folder / _PROGRAM
        if not self._hold(path):
            return None
        try:
            kept = _Sidecar.model_validate_json((folder / _SIDECAR).read_bytes())
        except (OSError, ValidationError):
            kept = None
        if kept is None or kept.sha256 != _hash_of(path):
            self._remove(folder)
            return None
        return GcodeProgram(
            path=path,
            sha256=kept.sha256,
            line_count=kept.line_count,
            process=kept.process,
            estimate=kept.estimate,
            low=kept.low,
            high=kept.high,
            cutters_mm=kept.cutters_mm,
            cutter_shapes=kept.cutter_shapes,
            pose=kept.pose,
            offcuts_mm=kept.offcuts_mm,
        )

    def keep_program(self, parts: Mapping[str, str], program: GcodeProgram) -> GcodeProgram:
        """The program now lives in the cache; the first one under a key is the one that stays.

        `program.path` lies in a `workspace()` of this cache and moves away from there.
        """
        sidecar = _Sidecar(
            key=dict(parts),
            sha256=program.sha256,
            line_count=program.line_count,
            process=program.process,
            estimate=program.estimate,
            low=program.low,
            high=program.high,
            cutters_mm=program.cutters_mm,
            cutter_shapes=program.cutter_shapes,
            pose=program.pose,
            offcuts_mm=program.offcuts_mm,
        )
        with self.workspace() as aside:
            entry = aside / "entry"
            entry.mkdir()
            program.path.rename(entry / _PROGRAM)
            (entry / _SIDECAR).write_text(sidecar.model_dump_json(indent=1), encoding="utf-8")
            for name in (_PROGRAM, _SIDECAR):
                with (entry / name).open("rb") as file:
                    os.fsync(file.fileno())
            _sync_folder(entry)
            try:
                entry.rename(self._root / "programs" / program_key(parts))
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            _sync_folder(self._root / "programs")
        kept = self.program(parts)
        if kept is None:
            raise Unavailable(f"{self._root} lost a program just written: check its disk")
        self._evict()
        return kept

    def keep_refused(self, program: Path) -> Path:
        """Where a refused program is kept; a picture of it may lie beside it (`.svg`).

        The last few are kept. `program` lies in a `workspace()` of this cache and moves away.
        """
        folder = self._root / "refused"
        kept = folder / f"{_hash_of(program)[:12]}.gcode"
        program.replace(kept)
        os.utime(kept)
        for old in sorted(folder.glob("*.gcode"), key=_changed_at, reverse=True)[_REFUSED:]:
            old.unlink(missing_ok=True)
            old.with_suffix(".svg").unlink(missing_ok=True)
        return kept

    @contextmanager
    def making(self, parts: Mapping[str, str]) -> Iterator[None]:
        """Only one process at a time makes the program of `parts`; the others wait here."""
        number = int(program_key(parts)[:8], 16) % _LOCKS
        with (self._root / "locks" / f"{number:02}").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder on the cache's disk that is gone afterwards, also after a crash.

        Raises:
            Unavailable: the disk ran full in it.
        """
        with (
            _full_disk_is_unavailable(self._root),
            (self._root / "locks" / "aside").open("wb") as lock,
        ):
            fcntl.flock(lock, fcntl.LOCK_SH)
            with tempfile.TemporaryDirectory(
                dir=self._root / "aside", ignore_cleanup_errors=True
            ) as folder:
                yield Path(folder)

    def _file_path(self, sha256: str) -> Path:
        return self._root / "files" / sha256[:2] / sha256

    def _hold(self, path: Path) -> bool:
        """Whether `path` is there, marked as used now, and safe from eviction until close."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self._held.append(fd)
        fcntl.flock(fd, fcntl.LOCK_SH)
        os.utime(fd)
        try:  # an evictor may have taken it between open and lock
            return path.stat().st_ino == os.fstat(fd).st_ino
        except FileNotFoundError:
            return False

    def _evict(self) -> None:
        """Remove what was used longest ago until the rest fits; what is held stays."""
        entries = sorted(self._entries(), key=lambda entry: entry[0])
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self._max_bytes:
                return
            if self._remove_if_free(path):
                total -= size

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """When each entry was last used, its bytes, and the file that is locked while in use."""
        files = (self._root / "files").glob("*/*")
        programs = (self._root / "programs").glob(f"*/{_PROGRAM}")
        for path in (*files, *programs):
            try:
                facts = path.stat()
            except FileNotFoundError:  # another process evicts, too
                continue
            yield facts.st_mtime, facts.st_size, path

    def _remove_if_free(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._remove(path.parent if path.name == _PROGRAM else path)
        except (BlockingIOError, FileNotFoundError):
            return False
        return True

    def _remove(self, path: Path) -> None:
        """Take an entry out by one rename, then delete it where nobody looks."""
        with self.workspace() as aside, suppress(FileNotFoundError):  # another was faster
            path.rename(aside / "gone")

    def _sweep(self) -> None:
        """Delete what killed processes left aside, unless somebody is working there now."""
        with (self._root / "locks" / "aside").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            for left in (self._root / "aside").iterdir():
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _full_disk_is_unavailable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Unavailable(
            f"the disk of {root} is full: free some space there, then try again"
        ) from error


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # another process tidies, too
        return 0


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
