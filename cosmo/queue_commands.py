"""What was ordered and what came of it, page by page; and changes to what still waits."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.command()
@click.option("--lab", help="All orders in this lab, if you belong to it; else your own.")
@SERVER
@TOKEN
@JSON
def orders(lab: str | None, url: str, token_file: Path) -> None:
    """List orders, the latest first."""
    path = f"/labs/{lab}/orders" if lab else "/orders"
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(path, "orders")
    table = Table("order", "at (UTC)", "lab", "part", "copies", "material", box=None)
    for it in found:
        at, part = it["ordered_at"][:19], Text(it["part"])
        table.add_row(it["order_id"], at, it["lab"], part, str(it["copies"]), it["material"])
    tell(found, table if found else "nothing was ordered")


@click.command()
@click.argument("lab")
@SERVER
@TOKEN
@JSON
def jobs(lab: str, url: str, token_file: Path) -> None:
    """List all jobs of LAB, the latest in the queue first."""
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(f"/labs/{lab}/jobs", "jobs")
    table = Table("job", "order", "queued at (UTC)", "state", "says", box=None)
    for it in found:
        at = it["queued_at"][:19]
        table.add_row(it["id"], it["order_id"], at, it["state"], Text(it["sentence"]))
    tell(found, table if found else "there is no job")


@click.group()
def queue() -> None:
    """Look at a lab's queue, and change it."""


@queue.command("show")
@click.argument("lab")
@SERVER
@TOKEN
@JSON
def show_queue(lab: str, url: str, token_file: Path) -> None:
    """List the waiting jobs of LAB as their turns come."""
    with Client(url, read_secret(token_file)) as client:
        board = client.get(f"/labs/{lab}/board")
    waiting = [it for it in board["jobs"] if it["state"] == "queued"]
    table = Table("job", "what", "copies", "waits for", box=None)
    for it in waiting:
        table.add_row(it["id"], Text(it["part"]), str(it["plate"]), Text(_why(it)))
    tell(waiting, table if waiting else "nothing waits")


def _why(job: Answer) -> str:
    """What a waiting job waits for, in a line."""
    if job["follows"]:
        return str(job["follows"])
    return "; ".join(it["sentence"] for it in job["waits"]) or str(job["sentence"])


@queue.command()
@click.argument("job")
@SERVER
@TOKEN
@JSON
def why(job: str, url: str, token_file: Path) -> None:
    """Say what gives the waiting JOB its turn."""
    with Client(url, read_secret(token_file)) as client:
        turn = client.get(f"/jobs/{job}/turn")
    said = [f"  {it['minutes']:+8.0f} min  {it['sentence']}" for it in turn["parts"]]
    tell(turn, f"it counts as if it had waited {turn['minutes']:.0f} min:", *said)


@queue.command()
@click.argument("lab")
@click.argument("job")
@click.option("--before", help="The job that it goes right before.")
@click.option("--behind", help="The job that it goes right behind.")
@SERVER
@TOKEN
@JSON
def move(
    lab: str, job: str, before: str | None, behind: str | None, url: str, token_file: Path
) -> None:
    """Put the waiting JOB of LAB beside another one."""
    if (before is None) == (behind is None):
        raise click.UsageError("say --before or --behind, and which job")
    wish = {"beside": before or behind, "before": before is not None}
    _change(url, token_file, lab, job, "move", wish)


@queue.command()
@click.argument("lab")
@click.argument("job")
@click.argument("machine", required=False)
@SERVER
@TOKEN
@JSON
def pin(lab: str, job: str, machine: str | None, url: str, token_file: Path) -> None:
    """Keep JOB for MACHINE; without one, free it for any."""
    _change(url, token_file, lab, job, "pin", {"machine": machine})


@queue.command()
@click.argument("lab")
@click.argument("job")
@click.argument("copies", type=click.IntRange(1))
@click.option("--of", "plate", required=True, type=click.IntRange(2), help="The plate as it is.")
@SERVER
@TOKEN
@JSON
def split(lab: str, job: str, copies: int, plate: int, url: str, token_file: Path) -> None:
    """Take COPIES off the plate of JOB, as a job of their own."""
    _change(url, token_file, lab, job, "split", {"copies": copies, "of": plate})


@queue.command("after")
@click.argument("lab")
@click.argument("job")
@click.argument("order", required=False)
@SERVER
@TOKEN
@JSON
def follow(lab: str, job: str, order: str | None, url: str, token_file: Path) -> None:
    """Let the order of JOB wait until ORDER is done; without one, for nothing."""
    _change(url, token_file, lab, job, "after", {"order": order})


def _act(name: str, help_: str) -> click.Command:
    @click.command(name.replace("_", "-"), help=help_)
    @click.argument("lab")
    @click.argument("job")
    @SERVER
    @TOKEN
    @JSON
    def command(lab: str, job: str, url: str, token_file: Path) -> None:
        _change(url, token_file, lab, job, name, None)

    return command


for _command in (
    _act("park", "Set JOB of LAB aside: no machine gets it."),
    _act("unpark", "Take JOB of LAB up again."),
    _act("go_on", "Make JOB of LAB though the order that it was to follow is not done."),
):
    queue.add_command(_command)


def _change(
    url: str, token_file: Path, lab: str, job: str, what: str, wish: dict[str, Any] | None
) -> None:
    with Client(url, read_secret(token_file)) as client:
        changed = client.post(f"/labs/{lab}/jobs/{job}/{what}", wish)
    tell(changed, f"{changed['id']}: {changed['sentence']}")


@click.command("set")
@click.argument("design")
@click.option("--lab", required=True, help="The lab that is to build it.")
@click.option("--objects", default=1, show_default=True, type=click.IntRange(1))
@SERVER
@TOKEN
@JSON
def order_set(design: str, lab: str, objects: int, url: str, token_file: Path) -> None:
    """Order every made part of so many OBJECTS of the newest release of DESIGN; all or nothing."""
    with Client(url, read_secret(token_file)) as client:
        release = client.get(f"/designs/{design}")["head"]["id"]
        wish = {"release_id": release, "objects": objects}
        placed = client.order_set(lab, wish)
    made = [f"  {it['copies']} × {it['part']}" + _waits(it) for it in placed["orders"]]
    bought = [f"  to be bought: {it['item']}" for it in placed["bought"]]
    tell(placed, *made, *bought, f"set {placed['id']}: {url}/sets/{placed['id']}")


def _waits(it: Answer) -> str:
    return f", which waits: {it['sentence']}" if it["waiting_id"] else ""
