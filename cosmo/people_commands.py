"""`cosmo trainings …` and `cosmo bookings …`: who may use which machine, and when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table
from rich.text import Text

from commons.bookings import at_local
from commons.errors import InvalidInput
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.chosen import chosen
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

LAB = click.argument("lab")


@click.group()
def trainings() -> None:
    """Who was trained for which machines, and who stands for it."""


@trainings.command("list")
@click.option("--lab", help="All of this lab, if you stand at its machines; else your own.")
@SERVER
@TOKEN
@JSON
def list_trainings(lab: str | None, url: str, token_file: Path) -> None:
    """List trainings, the latest first."""
    path = f"/labs/{lab}/trainings" if lab else "/me/trainings"
    with Client(url, read_secret(token_file)) as client:
        found = client.entries(path, "trainings")
    table = Table("training", "who", "for", "lab", "until (UTC)", "signed by", box=None)
    for it in found:
        until = f"revoked: {it['reason']}" if it["revoked_at"] else (it["ends_at"] or "")[:10]
        who, name = Text(it["person"]), Text(it["name"])
        table.add_row(it["id"], who, name, it["lab"], Text(until), Text(it["signed_by"]))
    tell(found, table if found else "nobody has signed a training")


@trainings.command("ask")
@LAB
@click.argument("name")
@click.option("--process", type=click.Choice(["fdm", "cnc"]), help="All machines of a process.")
@click.option("--machine", help="One machine, by its name or id.")
@click.option("--ordering", is_flag=True, help="Whoever orders needs it.")
@click.option("--operating", is_flag=True, help="Whoever clears the bed needs it.")
@click.option("--days", type=int, help="How long it counts; without an end where not said.")
@click.option("--trainer", "trainers", multiple=True, help="A handle of one who may sign it.")
@SERVER
@TOKEN
@JSON
def ask(lab: str, name: str, process: str | None, machine: str | None, ordering: bool,
        operating: bool, days: int | None, trainers: tuple[str, ...], url: str,
        token_file: Path) -> None:  # fmt: skip
    """Ask for the training NAME at machines of LAB, or change what is asked."""
    wanted: dict[str, Any] = {"name": name, "process": process, "days": days,
                              "for_ordering": ordering, "for_operating": operating,
                              "trainers": trainers}  # fmt: skip
    with Client(url, read_secret(token_file)) as client:
        if machine is not None:
            wanted["machine_id"] = _machine(client, lab, machine)["id"]
        made = client.put(f"/labs/{lab}/training-classes", wanted)
    tell(made, f"{lab} asks for {name}")


@trainings.command("sign")
@LAB
@click.argument("name")
@click.argument("handle")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The first day without it.")
@click.option("--note", default="", help="Such as what was shown.")
@SERVER
@TOKEN
@JSON
def sign(lab: str, name: str, handle: str, until: datetime | None, note: str, url: str,
         token_file: Path) -> None:  # fmt: skip
    """Sign that HANDLE has had the training NAME of LAB."""
    wanted: dict[str, object] = {"handle": handle, "note": note}
    if until is not None:
        wanted["ends_at"] = until.replace(tzinfo=UTC).isoformat()
    with Client(url, read_secret(token_file)) as client:
        classes = client.get(f"/labs/{lab}/training-classes")["classes"]
        of = chosen(classes, name, what="training")
        made = client.post(f"/labs/{lab}/training-classes/{of['id']}/trainings", wanted)
    signed = made["training"]
    tell(made, f"{signed['person']} is trained for {signed['name']}: training {signed['id']}")


@trainings.command("revoke")
@LAB
@click.argument("training")
@click.option("--reason", required=True, help="Why it counts no more.")
@SERVER
@TOKEN
@JSON
def revoke(lab: str, training: str, reason: str, url: str, token_file: Path) -> None:
    """Say that TRAINING counts no more; that it was signed stays in the history."""
    with Client(url, read_secret(token_file)) as client:
        done = client.post(f"/labs/{lab}/trainings/{training}/revoke", {"reason": reason})
    tell(done, f"{done['training']['person']}'s training for {done['training']['name']} is revoked")


@click.group()
def bookings() -> None:
    """Times for which machines are kept for somebody."""


@bookings.command("list")
@click.option("--lab", help="All of this lab; else your own.")
@click.option("--days", type=click.IntRange(1, 62), default=7, show_default=True,
              help="How far ahead.")  # fmt: skip
@SERVER
@TOKEN
@JSON
def list_bookings(lab: str | None, days: int, url: str, token_file: Path) -> None:
    """List what is booked from now on."""
    path = f"/labs/{lab}/bookings" if lab else "/me/bookings"
    with Client(url, read_secret(token_file)) as client:
        found = client.get(path, days=days)["bookings"]
    table = Table("booking", "machine", "from (UTC)", "until (UTC)", "who", box=None)
    for it in found:
        state = "cancelled" if it["cancelled_at"] else "missed" if it["missed"] else ""
        who = it["person"] or "a calendar"
        at = (it[end][:16] for end in ("begins_at", "ends_at"))
        machine = Text(it["machine"] or "all")
        table.add_row(it["id"], machine, *at, Text(f"{who} {state}".strip()))
    tell(found, table if found else "nothing is booked")


@bookings.command("add")
@LAB
@click.argument("machine")
@click.option("--begin", required=True, type=click.DateTime(["%Y-%m-%dT%H:%M"]),
              help="By the lab's clocks, such as 2027-05-03T14:00.")  # fmt: skip
@click.option("--minutes", required=True, type=click.IntRange(1), help="For how long.")
@click.option("--title", default="", help="What for.")
@SERVER
@TOKEN
@JSON
def add(lab: str, machine: str, begin: datetime, minutes: int, title: str, url: str,
        token_file: Path) -> None:  # fmt: skip
    """Book MACHINE of LAB."""
    with Client(url, read_secret(token_file)) as client:
        zone = client.get(f"/labs/{lab}/booking-rules")["time_zone"]
        begins_at = at_local(begin, ZoneInfo(zone))
        wanted = {
            "machine_id": _machine(client, lab, machine)["id"],
            "begins_at": begins_at.isoformat(),
            "ends_at": (begins_at + timedelta(minutes=minutes)).isoformat(),
            "title": title,
        }
        made = client.post(f"/labs/{lab}/bookings", wanted)
    booked = made["booking"]
    tell(made, f"{booked['machine']} is yours from {begin:%Y-%m-%d %H:%M}: booking {booked['id']}")


@bookings.command("cancel")
@LAB
@click.argument("booking")
@click.option("--reason", default="", help="Why; a manager says it of others' bookings.")
@SERVER
@TOKEN
@JSON
def cancel(lab: str, booking: str, reason: str, url: str, token_file: Path) -> None:
    """Cancel BOOKING."""
    with Client(url, read_secret(token_file)) as client:
        done = client.post(f"/labs/{lab}/bookings/{booking}/cancel", {"reason": reason})
    tell(done, f"{done['booking']['machine']} is free then")


@bookings.command("rules")
@LAB
@click.option("--longest-minutes", type=int, help="The longest that is booked at once.")
@click.option("--ahead-days", type=int, help="How far ahead.")
@click.option("--open-at-once", type=int, help="How many to come, of one person.")
@click.option("--no-show-minutes", type=int, help="When nobody has come; 0: it stays booked.")
@click.option("--time-zone", help="Such as Europe/Berlin.")
@SERVER
@TOKEN
@JSON
def rules(lab: str, url: str, token_file: Path, **said: str | int | None) -> None:
    """Show what LAB lets people book; with options, change it."""
    given = {name: value for name, value in said.items() if value is not None}
    with Client(url, read_secret(token_file)) as client:
        found = client.get(f"/labs/{lab}/booking-rules")
        if given:
            wanted = {**found, **given}
            wanted["no_show_minutes"] = wanted["no_show_minutes"] or None
            found = client.put(f"/labs/{lab}/booking-rules", wanted)
    tell(found, *(f"{name}: {value}" for name, value in found.items()))


@bookings.command("follow")
@LAB
@click.argument("calendar")
@click.option("--name", required=True, help="By which people tell it from others.")
@click.option("--machine", help="The one that it keeps; else all of the lab.")
@SERVER
@TOKEN
@JSON
def follow(lab: str, calendar: str, name: str, machine: str | None, url: str,
           token_file: Path) -> None:  # fmt: skip
    """Let CALENDAR, an https address or an .ics file, keep machines of LAB."""
    is_address = "://" in calendar
    data = b"" if is_address else _bytes(calendar)
    wanted: dict[str, object] = {"name": name, "url": calendar if is_address else None}
    with Client(url, read_secret(token_file)) as client:
        if machine is not None:
            wanted["machine_id"] = _machine(client, lab, machine)["id"]
        made = client.post(f"/labs/{lab}/calendars", wanted)
        id_ = made["calendar"]["id"]
        if not is_address:
            client.put_bytes(f"/labs/{lab}/calendars/{id_}/events", data)
    tell(made, f"{name} keeps {machine or 'all machines'}: calendar {id_}")


@bookings.command("unfollow")
@LAB
@click.argument("calendar")
@SERVER
@TOKEN
@JSON
def unfollow(lab: str, calendar: str, url: str, token_file: Path) -> None:
    """Follow CALENDAR no more, by its name or id; what it kept is free."""
    with Client(url, read_secret(token_file)) as client:
        found = chosen(client.get(f"/labs/{lab}/calendars")["calendars"], calendar, what="calendar")
        client.delete(f"/labs/{lab}/calendars/{found['id']}")
    tell({"id": found["id"]}, f"{found['name']} keeps nothing any more")


@bookings.command("address")
@SERVER
@TOKEN
@JSON
def address(url: str, token_file: Path) -> None:
    """Make a private address of your bookings, for the calendar of your phone."""
    with Client(url, read_secret(token_file)) as client:
        made = client.post("/me/calendar")
    tell(made, made["address"])


def _machine(client: Client, lab: str, named: str) -> Answer:
    return chosen(client.get(f"/labs/{lab}/board")["machines"], named, what="machine")


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
