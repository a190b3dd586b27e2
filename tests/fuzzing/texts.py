"""Texts: manifests, facilities, bills, licences, versions, sources."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from commons.bom import read_bom
from commons.content import canonical_json, holds_nul
from commons.errors import InvalidInput
from commons.licences.answers import ask_licence, is_open_hardware
from commons.licences.expressions import read_expression
from commons.licences.forks import licences_for_one_work, may_fork
from commons.licences.spelling import read_spelling, wrong_spelling
from commons.licences.terms import Event
from commons.manifest import (
    Dialect,
    answer_questions,
    open_questions,
    parse_manifest,
    read_manifest,
    read_with_notes,
    said_in,
    write_manifest,
)
from commons.manifest.translation import OWN
from commons.versions import in_order, newest, read_version
from tests.fuzzing.parsers import of_kind
from tests.fuzzing.target import Target

DESIGNS = Path(__file__).parents[2] / "designs"
BILLS = (
    b"item,description,quantity,unit,source,made\n1,Screw M3x8,4,pcs,stock,\n"
    b"2,Plate,1,,design:plate@1.0.0,mill\n3,Cable,0.5,m,https://example.org/cable,bought\n",
)
LICENCES = (
    b"CERN-OHL-S-2.0 OR (MIT AND CC-BY-SA-4.0)",
    b"GPL-3.0-or-later WITH Classpath-exception-2.0",
    b"Creative Commons Attribution-ShareAlike 4.0",
    b"CERN OHL v2 strongly reciprocal and GNU GPL v3 or later",
)
VERSIONS = (b"1.2.3\n1.2.3-beta.1\n1.2\nv1", b"1.0.0-alpha.beta\n1.0.0-1\n1.0.0+build.5")


def manifest(data: bytes, folder: Path) -> None:
    """A manifest is read, asked, answered, and written in every dialect."""
    read, _ = read_with_notes(data)
    written = parse_manifest(data)
    if holds_nul(canonical_json(read.data)):
        raise AssertionError("PostgreSQL does not keep this")
    # Of what another dialect could not say, what somebody has changed since is left out.
    if OWN not in written.data and said_in(read.data, written.dialect) != written.data:
        raise AssertionError("what came in is not what goes out")
    asked = {question.field: "x" for question in open_questions(data, {"README.md": "# A hook"})}
    _tried(lambda: answer_questions(data, asked))
    for dialect in Dialect:
        _tried(lambda dialect=dialect: read_manifest(write_manifest(read.data, dialect, like=data)))


def _tried(do: Callable[[], object]) -> None:
    try:
        do()
    except InvalidInput:
        return


def bill(data: bytes, folder: Path) -> None:
    """A bill of materials is one, or it is none."""
    json.dumps([line.quantity for line in read_bom(data) or ()], allow_nan=False)


def licence(data: bytes, folder: Path) -> None:
    """A licence is spelt, and asked everything that may be asked."""
    text = data.decode("utf-8", "replace")
    found = read_spelling(text)
    wrong_spelling(text)
    expression = found.expression or text
    read_expression(expression)
    for event in Event:
        ask_licence(expression, event)
    is_open_hardware(expression)
    may_fork(expression, expression)
    licences_for_one_work([expression, "MIT"])


def version(data: bytes, folder: Path) -> None:
    """Versions, a line each, have one order."""
    lines = data.decode("utf-8", "replace").split("\n")
    newest([it for it in map(read_version, lines) if it is not None])
    ordered = sorted(lines, key=in_order)
    if sorted(map(in_order, lines)) != [in_order(line) for line in ordered]:
        raise AssertionError("two orders of the same versions")
    for it in filter(None, map(read_version, lines)):
        if read_version(str(it)) != it:
            raise AssertionError(f"{it} is read as another version than it is")


def _tomls() -> tuple[bytes, ...]:
    found = sorted(DESIGNS.glob("*/okh.toml"), key=lambda path: path.stat().st_size)
    return tuple(path.read_bytes() for path in found[:2])


def _ymls() -> tuple[bytes, ...]:
    return tuple(write_manifest(read_manifest(it).data, Dialect.V1) for it in _tomls())


TARGETS = {
    "okh.toml": lambda: Target(manifest, _tomls()),
    "okh.yml": lambda: Target(manifest, _ymls()),
    "bom": lambda: Target(bill, BILLS),
    "licence": lambda: Target(licence, LICENCES),
    "version": lambda: Target(version, VERSIONS),
    "scad": partial(of_kind, "scad"),
    "md": partial(of_kind, "md"),
}
