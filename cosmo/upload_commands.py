"""`cosmo upload …`: files that were begun and have not arrived as a whole."""

from pathlib import Path

import click
from rich.table import Table

from commons.errors import NotFound
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.group()
def upload() -> None:
    """Files of yours that were begun and have not arrived as a whole."""


@upload.command("list")
@SERVER
@TOKEN
@JSON
def list_(url: str, token_file: Path) -> None:
    """List them: how much is there, and until when it is kept."""
    with Client(url, read_secret(token_file)) as client:
        found = _unfinished(client)
    table = Table("file", "here", "of", "kept until (UTC)", box=None)
    for it in found:
        table.add_row(
            it["sha256"][:12], f"{it['arrived']} bytes", f"{it['size']}", it["kept_until"][:16]
        )
    tell(found, table if found else "everything has arrived")


@upload.command()
@click.argument("file")
@SERVER
@TOKEN
@JSON
def delete(file: str, url: str, token_file: Path) -> None:
    """Delete what has arrived of FILE, which is named by its hash or the beginning of it."""
    with Client(url, read_secret(token_file)) as client:
        meant = [it["sha256"] for it in _unfinished(client) if it["sha256"].startswith(file)]
        if len(meant) != 1:
            number = "no" if not meant else "more than one"
            raise NotFound(f"{number} upload of yours begins with {file}: see cosmo upload list")
        client.delete(f"/uploads/{meant[0]}")
    tell({"sha256": meant[0]}, f"nothing is left of {meant[0][:12]}…")


def _unfinished(client: Client) -> list[Answer]:
    return client.entries("/uploads", "uploads")
