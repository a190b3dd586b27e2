"""`cosmo webhook …`: addresses that a server tells what happened, your own or a lab's."""

from pathlib import Path

import click
from rich.table import Table

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Client
from cosmo.told import JSON, tell

LAB = click.option("--lab", help="A lab that you manage; without it, they are your own.")


@click.group()
def webhook() -> None:
    """Have an address told what happens."""


@webhook.command()
@click.argument("address")
@click.option("--of", "kinds", multiple=True, metavar="KIND",
              help="What to tell, such as job.done; repeatable. Else everything.")  # fmt: skip
@LAB
@SERVER
@TOKEN
@JSON
def add(address: str, kinds: tuple[str, ...], lab: str | None, url: str, token_file: Path) -> None:
    """Tell ADDRESS from now on; prints the secret that its messages are signed with."""
    wanted = {"url": address, **({"kinds": list(kinds)} if kinds else {})}
    with Client(url, read_secret(token_file)) as client:
        made = client.post(_place(lab), wanted)
    tell(made, f"webhook {made['id']} tells {made['url']}", f"its secret: {made['secret']}")


@webhook.command("list")
@LAB
@SERVER
@TOKEN
@JSON
def list_(lab: str | None, url: str, token_file: Path) -> None:
    """List the webhooks, and those that were turned off with the reason."""
    with Client(url, read_secret(token_file)) as client:
        found = client.get(_place(lab))["webhooks"]
    table = Table("webhook", "address", "of", "state", box=None)
    for it in found:
        state = f"off: {it['sentence']}" if it["off_at"] else "on"
        table.add_row(it["id"], it["url"], ", ".join(it["kinds"]), state)
    tell(found, table if found else "there is none")


@webhook.command()
@click.argument("webhook")
@SERVER
@TOKEN
@JSON
def deliveries(webhook: str, url: str, token_file: Path) -> None:
    """What WEBHOOK was told lately, and what came of it."""
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(f"/webhooks/{webhook}/deliveries", "deliveries")
    table = Table("kind", "at (UTC)", "tries", "what came of it", box=None)
    for it in found:
        came = "taken" if it["delivered_at"] else it["sentence"] or "on its way"
        again = f"; again at {it['next_at'][:19]}" if it["next_at"] and it["tries"] else ""
        table.add_row(it["kind"], it["at"][:19], str(it["tries"]), came + again)
    tell(found, table if found else "it was told nothing yet")


@webhook.command()
@click.argument("webhook")
@SERVER
@TOKEN
@JSON
def test(webhook: str, url: str, token_file: Path) -> None:
    """Send a test to WEBHOOK."""
    with Client(url, read_secret(token_file)) as client:
        client.post(f"/webhooks/{webhook}/test")
    tell({"webhook_id": webhook}, f"a test is on its way; cosmo webhook deliveries {webhook}")


@webhook.command()
@click.argument("webhook")
@SERVER
@TOKEN
@JSON
def remove(webhook: str, url: str, token_file: Path) -> None:
    """Tell WEBHOOK nothing any more, not even what waits for it."""
    with Client(url, read_secret(token_file)) as client:
        client.delete(f"/webhooks/{webhook}")
    tell({"webhook_id": webhook}, f"webhook {webhook} is removed")


def _place(lab: str | None) -> str:
    return f"/labs/{lab}/webhooks" if lab else "/webhooks"
