"""Labs as others look for them and get to know them: where, with which machines, what was made."""

from dataclasses import dataclass

from sqlmodel import Session, col, exists, func, or_, select

from commons.machine import MachineProfile, Process
from repo_server import builds, labs, matches
from repo_server.builds import Tally
from repo_server.labs import LabLine
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import CityRow, LabRow, MachineRow

MOST_MADE = 100  # lines of what a lab has made


@dataclass(frozen=True, slots=True)
class WantedLabs:
    """What is looked for: `words` in the name of lab or city, a city's slug, a process."""

    words: str = ""
    city: str = ""
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class PortraitMachine:
    """A machine as its agent tells it. `size_mm` is its working space along X, Y and Z."""

    name: str
    process: Process
    size_mm: tuple[float, float, float]
    materials: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, slots=True)
class Portrait:
    """A lab: where it is, what stands there, and what was made; the place may be unknown."""

    slug: str
    name: str
    city_slug: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None
    machines: tuple[PortraitMachine, ...]
    made: tuple[Tally, ...]


def find_labs(session: Session, wanted: WantedLabs, stretch: Stretch = BEGINNING) -> Page[LabLine]:
    """The labs that answer to all that is wanted, by city and name; NotFound for no such city."""
    used = (col(MachineRow.lab_id) == LabRow.id, col(MachineRow.retired_at).is_(None))
    machines = select(func.count()).where(*used).scalar_subquery()
    rows = select(LabRow, CityRow, machines).join(CityRow, col(CityRow.id) == col(LabRow.city_id))
    if wanted.city:
        rows = rows.where(LabRow.city_id == labs.city_of(session, wanted.city).id)
    if text := wanted.words.strip():
        lab, city = (col(it).icontains(text, autoescape=True) for it in (LabRow.name, CityRow.name))
        rows = rows.where(or_(lab, city))
    if wanted.process is not None:
        process = col(MachineRow.profile)["process"].as_string()
        can = select(MachineRow.id).where(*used, process == wanted.process)
        rows = rows.where(exists(can))
    keys = Keys(city=CityRow.name, name=LabRow.name, slug=LabRow.slug)
    return read_page(session, rows, keys, stretch).shown(lambda it: _line(*it))


def _line(lab: LabRow, city: CityRow, machines: int) -> LabLine:
    return LabLine(lab.slug, lab.name, city.slug, city.name, machines)


def show_lab(session: Session, slug: str) -> Portrait:
    """The lab as others get to know it; NotFound when there is none."""
    row = labs.lab_of(session, slug)
    city = session.get_one(CityRow, row.city_id)
    return Portrait(
        slug=row.slug,
        name=row.name,
        city_slug=city.slug,
        city=city.name,
        country=city.country,
        latitude=row.latitude,
        longitude=row.longitude,
        machines=tuple(_machine(it) for it, _ in matches.machines_of(session, row.id)),
        made=tuple(builds.tallies_of_lab(session, row.id)[:MOST_MADE]),
    )


def _machine(row: MachineRow) -> PortraitMachine:
    profile = MachineProfile.model_validate(row.profile)
    box = profile.envelope
    size = (box.x_max_mm - box.x_min_mm, box.y_max_mm - box.y_min_mm, box.z_max_mm - box.z_min_mm)
    return PortraitMachine(row.name, profile.process, size, profile.materials, profile.simulated)
