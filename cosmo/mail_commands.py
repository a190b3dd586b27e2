"""`cosmo mail …`: e-mails that are owed, and who has sent them."""

from pathlib import Path

import click
from rich.table import Table

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.group()
def mail() -> None:
    """E-mails that your designs owe to the licensors of what they were made from."""


@mail.command("list")
@click.argument("design")
@SERVER
@TOKEN
@JSON
def list_(design: str, url: str, token_file: Path) -> None:
    """List those of DESIGN: what is owed, and who sent what to whom and when."""
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(f"/designs/{design}/mailings", "mailings")
    tell(found, mail_table(found) if found else "it owes no e-mail")


@mail.command()
@click.argument("mailing")
@SERVER
@TOKEN
@JSON
def sent(mailing: str, url: str, token_file: Path) -> None:
    """Say that you have sent MAILING. The server itself sends none."""
    with Client(url, read_secret(token_file)) as client:
        done = client.post(f"/mailings/{mailing}/sent")
    tell(done, f"{done['title']} was sent to {done['address']} by {done['sent_by']}")


def mail_table(mailings: list[Answer]) -> Table:
    """One line an e-mail."""
    table = Table("mailing", "release", "to", "by", "sent", box=None)
    for it in mailings:
        state = f"{it['sent_at'][:16]} UTC by {it['sent_by']}" if it["sent_at"] else "not yet"
        table.add_row(it["id"], it["title"], f"{it['name']} <{it['address']}>", it["clause"], state)
    return table
