"""What a city's page needs beside its labs: statistics, and coalitions that cities form."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class CityStatisticRow(SQLModel, table=True):
    """A number of a whole city in one year; None is not known. See commons.city_statistics."""

    __tablename__ = "city_statistic"
    city_id: str = Field(foreign_key="city.id", primary_key=True)
    year: int = Field(primary_key=True)
    indicator: str = Field(primary_key=True)
    unit: str
    value: float | None = None
    flag: str = ""
    source: str
    brought_by: str = Field(foreign_key="person.id")
    brought_at: datetime


class CoalitionRow(SQLModel, table=True):
    """Cities that tell their figures together, and coalitions that do."""

    __tablename__ = "coalition"
    id: str = Field(primary_key=True)
    slug: str = Field(unique=True, index=True)
    name: str


class CoalitionCityRow(SQLModel, table=True):
    __tablename__ = "coalition_city"
    coalition_id: str = Field(foreign_key="coalition.id", primary_key=True)
    city_id: str = Field(foreign_key="city.id", primary_key=True)


class CoalitionPartRow(SQLModel, table=True):
    """A coalition within another; none is within itself, however far down."""

    __tablename__ = "coalition_part"
    coalition_id: str = Field(foreign_key="coalition.id", primary_key=True)
    part_id: str = Field(foreign_key="coalition.id", primary_key=True)
