"""What people write in the journal."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class PostRow(SQLModel, table=True):
    """A post from a lab, from a design, or with neither from this node.

    It is a draft until `published_at`. Once `withdrawn_at` is there, title and text are empty: the
    row only tells that there was something. `revision` grows with each change.
    """

    __tablename__ = "post"
    id: str = Field(primary_key=True)
    author_id: str = Field(foreign_key="person.id", index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id", index=True)
    design_id: str | None = Field(default=None, foreign_key="design.id", index=True)
    title: str
    text: str
    revision: int = 1
    begun_at: datetime
    saved_at: datetime
    published_at: datetime | None = Field(default=None, index=True)
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = Field(default=None, foreign_key="person.id")
