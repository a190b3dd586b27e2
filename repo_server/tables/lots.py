"""Material lots: spools and sheets, and what people did with each."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from commons.flows import Ring


class MaterialLotRow(SQLModel, table=True):
    """This spool or sheet: what is left of it, where it was made, and how we know.

    A sheet lies with its width along the machine's X; `grain` is the axis that its outer grain
    follows. None is not known. What is left is `mass_left_g`, between `mass_low_g` and
    `mass_high_g`, known as well as `mass_state` (of commons.flows.State) says; `net_g` is what it
    held when it was new, `tare_g` the empty spool. `parent_id` is the sheet that an offcut is of.
    """

    __tablename__ = "material_lot"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    material: str
    name: str
    ring: Ring = Ring.UNKNOWN
    evidence: str | None = None
    mass_left_g: float | None = None
    mass_low_g: float | None = None
    mass_high_g: float | None = None
    mass_state: str | None = None
    net_g: float | None = None
    tare_g: float | None = None
    thickness_mm: float | None = None
    width_mm: float | None = None
    depth_mm: float | None = None
    grain: str | None = None
    colour: str | None = None
    colour_hex: str | None = None  # #rrggbb
    maker: str | None = None
    maker_lot: str | None = None
    price_minor: int | None = None  # in the smallest unit of `currency`
    currency: str | None = None  # ISO 4217
    bought_on: date | None = None
    parent_id: str | None = Field(default=None, foreign_key="material_lot.id", index=True)
    added_at: datetime | None = None
    archived_at: datetime | None = None

    @property
    def sheet_mm(self) -> tuple[float, float] | None:
        """Its edges along X and Y, mm."""
        if self.width_mm is None or self.depth_mm is None:
            return None
        return self.width_mm, self.depth_mm


class LotEventRow(SQLModel, table=True):
    """What somebody did with a lot. Append-only; `event_id` is the ledger's word on it.

    `kind` is one of repo_server.lot_events.Act. A weighing tells the scale's `gross_g` and the
    `tare_g` that was taken off, and what was reckoned to be left before (`before_g`); a correction
    tells which facts it put right, and why (`reason`).
    """

    __tablename__ = "lot_event"
    id: str = Field(primary_key=True)
    lot_id: str = Field(foreign_key="material_lot.id", index=True)
    kind: str
    person_id: str = Field(foreign_key="person.id")
    at: datetime
    machine_id: str | None = Field(default=None, foreign_key="machine.id")
    gross_g: float | None = None
    tare_g: float | None = None
    before_g: float | None = None
    after_g: float | None = None
    event_id: str | None = Field(default=None, foreign_key="economic_event.id")
    reason: str = ""
