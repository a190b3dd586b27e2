"""`cosmo post …`: what a lab, a design or the node tells in the journal."""

from pathlib import Path
from typing import TextIO

import click
from rich.table import Table
from rich.text import Text

from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.told import JSON, tell

LAB = click.option("--lab", help="From this lab.")
DESIGN = click.option("--design", help="From this design.")
TITLE = click.option("--title", required=True, help="What it is about, in a line.")
FILE = click.argument("file", type=click.File())


@click.group()
def post() -> None:
    """Write and read the journal."""


@post.command("list")
@LAB
@DESIGN
@click.option("--own", is_flag=True, help="Yours alone, drafts too.")
@SERVER
@TOKEN
@JSON
def list_(lab: str | None, design: str | None, own: bool, url: str, token_file: Path) -> None:
    """List the posts, the latest first."""
    of = {name: slug for name, slug in (("lab", lab), ("design", design)) if slug}
    with Client(url, read_secret(token_file) if own else None) as client:
        found = client.entries("/me/posts" if own else "/posts", "posts", **({} if own else of))
    table = Table("post", "day", "from", "title", box=None)
    for it in found:
        day = it["published_at"][:10] if it["published_at"] else "draft"
        table.add_row(it["id"], day, Text(it["voice"]["slug"] or "node"), Text(it["title"]))
    tell(found, table if found else "there is none")


@post.command()
@FILE
@TITLE
@LAB
@DESIGN
@click.option("--publish", is_flag=True, help="At once, and not as a draft.")
@SERVER
@TOKEN
@JSON
def new(
    file: TextIO,
    title: str,
    lab: str | None,
    design: str | None,
    publish: bool,
    url: str,
    token_file: Path,
) -> None:
    """Write the Markdown in FILE (- is what is piped in) as a post; of the node without --lab or
    --design."""
    said = {"title": title, "text": file.read(), "lab": lab, "design": design}
    with Client(url, read_secret(token_file)) as client:
        made = client.post("/posts", said)
        if publish:
            made = client.post(f"/posts/{made['id']}/publish")
    _tell(made, url)


@post.command()
@click.argument("post")
@FILE
@TITLE
@SERVER
@TOKEN
@JSON
def edit(post: str, file: TextIO, title: str, url: str, token_file: Path) -> None:
    """Let POST say what is in FILE."""
    with Client(url, read_secret(token_file)) as client:
        made = client.put(f"/posts/{post}", {"title": title, "text": file.read()})
    _tell(made, url)


@post.command()
@click.argument("post")
@SERVER
@TOKEN
@JSON
def publish(post: str, url: str, token_file: Path) -> None:
    """Let everybody read POST."""
    with Client(url, read_secret(token_file)) as client:
        made = client.post(f"/posts/{post}/publish")
    _tell(made, url)


@post.command()
@click.argument("post")
@SERVER
@TOKEN
@JSON
def withdraw(post: str, url: str, token_file: Path) -> None:
    """Take back the words of POST; that it was there stays known."""
    with Client(url, read_secret(token_file)) as client:
        client.post(f"/posts/{post}/withdraw")
    tell({"post_id": post}, f"post {post} is withdrawn")


def _tell(made: Answer, url: str) -> None:
    state = "published" if made["published_at"] else "a draft"
    tell(made, f"{made['title']} is {state}: {url}/journal/{made['id']}")
