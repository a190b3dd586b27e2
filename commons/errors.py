"""Everything that can be refused, and by whom.

FabError
├─ InvalidInput            the request is wrong; nothing has happened
│  ├─ ManifestInvalid      a design's manifest, every wrong field at once
│  ├─ MeshInvalid          not a body that can be made
│  └─ ProgramRefused       a program that must not reach a machine; nothing has moved
├─ NotFound
├─ NotAllowed
│  └─ NotSignedIn          who is asking is not known
├─ Conflict                right in form, wrong at this moment
│  ├─ IllegalTransition
│  ├─ LeaseLost            an older fence speaks; it can change nothing
│  ├─ NotArmed             a start is not permitted (yet): the reason says what is missing
│  ├─ AlreadyPublished
│  ├─ Changed              somebody else was there since it was read
│  ├─ UploadBusy           somebody else is sending the same file at this moment
│  └─ UploadMoved          an upload is at another byte than its sender says
├─ TooMany                 too often in a short time; later it is taken
├─ Unavailable             another part (server, slicer, disk) cannot do its work now
└─ MachineError
   ├─ TransportLost        the port or host no longer answers
   ├─ ProtocolViolation    the machine answered what its firmware never says
   └─ MachineFault         the machine says that something is wrong; a person must look
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: where it is, what is wrong with it and what to do.

    `line` counts from 1 in the file that was sent; None when the field came in no file.
    """

    field: str
    problem: str
    line: int | None = None

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"{self.field}{where}: {self.problem}"


class FabError(Exception):
    """Anything this project refuses or fails at. The text says what, which one, what to do."""

    @property
    def sentence(self) -> str:
        """What it says; a `Filled` one of commons.texts where it was raised with one."""
        return self.args[0] if self.args else ""


class InvalidInput(FabError):
    """The request is wrong. `fields` lists every problem when several are wrong at once."""

    def __init__(self, message: str, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class ManifestInvalid(InvalidInput):
    """A manifest (okh.toml, okh.yml) with wrong or missing fields."""


class MeshInvalid(InvalidInput):
    """A file that is not a closed, oriented, non-empty body."""


class ProgramRefused(InvalidInput):
    """A program that must not reach a machine. Nothing has moved.

    `rule` is a stable code; `line` counts from 1, 0 when the program as a whole is meant. `value`
    is what the program asks for and `limit` what is allowed, in words, empty where there is none.
    `place` is where it would have happened (x, y, z in mm; NaN: not known), None without a place.
    `program` is the refused file where an agent has kept it, to be looked at and never to be run.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: str,
        line: int = 0,
        value: str = "",
        limit: str = "",
        place: tuple[float, float, float] | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.line = line
        self.value = value
        self.limit = limit
        self.place = place
        self.program: Path | None = None

    @property
    def known_place(self) -> tuple[float | None, float | None, float | None] | None:
        """The place with None for what is not known; None where no coordinate of it is."""
        if self.place is None:
            return None
        x, y, z = (value if isfinite(value) else None for value in self.place)
        return None if (x, y, z) == (None, None, None) else (x, y, z)


class NotFound(FabError):
    """There is no such thing, or none that the one who asks may see."""


class NotAllowed(FabError):
    """The one who asks lacks the right."""


class NotSignedIn(NotAllowed):
    """Nobody, or nobody known, asks."""


class Conflict(FabError):
    """Right in form, wrong at this moment."""


class IllegalTransition(Conflict):
    """A job in this state cannot take this event."""


class LeaseLost(Conflict):
    """The fence is older than the job's: whoever speaks no longer owns it."""


class NotArmed(Conflict):
    """The start is not permitted now. `reason` is a stable code."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AlreadyPublished(Conflict):
    """This version of the design exists with other contents."""


class Changed(Conflict):
    """Somebody else has changed it since the one who asks read it."""


class UploadBusy(Conflict):
    """The same person's program or page is sending the same file: one adds to it at a time."""

    reason = "upload_busy"


class UploadMoved(Conflict):
    """Bytes came for another place of an upload than where it goes on; the sender may ask where."""

    reason = "upload_moved"


class TooMany(FabError):
    """Too often in a short time; after `retry_s` seconds it may be asked again."""

    def __init__(self, message: str, *, retry_s: int) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Unavailable(FabError):
    """A part that is needed cannot do its work now; trying later may help."""


class MachineError(FabError):
    """Something went wrong at the machine or on the way to it."""


class TransportLost(MachineError):
    """The port or host no longer answers: what the machine did last is not known."""


class ProtocolViolation(MachineError):
    """The machine answered what its firmware never says."""


class MachineFault(MachineError):
    """The machine reports a fault; a person must look before anything starts again."""
