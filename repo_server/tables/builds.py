"""What people of a lab say of the things that they built."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class BuildReportRow(SQLModel, table=True):
    """Words and a photo beside an attempt, or what a lab states of things built outside the queue.

    Where there is an attempt, good and failed are its own counts at that moment; without one they
    are stated. `photo_sha256` is our own copy of a picture; the original is not kept.
    """

    __tablename__ = "build_report"
    id: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    attempt_id: str | None = Field(default=None, foreign_key="attempt.id", unique=True)
    part: str
    material: str
    machine: str
    good: int
    failed: int
    words: str = ""
    photo_sha256: str | None = Field(default=None, foreign_key="blob.sha256")
    reported_by: str = Field(foreign_key="person.id")
    reported_at: datetime
