"""`cosmo lab …`: what a lab's manager sets up: the lab, a code for its agent, its place."""

from pathlib import Path
from typing import BinaryIO

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Client
from cosmo.notice_commands import DISMISS, DISMISS_ALL, tell_notices
from cosmo.told import JSON, tell


@click.group()
def lab() -> None:
    """Set up a lab that you manage."""


@lab.command()
@click.argument("slug")
@click.option("--name", required=True, help="As people read it.")
@click.option("--city", required=True, help="The short name of a city that is known.")
@SERVER
@TOKEN
@JSON
def found(slug: str, name: str, city: str, url: str, token_file: Path) -> None:
    """Found the lab SLUG; you are its first manager."""
    with Client(url, read_secret(token_file)) as client:
        made = client.post("/labs", {"slug": slug, "name": name, "city": city})
    tell(made, f"{name} is founded, and you manage it: {url}/labs/{slug}/manage")


@lab.command()
@click.argument("lab")
@click.option("--latitude", required=True, type=click.FloatRange(-90, 90), help="In degrees.")
@click.option("--longitude", required=True, type=click.FloatRange(-180, 180), help="In degrees.")
@SERVER
@TOKEN
@JSON
def place(lab: str, latitude: float, longitude: float, url: str, token_file: Path) -> None:
    """Say where LAB is, so that what it has built is found by those who look near it."""
    at = {"latitude": latitude, "longitude": longitude}
    with Client(url, read_secret(token_file)) as client:
        client.put(f"/labs/{lab}/place", at)
    tell(at, f"{lab} is at {latitude:g}, {longitude:g}: {url}/?near={lab}")


@lab.command()
@click.argument("lab")
@SERVER
@TOKEN
@JSON
def code(lab: str, url: str, token_file: Path) -> None:
    """Make a code that lets one agent into LAB, once, within ten minutes."""
    with Client(url, read_secret(token_file)) as client:
        made = client.post(f"/labs/{lab}/enrolment-codes")
    tell(made, f"within ten minutes, beside the machines: cosmo agent enrol {made['code']}")


@lab.command()
@click.argument("lab")
@SERVER
@JSON
def show(lab: str, url: str) -> None:
    """Where LAB is, its machines, and what was made there."""
    with Client(url) as client:
        found = client.get(f"/labs/{lab}")["lab"]
    machines = Table("machine", "process", "mm", "materials", box=None)
    for it in found["machines"]:
        size = " × ".join(f"{mm:g}" for mm in it["size_mm"])
        machines.add_row(Text(it["name"]), it["process"], size, ", ".join(it["materials"]))
    made = Table("design", "version", "good", "failed", "stated", box=None)
    for it in found["made"]:
        counts = (str(it[key]) for key in ("made", "failed", "stated_made"))
        made.add_row(it["slug"], it["version"], *counts)
    tell(found, Text(f"{found['name']}, {found['city']}"), machines, made)


@lab.command()
@click.argument("lab")
@click.argument("file", type=click.File("rb"))
@SERVER
@TOKEN
@JSON
def okw(lab: str, file: BinaryIO, url: str, token_file: Path) -> None:
    """Bring LAB as the facility in FILE, which is Open Know-Where as JSON (- is what is piped)."""
    with Client(url, read_secret(token_file)) as client:
        made = client.put_bytes(f"/labs/{lab}/okw", file.read())
    minds = [f"  a strict reader minds: {it['field']}: {it['problem']}" for it in made["notes"]]
    tell(made, f"{lab} is {made['name']}: {url}/labs/{lab}/about", *minds)


@lab.command()
@click.argument("lab")
@DISMISS
@DISMISS_ALL
@SERVER
@TOKEN
@JSON
def notices(lab: str, ids: tuple[str, ...], dismiss_all: bool, url: str, token_file: Path) -> None:
    """What LAB should know of the releases that were ordered there: yanked, or newer ones."""
    tell_notices(f"/labs/{lab}", ids, dismiss_all=dismiss_all, url=url, token_file=token_file)


@lab.command()
@click.argument("lab")
@click.argument("handle", required=False)
@click.option("--take", is_flag=True, help="Take the right away instead.")
@SERVER
@TOKEN
@JSON
def programmer(lab: str, handle: str | None, take: bool, url: str, token_file: Path) -> None:
    """Let the member HANDLE bring programs of their own to LAB; without HANDLE, list who may."""
    path = f"/labs/{lab}/programmers"
    with Client(url, read_secret(token_file)) as client:
        if handle is not None and take:
            client.delete(f"{path}/{handle}")
        elif handle is not None:
            client.put(f"{path}/{handle}", {})
        rights = client.get(path)["rights"]
    table = Table("handle", "given by", "at (UTC)", "taken back (UTC)", box=None)
    for it in rights:
        row = (it["given_by"], it["given_at"][:19], (it["taken_at"] or "")[:19])
        table.add_row(it["handle"], *map(Text, row))
    tell(rights, table if rights else "nobody may bring programs of their own")
