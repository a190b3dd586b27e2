"""What people and labs say that they are, what licensors granted them, and orders that wait."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class StatementRow(SQLModel, table=True):
    """What somebody said that a person or a lab is: one of the two, the newest counts.

    `facts` are those of commons.licences.Actor; what is not in it was not said.
    """

    __tablename__ = "statement"
    id: str = Field(primary_key=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id", index=True)
    facts: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    stated_by: str = Field(foreign_key="person.id")
    stated_at: datetime


class GrantRow(SQLModel, table=True):
    """What a design's steward, for its licensor, lets one person or lab do beyond the licence.

    `consideration` is the fee or contribution agreed on, empty for none. What was done under a
    grant stays allowed when it ends or is taken back.
    """

    __tablename__ = "licence_grant"
    id: str = Field(primary_key=True)
    design_id: str = Field(foreign_key="design.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id", index=True)
    events: list[str] = Field(sa_column=Column(JSON, nullable=False))
    consideration: str
    starts_at: datetime
    ends_at: datetime | None = None
    revocable: bool
    granted_by: str = Field(foreign_key="person.id")
    granted_at: datetime
    revoked_at: datetime | None = None


class WaitingOrderRow(SQLModel, table=True):
    """An order that waits: for a word, where its design's licence does not allow it as it stands,
    or for the body that OpenSCAD is to draw, the one of `rendering_id`.

    `answer` is the licence's, `wanted` the order as it was sent. `quote` is what the steward asks
    for it. Once `settled_at`: `order_id` is the order it became, else `said` tells why none.
    """

    __tablename__ = "waiting_order"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    design_id: str = Field(foreign_key="design.id", index=True)
    wanted: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    answer: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    ordered_by: str = Field(foreign_key="person.id", index=True)
    ordered_at: datetime
    quote: str | None = None
    quoted_at: datetime | None = None
    settled_at: datetime | None = Field(default=None, index=True)
    order_id: str | None = Field(default=None, foreign_key="build_order.id")
    said: str = ""
    rendering_id: str | None = Field(default=None, foreign_key="rendering.id", index=True)
    set_id: str | None = Field(default=None, foreign_key="order_set.id", index=True)
    guest_id: str | None = Field(default=None, foreign_key="guest_request.id", index=True)


class MailingRow(SQLModel, table=True):
    """An e-mail that a release owes to a licensor of `parent_id`, and who has sent it, if anybody:
    this server sends none."""

    __tablename__ = "mailing"
    id: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    parent_id: str = Field(foreign_key="release.id")
    name: str
    address: str
    sent_by: str | None = Field(default=None, foreign_key="person.id")
    sent_at: datetime | None = None
