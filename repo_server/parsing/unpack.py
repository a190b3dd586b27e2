"""Archives in the child process: each file that may be taken, written aside under a number.

`python -m repo_server.parsing.unpack FILE FOLDER` leaves files named 0, 1, … in the folder, and
answer.json with their paths in the order of their numbers, or with the problem. No name of the
archive ever names a file here.
"""

import json
import sys
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from commons.errors import InvalidInput
from repo_server.parsing.child import limit

MOST_ENTRIES = 5000
MOST_BYTES = 512 * 1024**2
# Real archives of designs shrink to a third or so; 100 times is made to harm.
MOST_RATIO = 100
RATIO_COUNTS_FROM = 10 * 1024**2
MOST_LEVELS = 16
MOST_NAME = 255
_LINK, _TYPE = 0o120000, 0o170000
# Of these alone the library unpacks no more at once than is asked for; of others a few kilobytes
# may become gigabytes before anybody has counted them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20
# What systems and version control leave in folders; it belongs to no release.
_LEFT_BEHIND = ("__MACOSX", "Thumbs.db", "__pycache__")


def main(path: str, folder: str) -> None:
    """The answer is written; whatever the archive holds, it is files or a problem."""
    limit(file_bytes=MOST_BYTES)
    out = Path(folder)
    try:
        answer: dict[str, object] = {"paths": unpack(Path(path), out)}
    except InvalidInput as refused:
        answer = {"problem": str(refused)}
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, KeyError,
            NotImplementedError, RuntimeError):  # fmt: skip
        answer = {"problem": "this archive is damaged, or no zip and no tar.gz"}
    (out / "answer.json").write_text(json.dumps(answer))


def unpack(path: Path, out: Path) -> list[str]:
    """The paths of the archive's files below its one root folder; the nth is in `out / str(n)`.

    InvalidInput for what an honest archive never holds; names the entry.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2)
    entries = files_of_zip(path) if head == b"PK" else _of_tar(path)
    paths: list[str] = []
    total = 0
    for name, stream in entries:
        total = _copy(stream, out / str(len(paths)), total, size)
        paths.append(name)
    if not paths:
        raise InvalidInput("this archive holds no file")
    return _below_root(paths)


def files_of_zip(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Each file that may be taken, by name; InvalidInput as `unpack` raises it."""
    with zipfile.ZipFile(path) as archive:
        for name, info in entries_of(archive):
            if _belongs(name):
                with archive.open(info) as stream:
                    yield name, stream


def entries_of(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Each file of a zip by name, if all that its directory says may be taken; nothing is
    unpacked. InvalidInput as `unpack` raises it."""
    infos = archive.infolist()
    _require(len(infos) <= MOST_ENTRIES, f"holds {len(infos)} entries; {MOST_ENTRIES} are taken")
    told = sum(info.file_size for info in infos)
    _require(told <= MOST_BYTES, f"holds {told >> 20} MB; {MOST_BYTES >> 20} are taken")
    seen: set[str] = set()
    for info in infos:
        name = _plain(info.filename)
        _require(not info.flag_bits & 1, f"is encrypted: {name[:80]!r}")
        ordinary = info.compress_type in _METHODS
        _require(ordinary, f"packs {name[:80]!r} by a method that is not read here; use Deflate")
        mode = info.external_attr >> 16 & _TYPE
        _require(mode != _LINK, f"holds a link, {name[:80]!r}: put the file itself there")
        if not info.is_dir():
            _require_once(name, seen)
            yield name, info


def _of_tar(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path, "r|*") as archive:
        seen: set[str] = set()
        for number, info in enumerate(archive, 1):
            _require(number <= MOST_ENTRIES, f"holds more than {MOST_ENTRIES} entries")
            name = _plain(info.name)
            plain = info.isfile() or info.isdir()
            _require(plain, f"holds a link or device, {name[:80]!r}: put the file itself there")
            if info.isfile():
                _require_once(name, seen)
                if _belongs(name) and (stream := archive.extractfile(info)):
                    yield name, stream


def _plain(name: str) -> str:
    """The entry's name, if it is one of a file below the archive's own folder."""
    parts = name.removesuffix("/").split("/")
    while parts and parts[0] == ".":
        parts = parts[1:]
    leads_out = name.startswith("/") or "\\" in name or ":" in name or ".." in parts
    _require(not leads_out, f"names a place outside of itself: {name[:80]!r}")
    _require(name.isprintable(), f"has an entry whose name holds control characters: {name[:80]!r}")
    fits = len(name) <= MOST_NAME and len(parts) <= MOST_LEVELS and "" not in parts
    _require(fits, f"has an entry whose name is too long or nests too deep: {name[:80]!r}")
    return "/".join(parts)


def _require_once(name: str, seen: set[str]) -> None:
    _require(name.casefold() not in seen, f"holds {name[:80]!r} twice")
    seen.add(name.casefold())


def _belongs(name: str) -> bool:
    return not any(part.startswith(".") or part in _LEFT_BEHIND for part in name.split("/"))


def _copy(stream: IO[bytes], to: Path, total: int, packed: int) -> int:
    """The entry is in the file `to`; the bytes unpacked so far. Headers lie, so bytes count."""
    with to.open("xb") as file:
        while chunk := stream.read(_CHUNK):
            total += len(chunk)
            _require(total <= MOST_BYTES, f"unpacks to more than {MOST_BYTES >> 20} MB")
            grown = total > RATIO_COUNTS_FROM and total > MOST_RATIO * packed
            _require(not grown, f"unpacks to more than {MOST_RATIO} times its size: it is a bomb")
            file.write(chunk)
    return total


def _below_root(paths: list[str]) -> list[str]:
    """The paths below the one folder that all of them are in, as archives of git have it."""
    root = paths[0].partition("/")[0] + "/"
    same = all(path.startswith(root) for path in paths)
    return [path.removeprefix(root) for path in paths] if same else paths


def _require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise InvalidInput(f"this archive {otherwise}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
