"""Orders, the jobs they become, and every try at each of them."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from commons.job import JobState
from commons.machine import Process
from repo_server.tables.labs import FENCE


class BuildOrderRow(SQLModel, table=True):
    """Who wants how many of which part, where. `answers` is why machines can or cannot.

    It is of a part of a release, or of a program that somebody brought (`program_id`), never of
    both: then `part` is the program's name, and `material` "" where nobody told it.
    `purpose` is what for; `licence` is what the design's licence said to that when it was placed,
    None of orders that were never asked. `variant` are the values that its part's source was given,
    None without one; `rendering_id` is the body that is made where OpenSCAD drew it.

    `guest_id` is the request of somebody without an account, for whom it was placed. `at_panel_by`
    is as whom they had signed in at a machine's panel, if they ordered it there while this server
    was away. `machines` are the ids of those that may make it, None for any; `alone`: it shares no
    plate with others. It is begun once the order `after_id` is done, or once the person `waived_by`
    said that it need not be.
    """

    __tablename__ = "build_order"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    release_id: str | None = Field(default=None, foreign_key="release.id", index=True)
    program_id: str | None = Field(default=None, foreign_key="own_program.id", index=True)
    part: str
    copies: int
    material: str
    options: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    answers: list[dict[str, object]] = Field(sa_column=Column(JSON, nullable=False))
    ordered_by: str = Field(foreign_key="person.id", index=True)
    ordered_at: datetime
    # When it is to be made: see repo_server.turns. A reason makes it urgent.
    deadline: datetime | None = None
    not_before: datetime | None = None
    urgent_because: str | None = None
    machines: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    attended_only: bool = False
    alone: bool = False
    after_id: str | None = Field(default=None, foreign_key="build_order.id", index=True)
    waived_by: str | None = None
    set_id: str | None = Field(default=None, foreign_key="order_set.id", index=True)
    guest_id: str | None = Field(default=None, foreign_key="guest_request.id", index=True)
    purpose: str = "own_use"
    licence: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    variant: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    rendering_id: str | None = Field(default=None, foreign_key="rendering.id")
    # The machine that it is to calibrate: no other one makes it, and it counts as no production.
    calibrates: str | None = Field(default=None, foreign_key="machine.id", index=True)
    at_panel_by: str | None = None

    @property
    def of(self) -> str:
        """The id of the release, or of the program that somebody brought, which it is of."""
        return self.release_id or self.program_id or ""


class OrderSetRow(SQLModel, table=True):
    """Orders that were placed together: the made parts of so many objects of a release.

    `bought` is what else these take, as the bill said when they were ordered.
    """

    __tablename__ = "order_set"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    release_id: str = Field(foreign_key="release.id")
    objects: int
    ordered_by: str = Field(foreign_key="person.id", index=True)
    ordered_at: datetime
    bought: list[dict[str, object]] = Field(sa_column=Column(JSON, nullable=False))


# What can be made of one material, in a lab, by one kind of machine.
_LINE = ("lab_id", "process", "state", "material")


class JobRow(SQLModel, table=True):
    """One plate to make: copies `copy_number` … of its order, `copies` of them, made at once.

    state … fence_acknowledged are its card of commons.dispatch.

    `place` is where it stands in its lab's line (repo_server.places); `beside_id` is the order that
    somebody put it beside. `pinned_to`: the only machine for it. `material`, `urgent`, `begin_by`,
    `claimant` and `set_up` are what its turn goes by (repo_server.claims): its order's, or those of
    the job that it was put beside. `alone`: it is made on a plate of its own.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_queue", "lab_id", "state", "queued_at"),
        Index("ix_job_place", "lab_id", "place"),
        Index("ix_job_turn", *_LINE, "urgent", "claimant", "begin_by", "place"),
        Index("ix_job_turn_by_place", *_LINE, "place"),
        Index(
            "ix_job_urgent",
            "lab_id",
            "place",
            sqlite_where=text("urgent"),
            postgresql_where=text("urgent"),
        ),
        Index(
            "ix_job_taken",
            "lab_id",
            "process",
            "queued_at",
            sqlite_where=text("attempt_id IS NOT NULL"),
            postgresql_where=text("attempt_id IS NOT NULL"),
        ),
        Index(
            "ix_job_over_quota",
            "lab_id",
            "over_quota_until",
            sqlite_where=text("over_quota IS NOT NULL"),
            postgresql_where=text("over_quota IS NOT NULL"),
        ),
    )
    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="build_order.id", index=True)
    lab_id: str = Field(foreign_key="lab.id")
    copy_number: int
    copies: int = 1
    process: Process
    state: JobState = Field(index=True)
    machine_id: str | None = Field(default=None, foreign_key="machine.id")
    attempt_id: str | None = None
    fence: int = Field(default=0, sa_column=Column(FENCE, nullable=False))
    fence_acknowledged: bool = False
    # Set while a machine may prepare it (lease) or is expected to be heard of (armed, running);
    # never of one that another leads, which is heard of with that one.
    silent_after: datetime | None = Field(default=None, index=True)
    # Why it stands where it stands, in a sentence for people.
    sentence: str = ""
    # What a proved program of its plate takes, g, once a lot had too little for that.
    proved_g: float | None = None
    # Who set it aside: it stays in the queue, and no machine gets it until somebody takes it up.
    parked_by: str | None = None
    # Why its person's quota is too small for it, and when the next term begins; see quotas.
    over_quota: str | None = None
    over_quota_until: datetime | None = None
    place: int = Field(sa_type=BigInteger)
    beside_id: str | None = Field(default=None, foreign_key="build_order.id")
    pinned_to: str | None = Field(default=None, foreign_key="machine.id")
    alone: bool = False
    # What has to be loaded, "" where nobody told it.
    material: str = ""
    urgent: bool = False
    # When it should have begun.
    begin_by: datetime
    # Whose share of the machines it waits by.
    claimant: str
    # How a mill makes it, as far as that is known: see claims.
    set_up: str = ""
    queued_at: datetime
    changed_at: datetime


class MachineUseRow(SQLModel, table=True):
    """How many machine minutes a member had in a lab, as they counted at `at`: see shares."""

    __tablename__ = "machine_use"
    lab_id: str = Field(foreign_key="lab.id", primary_key=True)
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    minutes: float
    at: datetime


class JobChangeRow(SQLModel, table=True):
    """What a person changed about a waiting job, and when. `kind` is one of repo_server.changes.

    `named` is the machine, part or number that it is about, as people read it. `past_bound`: it was
    put before such as had been overtaken as often as may be.
    """

    __tablename__ = "job_change"
    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="job.id", index=True)
    kind: str
    named: str = ""
    past_bound: bool = False
    person_id: str = Field(foreign_key="person.id")
    at: datetime


class AttemptRow(SQLModel, table=True):
    """One try at a job. `program` and `run` are the agent's facts as JSON; `outcome` its end.

    `refusal` is why its program was refused, where a rule of the proof refused it. `conversion`
    tells of which file the mesh was made that its machine is fed with, None for a designer's own.

    On a plate that several orders share each has an attempt: `led_by` is that of the job which
    leads it, and `share` what each has of the plate (0…1). One that is led has no fence of its own,
    but a number below zero, which no permit and no report can name.
    """

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("machine_id", "fence"),)
    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="job.id", index=True)
    machine_id: str = Field(foreign_key="machine.id", index=True)
    fence: int = Field(sa_column=Column(FENCE, nullable=False))
    lot_id: str | None = Field(default=None, foreign_key="material_lot.id")
    led_by: str | None = Field(default=None, foreign_key="attempt.id", index=True)
    share: float = 1.0
    leased_at: datetime
    armed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    sentence: str = ""
    program: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    run: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    refusal: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    conversion: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    verdict_by: str | None = Field(default=None, foreign_key="person.id")
    verdict_at: datetime | None = None
    # Who gave the verdict at the agent's panel, where they have no account.
    said_by: str | None = None
    # What all copies together weigh, where somebody has weighed them; a picture of them.
    weighed_g: float | None = None
    photo_sha256: str | None = None
    # How many of the job's copies are good; None until somebody has looked.
    good_copies: int | None = None


class ToolpathRow(SQLModel, table=True):
    """What an attempt's program looks like, as its agent drew it; files of the program store.

    `sketch_sha256` is our own drawing of the ways, `packed_*` the program under gzip; None where
    the agent did not send it. `program_sha256` is the hash of the program's own bytes.
    """

    __tablename__ = "toolpath"
    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    program_sha256: str
    sketch_sha256: str
    packed_sha256: str | None = None
    packed_size: int | None = None
    told_at: datetime


class PermitRow(SQLModel, table=True):
    """The right to start that was given to an attempt. One row an attempt, never removed."""

    __tablename__ = "permit"
    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    program_sha256: str
    given_at: datetime


class BedClearRow(SQLModel, table=True):
    """Who said that the bed is clear, and which attempt used it up.

    `person_id` said so here; or an operator called `said_by` at the agent's panel.
    """

    __tablename__ = "bed_clear"
    id: str = Field(primary_key=True)
    machine_id: str = Field(foreign_key="machine.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    said_by: str | None = None
    at: datetime
    used_by: str | None = Field(default=None, foreign_key="attempt.id")


class ControlRow(SQLModel, table=True):
    """A person's wish to hold, resume or cancel, until the agent has taken it."""

    __tablename__ = "control"
    id: str = Field(primary_key=True)
    attempt_id: str = Field(foreign_key="attempt.id", index=True)
    wish: str
    person_id: str = Field(foreign_key="person.id")
    at: datetime
    taken_at: datetime | None = Field(default=None, index=True)


class AgentEventRow(SQLModel, table=True):
    """Every report of every agent, once. A report that comes again finds its row here.

    `boot` names the journal that holds it; an agent may keep one for each of its machines.
    """

    __tablename__ = "agent_event"
    agent_id: str = Field(foreign_key="agent.id", primary_key=True)
    boot: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    kind: str
    attempt_id: str = Field(index=True)
    message: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    # Empty when the report was applied; otherwise why it could change nothing.
    refused: str = ""
    received_at: datetime


class SignedMessageRow(SQLModel, table=True):
    """A request of an agent that speaks of attempts, byte for byte as it was signed."""

    __tablename__ = "signed_message"
    id: str = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agent.id")
    method: str
    target: str
    at: int = Field(sa_type=BigInteger)
    nonce: str
    body: str
    signature: str
    received_at: datetime


class SignedMessageOfRow(SQLModel, table=True):
    """That a signed message speaks of an attempt."""

    __tablename__ = "signed_message_of"
    attempt_id: str = Field(foreign_key="attempt.id", primary_key=True)
    message_id: str = Field(foreign_key="signed_message.id", primary_key=True)
