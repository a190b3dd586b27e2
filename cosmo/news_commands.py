"""`cosmo news`: what came of what you ordered."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Client
from cosmo.told import JSON, tell

KINDS = ("accepted", "started", "needs_you", "done", "failed")


@click.command()
@click.option("--mail", "kinds", multiple=True, type=click.Choice([*KINDS, "none"]),
              help="From now on get these by e-mail; repeatable.")  # fmt: skip
@SERVER
@TOKEN
@JSON
def news(kinds: tuple[str, ...], url: str, token_file: Path) -> None:
    """What came of what you ordered, the latest first."""
    with Client(url, read_secret(token_file)) as client:
        if kinds:
            mailed = [kind for kind in kinds if kind != "none"]
            client.put("/me/news/choice", {"mailed": mailed})
        found = client.get("/me/news")
    table = Table("at (UTC)", "what", "says", box=None)
    for it in found["news"]:
        table.add_row(it["at"][:16], Text(it["title"]), Text(it["sentence"]))
    tell(found, table if found["news"] else "there is no news")
