"""`cosmo machines …`: a lab's machines: their hours, their upkeep, and when they may run."""

import json
from pathlib import Path
from typing import BinaryIO

import click
from rich.table import Table
from rich.text import Text

from commons.errors import InvalidInput, NotFound
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.chosen import chosen
from cosmo.client import Client
from cosmo.told import JSON, tell


@click.group()
def machines() -> None:
    """Look after a lab's machines."""


@machines.command()
@click.argument("lab")
@click.argument("machine")
@SERVER
@TOKEN
@JSON
def show(lab: str, machine: str, url: str, token_file: Path) -> None:
    """Hours, maintenance, downtimes and calibrations of MACHINE (its name or id)."""
    with Client(url, read_secret(token_file)) as client:
        book = client.get(f"/labs/{lab}/machines/{_id(client, lab, machine)}")
    counted = book["counters"]
    due = Table("maintenance", "is", "how far", "id", box=None)
    for it in book["maintenance"]:
        due.add_row(Text(it["name"]), it["due"], it["words"], it["id"])
    down = Table("out of use", "from (UTC)", "until (UTC)", "id", box=None)
    for it in book["downtimes"]:
        until = (it["ends_at"] or "somebody ends it")[:16]
        down.add_row(Text(it["reason"]), it["begins_at"][:16], until, it["id"])
    words = [f"{book['name']}: {counted['hours']:.1f} h, started {counted['starts']} times"]
    words += [book["rests"]] if book["rests"] else []
    tables = [it for it in (due, down) if it.row_count]
    tell(book, *words, *tables)


@machines.command()
@click.argument("lab")
@click.argument("machine")
@click.option("--hours", required=True, type=float, help="What its counter stands at, in h.")
@click.option("--starts", default=0, show_default=True, help="How often it was started.")
@SERVER
@TOKEN
@JSON
def counters(lab: str, machine: str, hours: float, starts: int, url: str, token_file: Path) -> None:
    """Say what the counters of a used MACHINE stand at."""
    said = {"hours": hours, "starts": starts}
    with Client(url, read_secret(token_file)) as client:
        client.put(f"/labs/{lab}/machines/{_id(client, lab, machine)}/counters", said)
    tell(said, f"{machine} stands at {hours:g} h and {starts} starts")


@machines.command()
@click.argument("lab")
@click.argument("machine")
@click.argument("name")
@click.option("--instructions", default="", help="How it is done.")
@click.option("--every-hours", type=float, help="After so many machine hours.")
@click.option("--every-days", type=float, help="After so many days.")
@click.option("--every-prints", type=int, help="After so many prints.")
@click.option("--blocking", is_flag=True, help="No work while it is overdue.")
@SERVER
@TOKEN
@JSON
def plan(lab: str, machine: str, url: str, token_file: Path, **said: object) -> None:
    """Put what is to be done (NAME) in the plan of MACHINE."""
    wanted = {key: value for key, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/machines/{_id(client, lab, machine)}/maintenance"
        made = client.post(path, wanted)
    tell(made, f"maintenance {made['id']}: {said['name']}")


@machines.command()
@click.argument("lab")
@click.argument("machine")
@click.argument("task")
@click.option("--note", default="", help="What others should know.")
@SERVER
@TOKEN
@JSON
def done(lab: str, machine: str, task: str, note: str, url: str, token_file: Path) -> None:
    """Say that you have done TASK (its name or id) at MACHINE."""
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/machines/{_id(client, lab, machine)}"
        there = client.get(path)["maintenance"]
        it = chosen(there, task, what="maintenance")
        client.post(f"{path}/maintenance/{it['id']}/done", {"note": note})
    tell({"maintenance_id": it["id"]}, f"{it['name']} is done")


@machines.command()
@click.argument("lab")
@click.argument("machine")
@click.option("--because", required=True, help="Why it is out of use.")
@click.option("--begins-at", help="Such as 2026-12-01T14:00+01:00; now without it.")
@click.option("--ends-at", help="Until somebody ends it without it.")
@SERVER
@TOKEN
@JSON
def down(
    lab: str, machine: str, because: str, begins_at: str | None, ends_at: str | None,
    url: str, token_file: Path,
) -> None:  # fmt: skip
    """Take MACHINE out of use, now or planned; what runs goes on to its end."""
    said = {"reason": because, "begins_at": begins_at, "ends_at": ends_at}
    wanted = {key: value for key, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/machines/{_id(client, lab, machine)}/downtimes"
        made = client.post(path, wanted)
    tell(made, f"{machine} is out of use: {because}")


@machines.command()
@click.argument("lab")
@click.argument("machine")
@SERVER
@TOKEN
@JSON
def up(lab: str, machine: str, url: str, token_file: Path) -> None:
    """MACHINE is in use again: the downtime that it has now, or else its next one, is ended."""
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/machines/{_id(client, lab, machine)}"
        there = client.get(path)["downtimes"]
        if not there:
            raise NotFound(f"{machine} is in use, and no downtime is planned")
        client.post(f"{path}/downtimes/{there[0]['id']}/end")
    tell({"downtime_id": there[0]["id"]}, f"{machine} is in use again")


@machines.command()
@click.argument("lab")
@click.argument("machine")
@click.argument("release")
@click.argument("part")
@click.option("--material", help="Of what; else what the design names.")
@SERVER
@TOKEN
@JSON
def calibrate(
    lab: str, machine: str, release: str, part: str, material: str | None,
    url: str, token_file: Path,
) -> None:  # fmt: skip
    """Queue PART of RELEASE (its id) for MACHINE alone; it counts as no production."""
    wanted = {"release_id": release, "part": part} | ({"material": material} if material else {})
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/machines/{_id(client, lab, machine)}/calibrations"
        made = client.post(path, wanted)
    tell(made, f"order {made['order_id']}: {part} waits for {machine}")


@machines.command()
@click.argument("lab")
@click.argument("file", type=click.File("rb"))
@click.option("--machine", help="Of this machine; else of the whole lab.")
@SERVER
@TOKEN
@JSON
def rules(lab: str, file: BinaryIO, machine: str | None, url: str, token_file: Path) -> None:
    """Keep to the hours and power in FILE, which is JSON (- is what is piped)."""
    try:
        wanted = json.loads(file.read())
    except ValueError as error:
        raise InvalidInput(f"this is no JSON: {error}") from error
    with Client(url, read_secret(token_file)) as client:
        of = f"/machines/{_id(client, lab, machine)}" if machine else ""
        client.put(f"/labs/{lab}{of}/rules", wanted)
    tell(wanted, f"{machine or lab} keeps to it")


@machines.command()
@click.argument("lab")
@click.option("--weeks", default=4, show_default=True, help="How many, up to now.")
@SERVER
@JSON
def utilisation(lab: str, weeks: int, url: str) -> None:
    """What the last weeks of each machine of LAB went into, in hours."""
    with Client(url) as client:
        found = client.get(f"/labs/{lab}/utilisation", weeks=weeks)["weeks"]
    uses = list(found[0]["hours"]) if found else []
    table = Table("machine", "week from (UTC)", *(f"{it} h" for it in uses), "known", box=None)
    for it in found:
        spent = [f"{it['hours'][use]:.1f}" for use in uses]
        known = f"{100 * it['coverage']:.0f} %"
        table.add_row(Text(it["machine"]), it["week_begins_at"][:16], *spent, known)
    tell(found, table if found else "the lab has no machine yet")


def _id(client: Client, lab: str, machine: str) -> str:
    """The id of the lab's machine of this name or id."""
    there = client.get(f"/labs/{lab}/board")["machines"]
    return str(chosen(there, machine, what="machine")["id"])
