"""The messages between an agent and the server. Docs: `docs/api.md`.

Requests refuse unknown fields (a typo is an error); answers ignore them (old agents live on).
Times are UTC and aware; durations are seconds; hashes are 64 hex digits.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from commons.bed import BedWord
from commons.cutters import CutterShape, cutter_names
from commons.errors import ProgramRefused
from commons.local_starts import LocalStart
from commons.machine import MachineProfile, Process
from commons.quantities import Nozzle
from commons.sharing import PlateMate
from commons.variants import Values

API_VERSION = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Sentence = Annotated[str, Field(max_length=2000)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Axis = Literal["x", "y"]
Lines = Literal["x", "y", "both"]
SCALLOP_MM = 0.03  # hardly felt, and sanded off in no time
Scallop = Annotated[float, Field(ge=0.005, le=0.5, allow_inf_nan=False)]
CutterDiameter = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Size = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Coordinate = Annotated[float, Field(allow_inf_nan=False)] | None
Place = tuple[_Coordinate, _Coordinate, _Coordinate]  # mm; None where it is not known


class Asked(BaseModel):
    """A request: what it does not know it refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """An answer: what it does not know it ignores."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Enrolment(Asked):
    """An agent introduces itself with a one-use code and the public half of its own key.

    `public_key` is the raw Ed25519 key, 64 hex digits.
    """

    code: Annotated[str, Field(min_length=8, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    public_key: Sha256
    machines: Annotated[tuple[MachineProfile, ...], Field(min_length=1, max_length=64)]


class EnrolledMachine(Told):
    machine_id: Id
    name: str


class Enrolled(Told):
    """The agent is known; `fingerprint` is what a person compares on both screens."""

    agent_id: Id
    lab_id: Id
    fingerprint: str
    machines: tuple[EnrolledMachine, ...]


class MachineState(StrEnum):
    """What the agent sees of a machine. Clear or not is the server's to know."""

    OFFLINE = "offline"
    IDLE = "idle"
    PREPARING = "preparing"
    WAITING = "waiting"  # prepared; a person has to confirm the clear bed
    RUNNING = "running"
    HELD = "held"
    MANUAL = "manual"  # a trained person works at it
    FAULT = "fault"  # a person has to look


# A word that the bed is clear does not outlive the others: something moved, or is wrong.
_STAYS_CLEAR = (MachineState.IDLE, MachineState.PREPARING, MachineState.WAITING)
CLEARS_NO_LONGER = frozenset(MachineState).difference(_STAYS_CLEAR)


class Phase(StrEnum):
    """The step of an attempt that its progress is about."""

    FETCH = "fetch"
    PREPARE = "prepare"
    STREAM = "stream"


class ProgressReport(Asked):
    """How far an attempt is. In FETCH units are bytes, in STREAM lines, in PREPARE 0 or 1."""

    attempt_id: Id
    phase: Phase
    done: Count
    total: Count
    sent: Count = 0
    remaining_s: Seconds | None = None


class MachineReport(Asked):
    """One machine as the agent sees it now. Not durable: the next one replaces it.

    `touched_s` is how long ago somebody last worked at it by hand; None when nobody did. `clear`
    is a word about the bed that the agent holds for the next start.
    """

    machine_id: Id
    state: MachineState
    sentence: Sentence = ""
    hotend_c: float | None = None
    bed_c: float | None = None
    progress: ProgressReport | None = None
    touched_s: Seconds | None = None
    clear: BedWord | None = None


class EventKind(StrEnum):
    """What an agent durably reports. All but the last two are events of the job table."""

    STAGED = "staged"
    DECLINED = "declined"
    REFUSED = "refused"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"
    UNUSED = "unused"
    FENCED = "fenced"
    ORDERED = "ordered"  # at the machine, without a server: STARTED follows at once


class ProgramFacts(Asked):
    """The proved program: what will be sent, and what it will use by our own reading of it.

    `cutters_mm`: diameters of a router's cutters, in order; it stops for a change between each two.
    `cutter_shapes`: their ends, one for each; without them all are flat. `offcuts_mm`: the largest
    rectangles (along X, along Y) that stay whole of a sheet, the largest first.
    """

    sha256: Sha256
    line_count: Count
    duration_s: Seconds
    material_g: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    claimed_duration_s: Seconds | None = None
    claimed_material_g: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    cutters_mm: tuple[CutterDiameter, ...] | None = None
    cutter_shapes: tuple[CutterShape, ...] | None = None
    offcuts_mm: Annotated[tuple[tuple[_Size, _Size], ...], Field(max_length=10)] | None = None
    prepared_with: Annotated[str, Field(max_length=200)]
    profile_sha256: Sha256

    @model_validator(mode="after")
    def _each_cutter_has_its_shape(self) -> Self:
        if self.cutter_shapes and len(self.cutter_shapes) != len(self.cutters_mm or ()):
            raise ValueError("cutter_shapes: give one for each of cutters_mm, or none")
        return self

    @property
    def cutter_names(self) -> tuple[str, ...]:
        """Its cutters in order, as people call them; none where they are not told."""
        return cutter_names(self.cutters_mm or (), self.cutter_shapes or ())

    @property
    def holding(self) -> str:
        """Which cutter the machine must hold at the start and which follow; empty: not told."""
        if not self.cutters_mm:
            return ""
        first, *others = self.cutter_names
        later = f"; it stops for {', then '.join(others)}" if others else ""
        return f" and holds the {first} cutter{later}"


class RunFacts(Asked):
    """What the agent saw of a run, finished or not. `energy_kwh` only from a meter."""

    lines_sent: Count
    lines_done: Count
    line_count: Count
    ran_s: Seconds
    energy_kwh: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Refusal(Asked):
    """Why the proof refused a program: the rule, what was asked for, what is allowed, and where.

    `line` counts from 1; 0: the program as a whole. `value` and `limit` are words, empty where
    there are none.
    """

    rule: Annotated[str, Field(max_length=60)]
    line: Count = 0
    value: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[str, Field(max_length=200)] = ""
    place: Place | None = None

    @classmethod
    def of(cls, refused: ProgramRefused) -> Self:
        """The refusal as it crosses the wire; what is too long is cut."""
        return cls(
            rule=refused.rule[:60],
            line=refused.line,
            value=refused.value[:200],
            limit=refused.limit[:200],
            place=refused.known_place,
        )


class AgentEvent(Asked):
    """One durable report, numbered without gaps from 1 within one boot of the agent's journal.

    `intent` belongs to FENCED: whether the journal holds an INTENT for this fence. `refusal`
    belongs to REFUSED, where a rule of the proof refused; `local` and `program` to ORDERED.
    """

    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    at: AwareDatetime
    kind: EventKind
    machine_id: Id
    attempt_id: Id
    fence: Annotated[int, Field(ge=1, le=2**53 - 1)]
    sentence: Sentence = ""
    program: ProgramFacts | None = None
    run: RunFacts | None = None
    intent: bool | None = None
    refusal: Refusal | None = None
    local: LocalStart | None = None


class SyncRequest(Asked):
    """Heartbeat, machines as they are, and the next events of the outbox, oldest first.

    `boot` names the journal, not the process: it lives as long as the journal's file. The server
    answers at once when it has something to say, else after `wait_s`.
    """

    api_version: int = API_VERSION
    boot: Id
    machines: tuple[MachineReport, ...] = ()
    events: Annotated[tuple[AgentEvent, ...], Field(max_length=500)] = ()
    wait_s: Annotated[float, Field(ge=0, le=50)] = 0


class FenceOrder(Told):
    """Promise to start nothing up to `fence` on this machine, and answer with FENCED."""

    machine_id: Id
    attempt_id: Id
    fence: int


class Wish(StrEnum):
    """What people ask of a running attempt."""

    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"


class ControlOrder(Told):
    attempt_id: Id
    wish: Wish


class SyncReply(Told):
    """`acked` is the highest event number that is safe with the server, without gaps.

    `work` names machines for which a lease or an ARM is worth asking for now; `sentence` says
    why events could not be taken, empty when all is well.
    """

    acked: int
    fences: tuple[FenceOrder, ...] = ()
    controls: tuple[ControlOrder, ...] = ()
    work: tuple[Id, ...] = ()
    sentence: str = ""


class LeaseRequest(Asked):
    """An agent that `shares_plates` prints whatever an offer names `also` with it."""

    machine_id: Id
    shares_plates: bool = False


class Orientation(StrEnum):
    """Which side of a printed part lies on the bed."""

    AS_DRAWN = "as_drawn"  # designers draw for a pose
    SUGGESTED = "suggested"  # the agent turns it by overhang, contact and height


class PrintOptions(Told):
    """What the person who orders may choose about a print. `scale` is a factor on all axes."""

    quality: str = "draft"
    supports: bool = False
    brim: bool = False
    infill_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    scale: Annotated[float, Field(ge=0.05, le=20, allow_inf_nan=False)] = 1.0
    orientation: Orientation = Orientation.AS_DRAWN
    nozzle_mm: Nozzle | None = None  # any


class MillOptions(Told):
    """What the person who orders may choose about a milled part.

    `nest` lays the parts of a drawing one by one where they waste least, else they keep together.
    `grain` is how the drawing wants the sheet's grain to run. `finish`: a last thin round along
    every contour. `way`: whether a mesh is cut as a plate or carved as a surface. A surface is
    finished in `lines` along x, y or both, so far apart that a ball leaves ridges of `scallop_mm`
    between them on level ground.
    """

    nest: bool = False
    grain: Axis | None = None
    conventional: bool = False
    finish: bool = False
    way: Literal["auto", "plate", "surface"] = "auto"
    lines: Lines = "x"
    scallop_mm: Scallop = SCALLOP_MM


class JobOffer(Told):
    """The right to prepare one job until `lease_ends_at`, under `fence`.

    The file is fetched by its hash. For milling, `thickness_mm`, `sheet_mm` (along X and Y) and
    `grain` are the loaded sheet's, as far as anybody has said. `copies` are made at once, on one
    plate or sheet. `variant` are the values that the file was drawn with, for people to read.
    `is_program`: the file is a program that somebody brought. It is sent as it is, without its
    comments; `material` is then "" where neither it nor the loaded lot tells. What is `also` on the
    plate is of other orders, and made with the same options.
    """

    job_id: Id
    attempt_id: Id
    machine_id: Id
    fence: int
    lease_ends_at: datetime
    title: str
    part: str
    process: Process
    file_name: str
    file_sha256: Sha256
    file_size: int
    material: str
    thickness_mm: float | None = None
    sheet_mm: tuple[float, float] | None = None
    grain: Axis | None = None
    copies: Annotated[int, Field(ge=1)] = 1
    variant: Values = {}
    options: PrintOptions = PrintOptions()
    milling: MillOptions = MillOptions()
    is_program: bool = False
    also: tuple[PlateMate, ...] = ()

    @property
    def on_plate(self) -> tuple[PlateMate, ...]:
        """Everything on its plate, its own part first."""
        own = PlateMate(**{name: getattr(self, name) for name in PlateMate.model_fields})
        return (own, *self.also)


class ArmRequest(Asked):
    """May this attempt start now? Names the exact program that would be sent.

    `touched_s` as in a MachineReport: a word about the bed that is older counts no longer.
    `clear` is a word that somebody gave beside the machine, if the agent holds one.
    """

    attempt_id: Id
    fence: Annotated[int, Field(ge=1)]
    program_sha256: Sha256
    touched_s: Seconds | None = None
    clear: BedWord | None = None


class Permit(Told):
    """The right to start once. Valid for `valid_s` on the agent's clock from its request."""

    attempt_id: Id
    machine_id: Id
    fence: int
    program_sha256: Sha256
    valid_s: float
