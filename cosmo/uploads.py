"""A large file on its way to the server: in parts, and on from wherever it was cut."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from commons.errors import Unavailable, UploadBusy, UploadMoved
from cosmo.answers import require_success

# Below this a file is sent in one go: that is quicker than asking how much of it is there.
LARGE = 8 * 1024 * 1024
# At most this is sent in vain when the link breaks, and proxies that limit a request let it pass.
PART = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
# How long to wait after each failure in a row, in seconds; after the last one it is told.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)
_TYPE = "application/offset+octet-stream"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to send: where it lies, its path in the design, its size and hash."""

    place: Path
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sending:
    """How much of a large file was sent, and what it waits for at this moment, if anything."""

    path: str
    size: int
    sent: int = 0
    waits: str = ""


Told = Callable[[Sending], None]


def send_large(
    http: httpx.Client, file: LocalFile, told: Told, *, pauses_s: Sequence[float] = PAUSES_S
) -> None:
    """The server holds the whole file, however often the link broke meanwhile.

    Nothing is remembered here: the server tells where to go on, by the file's hash. Raises what
    the server refuses, and Unavailable when all the pauses in a row were of no use.
    """
    furthest, pauses = 0, iter(pauses_s)

    def reached(sent: int) -> None:
        nonlocal furthest, pauses
        if sent > furthest:
            furthest, pauses = sent, iter(pauses_s)
        told(Sending(file.path, file.size, sent))

    while True:
        try:
            return _send_rest(http, file, reached)
        except httpx.TransportError as error:
            problem = f"the link broke ({error or type(error).__name__})"
        except (UploadBusy, UploadMoved, Unavailable) as error:
            problem = str(error)
        if (pause_s := next(pauses, None)) is None:
            raise Unavailable(
                f"'{file.path}' has not arrived: {problem}; what came is kept on the server, and "
                "the same command goes on from there"
            )
        told(Sending(file.path, file.size, furthest, problem))
        time.sleep(pause_s)


def _send_rest(http: httpx.Client, file: LocalFile, reached: Callable[[int], None]) -> None:
    """What the server has not got is sent, once."""
    name = b64encode(file.sha256.encode()).decode()
    headers = {"Upload-Length": str(file.size), "Upload-Metadata": f"sha256 {name}"}
    begun = require_success(http.post("/api/v1/uploads", headers=headers))
    address, offset = begun.headers["Location"], int(begun.headers["Upload-Offset"])
    reached(offset)
    while offset < file.size:
        length = min(PART, file.size - offset)
        headers = {
            "Upload-Offset": str(offset),
            "Content-Type": _TYPE,
            "Content-Length": str(length),
        }
        chunks = _chunks(file.place, offset, length, reached)
        added = require_success(http.patch(address, headers=headers, content=chunks))
        offset = int(added.headers["Upload-Offset"])
        reached(offset)


def _chunks(
    place: Path, offset: int, length: int, reached: Callable[[int], None]
) -> Iterator[bytes]:
    end = offset + length
    with place.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(min(_CHUNK, end - offset)):
            yield chunk
            offset += len(chunk)
            reached(offset)
