"""`cosmo people` and `cosmo person`: who is here, and what they did in public."""

from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.command()
@click.argument("words", default="")
@SERVER
@JSON
def people(words: str, url: str) -> None:
    """List people with public work, all or those with WORDS in their handle or name."""
    with Client(url) as client:
        found = [it for page in client.pages("/people", q=words) for it in page["people"]]
    table = Table("handle", "name", box=None)
    for it in found:
        table.add_row(it["handle"], Text(it["name"]))
    tell(found, table if found else "nobody found")


@click.command()
@click.argument("handle")
@SERVER
@JSON
def person(handle: str, url: str) -> None:
    """What HANDLE designed, gave and built in public."""
    with Client(url) as client:
        found = client.get(f"/people/{handle}")["person"]
    tell(found, *_words(found))


def _words(found: Answer) -> Iterator[RenderableType]:
    yield f"{found['name']} ({found['handle']})"
    table = Table("what", "design", "version", "", box=None)
    for it in found["designs"]:
        table.add_row("keeps", it["slug"], "", Text(it["name"]))
    for it in found["contributions"]:
        table.add_row(it["role"], it["slug"], it["version"], Text(it["words"]))
    for it in found["builds"]:
        what = "stated" if it["is_stated"] else "built"
        table.add_row(what, it["slug"], it["version"], Text(it["lab"]))
    yield table
