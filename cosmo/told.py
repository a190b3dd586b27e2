"""What a command says: words for people, or with `--json` one document for programs."""

import json

import click
from rich.console import Console, RenderableType

_KEY = "cosmo.json"
console = Console(highlight=False)


def _keep(context: click.Context, _option: click.Parameter, chosen: bool) -> None:
    context.meta[_KEY] = chosen


JSON = click.option(
    "--json", is_flag=True, expose_value=False, callback=_keep,
    help="Print one JSON document instead of words.",
)  # fmt: skip


def tell(answer: object, *words: RenderableType) -> None:
    """The words are printed, each on lines of its own; with `--json` the answer is, and no word."""
    if wants_json():
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for word in words:
        if isinstance(word, str):
            click.echo(word)
        else:
            console.print(word)


def wants_json() -> bool:
    """Whether a program reads what this command prints."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_KEY))
