"""A repository made of memory behind real HTTP: one machine, its jobs, the rules of dispatch.

It keeps every rule of `commons.dispatch` and checks every signature; knobs say what goes wrong.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from pydantic import BaseModel

from commons.dispatch import (
    FENCE_STEP,
    JobCard,
    MachineCard,
    acknowledge_fence,
    arm,
    grant_lease,
    report,
)
from commons.errors import Conflict, FabError, InvalidInput, NotArmed, NotFound, Unavailable
from commons.job import JobEvent, JobState
from commons.machine import Process
from commons.problems import Problem
from commons.signing import (
    AGENT_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
)
from commons.wire import (
    AgentEvent,
    ArmRequest,
    ControlOrder,
    Enrolled,
    EnrolledMachine,
    Enrolment,
    EventKind,
    FenceOrder,
    JobOffer,
    LeaseRequest,
    MachineReport,
    Permit,
    SyncReply,
    SyncRequest,
    Wish,
)
from fab_agent.identity import Identity, keep_identity

MACHINE, CODE = "m1", "OPENSESAME"
ENROLLED = Enrolled(
    agent_id="agent1",
    lab_id="lab1",
    fingerprint="0000-1111",
    machines=(EnrolledMachine(machine_id=MACHINE, name="Ender"),),
)
JOB_EVENTS = {
    EventKind.STAGED: JobEvent.STAGE,
    EventKind.DECLINED: JobEvent.DECLINE,
    EventKind.REFUSED: JobEvent.REFUSE,
    EventKind.STARTED: JobEvent.STARTED,
    EventKind.FINISHED: JobEvent.FINISH,
    EventKind.FAILED: JobEvent.FAIL,
    EventKind.LOST: JobEvent.LOST,
    EventKind.UNUSED: JobEvent.UNUSED,
}
# Longest that a question is kept open here, s.
LONG_POLL_S = 5.0
STATUS = {NotFound: 404, Conflict: 409, InvalidInput: 422, Unavailable: 503}


@dataclass(slots=True)
class FakeRepository:
    """One job after another for one machine. `changed` guards all of it and wakes whoever waits.

    Knobs: `down` drops every connection; `clears_itself` keeps the bed clear; `on_staged` and
    `on_arm` are called before the answer to STAGED and to ARM; `blob_cuts` are sizes after which
    transfers break off.
    """

    file: bytes = b"solid"
    jobs_left: int = 1
    clears_itself: bool = False
    down: bool = False
    on_staged: Callable[[], None] = lambda: None
    on_arm: Callable[[], None] = lambda: None
    blob_cuts: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    job: JobCard = field(default_factory=JobCard)
    machine: MachineCard = field(default_factory=lambda: MachineCard(MACHINE))
    states: list[JobState] = field(default_factory=list)
    events: list[AgentEvent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    report: MachineReport | None = None
    control: ControlOrder | None = None
    nonces: set[str] = field(default_factory=set)
    public_key: str = ""
    failures: list[Exception] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]

    def wait_for(self, happened: Callable[[], bool], within_s: float = 20.0) -> None:
        """Return as soon as it has happened; AssertionError with what is known otherwise."""
        with self.changed:
            ok = self.changed.wait_for(happened, within_s)
        assert ok, (self.job, self.machine, self.kinds(), self.report, self.refused)

    def wait_for_state(self, state: JobState, within_s: float = 20.0) -> None:
        self.wait_for(lambda: self.job.state is state, within_s)

    def clear(self) -> None:
        with self.changed:
            self.machine = replace(self.machine, cleared=True)
            self.changed.notify_all()

    def ask(self, wish: Wish) -> None:
        with self.changed:
            self.control = ControlOrder(attempt_id=self.job.attempt_id or "none", wish=wish)
            self.changed.notify_all()

    def set_down(self, down: bool) -> None:
        with self.changed:
            self.down = down
            self.changed.notify_all()

    def fall_silent(self) -> None:
        """The server's clock has run out for the job."""
        with self.changed:
            self.job = replace(self.job, state=JobState.UNCONFIRMED)
            self.changed.notify_all()

    def lease(self, request: LeaseRequest) -> JobOffer | None:
        if self.machine.attempt_id is None:
            if self.job.state is not JobState.QUEUED or not self.jobs_left:
                return None
            attempt_id = f"a{self.machine.epoch // FENCE_STEP + 1}"
            self._set(*grant_lease(self.job, self.machine, attempt_id))
        if self.job.state not in (JobState.LEASED, JobState.STAGED):
            return None
        return JobOffer(
            job_id="j1",
            attempt_id=str(self.job.attempt_id),
            machine_id=request.machine_id,
            fence=self.job.fence,
            lease_ends_at=datetime.now(UTC) + timedelta(minutes=15),
            title="Hook",
            part="hook",
            process=Process.FDM,
            file_name="hook.stl",
            file_sha256=sha256(self.file).hexdigest(),
            file_size=len(self.file),
            material="pla",
        )

    def arm(self, request: ArmRequest) -> Permit:
        self.machine = replace(self.machine, cleared=self.machine.cleared or self.clears_itself)
        ids = {"attempt_id": request.attempt_id, "fence": request.fence}
        self._set(*arm(self.job, self.machine, **ids))
        self.on_arm()
        return Permit(
            machine_id=MACHINE, program_sha256=request.program_sha256, valid_s=60.0, **ids
        )

    def sync(self, request: SyncRequest) -> SyncReply:
        for event in request.events:
            if event.seq == len(self.events) + 1:
                self.events.append(event)
                self._apply(event)
        for report_ in request.machines:
            self.report = report_
        self.changed.notify_all()
        self.changed.wait_for(self._has_news, min(request.wait_s, LONG_POLL_S))
        return self._reply()

    def _apply(self, event: AgentEvent) -> None:
        try:
            if event.kind is EventKind.FENCED:
                cards = acknowledge_fence(
                    self.job, self.machine, fence=event.fence, intent=bool(event.intent)
                )
            else:
                ids = {"attempt_id": event.attempt_id, "fence": event.fence}
                cards = report(self.job, self.machine, JOB_EVENTS[event.kind], **ids)
        except FabError as refusal:
            self.refused.append(f"{event.kind}: {refusal}")
            return
        self._set(*cards)
        if event.kind is EventKind.STAGED:
            self.on_staged()
        if event.kind is EventKind.FINISHED:
            self.jobs_left -= 1

    def _set(self, job: JobCard, machine: MachineCard) -> None:
        if job.state is not self.job.state:
            self.states.append(job.state)
        self.job, self.machine = job, machine
        self.changed.notify_all()

    def _reply(self) -> SyncReply:
        doubtful = self.job.state in (JobState.UNCONFIRMED, JobState.CANCELLING)
        fences = []
        if doubtful and not self.job.fence_acknowledged and self.job.attempt_id:
            ids = {"attempt_id": self.job.attempt_id, "fence": self.job.fence}
            fences = [FenceOrder(machine_id=MACHINE, **ids)]
        cleared = self.machine.cleared or self.clears_itself
        lease = self.job.state is JobState.QUEUED and self.jobs_left > 0
        work = lease or (self.job.state is JobState.STAGED and cleared)
        return SyncReply(
            acked=len(self.events),
            fences=tuple(fences),
            controls=(self.control,) if self.control else (),
            work=(MACHINE,) if work else (),
        )

    def _has_news(self) -> bool:
        reply = self._reply()
        return self.down or bool(reply.fences or reply.controls or reply.work)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repository: FakeRepository

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        if self.repository.down:
            self.close_connection = True
            return
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        if len(body) < size:  # whoever asked was killed in the middle of it
            self.close_connection = True
            return
        if not self.path.startswith("/api/v1/"):
            self._send(404, None)
            return
        try:
            answer = self._answered(body)
        except FabError as refusal:
            self._refuse(refusal)
            return
        except Exception as bug:
            self.repository.failures.append(bug)
            raise
        if self.repository.down:  # the answer is lost on its way
            self.close_connection = True
            return
        self._send(204 if answer is None else 200, answer)

    def do_GET(self) -> None:
        repository = self.repository
        self._verify(b"")
        wanted = self.headers.get("Range")
        repository.ranges.append(wanted)
        offset = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        rest = repository.file[offset:]
        cut = repository.blob_cuts.pop(0) if repository.blob_cuts else len(rest)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[:cut])
        self.close_connection = cut < len(rest)

    def _answered(self, body: bytes) -> BaseModel | None:
        repository, path = self.repository, self.path.removeprefix("/api/v1")
        if path == "/enrolments":
            asked = Enrolment.model_validate_json(body)
            if asked.code != CODE:
                raise NotFound("this code is wrong or over")
            repository.public_key = asked.public_key
            return ENROLLED
        self._verify(body)
        with repository.changed:
            if path == "/agent/leases":
                return repository.lease(LeaseRequest.model_validate_json(body))
            if path == "/agent/permits":
                return repository.arm(ArmRequest.model_validate_json(body))
            return repository.sync(SyncRequest.model_validate_json(body))

    def _verify(self, body: bytes) -> None:
        """The signature is by the enrolled key, over exactly this request, and new."""
        headers, repository = self.headers, self.repository
        nonce = headers[NONCE_HEADER]
        signed = SignedRequest(
            headers[AGENT_HEADER], self.command, self.path, body, int(headers[TIME_HEADER]), nonce
        )
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(repository.public_key))
        key.verify(bytes.fromhex(headers[SIGNATURE_HEADER]), signed.text())
        with repository.changed:
            if nonce in repository.nonces:
                repository.failures.append(ValueError(f"nonce {nonce} came twice"))
            repository.nonces.add(nonce)

    def _refuse(self, refusal: FabError) -> None:
        status = next(code for kind, code in STATUS.items() if isinstance(refusal, kind))
        reason = refusal.reason if isinstance(refusal, NotArmed) else None
        detail = str(refusal)
        self._send(status, Problem(title="no", status=status, detail=detail, reason=reason))

    def _send(self, status: int, answer: BaseModel | None) -> None:
        body = b"" if answer is None else answer.model_dump_json().encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is nothing to speak of; bugs are in `failures`."""


@contextmanager
def served(repository: FakeRepository) -> Iterator[str]:
    """The repository's address. At the end nothing it met may have been a bug or a replay."""
    handler = type("Handler", (_Handler,), {"repository": repository})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        repository.set_down(True)
        server.shutdown()
        thread.join()
        server.server_close()
    assert not repository.failures, repository.failures


def enrolled(repository: FakeRepository, folder: Path, url: str) -> Identity:
    """An agent in `folder` that the repository knows."""
    key = Ed25519PrivateKey.generate()
    repository.public_key = key.public_key().public_bytes_raw().hex()
    return keep_identity(folder, ENROLLED, key, url=url)
