"""`cosmo requests`, `approve`, `decline`: what guests ask a lab for, and what it answers."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

LAB = click.argument("lab")
REQUEST = click.argument("request")


@click.command()
@LAB
@SERVER
@TOKEN
@JSON
def requests(lab: str, url: str, token_file: Path) -> None:
    """List what guests ask LAB for: those that nobody has answered first."""
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(f"/labs/{lab}/requests", "requests")
    table = Table("request", "asked (UTC)", "what", "guest", "reached by", "stage", box=None)
    for it in found:
        guest = Text(it["name"] or "erased")
        table.add_row(it["id"], it["asked_at"][:16], Text(_what(it)), guest, Text(_reach(it)),
                      it["stage"])  # fmt: skip
    tell(found, table if found else "nobody has asked for anything yet")


@click.command()
@LAB
@REQUEST
@click.option("--purpose", type=click.Choice(("for_pay", "gift")), required=True,
              help="Whether the guest pays, or the lab gives it.")  # fmt: skip
@click.option("--release", help="The id of the release, where it is asked for in words.")
@click.option("--part", help="The part of it.")
@click.option("--copies", type=int, help="As many, and not as many as asked for.")
@click.option("--material", help="Of this, such as pla.")
@click.option("--word", default="", help="Told to the guest.")
@SERVER
@TOKEN
@JSON
def approve(
    lab: str,
    request: str,
    purpose: str,
    release: str | None,
    part: str | None,
    copies: int | None,
    material: str | None,
    word: str,
    url: str,
    token_file: Path,
) -> None:
    """Make what a guest's REQUEST asks LAB for: it becomes an order of yours."""
    said = {"purpose": purpose, "release_id": release, "part": part, "copies": copies,
            "material": material, "word": word}  # fmt: skip
    with Client(url, read_secret(token_file)) as client:
        done = client.post(f"/labs/{lab}/requests/{request}/approve", said)
    order = f"order {done['order_id']}" if done["order_id"] else "an order that waits for a word"
    tell(done, f"{_what(done)} for {done['name']} is {order}")


@click.command()
@LAB
@REQUEST
@click.argument("reason")
@SERVER
@TOKEN
@JSON
def decline(lab: str, request: str, reason: str, url: str, token_file: Path) -> None:
    """Do not make what a guest's REQUEST asks LAB for; the guest reads REASON."""
    with Client(url, read_secret(token_file)) as client:
        done = client.post(f"/labs/{lab}/requests/{request}/decline", {"reason": reason})
    tell(done, f"{_what(done)} for {done['name']} is declined")


def _what(it: Answer) -> str:
    if not it["part"]:
        return str(it["wish"] or "a wish")
    variant = f" with {it['variant']}" if it["variant"] else ""
    return f"{it['copies']} × {it['part']}{variant}"


def _reach(it: Answer) -> str:
    email = it["email"] and f"{it['email']} ({'' if it['confirmed'] else 'not '}confirmed)"
    return ", ".join(filter(None, (email, it["reach"])))
