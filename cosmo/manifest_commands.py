"""`cosmo manifest …`: what is wrong with a manifest, and the same one in other words."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from commons.errors import InvalidInput
from commons.manifest import (
    Dialect,
    Finding,
    Syntax,
    check_manifest,
    read_manifest,
    write_manifest,
)
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Answer, Client
from cosmo.progress import shown_progress
from cosmo.told import JSON, tell

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIALECT = click.option("--dialect", required=True, type=click.Choice([it.value for it in Dialect]),
                        help="v1 is YAML; losh and 2.4 are TOML.")  # fmt: skip
_OUT = click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
                    help="Where to write it; without, it is printed.")  # fmt: skip


@click.group()
def manifest() -> None:
    """Check a design's manifest, or say it in another dialect of Open Know-How."""


@manifest.command()
@click.argument("file", type=_FILE)
@JSON
def check(file: Path) -> None:
    """Say everything that is wrong with FILE, for lenient and for strict readers."""
    answer = check_manifest(file.read_bytes())
    spoken = "YAML" if answer.syntax is Syntax.YAML else "TOML"
    tell(
        asdict(answer),
        f"{file}: {answer.dialect.spoken}, in {spoken}",
        *_answer("lenient", answer.lenient, "every reader can use it"),
        *_answer("strict", answer.strict, "right to the letter of its specification"),
        *_answer("for a release here", (*answer.lenient, *answer.needed), "nothing is missing"),
    )
    if answer.lenient or answer.needed:
        raise InvalidInput(f"{file} cannot be published as it is")


@manifest.command()
@click.argument("file", type=_FILE)
@_DIALECT
@_OUT
def convert(file: Path, dialect: str, out: Path | None) -> None:
    """Say FILE in another dialect; what that cannot say travels under `cosmolocal`."""
    text = file.read_bytes()
    _put(write_manifest(read_manifest(text).data, Dialect(dialect), like=text), out)


@manifest.command()
@click.argument("design")
@_DIALECT
@click.option("--release", help="The id of one release; without, the newest.")
@_OUT
@SERVER
def export(design: str, dialect: str, release: str | None, out: Path | None, url: str) -> None:
    """The manifest of a published DESIGN in a dialect."""
    with Client(url) as client:
        id_ = release or client.get(f"/designs/{design}")["head"]["id"]
        _put(client.file(f"/releases/{id_}/manifest", dialect=dialect), out)


@click.command("import")
@click.argument("design")
@click.argument("source")
@SERVER
@TOKEN
@JSON
def bring(design: str, source: str, url: str, token_file: Path) -> None:
    """Bring SOURCE (a folder, zip, tar.gz or manifest's https address) as a draft of DESIGN."""
    with Client(url, read_secret(token_file)) as client, shown_progress() as told:
        draft = client.bring(design, source, told=told)
    page = f"{url}/drafts/{draft['draft']}" + ("/questions" if draft["questions"] else "")
    tell(
        {**draft, "url": page},
        f"{draft['files']} files are in a draft of {design}",
        *(_question(it) for it in draft["questions"]),
        f"go on at {page}",
    )


def _question(asked: Answer) -> str:
    guess = f"; a guess, {asked['why']}: {asked['guess']}" if asked["guess"] else ""
    return f"  {asked['field']}: {asked['problem']}{guess}"


def _answer(reader: str, findings: Sequence[Finding], fine: str) -> list[str]:
    said = f"{len(findings)} to mend" if findings else fine
    return [f"  {reader}: {said}", *(f"    {finding}" for finding in findings)]


def _put(text: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(text.decode(), nl=False)
        return
    try:
        out.write_bytes(text)
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"written: {out}")
