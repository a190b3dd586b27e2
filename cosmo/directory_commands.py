"""`cosmo people`, `person`, `labs` and `profile`: who is here, and who you say you are."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from commons.machine import Process
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.command()
@click.argument("words", default="")
@SERVER
@JSON
def people(words: str, url: str) -> None:
    """List people with public work, all or those with WORDS in their handle or name."""
    with Client(url) as client:
        found = client.entries("/people", "people", q=words)
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


@click.command()
@click.argument("words", default="")
@click.option("--city", default="", help="The short name of a city.")
@click.option("--process", type=click.Choice([it.value for it in Process]),
              help="What a machine there must be able to do.")  # fmt: skip
@SERVER
@JSON
def labs(words: str, city: str, process: str | None, url: str) -> None:
    """List labs, all or those with WORDS in their name or their city's."""
    asked = {"q": words, "city": city, **({"process": process} if process else {})}
    with Client(url) as client:
        found = client.entries("/labs", "labs", **asked)
    table = Table("lab", "name", "city", "machines", box=None)
    for it in found:
        table.add_row(it["slug"], Text(it["name"]), it["city"], str(it["machines"]))
    tell(found, table if found else "no lab found")


@click.command()
@click.option("--name", help="As others read it.")
@click.option("--about", help="A few words about you.")
@click.option("--link", help="Where to read more, such as https://example.org; '' for none.")
@click.option("--listed/--unlisted", "is_listed", default=None,
              help="Whether people find you and have your page.")  # fmt: skip
@SERVER
@TOKEN
@JSON
def profile(url: str, token_file: Path, **said: str | bool | None) -> None:
    """Show what you say of yourself; with options, change that."""
    changes = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        now = client.get("/me/profile")
        if changes:
            now = client.put("/me/profile", {**now, **changes})
    state = "listed" if now["is_listed"] else "not listed"
    told = [Text(it) for it in (now["about"], now["link"]) if it]
    tell(now, f"{now['name']}, {state}", *told)


def _words(found: Answer) -> Iterator[RenderableType]:
    yield f"{found['name']} ({found['handle']})"
    yield from (Text(it) for it in (found["about"], found["link"]) if it)
    table = Table("what", "design", "version", "", box=None)
    for it in found["designs"]:
        table.add_row("keeps", it["slug"], "", Text(it["name"]))
    for it in found["contributions"]:
        table.add_row(it["role"], it["slug"], it["version"], Text(it["words"]))
    for it in found["builds"]:
        what = "stated" if it["is_stated"] else "built"
        table.add_row(what, it["slug"], it["version"], Text(it["lab"]))
    yield table
