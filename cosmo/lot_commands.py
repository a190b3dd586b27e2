"""`cosmo lots …`: a lab's spools and sheets: what there is, where it is, and what is left of it."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from commons.flows import Ring
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.chosen import chosen
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell


@click.group()
def lots() -> None:
    """Keep the spools and sheets of a lab."""


@lots.command("list")
@click.argument("lab")
@click.option("--material", help="Only of this one.")
@click.option("--archived", is_flag=True, help="Those that are used up.")
@SERVER
@JSON
def list_(lab: str, material: str | None, archived: bool, url: str) -> None:
    """List the lots of LAB, and what is left of each."""
    asked = {"material": material} if material else {}
    asked |= {"archived": "true"} if archived else {}
    with Client(url) as client:
        found = client.entries(f"/labs/{lab}/lots", "lots", **asked)
    table = Table("lot", "name", "material", "colour", "left", "known", box=None)
    for it in found:
        left = it["mass_left"]
        mass = f"{left['central']:.0f} g" if left else "unknown"
        known = left["state"] if left else ""
        names = (Text(it["name"]), it["material"], Text(it["colour"] or ""))
        table.add_row(it["id"], *names, mass, known)
    tell(found, table if found else "there is no such lot")


@lots.command()
@click.argument("lab")
@click.option("--material", required=True, help="pla, petg, plywood, mdf or pine.")
@click.option("--name", required=True, help="By which people tell it from others.")
@click.option("--ring", default=Ring.UNKNOWN.value, show_default=True,
              type=click.Choice([ring.value for ring in Ring]),
              help="Where it was last substantially made.")  # fmt: skip
@click.option("--evidence", help="How you know where it was made.")
@click.option("--mass-g", "mass_left_g", type=float, help="What is left of it, in g.")
@click.option("--gross-g", type=float, help="Or: what the scale says with its spool, in g.")
@click.option("--tare-g", type=float, help="The empty spool, in g; of a sheet 0.")
@click.option("--net-g", type=float, help="What it held when it was new, in g.")
@click.option("--colour", help="As people call it.")
@click.option("--colour-hex", help="Such as #e8792b.")
@click.option("--maker", help="Who made it.")
@click.option("--maker-lot", help="Its maker's number of the lot.")
@click.option("--price-minor", type=int, help="In the smallest unit of its currency (cents).")
@click.option("--currency", help="Three letters, such as EUR.")
@click.option("--bought-on", help="The day, such as 2026-05-04.")
@click.option("--thickness-mm", type=float, help="Of a sheet, in mm.")
@click.option("--width-mm", type=float, help="Of a sheet, along the machine's X, in mm.")
@click.option("--depth-mm", type=float, help="Of a sheet, along the machine's Y, in mm.")
@click.option("--grain", type=click.Choice(["x", "y"]), help="Which axis a sheet's grain follows.")
@SERVER
@TOKEN
@JSON
def add(lab: str, url: str, token_file: Path, **said: str | float | None) -> None:
    """Put a spool or sheet on the shelf of LAB."""
    wanted = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        made = client.post(f"/labs/{lab}/lots", wanted)
    tell(made, f"lot {made['id']}: {made['name']}")


@lots.command()
@click.argument("lab")
@click.argument("lot")
@SERVER
@TOKEN
@JSON
def show(lab: str, lot: str, url: str, token_file: Path) -> None:
    """What is known of LOT, where it is, and what was done with it."""
    with Client(url, read_secret(token_file)) as client:
        found = client.get(f"/labs/{lab}/lots/{_lot(client, lab, lot)['id']}")
    where = f"on {found['machine']}" if found["machine"] else "on the shelf"
    acts = Table("at (UTC)", "what", "machine", "by", box=None)
    for it in found["acts"]:
        acts.add_row(it["at"][:19], it["kind"], it["machine"] or "", Text(it["by"]))
    uses = Table("job", "part", "machine", "used", box=None)
    for it in found["uses"]:
        mass = "unknown" if it["mass_g"] is None else f"{it['mass_g']:.1f} g"
        uses.add_row(it["job_id"], Text(it["part"]), it["machine"], mass)
    tell(found, Text(f"{found['name']}, {_left(found)}, {where}"), acts, uses)


def _left(lot: Answer) -> str:
    left = lot["mass_left"]
    if left is None:
        return "nobody knows how much is left"
    return f"{left['central']:.0f} g left ({left['low']:.0f} to {left['high']:.0f} g)"


@lots.command()
@click.argument("lab")
@click.argument("machine")
@click.argument("lot")
@SERVER
@TOKEN
@JSON
def load(lab: str, machine: str, lot: str, url: str, token_file: Path) -> None:
    """Say that LOT is on MACHINE now; each by its name or id."""
    with Client(url, read_secret(token_file)) as client:
        on, put = _machine(client, lab, machine), _lot(client, lab, lot)
        client.post(f"/labs/{lab}/machines/{on['id']}/lot", {"lot_id": put["id"]})
    tell({"machine_id": on["id"], "lot_id": put["id"]}, f"{put['name']} is on {on['name']}")


@lots.command()
@click.argument("lab")
@click.argument("machine")
@SERVER
@TOKEN
@JSON
def unload(lab: str, machine: str, url: str, token_file: Path) -> None:
    """Say that nothing is on MACHINE any more."""
    with Client(url, read_secret(token_file)) as client:
        on = _machine(client, lab, machine)
        client.post(f"/labs/{lab}/machines/{on['id']}/lot", {"lot_id": None})
    tell({"machine_id": on["id"], "lot_id": None}, f"nothing is on {on['name']}")


@lots.command()
@click.argument("lab")
@click.argument("machine")
@click.argument("lot")
@SERVER
@TOKEN
@JSON
def follow(lab: str, machine: str, lot: str, url: str, token_file: Path) -> None:
    """When what is on MACHINE runs short, LOT follows: orders first use up what is loaded."""
    with Client(url, read_secret(token_file)) as client:
        on, put = _machine(client, lab, machine), _lot(client, lab, lot)
        client.post(f"/labs/{lab}/machines/{on['id']}/next-lot", {"lot_id": put["id"]})
    told = {"machine_id": on["id"], "lot_id": put["id"]}
    tell(told, f"{put['name']} follows on {on['name']}")


@lots.command()
@click.argument("lab")
@click.argument("lot")
@click.option("--gross-g", required=True, type=float, help="What the scale says, in g.")
@click.option("--tare-g", type=float, help="The empty spool, in g, where it is not known yet.")
@SERVER
@TOKEN
@JSON
def weigh(
    lab: str, lot: str, gross_g: float, tare_g: float | None, url: str, token_file: Path
) -> None:
    """Put right what is left of LOT by weighing it; the difference is told."""
    said = {"gross_g": gross_g} | ({} if tare_g is None else {"tare_g": tare_g})
    with Client(url, read_secret(token_file)) as client:
        path = f"/labs/{lab}/lots/{_lot(client, lab, lot)['id']}/weighings"
        weighed = client.post(path, said)
    tell(weighed, weighed["sentence"])


@lots.command()
@click.argument("lab")
@click.argument("lot")
@click.option("--width-mm", required=True, type=float, help="Along the machine's X, in mm.")
@click.option("--depth-mm", required=True, type=float, help="Along its Y, in mm.")
@click.option("--name", help="Else the sheet's, and its size.")
@click.option("--sheet-stays", is_flag=True, help="There is more of the sheet than this.")
@SERVER
@TOKEN
@JSON
def offcut(lab: str, lot: str, url: str, token_file: Path, **said: str | float | None) -> None:
    """Keep what is left of the sheet LOT as a lot of its own."""
    wanted = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        made = client.post(f"/labs/{lab}/lots/{_lot(client, lab, lot)['id']}/offcuts", wanted)
    tell(made, f"lot {made['id']}: {made['name']}")


@lots.command()
@click.argument("lab")
@click.argument("lot")
@click.option("--reason", required=True, help="Why: it stands in its history, with your name.")
@click.option("--name", help="What it is called.")
@click.option("--ring", type=click.Choice([it.value for it in Ring]), help="Last made in.")
@click.option("--evidence", help="How you know where.")
@click.option("--maker", help="Who made it.")
@click.option("--maker-lot", help="Its number there.")
@SERVER
@TOKEN
@JSON
def correct(lab: str, lot: str, url: str, token_file: Path, **said: str | None) -> None:
    """Put right what is known of LOT; what was made of it counts under its right origin."""
    wanted = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        found = _lot(client, lab, lot)
        client.post(f"/labs/{lab}/lots/{found['id']}/corrections", wanted)
    tell({"lot_id": found["id"], **wanted}, f"{found['name']} is put right")


@lots.command()
@click.argument("lab")
@click.argument("lot")
@SERVER
@TOKEN
@JSON
def archive(lab: str, lot: str, url: str, token_file: Path) -> None:
    """Say that nothing is left of LOT: it is listed no more, and kept."""
    with Client(url, read_secret(token_file)) as client:
        found = _lot(client, lab, lot)
        client.post(f"/labs/{lab}/lots/{found['id']}/archive")
    tell({"lot_id": found["id"]}, f"{found['name']} is used up")


@lots.command()
@click.argument("lab")
@click.argument("lot")
@SERVER
@TOKEN
@JSON
def restore(lab: str, lot: str, url: str, token_file: Path) -> None:
    """Take LOT, which was used up, back to the shelf."""
    with Client(url, read_secret(token_file)) as client:
        found = _lot(client, lab, lot, archived=True)
        client.post(f"/labs/{lab}/lots/{found['id']}/restore")
    tell({"lot_id": found["id"]}, f"{found['name']} is on the shelf: weigh it")


def _machine(client: Client, lab: str, wanted: str) -> Answer:
    return chosen(client.get(f"/labs/{lab}/board")["machines"], wanted, what="machine")


def _lot(client: Client, lab: str, wanted: str, *, archived: bool = False) -> Answer:
    asked = {"archived": "true"} if archived else {}
    return chosen(client.entries(f"/labs/{lab}/lots", "lots", **asked), wanted, what="lot")
