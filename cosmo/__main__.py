"""`cosmo`: what people type. Every failure is one sentence and exit code 1."""

import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from commons.errors import FabError
from cosmo.access import SERVER, TOKEN, keep_secret, read_secret
from cosmo.agent_commands import agent
from cosmo.allocation_commands import allocation
from cosmo.city_commands import city, coalition
from cosmo.client import Answer, Client, Published
from cosmo.directory_commands import labs, people, person, profile
from cosmo.guest_commands import approve, decline, requests
from cosmo.lab_commands import lab
from cosmo.lot_commands import lots
from cosmo.machine_commands import machines
from cosmo.mail_commands import mail
from cosmo.manifest_commands import bring, manifest
from cosmo.money_commands import money
from cosmo.news_commands import news
from cosmo.notice_commands import notices
from cosmo.order_command import order
from cosmo.people_commands import bookings, trainings
from cosmo.post_commands import post
from cosmo.progress import shown_progress
from cosmo.queue_commands import jobs, order_set, orders, queue
from cosmo.record_commands import record
from cosmo.repair_command import repair
from cosmo.search_commands import search
from cosmo.server_commands import server
from cosmo.share_out import share_out_command
from cosmo.told import JSON, console, tell, wants_json
from cosmo.upload_commands import upload
from cosmo.webhook_commands import webhook

MOST_NOTES = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Design global, manufacture local: publish open designs, build them in your lab."""


@cli.command()
@click.option("--once", is_flag=True, help="Stop everything at the end and exit.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"),
              show_default=True, help="Folder of the demo; made anew each time.")  # fmt: skip
def demo(*, once: bool, data: Path) -> None:
    """Run the whole chain on this machine: publish, order, slice, stream, count."""
    from cosmo.demo.story import run_demo

    run_demo(data, once=once, console=console)


@cli.command("sign-in")
@SERVER
@TOKEN
@click.option("--handle", prompt=True, help="Your name on this server.")
@click.password_option(confirmation_prompt=False)
@JSON
def sign_in(url: str, token_file: Path, handle: str, password: str) -> None:
    """Get a token for this computer and keep it in a file that only you can read."""
    with Client(url) as client:
        token = client.sign_in(handle, password)
    keep_secret(token_file.expanduser(), token)
    kept = {"handle": handle, "token_file": str(token_file)}
    tell(kept, f"signed in as {handle}; token kept in {token_file}")


@cli.command()
@click.argument("folders", nargs=-1, required=True,
                type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--note", default="", help="What changed, for those who use an older release.")
@SERVER
@TOKEN
@JSON
def publish(folders: tuple[Path, ...], note: str, url: str, token_file: Path) -> None:
    """Publish each design FOLDER (okh.toml or okh.yml, and its files) under the folder's name."""
    releases = []
    with Client(url, read_secret(token_file)) as client, shown_progress() as told:
        for folder in folders:
            done = client.publish(folder, note=note, told=told)
            releases.append({**asdict(done), "url": f"{url}/designs/{done.slug}"})
            if not wants_json():
                _say_published(done, url)
    tell(releases)


def _say_published(done: Published, url: str) -> None:
    what = "published" if done.new else "is there already"
    for told in done.notes[:MOST_NOTES]:
        console.print(f"  a strict reader minds: {told}", markup=False)
    if len(done.notes) > MOST_NOTES:
        console.print("  and more: `cosmo manifest check` tells all")
    console.print(f"{done.slug} {done.version} {what}: {url}/designs/{done.slug}")


@cli.command()
@click.argument("design")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--change", required=True, help="What you change, in a sentence.")
@SERVER
@TOKEN
@JSON
def fork(design: str, folder: Path, change: str, url: str, token_file: Path) -> None:
    """Begin a design of your own in FOLDER with the newest release of DESIGN."""
    from cosmo.forking import fork_design

    with Client(url, read_secret(token_file)) as client:
        by = client.get("/me")["name"]
        release = fork_design(client, design, folder, by=by, change=change)
    tell(
        {"folder": str(folder), "release_id": release["id"], "version": release["version"]},
        f"forked {release['name']} {release['version']} into {folder}",
        f"change it, then: cosmo publish --server {url} {folder}",
    )


@cli.command()
@click.argument("lab")
@SERVER
@TOKEN
@JSON
def status(lab: str, url: str, token_file: Path) -> None:
    """What the machines of LAB are doing, and what waits for what."""
    with Client(url, read_secret(token_file)) as client:
        board: Answer = client.get(f"/labs/{lab}/board")
    table = Table("machine", "state", "says", box=None)
    for machine in board["machines"]:
        table.add_row(machine["name"], machine["state"], machine["sentence"])
    jobs = [f"{it['title']} · {it['part']}: {it['state']} {it['sentence']}" for it in board["jobs"]]
    tell(board, table, *jobs)


cli.add_command(order)
cli.add_command(orders)
cli.add_command(queue)
cli.add_command(order_set)
cli.add_command(jobs)
cli.add_command(bookings)
cli.add_command(trainings)
cli.add_command(money)
cli.add_command(news)
cli.add_command(repair)
cli.add_command(search)
cli.add_command(lab)
cli.add_command(requests)
cli.add_command(approve)
cli.add_command(decline)
cli.add_command(lots)
cli.add_command(machines)
cli.add_command(manifest)
cli.add_command(bring)
cli.add_command(labs)
cli.add_command(people)
cli.add_command(record)
cli.add_command(share_out_command)
cli.add_command(allocation)
cli.add_command(person)
cli.add_command(profile)
cli.add_command(post)
cli.add_command(notices)
cli.add_command(mail)
cli.add_command(upload)
cli.add_command(city)
cli.add_command(coalition)
cli.add_command(webhook)
cli.add_command(server)
cli.add_command(agent)


def main() -> None:
    """Run the command; say what went wrong in one sentence."""
    try:
        cli()
    except FabError as error:
        said = Console(stderr=True, highlight=False, markup=False)
        said.print(f"cosmo: {error}", style="red", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
