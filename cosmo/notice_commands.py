"""`cosmo notices`: what waits for a steward, and what a design or a lab should know."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.mail_commands import mail_table
from cosmo.told import JSON, tell

DISMISS = click.option(
    "--dismiss", "ids", multiple=True, metavar="NOTICE", help="Show this one no more; repeatable."
)
DISMISS_ALL = click.option(
    "--dismiss-all", is_flag=True, help="Show none of those that are listed any more."
)


@click.command()
@click.option("--design", help="Instead, what this design should know of those it was made from.")
@DISMISS
@DISMISS_ALL
@SERVER
@TOKEN
@JSON
def notices(
    design: str | None, ids: tuple[str, ...], dismiss_all: bool, url: str, token_file: Path
) -> None:
    """What waits for you: orders of your designs that ask for your word, e-mails that you owe."""
    if design is not None:
        place = f"/designs/{design}"
        tell_notices(place, ids, dismiss_all=dismiss_all, url=url, token_file=token_file)
    elif ids or dismiss_all:
        raise click.UsageError("what waits for you ends when you act; name a --design to dismiss")
    else:
        _tell_mine(url, token_file)


def _tell_mine(url: str, token_file: Path) -> None:
    with Client(url, read_secret(token_file)) as client:
        found: Answer = client.get("/me/notices")
    orders = [
        f"{it['copies']} × {it['part']} of {it['title']}, ordered by {it['ordered_by']}: "
        f"{it['sentence']}; {url}/waiting-orders/{it['id']}"
        for it in found["waiting"]
    ]
    orders += _unlisted(found, "waiting")
    owed = [mail_table(found["mailings"])] if found["mailings"] else []
    more = _unlisted(found, "mailings")
    tell(found, *orders, *owed, *more, *([] if orders or owed else ["nothing waits for you"]))


def _unlisted(found: Answer, key: str) -> list[str]:
    more = found[f"{key}_total"] - len(found[key])
    return [f"and {more} more, which come once these are done"] if more else []


def tell_notices(
    place: str, ids: tuple[str, ...], *, dismiss_all: bool, url: str, token_file: Path
) -> None:
    """The notices of a lab or design at `place` are told, and those that were named are gone."""
    acts = bool(ids) or dismiss_all
    with Client(url, read_secret(token_file) if acts else None) as client:
        found = client.entries(f"{place}/notices", "notices")
        gone = [it["id"] for it in found] if dismiss_all else list(ids)
        if gone:
            client.post(f"{place}/notices/dismiss", {"ids": gone})
    table = Table("notice", "release", "", "use", "why", box=None)
    for it in found:
        release = f"{it['slug']} {it['version']}"
        table.add_row(it["id"], release, it["about"], it["instead_version"], Text(it["said"]))
    words = [f"{len(gone)} dismissed"] if gone else []
    tell({"notices": found, "dismissed": gone}, table if found else "nothing to know", *words)
