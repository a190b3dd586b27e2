"""For which machines a lab asks for training, who gives it, and who has had it."""

from datetime import datetime

from sqlmodel import Field, SQLModel, UniqueConstraint


class TrainingClassRow(SQLModel, table=True):
    """A class of machines: all of a process, or one machine. `days`: how long a training counts
    where nobody says otherwise; None: for ever."""

    __tablename__ = "training_class"
    __table_args__ = (UniqueConstraint("lab_id", "name"),)
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    name: str
    process: str | None = None
    machine_id: str | None = Field(default=None, foreign_key="machine.id")
    for_ordering: bool = False
    for_operating: bool = False
    days: int | None = None


class TrainerRow(SQLModel, table=True):
    """Somebody who may sign trainings of a class, besides the lab's managers."""

    __tablename__ = "trainer"
    class_id: str = Field(foreign_key="training_class.id", primary_key=True)
    person_id: str = Field(foreign_key="person.id", primary_key=True)


class TrainingRow(SQLModel, table=True):
    """A person was trained, and who stands for it. Append-only."""

    __tablename__ = "training"
    id: str = Field(primary_key=True)
    class_id: str = Field(foreign_key="training_class.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    begins_at: datetime
    ends_at: datetime | None = Field(default=None, index=True)
    note: str = ""
    signed_by: str = Field(foreign_key="person.id")
    signed_at: datetime


class TrainingRevocationRow(SQLModel, table=True):
    """A training counts no more, who says so and why. Append-only."""

    __tablename__ = "training_revocation"
    training_id: str = Field(foreign_key="training.id", primary_key=True)
    reason: str
    revoked_by: str = Field(foreign_key="person.id")
    revoked_at: datetime
