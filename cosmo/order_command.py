"""`cosmo order`: copies of a part, and how each process is to make it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

MAX_COPIES = 1000  # of one order, as servers take them
_HYPHENED = frozenset({"plates", "orientation", "purpose"})  # where people type them

Decorator = Callable[[Callable[..., None]], Callable[..., None]]

_PLATES: Decorator = click.option(
    "--plates", type=click.Choice(["one-at-a-time", "as-many-as-fit"]),
    help="How many copies are made at once; without it, one.",
)  # fmt: skip
_WHERE: tuple[Decorator, ...] = (
    click.option(
        "--machine", "machines", multiple=True, metavar="ID",
        help="A machine that may make it; may be given again. Without it, any that can."),
    click.option(
        "--attended-only", is_flag=True,
        help="It starts only while somebody is there, whatever the machine."),
    click.option(
        "--alone", is_flag=True,
        help="Of a print: it shares no plate with other orders."),
    click.option(
        "--after", metavar="ORDER",
        help="It is begun once that order of the same lab is done."),
)  # fmt: skip
WHEN: dict[str, Decorator] = {
    "deadline": click.option(
        "--deadline", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
        help="When it is to be ready, UTC; what is due first goes first."),
    "not_before": click.option(
        "--not-before", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
        help="No machine gets it earlier than this, UTC."),
    "urgent_because": click.option(
        "--urgent", "urgent_because", metavar="REASON",
        help="It goes before everything else. Only the lab's operators can say so."),
}  # fmt: skip
# By the name that each has in the API's `options`, and in its `milling`.
PRINTING: dict[str, Decorator] = {
    "quality": click.option(
        "--quality", type=click.Choice(["draft", "standard", "fine"]),
        help="Of a print: thinner layers look smoother and take longer."),
    "orientation": click.option(
        "--orientation", type=click.Choice(["as-drawn", "suggested"]),
        help="Of a print, the side on the bed: as drawn, or where it needs the least support."),
    "scale": click.option(
        "--scale", type=click.FloatRange(0.05, 20),
        help="Of a print: 2 is twice as long and eight times as heavy."),
    "infill_percent": click.option(
        "--infill", "infill_percent", type=click.IntRange(0, 100),
        help="Of a print: how much of its inside is filled, %."),
    "nozzle_mm": click.option(
        "--nozzle", "nozzle_mm", type=click.FloatRange(0.1, 2), metavar="MM",
        help="Of a print: only with a nozzle of this bore; without it, with any."),
    "supports": click.option(
        "--supports", is_flag=True,
        help="Of a print: hold up what hangs in the air."),
    "brim": click.option(
        "--brim", is_flag=True,
        help="Of a print: a flat rim that holds a small part on the bed."),
}  # fmt: skip
MILLING: dict[str, Decorator] = {
    "nest": click.option(
        "--nest", is_flag=True,
        help="Of milling: lay each piece of the drawing where it wastes least."),
    "grain": click.option(
        "--grain", type=click.Choice(["x", "y"]),
        help="Of milling: which way of the drawing the sheet's grain is to run."),
    "finish": click.option(
        "--finish", is_flag=True,
        help="Of milling: one more thin round along every edge."),
    "conventional": click.option(
        "--conventional", is_flag=True,
        help="Of milling: against the turn of the cutter, for machines with play."),
    "way": click.option(
        "--way", type=click.Choice(["auto", "plate", "surface"]),
        help="Of milling a mesh: cut out as a plate, or carved as a surface."),
    "lines": click.option(
        "--lines", type=click.Choice(["x", "y", "both"]),
        help="Of carving: the way that the last lines run; both is smoother and takes longer."),
    "scallop_mm": click.option(
        "--scallop-mm", type=click.FloatRange(0.005, 0.5),
        help="Of carving: how high the ridges between two lines of a ball may be, mm."),
}  # fmt: skip


_GROUPS = {
    **dict.fromkeys(WHEN, "when"),
    **dict.fromkeys(PRINTING, "options"),
    **dict.fromkeys(MILLING, "milling"),
}


def _offered(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with every option of how a part is made."""
    for option in reversed(
        [_PLATES, *_WHERE, *WHEN.values(), *PRINTING.values(), *MILLING.values()]
    ):
        command = option(command)
    return command


@click.command()
@click.argument("design", required=False)
@click.argument("part", required=False)
@click.option(
    "--program",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="G-code of your own instead of a design, if the lab gave you the right to bring it.",
)
@click.option("--lab", required=True, help="The lab that is to build it.")
@click.option("--material", help="Such as pla, petg or plywood; without it, the designer's.")
@click.option("--copies", default=1, show_default=True, type=click.IntRange(1, MAX_COPIES))
@click.option(
    "--for",
    "purpose",
    default="own-use",
    show_default=True,
    type=click.Choice(["own-use", "gift", "for-pay", "sale"]),
    help="What for: the design's licence is asked about it.",
)
@click.option(
    "--set",
    "variant",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for a parameter of the part's source, such as width=18; may be given again.",
)
@_offered
@SERVER
@TOKEN
@JSON
def order(
    design: str | None,
    part: str | None,
    program: Path | None,
    lab: str,
    url: str,
    token_file: Path,
    **said: Any,
) -> None:
    """Order COPIES of PART of the newest release of DESIGN, or of a PROGRAM of your own.

    What is left out is as usual in the lab.
    """
    said["variant"] = _values(said["variant"])
    if (program is None) == (design is None) or (design is None) != (part is None):
        raise click.UsageError("name DESIGN and PART, or a --program of your own")
    with Client(url, read_secret(token_file)) as client:
        if program is not None:
            _tell_placed(client.bring_program(lab, program, **_of_program(said)), lab, url)
            return
        release = client.get(f"/designs/{design}")["head"]["id"]
        placed = client.order(lab, {"release_id": release, "part": part, **_wish(said)})
    if "waiting_id" in placed:
        place = f"see {url}/waiting-orders/{placed['waiting_id']}"
        tell(placed, f"the order waits: {placed['sentence']}", place)
        return
    _tell_placed(placed, lab, url)


def _tell_placed(placed: Answer, lab: str, url: str) -> None:
    said_of_it = [
        f"  {'✗' if answer['refusal'] else '✓'} {answer['sentence']}"
        for answer in placed["answers"]
    ]
    told = [f"  ! {remark}" for remark in placed["remarks"]]
    tell(placed, *said_of_it, *told, f"order {placed['order_id']}: {url}/labs/{lab}")


def _of_program(said: dict[str, Any]) -> dict[str, Any]:
    """What was said, as far as it can be said of a program; UsageError names what cannot."""
    wish = _wish(said)
    wish |= wish.pop("when", {})
    allowed = {"copies", "material", "purpose", "machines", "attended_only", "after", *WHEN}
    if others := sorted(wish.keys() - allowed):
        raise click.UsageError(f"a program is run as it is: leave out what is about {others[0]}")
    wish.pop("purpose", None)
    return wish


def _values(pairs: tuple[str, ...]) -> dict[str, str] | None:
    """The values by name: what each of them is, the server knows."""
    for pair in pairs:
        if "=" not in pair:
            raise click.BadParameter(f"'{pair}' is not NAME=VALUE", param_hint="--set")
    return {name.strip(): value for name, _, value in (it.partition("=") for it in pairs)} or None


def _wish(said: dict[str, Any]) -> Answer:
    """What was said, in the API's words; what was not is left to the server."""
    wish: Answer = {}
    for name, value in said.items():
        if value is None or value is False or value == ():
            continue
        group = _GROUPS.get(name)
        place = wish if group is None else wish.setdefault(group, {})
        if isinstance(value, datetime):
            place[name] = f"{value.isoformat()}Z"
        else:
            place[name] = value.replace("-", "_") if name in _HYPHENED else value
    return wish
