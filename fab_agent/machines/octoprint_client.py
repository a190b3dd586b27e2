"""OctoPrint's HTTP API, as far as a print needs it, typed.

Facts: docs.octoprint.org, REST API and "Push updates"; seen on OctoPrint 1.11.8 and 2.0.0rc7.
Traps that shape this file: a wrong key is 403, never 401; an upload with `print=true` to a busy
printer is answered 201 and prints nothing; a start without a selection is answered 204 and
prints nothing or an older file. So nothing here starts a file but `start`, which names it.
"""

import re
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from commons.errors import NotAllowed, ProtocolViolation, TransportLost, Unavailable
from fab_agent.machines.transport import HostConnection

# An upload is answered when OctoPrint has stored the file; a Raspberry Pi's card is slow.
HTTP_TIMEOUT = httpx.Timeout(10.0, read=60.0, write=60.0)
# Passive login and a file's print history are in its API since then; tested from 1.11 on.
OLDEST = (1, 4)
BYTES_PER_MB = 10**6


class Answer(BaseModel):
    """What OctoPrint says; what we do not know is ignored, so that newer versions work."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Wanted = TypeVar("Wanted", bound=Answer)


class Version(Answer):
    """GET /api/version, which other print hosts answer too."""

    server: str = ""
    text: str = ""


class Flags(Answer):
    """What the printer does. Steadier than the texts of the same state."""

    operational: bool = False
    printing: bool = False
    pausing: bool = False
    paused: bool = False
    resuming: bool = False
    cancelling: bool = False
    finishing: bool = False
    error: bool = False

    @property
    def busy(self) -> bool:
        """A print is under way, moving or not."""
        stopping = self.cancelling or self.finishing
        return self.printing or self.pausing or self.paused or self.resuming or stopping


class Heat(Answer):
    """One heater, °C; None where OctoPrint does not know."""

    actual: float | None = None
    target: float | None = None


class Heats(Answer):
    """The heaters at one moment."""

    tool0: Heat | None = None
    bed: Heat | None = None


class State(Answer):
    """Text for people, flags for us."""

    text: str = ""
    flags: Flags = Flags()


class Printer(Answer):
    """GET /api/printer."""

    state: State = State()
    temperature: Heats = Heats()


class Position(Answer):
    """How far a print is: bytes of the file that were sent."""

    filepos: int | None = None


class File(Answer):
    """A selected file. Its path is its name, since we use no folders."""

    path: str | None = None


class Selection(Answer):
    """What is selected to be printed."""

    file: File = File()


class Job(Answer):
    """GET /api/job."""

    job: Selection = Selection()
    progress: Position = Position()
    state: str = ""


class LastPrint(Answer):
    """How the latest print of a file ended."""

    success: bool


class Prints(Answer):
    """How often a file was printed."""

    success: int = 0
    failure: int = 0
    last: LastPrint | None = None


class StoredFile(Answer):
    """GET /api/files/local/<name>; `hash` is the SHA-1 of its bytes."""

    size: int = -1
    hash: str = ""
    prints: Prints | None = None


class Event(Answer):
    """Something that has happened, from the push channel."""

    class Payload(Answer):
        """Which file, and why."""

        path: str | None = None
        reason: str | None = None

    type: str
    payload: Payload | None = None


class Current(Answer):
    """The state now, from the push channel."""

    state: State = State()
    job: Selection = Selection()
    progress: Position = Position()
    temps: tuple[Heats, ...] = ()
    logs: tuple[str, ...] = ()


class Push(Answer):
    """One message of the push channel; both empty for kinds we do not use."""

    event: Event | None = None
    current: Current | None = None


def check_version(told: Version, url: str) -> None:
    """Return when this is an OctoPrint that we can work with; Unavailable says what it is."""
    if "Moonraker" in told.text:
        raise Unavailable(f'{url} is a Moonraker, not an OctoPrint: set driver = "moonraker"')
    if not told.text.startswith("OctoPrint"):
        raise Unavailable(f"{url} is '{told.text or 'nameless'}', not an OctoPrint: check the url")
    number = re.match(r"(\d+)\.(\d+)", told.server)
    if number is None or (int(number[1]), int(number[2])) < OLDEST:
        raise Unavailable(
            f"{told.text} at {url} is too old: update it to {OLDEST[0]}.{OLDEST[1]} or newer"
        )


class OctoPrintClient:
    """One print host.

    TransportLost: it cannot be reached. NotAllowed: the key. Unavailable: it says 409, not now.
    ProtocolViolation: any other refusal.
    """

    def __init__(self, connection: HostConnection) -> None:
        self.url = connection.url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, headers={"X-Api-Key": connection.key}, timeout=HTTP_TIMEOUT
        )

    def version(self) -> str:
        """Name and version, such as "OctoPrint 1.11.8".

        Unavailable: it is too old, or no OctoPrint at all.
        """
        told = _read(Version, self._ask("GET", "/api/version"))
        check_version(told, self.url)
        return told.text

    def printer(self) -> Printer:
        """State and temperatures; Unavailable when no printer is connected."""
        return _read(Printer, self._ask("GET", "/api/printer", params={"exclude": "sd"}))

    def job(self) -> Job:
        """What is selected or printing."""
        return _read(Job, self._ask("GET", "/api/job"))

    def file(self, name: str) -> StoredFile | None:
        """What it holds under this name."""
        answer = self._ask("GET", f"/api/files/local/{name}", missing_is_fine=True)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _read(StoredFile, answer)

    def upload(self, path: Path, name: str) -> None:
        """It holds the bytes of `path` as `name`. Nothing is selected, nothing starts.

        What is too large OctoPrint itself refuses with a 400 without a word, a proxy with 413.
        """
        with path.open("rb") as opened:
            answer = self._request("POST", "/api/files/local", files={"file": (name, opened)})
        wordless = answer.status_code == httpx.codes.BAD_REQUEST and not answer.content
        if wordless or answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise Unavailable(
                f"OctoPrint at {self.url} does not take a program of "
                f"{path.stat().st_size / BYTES_PER_MB:.0f} MB: raise its server.uploads.maxSize"
            )
        self._check("POST", "/api/files/local", answer)

    def start(self, name: str) -> None:
        """Select this file and print it, in one request, so that no other file can start."""
        self._post(f"/api/files/local/{name}", {"command": "select", "print": True})

    def pause(self, action: Literal["pause", "resume"]) -> None:
        """Hold or go on."""
        self._post("/api/job", {"command": "pause", "action": action})

    def cancel(self) -> None:
        """Stop the print. OctoPrint's own script then switches the heaters off."""
        self._post("/api/job", {"command": "cancel"})

    def cool_down(self) -> None:
        """Heaters off."""
        self._post("/api/printer/tool", {"command": "target", "targets": {"tool0": 0}})
        self._post("/api/printer/bed", {"command": "target", "target": 0})

    def ask_firmware(self) -> None:
        """M115 is on its way to the printer; the answer is in the push channel's log."""
        self._post("/api/printer/command", {"command": "M115"})

    def session(self) -> str:
        """What the push channel wants to hear first."""
        answer = self._ask("POST", "/api/login", json={"passive": True}).json()
        return f"{answer.get('name')}:{answer.get('session')}"

    def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        self._http.close()

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self._ask("POST", path, json=body)

    def _ask(
        self, method: str, path: str, *, missing_is_fine: bool = False, **content: Any
    ) -> httpx.Response:
        answer = self._request(method, path, **content)
        if not (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            self._check(method, path, answer)
        return answer

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **content)
        except httpx.TransportError as e:
            raise TransportLost(
                f"OctoPrint at {self.url} does not answer ({e}): is it running, and is this its "
                "address?"
            ) from e

    def _check(self, method: str, path: str, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise self._refusal(method, path, answer)

    def _refusal(self, method: str, path: str, answer: httpx.Response) -> Exception:
        if answer.status_code == httpx.codes.FORBIDDEN:
            return NotAllowed(
                f"OctoPrint at {self.url} refuses the key for {path}: give the agent an "
                "application key of a user who may print"
            )
        if answer.status_code == httpx.codes.CONFLICT:
            return Unavailable(
                f"OctoPrint at {self.url} cannot do this now: its printer is not connected or "
                "is printing; look at its page"
            )
        return ProtocolViolation(
            f"OctoPrint at {self.url} answered {answer.status_code} to {method} {path}: "
            f"{answer.text[:200]}"
        )


def _read(kind: type[Wanted], answer: httpx.Response) -> Wanted:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as e:
        raise ProtocolViolation(f"OctoPrint's answer to {answer.url} is no {kind.__name__}") from e
