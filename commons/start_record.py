"""The record of one start: who, what program, which machine, whose word that the bed was clear.

It carries what the agent said as the agent signed it, byte for byte, so that whoever holds the
record can tell the agent's words from the server's, long after and without either of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commons.quantities import Value
from commons.signing import SignedRequest

PERMITS, SYNC = "/api/v1/agent/permits", "/api/v1/agent/sync"

# Whether a signature of a text is by a key: (public key, signature, text), the first two in hex.
Verifier = Callable[[str, str, bytes], bool]


class SignedMessage(Value):
    """One request of an agent as it was sent: `at` is UTC in whole seconds since 1970."""

    agent_id: str
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    method: str
    target: str
    at: int
    nonce: str
    body: str
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    def text(self) -> bytes:
        """The bytes that its signature is of."""
        return SignedRequest(
            self.agent_id, self.method, self.target, self.body.encode(), self.at, self.nonce
        ).text()


class Clearing(Value):
    """Whose word that the bed was clear the start used up, and where it was given."""

    id: str
    by: str
    at: datetime
    given: Literal["at the machine's panel", "at the server"]


class Beside(Value):
    """A job of another order that lay on the plate which was started."""

    job_id: str
    attempt_id: str
    what: str
    release_id: str | None
    ordered_by: str


class StartRecord(Value):
    """What the server knows of one start, and the agent's own messages about it.

    `begun_by` is who gave it at the machine while no server was heard, None of one that the server
    permitted; then `permitted_at` is when that was, as the agent told it. On a plate that several
    orders share it is about the job which led it; `also` are the others.
    """

    version: Literal[1] = 1
    lab: str
    job_id: str
    attempt_id: str
    machine_id: str
    machine: str
    fence: int
    what: str
    release_id: str | None
    ordered_by: str
    also: tuple[Beside, ...] = ()
    begun_by: str | None = None
    program_sha256: str
    permitted_at: datetime
    started_at: datetime | None
    clearing: Clearing | None
    messages: tuple[SignedMessage, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `proved`: by the agent's signature; else by the server only.

    `wrong`: the record contradicts itself there, or a signature is not the key's.
    """

    sentence: str
    proved: bool = False
    wrong: bool = False


class _Read(BaseModel):
    """A part of a message, of whatever version of the wire."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Word(_Read):
    id: str
    by: str


class _Asked(_Read):
    attempt_id: str
    fence: int
    program_sha256: str
    clear: _Word | None = None


class _Local(_Read):
    by: str
    clear: _Word


class _Program(_Read):
    sha256: str


class _Event(_Read):
    kind: str
    machine_id: str
    attempt_id: str
    fence: int
    local: _Local | None = None
    program: _Program | None = None


class _Sync(_Read):
    events: tuple[_Event, ...] = ()


Part = TypeVar("Part", bound=_Read)


def check(record: StartRecord, verify: Verifier, *, key: str | None = None) -> list[Finding]:
    """What of the record its agent's signatures prove, what is the server's word, what is wrong.

    `key` is the public key that all messages must be signed with, where it is known from
    elsewhere: a record that brings its own key proves only that one key said all of it.
    """
    findings = [*_signatures(record, verify, key)]
    asked = [it for it in _bodies(record, PERMITS, _Asked) if _of_attempt(it, record)]
    told = [event for sync in _bodies(record, SYNC, _Sync) for event in sync.events]
    events = [it for it in told if _of_attempt(it, record)]
    begun = [it.local for it in events if it.local is not None]
    if record.begun_by is None:
        findings.append(_permitted(record, asked))
    else:
        findings.append(_begun(record, record.begun_by, events))
    findings.append(_start(record, events))
    words = [it.clear for it in asked if it.clear is not None]
    findings.append(_bed(record, [*words, *(it.clear for it in begun)]))
    return findings


def _signatures(record: StartRecord, verify: Verifier, key: str | None) -> Iterable[Finding]:
    if not record.messages:
        yield Finding("the agent's own messages are missing", wrong=True)
    for number, it in enumerate(record.messages, 1):
        if not verify(it.public_key, it.signature, it.text()):
            yield Finding(f"message {number} was changed: its signature does not fit", wrong=True)
        elif key is not None and it.public_key != key:
            yield Finding(f"message {number} is signed with another key", wrong=True)


def _permitted(record: StartRecord, asked: list[_Asked]) -> Finding:
    if any(it.program_sha256 == record.program_sha256 for it in asked):
        return Finding(
            f"the agent asked to start program {record.program_sha256[:12]} as attempt "
            f"{record.attempt_id}",
            proved=True,
        )
    return Finding("no message asks for a permit for this program", wrong=True)


def _begun(record: StartRecord, by: str, events: list[_Event]) -> Finding:
    for it in events:
        same = it.machine_id == record.machine_id and it.local is not None and it.local.by == by
        if same and it.program is not None and it.program.sha256 == record.program_sha256:
            return Finding(
                f"the agent said that {by} gave the start of program {record.program_sha256[:12]} "
                f"at the machine, without a server, as attempt {record.attempt_id}",
                proved=True,
            )
    return Finding(f"no message says that {by} started this program at the machine", wrong=True)


def _start(record: StartRecord, events: list[_Event]) -> Finding:
    started = [it for it in events if it.kind == "started"]
    if any(it.machine_id == record.machine_id for it in started):
        return Finding(f"the agent said that machine {record.machine} started it", proved=True)
    if started or record.started_at is not None:
        return Finding(f"no message says that machine {record.machine} started it", wrong=True)
    return Finding("the agent has not said that it was started")


def _bed(record: StartRecord, brought: list[_Word]) -> Finding:
    clearing = record.clearing
    if clearing is None:
        return Finding("nobody's word about the bed was used")
    said = f"{clearing.by} said that the bed was clear, {clearing.given}"
    if clearing.given == "at the server":
        return Finding(said)
    if any((it.id, it.by) == (clearing.id, clearing.by) for it in brought):
        return Finding(said, proved=True)
    return Finding(f"{said}, but no message of the agent brings that word", wrong=True)


def _bodies(record: StartRecord, target: str, part: type[Part]) -> list[Part]:
    """What the messages to one address say; what cannot be read as that says nothing."""
    read = []
    for it in record.messages:
        if (it.method, it.target) == ("POST", target):
            try:
                read.append(part.model_validate_json(it.body))
            except ValidationError:
                continue
    return read


def _of_attempt(said: _Asked | _Event, record: StartRecord) -> bool:
    return (said.attempt_id, said.fence) == (record.attempt_id, record.fence)
