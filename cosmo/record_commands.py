"""Records of starts: fetched from a server, and checked without one."""

from pathlib import Path

import click
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from commons.errors import InvalidInput
from commons.start_record import Finding, StartRecord, check
from cosmo.access import SERVER, TOKEN, read_secret
from cosmo.client import Client
from cosmo.told import JSON, tell


@click.group()
def record() -> None:
    """Records of starts: who, what program, which machine, whose word about the bed."""


@record.command()
@click.argument("attempt")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep it as a file.")
@SERVER
@TOKEN
@JSON
def show(attempt: str, out: Path | None, url: str, token_file: Path) -> None:
    """Show the record of the start of ATTEMPT, and what in it its agent has signed."""
    with Client(url, read_secret(token_file)) as client:
        found = client.get(f"/attempts/{attempt}/start")
    kept = StartRecord.model_validate(found)
    if out is not None:
        out.write_text(kept.model_dump_json(indent=1) + "\n")
    findings = check(kept, is_signed)
    told = f"{kept.what}, ordered by {kept.ordered_by}, on {kept.machine} of {kept.lab}"
    beside = [f"on its plate: {it.what}, ordered by {it.ordered_by}" for it in kept.also]
    tell(found, told, *beside, *map(_line, findings), *([f"kept as {out}"] if out else []))


@record.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The agent's public key, 64 hex digits, where you know it.")
@JSON
def verify(file: Path, key: str | None) -> None:
    """Check the record in FILE by itself; fails when anything in it was changed."""
    try:
        kept = StartRecord.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise InvalidInput(f"{file} is no record of a start, or is damaged") from error
    findings = check(kept, is_signed, key=key.lower() if key else None)
    told = [{"says": it.sentence, "proved": it.proved, "wrong": it.wrong} for it in findings]
    tell({"findings": told, "public_keys": sorted(_keys(kept))}, *map(_line, findings),
         *(f"signed with {it}" for it in sorted(_keys(kept))))  # fmt: skip
    if any(it.wrong for it in findings):
        raise InvalidInput(f"{file} is not what its agent signed: do not rely on it")


def is_signed(public_key: str, signature: str, text: bytes) -> bool:
    """Whether the Ed25519 signature of `text` is by the key; both in hex."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _line(finding: Finding) -> str:
    if finding.wrong:
        return f"wrong: {finding.sentence}"
    return f"{'signed' if finding.proved else 'told by the server'}: {finding.sentence}"


def _keys(record: StartRecord) -> set[str]:
    return {it.public_key for it in record.messages}
