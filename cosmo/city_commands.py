"""`cosmo city …` and `cosmo coalition …`: figures, and what is known of a city beside its labs."""

import json
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from commons.errors import InvalidInput
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PERIOD = click.option("--period", default="", help="The year; this one when it is left out.")


@click.group()
def city() -> None:
    """A city: its figures, statistics, boundary and pledge."""


@city.command()
@click.argument("city")
@PERIOD
@SERVER
@JSON
def figures(city: str, period: str, url: str) -> None:
    """What the labs of CITY made in a year, and what that took."""
    with Client(url) as client:
        found = client.get(f"/cities/{city}/figures", period=period)
    tell(found, figure_table(found["figures"]))


@city.command()
@click.argument("city")
@SERVER
@JSON
def context(city: str, url: str) -> None:
    """What is known of CITY beside its labs: pledge, boundary, statistics."""
    with Client(url) as client:
        found = client.get(f"/cities/{city}/context")
    table = Table("year", "indicator", "value", "unit", "flag", box=None)
    for it in found["statistics"]:
        value = "not known" if it["value"] is None else f"{it['value']:g}"
        table.add_row(str(it["year"]), it["indicator"], value, it["unit"], Text(it["flag"]))
    pledge = Text(found["pledge"] or "no pledge is quoted")
    tell(found, pledge, table if found["statistics"] else "no statistics were brought")


@city.command()
@click.argument("city")
@click.argument("year", type=int)
@click.argument("file", type=FILE)
@click.option("--source", required=True, help="Whose statistics they are.")
@SERVER
@TOKEN
@JSON
def statistics(city: str, year: int, file: Path, source: str, url: str, token_file: Path) -> None:
    """Bring statistics of CITY in one YEAR: a CSV FILE in Eurostat's shape."""
    asked = {"year": year, "source": source, "table": file.read_text(encoding="utf-8-sig")}
    with Client(url, read_secret(token_file)) as client:
        found = client.put(f"/cities/{city}/statistics", asked)
    tell(found, f"{len(found['statistics'])} statistics of {year} are there")


@city.command()
@click.argument("city")
@click.argument("file", type=FILE)
@SERVER
@TOKEN
@JSON
def boundary(city: str, file: Path, url: str, token_file: Path) -> None:
    """Bring the boundary of CITY: a geometry, or one feature, of GeoJSON in FILE."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        asked = {"boundary": said["geometry"] if said["type"] == "Feature" else said}
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(f"{file} is no GeoJSON") from None
    with Client(url, read_secret(token_file)) as client:
        client.put(f"/cities/{city}/boundary", asked)
    tell(asked, f"the boundary of {city} is there")


@click.group()
def coalition() -> None:
    """Coalitions of cities."""


@coalition.command()
@click.argument("slug")
@click.argument("name")
@SERVER
@TOKEN
@JSON
def add(slug: str, name: str, url: str, token_file: Path) -> None:
    """Add a coalition by a short name, SLUG, and its NAME."""
    with Client(url, read_secret(token_file)) as client:
        made = client.post("/coalitions", {"slug": slug, "name": name})
    tell(made, f"the coalition {made['slug']} is there")


@coalition.command()
@click.argument("coalition")
@click.option("--city", "cities", multiple=True, help="A city; repeatable.")
@click.option("--part", "parts", multiple=True, help="Another coalition; repeatable.")
@SERVER
@TOKEN
@JSON
def join(
    coalition: str, cities: tuple[str, ...], parts: tuple[str, ...], url: str, token_file: Path
) -> None:
    """Make cities members of COALITION, and other coalitions parts of it."""
    with Client(url, read_secret(token_file)) as client:
        for slug in cities:
            client.put(f"/coalitions/{coalition}/cities/{slug}", {})
        for slug in parts:
            client.put(f"/coalitions/{coalition}/parts/{slug}", {})
        found = client.get(f"/coalitions/{coalition}")
    tell(found, f"{found['name']}: {', '.join(it['name'] for it in found['cities'])}")


@coalition.command("figures")
@click.argument("coalition")
@PERIOD
@SERVER
@JSON
def figures_together(coalition: str, period: str, url: str) -> None:
    """What the labs of all cities of COALITION made together in a year."""
    with Client(url) as client:
        found = client.get(f"/coalitions/{coalition}/figures", period=period)
    tell(found, figure_table(found["figures"]))


def figure_table(figures: list[Answer]) -> Table:
    """One line a figure, at most two digits; a dash is not known, and never a zero."""
    table = Table("figure", "low", "central", "high", "unit", "state", "note", box=None)
    for it in figures:
        ends = ("–" if it[end] is None else _told(it[end], it["unit"])
                for end in ("low", "central", "high"))  # fmt: skip
        table.add_row(it["label"], *ends, it["unit"], it["state"], Text(it["note"]))
    return table


def _told(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "things" else f"{float(f'{value:.2g}'):g}"
