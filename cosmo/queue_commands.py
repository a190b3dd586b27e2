"""`cosmo orders` and `cosmo jobs`: what was ordered, and what came of it, page by page."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Client
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
