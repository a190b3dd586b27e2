"""`cosmo repair`: a repaired copy of a part's mesh, and the draft that it goes into."""

import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.table import Table

from commons.errors import InvalidInput, Unavailable
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

_PATIENCE_S, _PAUSE_S = 300.0, 1.0
_STEPS = {
    "holes": "holes closed",
    "seams": "seams without width closed",
    "corners_joined": "corners joined with others at their place",
    "flat": "triangles without area left out",
    "doubled": "doubled triangles left out",
    "fins": "triangles left out that hung at edges of others",
    "turned": "triangles turned",
    "bodies_turned": "bodies turned that were inside out",
    "bodies_united": "bodies that overlapped became one with others",
}


@click.command()
@click.argument("design")
@click.argument("part")
@click.option("--draft", is_flag=True, help="Put the copy into a draft of the next version.")
@click.option("--use", is_flag=True, help="There, the part is made from the copy.")
@SERVER
@TOKEN
@JSON
def repair(design: str, part: str, *, draft: bool, use: bool, url: str, token_file: Path) -> None:
    """Make a repaired copy of the mesh of PART of your DESIGN, and say what is different in it.

    The file itself stays as it is.
    """
    if use and not draft:
        raise click.UsageError("--use says what a draft is to hold: give --draft, too")
    with Client(url, read_secret(token_file)) as client:
        at = f"/releases/{client.get(f'/designs/{design}')['head']['id']}/repairs"
        made = _made(client, at, part)
        if made["state"] == "refused":
            raise InvalidInput(f"no copy of {made['file']} was made: {made['problem']}")
        begun = client.post(f"{at}/draft", {"part": part, "use": use}) if draft else {}
    said = [f"in a draft: {url}/drafts/{begun['draft_id']}"] if begun else []
    tell({**made, **begun}, *_done(made["facts"]), _table(made["facts"]), *said)


def _made(client: Client, at: str, part: str) -> Answer:
    """The copy once it is there; Unavailable when the server's worker does not come to it."""
    until = time.monotonic() + _PATIENCE_S
    while (found := client.post(at, {"part": part}))["state"] == "waiting":
        if time.monotonic() > until:
            raise Unavailable("the server has not come to it yet; ask again later")
        time.sleep(_PAUSE_S)
    return found


def _done(facts: Answer) -> Iterator[str]:
    for step, words in _STEPS.items():
        if facts["steps"][step]:
            yield f"{words}: {facts['steps'][step]}"
    for side, words in (("left", "of the old surface"), ("added", "of the new surface")):
        most, least = facts[side]["most_mm"], facts[side]["least_mm"]
        yield f"farthest place {words} from the other: {least:.2f} to {most:.2f} mm"


def _table(facts: Answer) -> Table:
    table = Table("", "before", "after", box=None)
    for key in ("faces", "open_edges", "turned_edges", "bodies", "volume_mm3", "area_mm2"):
        values = (facts[when][key] for when in ("before", "after"))
        table.add_row(key, *("none" if it is None else f"{it:g}" for it in values))
    return table
