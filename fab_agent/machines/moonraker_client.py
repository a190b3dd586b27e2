"""Moonraker's HTTP API, as far as a print needs it, typed.

Facts: moonraker.readthedocs.io, "External API"; read and run: Moonraker 0.11.0 (API 1.5.0).
Traps that shape this file: an upload with `print=true` may be queued and start by itself later;
Klipper answers a pause, a cancel and a script only when the command in hand has ended, and that
may be a nozzle that heats for minutes. So nothing here starts a file but `start`, and what a
person waits for is sent without waiting for its answer.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from commons.errors import FabError, NotAllowed, ProtocolViolation, TransportLost, Unavailable
from fab_agent.machines.transport import HostConnection

# An upload is answered when the file is stored and read for its metadata; a card is slow.
HTTP_TIMEOUT = httpx.Timeout(10.0, read=60.0, write=60.0)
# So long an order that may have to wait for Klipper's command in hand is waited for.
ORDER_TIMEOUT = httpx.Timeout(10.0, read=2.0)
# The number of the API is told since 1.0, as are the names of clients; another first number
# means that what we know of it no longer holds.
API_MAJOR = 1
BYTES_PER_MB = 10**6
HISTORY_PAGE = 100
FOLDER = "gcodes"


class Answer(BaseModel):
    """What Moonraker says; what we do not know is ignored, so that newer versions work."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Wanted = TypeVar("Wanted", bound=Answer)


class ServerInfo(Answer):
    """GET /server/info. Without `moonraker_version` it is no Moonraker that said it."""

    moonraker_version: str = ""
    api_version: tuple[int, ...] = ()
    klippy_state: str = ""
    missing_klippy_requirements: tuple[str, ...] = ()


class KlipperInfo(Answer):
    """GET /printer/info. `state` is ready, startup, shutdown or error."""

    state: str = ""
    state_message: str = ""
    software_version: str = ""


class Webhooks(Answer):
    """The state of Klipper itself."""

    state: str = ""
    state_message: str = ""


class PrintStats(Answer):
    """The file that Klipper prints or has printed last, and what has become of it.

    `state` is standby, printing, paused, complete, cancelled or error.
    """

    filename: str = ""
    state: str = ""
    message: str = ""


class VirtualCard(Answer):
    """How far a file is: `file_position` bytes of it are behind Klipper."""

    file_position: float = 0


class Heater(Answer):
    """One heater, °C."""

    temperature: float | None = None
    target: float | None = None


class IdleTimeout(Answer):
    """`state` is Printing whenever something moves or a command is in hand, else Ready or Idle."""

    state: str = ""


class Printer(Answer):
    """What Klipper says of itself at one moment. A heater that is not there is None."""

    webhooks: Webhooks = Webhooks()
    print_stats: PrintStats = PrintStats()
    virtual_sdcard: VirtualCard = VirtualCard()
    idle_timeout: IdleTimeout = IdleTimeout()
    extruder: Heater | None = None
    heater_bed: Heater | None = None

    @property
    def ready(self) -> bool:
        """Klipper works; otherwise it has shut down, or is starting."""
        return self.webhooks.state == "ready"

    @property
    def busy(self) -> bool:
        """A print is under way, moving or not."""
        return self.ready and self.print_stats.state in ("printing", "paused")

    def has_in_hand(self, name: str) -> bool:
        """This very file is being printed, moving or not."""
        return self.busy and self.print_stats.filename == name

    def updated(self, news: dict[str, Any]) -> "Printer":
        """The same after a message that tells only what has changed."""
        now = self.model_dump()
        for thing in now.keys() & news.keys():
            now[thing] = {**(now[thing] or {}), **news[thing]}
        return Printer.model_validate(now)


OBJECTS: dict[str, None] = dict.fromkeys(Printer.model_fields)


class Objects(Answer):
    """POST /printer/objects/query."""

    status: Printer


class Queue(Answer):
    """GET /server/job_queue/status: Moonraker's own queue."""

    queued_jobs: tuple[dict[str, Any], ...] = ()


class Record(Answer):
    """One print in Moonraker's history. `status` is in_progress while it prints."""

    filename: str = ""
    status: str = ""


class History(Answer):
    """GET /server/history/list, newest first."""

    jobs: tuple[Record, ...] = ()


class MoonrakerClient:
    """One print host.

    TransportLost: it cannot be reached. NotAllowed: the key. Unavailable: not now, or Klipper
    refuses. ProtocolViolation: any other refusal.
    """

    def __init__(self, connection: HostConnection) -> None:
        self.url = connection.url.rstrip("/")
        self.headers = {"X-Api-Key": connection.key} if connection.key else {}
        self._http = httpx.Client(base_url=self.url, headers=self.headers, timeout=HTTP_TIMEOUT)

    def server(self) -> ServerInfo:
        """Which Moonraker this is, and what it says of Klipper. Unavailable: no Moonraker that
        we can work with."""
        try:
            told = self._get(ServerInfo, "/server/info")
        except ProtocolViolation as e:
            raise Unavailable(f"{self.url} is not a Moonraker: check the url") from e
        check_version(told, self.url)
        return told

    def klipper(self) -> KlipperInfo:
        """What Klipper says of itself; Unavailable when it does not run."""
        return self._get(KlipperInfo, "/printer/info")

    def printer(self) -> Printer:
        """State, print and temperatures; Unavailable when Klipper does not run."""
        return self._post(Objects, "/printer/objects/query", {"objects": OBJECTS}).status

    def queue(self) -> Queue:
        """What Moonraker would start by itself."""
        return self._get(Queue, "/server/job_queue/status")

    def record(self, name: str) -> Record | None:
        """The newest print under this file name that Moonraker remembers."""
        for page in self._history():
            for record in page.jobs:
                if record.filename == name:
                    return record
        return None

    def upload(self, path: Path, name: str, sha256: str) -> None:
        """It holds the bytes of `path` as `name`, checked on arrival. Nothing starts."""
        with path.open("rb") as opened:
            try:
                answer = self._http.post(
                    "/server/files/upload",
                    data={"root": FOLDER, "checksum": sha256, "print": "false"},
                    files={"file": (name, opened)},
                )
            except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError) as e:
                raise self._not_stored(path, "it broke off") from e
            except httpx.TransportError as e:
                raise self._lost(e) from e
        if answer.status_code in (400, 413, 500, 507):
            raise self._not_stored(path, f"it answered {answer.status_code}")
        self._check(answer)

    def digest(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 (hex) of what it holds under this name, read back byte for byte."""
        size, sha256 = 0, hashlib.sha256()
        try:
            with self._http.stream("GET", f"/server/files/{FOLDER}/{name}") as answer:
                if not answer.is_success:
                    answer.read()
                self._check(answer)
                for block in answer.iter_bytes():
                    size += len(block)
                    sha256.update(block)
        except httpx.TransportError as e:
            raise self._lost(e) from e
        return size, sha256.hexdigest()

    def start(self, name: str) -> None:
        """Print this file. Klipper refuses when it is printing; a paused print it would drop."""
        self._post(Answer, "/printer/print/start", {"filename": name})

    def order(self, what: Literal["pause", "resume", "cancel"]) -> None:
        """The order is on its way: Klipper obeys when the command in hand has ended."""
        self._send(f"/printer/print/{what}")

    def cool_down(self) -> None:
        """Heaters off, after the command in hand."""
        self._send("/printer/gcode/script", {"script": "TURN_OFF_HEATERS"})

    def emergency_stop(self) -> None:
        """Everything off at once; Klipper then needs a person and a FIRMWARE_RESTART."""
        self._send("/printer/emergency_stop")

    def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        self._http.close()

    def _history(self) -> Iterator[History]:
        start = 0
        while True:
            params = {"order": "desc", "limit": HISTORY_PAGE, "start": start}
            page = self._get(History, "/server/history/list", params=params)
            yield page
            if len(page.jobs) < HISTORY_PAGE:
                return
            start += HISTORY_PAGE

    def _get(self, kind: type[Wanted], path: str, **content: Any) -> Wanted:
        return self._read(kind, self._ask("GET", path, **content))

    def _post(self, kind: type[Wanted], path: str, body: dict[str, Any]) -> Wanted:
        return self._read(kind, self._ask("POST", path, json=body))

    def _send(self, path: str, body: dict[str, Any] | None = None) -> None:
        try:
            answer = self._http.post(path, json=body or {}, timeout=ORDER_TIMEOUT)
        except httpx.ReadTimeout:
            return
        except httpx.TransportError as e:
            raise self._lost(e) from e
        self._check(answer)

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **content)
        except httpx.TransportError as e:
            raise self._lost(e) from e
        self._check(answer)
        return answer

    def _read(self, kind: type[Wanted], answer: httpx.Response) -> Wanted:
        try:
            result = answer.json()["result"]
            return kind() if kind is Answer else kind.model_validate(result)
        except (ValueError, KeyError, TypeError, ValidationError) as e:
            raise ProtocolViolation(
                f"Moonraker's answer to {answer.url} is no {kind.__name__}"
            ) from e

    def _check(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise self._refusal(answer)

    def _refusal(self, answer: httpx.Response) -> FabError:
        said, path = _message(answer), answer.url.path
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return NotAllowed(
                f"Moonraker at {self.url} refuses the key for {path}: take the one that its "
                "page shows under API key"
            )
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return Unavailable(f"Klipper is not connected to Moonraker at {self.url}: start it")
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
            return Unavailable(f"Moonraker at {self.url} cannot do {path} now: {said}")
        return ProtocolViolation(
            f"Moonraker at {self.url} answered {answer.status_code} to {path}: {said}"
        )

    def _lost(self, e: Exception) -> TransportLost:
        return TransportLost(
            f"Moonraker at {self.url} does not answer ({e}): is it running, and is this its "
            "address?"
        )

    def _not_stored(self, path: Path, how: str) -> Unavailable:
        return Unavailable(
            f"Moonraker at {self.url} did not store a program of "
            f"{path.stat().st_size / BYTES_PER_MB:.1f} MB ({how}): look for a full disk there, "
            "or raise max_upload_size in its moonraker.conf"
        )


def check_version(told: ServerInfo, url: str) -> None:
    """Return when this is a Moonraker that we can work with; Unavailable says what it is."""
    if not told.moonraker_version:
        raise Unavailable(f"{url} is not a Moonraker: check the url")
    if not told.api_version:
        raise Unavailable(
            f"Moonraker {told.moonraker_version} at {url} is too old: update it to one that "
            f"tells its API version, {API_MAJOR}.0 or newer"
        )
    if told.api_version[0] != API_MAJOR:
        raise Unavailable(
            f"Moonraker {told.moonraker_version} at {url} speaks API "
            f"{'.'.join(map(str, told.api_version))}, and this agent knows {API_MAJOR}: "
            "update the agent"
        )


def _message(answer: httpx.Response) -> str:
    """What Moonraker says of a refusal, in one line."""
    try:
        said = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.text
    return " ".join(str(said).split())[:200]
