"""`cosmo search`: designs by words, and by what they can be narrowed to."""

from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

_MOST = 100


@click.command()
@click.argument("words", nargs=-1)
@click.option("--licence", multiple=True, help="Such as CERN-OHL-S-2.0; may be repeated.")
@click.option("--process", multiple=True, help="How its parts are made: fdm or cnc.")
@click.option("--material", multiple=True, help="Such as pla or plywood.")
@click.option("--readiness", multiple=True, help="OTRL-1 (idea) to OTRL-6 (product).")
@click.option("--tag", multiple=True, help="A keyword of the designer's.")
@click.option("--built", is_flag=True, help="Only what a lab has built.")
@click.option("--fits", help="A lab whose machines can make it.")
@click.option("--near", help="Where it has been built: a lab, or LATITUDE,LONGITUDE.")
@click.option("--km", type=float, help="How far around that; 50 if not given.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=24, show_default=True)
@click.option("--cursor", help="Where the page begins: what the page before printed as next.")
@SERVER
@JSON
def search(
    words: tuple[str, ...], built: bool, cursor: str | None, limit: int, url: str,
    **narrowed: tuple[str, ...] | str | float | None,
) -> None:  # fmt: skip
    """List designs that have all WORDS: in their name first, then in purpose, README and BOM."""
    asked: dict[str, str | int | float | tuple[str, ...]] = {
        name: value for name, value in narrowed.items() if value
    }
    asked |= {"q": " ".join(words), "limit": limit}
    asked |= {"built": "yes"} if built else {}
    asked |= {"cursor": cursor} if cursor else {}
    with Client(url) as client:
        found = client.get("/designs", **asked)
    tell(found, *_words(found))


def _words(found: Answer) -> Iterator[RenderableType]:
    table = Table("design", "version", "name", "licence", "", box=None)
    for design in found["designs"]:
        text = Text()
        for piece in design["snippet"]:
            text.append(piece["text"], style="bold" if piece["hit"] else "dim")
        table.add_row(
            design["slug"], design["version"], Text(design["name"]), design["license"], text
        )
    yield table if found["designs"] else "nothing found"
    if found["near_words"]:
        yield f"few have the very words; shown too: {', '.join(found['near_words'])}"
    for facet, values in found["facets"].items():
        listed = ", ".join(f"{it['value']} ({_count(it)})" for it in values)
        if listed:
            yield Text(f"{facet}: {listed}")
    yield f"{_count(found['total'])} found"
    if found["next"]:
        yield f"more: --cursor {found['next']}"


def _count(count: Answer) -> str:
    """How many; "1000+" where there are others that were not counted."""
    return f"{count['number']}{'+' if count['more'] else ''}"
