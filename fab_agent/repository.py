"""The server as an agent sees it: signed requests, typed answers, typed errors.

Every request of an enrolled agent may be sent again: leases and permits answer the same when
asked twice, events are numbered, files have hashes. So a request that met silence is repeated,
each time with a new nonce. Only an enrolment is not: its code works once.
"""

import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, ValidationError

from commons.errors import (
    Conflict,
    FabError,
    FieldProblem,
    InvalidInput,
    NotAllowed,
    NotArmed,
    NotFound,
    NotSignedIn,
    Unavailable,
)
from commons.local_builds import LocalBuilds
from commons.machine import MachineProfile
from commons.own_programs import BroughtProgram
from commons.problems import Problem
from commons.toolpath import Sketch, ToolpathReceipt
from commons.verdict import PanelVerdict, VerdictReceipt
from commons.wire import (
    ArmRequest,
    Enrolled,
    Enrolment,
    JobOffer,
    LeaseRequest,
    Permit,
    SyncReply,
    SyncRequest,
)
from fab_agent.cache import Cache
from fab_agent.identity import Identity

API = "/api/v1"
# Longest wait for a connection and for an answer (s); a long poll adds what it asked for.
CONNECT_S, ANSWER_S = 5.0, 15.0
TRIES = 3
# Waits between tries grow from the first to the second (s), each cut by a random share, so
# that the machines of a city do not come back all at once.
BACKOFF_S = (0.5, 15.0)
# Longest silence while a program is sent, s: a lab's line up may be slow.
UPLOAD_S = 60.0
CHUNK = 256 * 1024
_BYTES = "application/octet-stream"

Answer = TypeVar("Answer", bound=BaseModel)
# Told how many bytes have arrived, and how many there are.
FetchProgress = Callable[[int, int], None]


def backoff_s(failures: int, share: float) -> float:
    """How long to wait after so many failures in a row; `share` is random, 0 … 1."""
    first, longest = BACKOFF_S
    return min(longest, first * 2.0 ** min(failures, 16)) * (0.5 + share / 2)


@dataclass(slots=True)
class Repository:
    """The server's answers to one thread of an enrolled agent.

    `sleep` waits between tries; it may return early when the agent stops.
    """

    identity: Identity
    http: httpx.Client
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.time

    def lease(self, machine_id: str) -> JobOffer | None:
        """A job to prepare on the machine, the same one until it is done with; None if none."""
        asked = LeaseRequest(machine_id=machine_id, shares_plates=True)
        response = self._ask("POST", "/agent/leases", asked)
        return None if response.status_code == 204 else _read(JobOffer, response)

    def arm(self, request: ArmRequest) -> Permit:
        """The right to start once. One try: whoever asks knows how long the answer is good for.

        Raises:
            NotArmed: not now; `reason` says what is missing.
            Conflict: never; the job is no longer ours.
            Unavailable: no answer. The permit may have been given.
        """
        return _read(Permit, self._ask("POST", "/agent/permits", request, tries=1))

    def sync(self, request: SyncRequest) -> SyncReply:
        """What the server has to say, after it has taken what we report. One try."""
        response = self._ask("POST", "/agent/sync", request, tries=1, wait_s=request.wait_s)
        return _read(SyncReply, response)

    def tell_profile(self, machine_id: str, profile: MachineProfile) -> None:
        """The server knows what the machine can do now. One try.

        Raises:
            Conflict: not while the machine may be at work; later.
        """
        self._ask("PUT", f"/agent/machines/{machine_id}/profile", profile, tries=1)

    def show_toolpath(self, attempt_id: str, sketch: Sketch) -> ToolpathReceipt:
        """The server has the sketch of the attempt's program. One try.

        Raises:
            Conflict: not before it knows that the attempt was staged or refused.
        """
        path = f"/agent/attempts/{attempt_id}/toolpath"
        return _read(ToolpathReceipt, self._ask("PUT", path, sketch, tries=1))

    def tell_verdict(self, verdict: PanelVerdict) -> VerdictReceipt:
        """The server has heard what an operator said at the panel. One try.

        Raises:
            Conflict: not before it knows that the attempt has ended.
        """
        return _read(VerdictReceipt, self._ask("POST", "/agent/verdicts", verdict, tries=1))

    def local_builds(self) -> LocalBuilds:
        """What people may make here while the server is away. One try."""
        return _read(LocalBuilds, self._get("/agent/local-builds"))

    def board(self) -> bytes:
        """The board of the agent's lab as JSON. One try."""
        return self._get("/agent/board").content

    def show_program(self, attempt_id: str, packed: Path) -> None:
        """The server has the attempt's program, which lies under gzip in `packed`. One try."""
        target, body = f"{API}/agent/attempts/{attempt_id}/program", packed.read_bytes()
        headers = self._signature("PUT", target, body) | {"Content-Type": "application/gzip"}
        try:
            response = self.http.put(
                self.identity.url + target,
                content=body,
                headers=headers,
                timeout=httpx.Timeout(UPLOAD_S, connect=CONNECT_S),
            )
        except httpx.TransportError as error:
            raise _silent(self.identity.url, error) from error
        if response.is_error:
            raise_problem(response)

    def bring_program(self, program: Path, *, name: str, by: str, key: str) -> BroughtProgram:
        """The order of a program that somebody brought to the agent. One try.

        Raises:
            NotAllowed, NotFound: they may not, or nobody has that handle there.
            InvalidInput, Conflict: it is no program, or no machine could run it.
            Unavailable: no answer; under the same key it may be said again.
        """
        query = urlencode({"name": name, "by": by, "key": key}, quote_via=quote)
        target, body = f"{API}/agent/programs?{query}", program.read_bytes()
        headers = self._signature("POST", target, body) | {"Content-Type": _BYTES}
        try:
            response = self.http.post(
                self.identity.url + target,
                content=body,
                headers=headers,
                timeout=httpx.Timeout(UPLOAD_S, connect=CONNECT_S),
            )
        except httpx.TransportError as error:
            raise _silent(self.identity.url, error) from error
        if response.is_error:
            raise_problem(response)
        return _read(BroughtProgram, response)

    def fetch(self, sha256: str, size: int, *, cache: Cache, progress: FetchProgress) -> Path:
        """The file is in `cache`, verified; a broken transfer goes on where it stopped.

        Raises:
            NotFound, Unavailable: the server has no such file, or did not deliver it.
        """
        return self._fetch(f"{API}/blobs/{sha256}", sha256, size, cache, progress)

    def fetch_program(
        self, sha256: str, size: int, *, cache: Cache, progress: FetchProgress
    ) -> Path:
        """The program that somebody brought to the lab is in `cache`; as `fetch`."""
        return self._fetch(f"{API}/agent/programs/{sha256}", sha256, size, cache, progress)

    def _fetch(
        self, target: str, sha256: str, size: int, cache: Cache, progress: FetchProgress
    ) -> Path:
        if (kept := cache.file(sha256)) is not None:
            progress(size, size)
            return kept
        return cache.put_file(sha256, self._bytes_of(target, sha256, size, progress))

    def _bytes_of(
        self, target: str, sha256: str, size: int, progress: FetchProgress
    ) -> Iterator[bytes]:
        got = failures = 0
        while got < size:
            before = got
            try:
                for chunk in self._rest_of(target, got):
                    got += len(chunk)
                    if got > size:
                        raise Unavailable(f"file {sha256[:12]} is larger than its {size} bytes")
                    progress(got, size)
                    yield chunk
                problem = f"file {sha256[:12]} ended after {got} of {size} bytes"
            except httpx.TransportError as error:
                problem = str(_silent(self.identity.url, error))
            failures = 0 if got > before else failures + 1
            if failures >= TRIES:
                raise Unavailable(problem)
            if got < size:
                self.sleep(backoff_s(failures, random.random()))  # noqa: S311

    def _rest_of(self, target: str, offset: int) -> Iterator[bytes]:
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        headers |= self._signature("GET", target, b"")
        with self.http.stream("GET", self.identity.url + target, headers=headers) as response:
            if response.status_code not in (200, 206):
                response.read()
                raise_problem(response)
            skip = offset if response.status_code == 200 else 0
            for chunk in response.iter_bytes(CHUNK):
                if chunk[skip:]:
                    yield chunk[skip:]
                skip = max(0, skip - len(chunk))

    def _get(self, path: str) -> httpx.Response:
        """The answer to a question below the API. One try."""
        target = f"{API}{path}"
        headers = self._signature("GET", target, b"")
        try:
            response = self.http.get(self.identity.url + target, headers=headers)
        except httpx.TransportError as error:
            raise _silent(self.identity.url, error) from error
        if response.is_error:
            raise_problem(response)
        return response

    def _ask(
        self, method: str, path: str, message: BaseModel, *, tries: int = TRIES, wait_s: float = 0.0
    ) -> httpx.Response:
        body = message.model_dump_json(exclude_none=True).encode()
        target = API + path
        for failures in range(tries):
            headers = self._signature(method, target, body) | {"Content-Type": "application/json"}
            try:
                response = self.http.request(
                    method,
                    self.identity.url + target,
                    content=body,
                    headers=headers,
                    timeout=httpx.Timeout(ANSWER_S + wait_s, connect=CONNECT_S),
                )
                if response.is_error:
                    raise_problem(response)
                return response
            except (httpx.TransportError, Unavailable) as error:
                problem = error
            if failures + 1 < tries:
                self.sleep(backoff_s(failures, random.random()))  # noqa: S311
        if isinstance(problem, Unavailable):
            raise problem
        raise _silent(self.identity.url, problem) from problem

    def _signature(self, method: str, target: str, body: bytes) -> dict[str, str]:
        return self.identity.signed(method, target, body, at=int(self.clock()))


@cache
def _tls() -> ssl.SSLContext:
    """The certificates that this computer trusts, read once for all threads."""
    return httpx.create_ssl_context()


def new_client(answer_s: float = ANSWER_S) -> httpx.Client:
    """An HTTP client for one thread; TLS certificates are checked, redirects are not followed."""
    return httpx.Client(verify=_tls(), timeout=httpx.Timeout(answer_s, connect=CONNECT_S))


def introduce(http: httpx.Client, url: str, enrolment: Enrolment) -> Enrolled:
    """The server at `url` knows the agent. One try: the code works once."""
    try:
        response = http.post(f"{url}{API}/enrolments", json=enrolment.model_dump(mode="json"))
    except httpx.TransportError as error:
        raise _silent(url, error) from error
    if response.is_error:
        raise_problem(response)
    return _read(Enrolled, response)


_ERRORS: dict[int, type[FabError]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
}


def raise_problem(response: httpx.Response) -> NoReturn:
    """Raise what the server's problem details mean; whatever is no sentence is Unavailable."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError as error:
        raise Unavailable(
            f"{response.request.url.host} answered {response.status_code} without saying why: "
            "is this the address of a repository?"
        ) from error
    status, text = response.status_code, problem.detail
    if status == 409 and problem.reason:
        raise NotArmed(text, reason=problem.reason)
    if status == 422:
        fields = [
            FieldProblem(str(f.get("field", "")), str(f.get("problem", ""))) for f in problem.fields
        ]
        raise InvalidInput(text, fields)
    raise _ERRORS.get(status, Unavailable)(text)


def _read(kind: type[Answer], response: httpx.Response) -> Answer:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise Unavailable(
            f"{response.request.url.host} answered what this agent does not understand "
            f"({kind.__name__}): is one of the two much older than the other?"
        ) from error


def _silent(url: str, error: httpx.TransportError) -> Unavailable:
    return Unavailable(
        f"{url} does not answer ({type(error).__name__}): is the server running and this "
        "computer online? Machines go on, reports are kept"
    )
