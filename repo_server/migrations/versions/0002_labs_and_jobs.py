"""Labs, machines, orders, jobs and the ledger."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Enum, Float, ForeignKey, Integer, UniqueConstraint
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0002"
down_revision = "0001"

LABROLE = Enum("MEMBER", "OPERATOR", "MANAGER", name="labrole")
RING = Enum("LAB", "CITY", "REGION", "COALITION", "BEYOND", "UNKNOWN", name="ring")
PROCESS = Enum("FDM", "CNC", name="process")
JOBSTATE = Enum(
    "QUEUED",
    "LEASED",
    "STAGED",
    "ARMED",
    "RUNNING",
    "UNCONFIRMED",
    "FINISHED",
    "FAILED",
    "REFUSED",
    "DONE",
    "REJECTED",
    "CANCELLING",
    "CANCELLED",
    name="jobstate",
)
ACTION = Enum("CITE", "CONSUME", "USE", "WORK", "PRODUCE", name="action")
UNIT = Enum("EACH", "GRAM", "KILOWATT_HOUR", "HOUR", name="unit")
STATE = Enum(
    "MEASURED",
    "DECLARED",
    "MODELLED",
    "DEFAULT",
    "CHECKED_EMPTY",
    "NOT_MEASURED",
    "OUT_OF_SCOPE",
    name="state",
)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_sha256", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", JSON, nullable=False),
        Column("at", UTCDateTime, nullable=False),
    )


def _lab() -> None:
    op.create_table(
        "lab",
        Column("id", Text, primary_key=True),
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("city_id", Text, ForeignKey("city.id"), nullable=False),
        Column("latitude", Float),
        Column("longitude", Float),
    )
    op.create_index("ix_lab_city_id", "lab", ["city_id"])
    op.create_index("ix_lab_slug", "lab", ["slug"], unique=True)


def _agent() -> None:
    op.create_table(
        "agent",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("public_key", Text, nullable=False),
        Column("enrolled_at", UTCDateTime, nullable=False),
        Column("revoked_at", UTCDateTime),
        UniqueConstraint("public_key"),
    )
    op.create_index("ix_agent_lab_id", "agent", ["lab_id"])


def _enrolment_code() -> None:
    op.create_table(
        "enrolment_code",
        Column("code_sha256", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("made_by", Text, ForeignKey("person.id"), nullable=False),
        Column("ends_at", UTCDateTime, nullable=False),
        Column("used_at", UTCDateTime),
    )
    op.create_index("ix_enrolment_code_lab_id", "enrolment_code", ["lab_id"])


def _lab_role() -> None:
    op.create_table(
        "lab_role",
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), primary_key=True),
        Column("role", LABROLE, nullable=False),
    )


def _material_lot() -> None:
    op.create_table(
        "material_lot",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("material", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("ring", RING, nullable=False),
        Column("evidence", Text),
        Column("mass_left_g", Float),
        Column("thickness_mm", Float),
    )
    op.create_index("ix_material_lot_lab_id", "material_lot", ["lab_id"])


def _agent_event() -> None:
    op.create_table(
        "agent_event",
        Column("agent_id", Text, ForeignKey("agent.id"), primary_key=True),
        Column("boot", Text, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("attempt_id", Text, nullable=False),
        Column("message", JSON, nullable=False),
        Column("refused", Text, nullable=False),
        Column("received_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_agent_event_attempt_id", "agent_event", ["attempt_id"])


def _build_order() -> None:
    op.create_table(
        "build_order",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("release_id", Text, ForeignKey("release.id"), nullable=False),
        Column("part", Text, nullable=False),
        Column("copies", Integer, nullable=False),
        Column("material", Text, nullable=False),
        Column("options", JSON, nullable=False),
        Column("answers", JSON, nullable=False),
        Column("ordered_by", Text, ForeignKey("person.id"), nullable=False),
        Column("ordered_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_build_order_lab_id", "build_order", ["lab_id"])
    op.create_index("ix_build_order_ordered_by", "build_order", ["ordered_by"])
    op.create_index("ix_build_order_release_id", "build_order", ["release_id"])


def _machine() -> None:
    op.create_table(
        "machine",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("agent_id", Text, ForeignKey("agent.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("profile", JSON, nullable=False),
        Column("lot_id", Text, ForeignKey("material_lot.id")),
        Column("epoch", Integer, nullable=False),
        Column("cleared", Boolean, nullable=False),
        Column("attempt_id", Text),
        Column("seen", JSON),
        Column("seen_at", UTCDateTime),
    )
    op.create_index("ix_machine_agent_id", "machine", ["agent_id"])
    op.create_index("ix_machine_lab_id", "machine", ["lab_id"])


def _nonce() -> None:
    op.create_table(
        "nonce",
        Column("agent_id", Text, ForeignKey("agent.id"), primary_key=True),
        Column("nonce", Text, primary_key=True),
        Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_nonce_at", "nonce", ["at"])


def _job() -> None:
    op.create_table(
        "job",
        Column("id", Text, primary_key=True),
        Column("order_id", Text, ForeignKey("build_order.id"), nullable=False),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("copy_number", Integer, nullable=False),
        Column("process", PROCESS, nullable=False),
        Column("state", JOBSTATE, nullable=False),
        Column("machine_id", Text, ForeignKey("machine.id")),
        Column("attempt_id", Text),
        Column("fence", Integer, nullable=False),
        Column("fence_acknowledged", Boolean, nullable=False),
        Column("silent_after", UTCDateTime),
        Column("sentence", Text, nullable=False),
        Column("queued_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_job_queue", "job", ["lab_id", "state", "queued_at"])
    op.create_index("ix_job_order_id", "job", ["order_id"])
    op.create_index("ix_job_silent_after", "job", ["silent_after"])
    op.create_index("ix_job_state", "job", ["state"])


def _attempt() -> None:
    op.create_table(
        "attempt",
        Column("id", Text, primary_key=True),
        Column("job_id", Text, ForeignKey("job.id"), nullable=False),
        Column("machine_id", Text, ForeignKey("machine.id"), nullable=False),
        Column("fence", Integer, nullable=False),
        Column("lot_id", Text, ForeignKey("material_lot.id")),
        Column("leased_at", UTCDateTime, nullable=False),
        Column("armed_at", UTCDateTime),
        Column("started_at", UTCDateTime),
        Column("ended_at", UTCDateTime),
        Column("outcome", Text),
        Column("sentence", Text, nullable=False),
        Column("program", JSON),
        Column("run", JSON),
        Column("verdict_by", Text, ForeignKey("person.id")),
        Column("verdict_at", UTCDateTime),
        UniqueConstraint("machine_id", "fence"),
    )
    op.create_index("ix_attempt_job_id", "attempt", ["job_id"])
    op.create_index("ix_attempt_machine_id", "attempt", ["machine_id"])


def _bed_clear() -> None:
    op.create_table(
        "bed_clear",
        Column("id", Text, primary_key=True),
        Column("machine_id", Text, ForeignKey("machine.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("used_by", Text, ForeignKey("attempt.id")),
    )
    op.create_index("ix_bed_clear_machine_id", "bed_clear", ["machine_id"])


def _control() -> None:
    op.create_table(
        "control",
        Column("id", Text, primary_key=True),
        Column("attempt_id", Text, ForeignKey("attempt.id"), nullable=False),
        Column("wish", Text, nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("taken_at", UTCDateTime),
    )
    op.create_index("ix_control_attempt_id", "control", ["attempt_id"])
    op.create_index("ix_control_taken_at", "control", ["taken_at"])


def _economic_event() -> None:
    op.create_table(
        "economic_event",
        Column("id", Text, primary_key=True),
        Column("action", ACTION, nullable=False),
        Column("resource", Text, nullable=False),
        Column("quantity", Float, nullable=False),
        Column("low", Float, nullable=False),
        Column("high", Float, nullable=False),
        Column("unit", UNIT, nullable=False),
        Column("state", STATE, nullable=False),
        Column("ring", RING, nullable=False),
        Column("provider", Text, nullable=False),
        Column("receiver", Text, nullable=False),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("process_id", Text, ForeignKey("attempt.id")),
        Column("corrects", Text, ForeignKey("economic_event.id")),
        Column("simulated", Boolean, nullable=False),
        Column("happened_at", UTCDateTime, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_economic_event_action", "economic_event", ["action"])
    op.create_index("ix_economic_event_happened_at", "economic_event", ["happened_at"])
    op.create_index("ix_economic_event_lab_id", "economic_event", ["lab_id"])
    op.create_index("ix_economic_event_process_id", "economic_event", ["process_id"])
    op.create_index("ix_economic_event_provider", "economic_event", ["provider"])
    op.create_index("ix_economic_event_receiver", "economic_event", ["receiver"])
    op.create_index("ix_economic_event_resource", "economic_event", ["resource"])


def _permit() -> None:
    op.create_table(
        "permit",
        Column("attempt_id", Text, ForeignKey("attempt.id"), primary_key=True),
        Column("program_sha256", Text, nullable=False),
        Column("given_at", UTCDateTime, nullable=False),
    )


def upgrade() -> None:
    _idempotency()
    _lab()
    _agent()
    _enrolment_code()
    _lab_role()
    _material_lot()
    _agent_event()
    _build_order()
    _machine()
    _nonce()
    _job()
    _attempt()
    _bed_clear()
    _control()
    _economic_event()
    _permit()
