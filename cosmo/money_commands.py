"""`cosmo money …`: what labs ask, what people owe them, and how much they may have made."""

import json
from pathlib import Path
from typing import TextIO

import click
from rich.table import Table
from rich.text import Text

from commons.errors import InvalidInput
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.group()
def money() -> None:
    """Prices, quotas and accounts of labs."""


@money.command()
@click.argument("lab")
@click.option("--set", "file", type=click.File("r"),
              help="Set them as this JSON file says (- is what is piped).")  # fmt: skip
@SERVER
@TOKEN
@JSON
def prices(lab: str, file: TextIO | None, url: str, token_file: Path) -> None:
    """What LAB asks for making things."""
    with Client(url, read_secret(token_file)) as client:
        if file is not None:
            client.put(f"/labs/{lab}/prices", _read(file))
        found = client.get(f"/labs/{lab}/prices")
    if found["prices"] is None:
        tell(found, f"{lab} asks for nothing")
        return
    currency = found["prices"]["currency"]
    table = Table("who", "machine", "material", f"{currency}/g", f"{currency}/h",
                  f"{currency}/order", box=None)  # fmt: skip
    for it in found["prices"]["rates"]:
        which = (it["group"], it["process"], it["material"])
        asked = (str(it[key]) for key in ("per_g", "per_hour", "per_order"))
        table.add_row(*(str(value or "any") for value in which), *asked)
    tell(found, table)


def _read(file: TextIO) -> Answer:
    try:
        read: Answer = json.load(file)
    except ValueError as error:
        raise InvalidInput(f"{file.name} is no JSON: {error}") from error
    return read


@money.command()
@click.argument("lab")
@click.option("--person", "handle", help="Set it for this person, by their handle.")
@click.option("--role", type=click.Choice(["member", "operator", "manager"]),
              help="Set it for each who has this role.")  # fmt: skip
@click.option("--prints", type=int, help="At most so many copies.")
@click.option("--grams", type=float, help="At most so much material.")
@click.option("--minutes", type=float, help="At most so long on machines.")
@click.option("--money", type=int, help="At most so much, in cents or what the currency has.")
@click.option("--first-day", help="Of the term, such as 2026-10-01; without days, each month.")
@click.option("--last-day", help="Of the term.")
@SERVER
@TOKEN
@JSON
def quota(lab: str, url: str, token_file: Path, **said: str | float | None) -> None:
    """Set a quota of LAB, or tell those that hold when nobody is named."""
    wanted = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        if wanted:
            client.put(f"/labs/{lab}/quotas", wanted)
        found = client.get(f"/labs/{lab}/quotas")
    table = Table("for", "term", "prints", "g", "min", "money", box=None)
    for it in found["quotas"]:
        term = f"{it['first_day']} – {it['last_day']}" if it["first_day"] else "each month"
        limits = (it["limits"][key] for key in ("prints", "grams", "minutes", "money"))
        who = it["handle"] or it["role"]
        table.add_row(
            Text(who), term, *("–" if limit is None else f"{limit:g}" for limit in limits)
        )
    tell(found, table if found["quotas"] else "nobody is limited")


@money.command()
@click.argument("lab")
@click.argument("handle")
@click.argument("amount", type=int)
@click.option("--currency", required=True, help="Its ISO code, such as EUR.")
@click.option("--why", required=True, help="Such as: cash at the desk.")
@SERVER
@TOKEN
@JSON
def paid(
    lab: str, handle: str, amount: int, currency: str, why: str, url: str, token_file: Path
) -> None:
    """Write down that HANDLE has paid AMOUNT (in cents, or what the currency has) in at LAB."""
    wanted = {"handle": handle, "amount": amount, "currency": currency, "why": why}
    with Client(url, read_secret(token_file)) as client:
        made = client.post(f"/labs/{lab}/payments", wanted)
    tell(made, f"written down: {handle} has paid in {amount} {currency} (smallest units)")


@money.command()
@click.option("--lab", help="Everybody's at this lab, for its operators; else your own.")
@SERVER
@TOKEN
@JSON
def balance(lab: str | None, url: str, token_file: Path) -> None:
    """Balances, in cents or what the currency has; below 0 is owed."""
    path = f"/labs/{lab}/balances" if lab else "/me/account"
    with Client(url, read_secret(token_file)) as client:
        found = client.get(path)
    table = Table("lab", "person", "balance", "currency", box=None)
    for it in found["balances"]:
        table.add_row(Text(it["lab"]), Text(it["person"]), str(it["amount"]), it["currency"])
    tell(found, table if found["balances"] else "nobody owes anything")
