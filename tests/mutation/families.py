"""What is spoilt: of each kind of file good ones, who reads them, and how often."""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commons.errors import InvalidInput
from commons.manifest import Dialect, read_manifest, write_manifest
from repo_server.parsing import KINDS
from repo_server.parsing.inspection import MAX_ANSWER_BYTES
from tests import mesh_files, step_files
from tests.format_files import GOOD

DESIGNS = Path(__file__).parents[2] / "designs"
Reader = Callable[[Path, Path], None]


@dataclass(frozen=True, slots=True)
class Family:
    """Good files, and who reads them: given a file and an empty folder, it returns or raises
    InvalidInput. `crashes` where native code may die of a file, as the sandbox expects;
    `any_error` where the child turns what a library raises into a sentence."""

    good: tuple[bytes, ...]
    read: Reader
    count: int
    crashes: bool = False
    any_error: bool = True


def parsed(kind: str) -> Reader:
    """The parser of this kind of file, and that its answer is one that the server takes."""
    module = importlib.import_module(f"repo_server.parsing.{KINDS[kind].module}")

    def read(path: Path, out: Path) -> None:
        answer = module.inspect(path, kind, out)
        if len(json.dumps(answer, allow_nan=False)) > MAX_ANSWER_BYTES:
            raise AssertionError("the answer is longer than the server reads")

    return read


def packed(path: Path, out: Path) -> None:
    """The 3MF whose model this is: what is spoilt within a zip, no zip would let through."""
    path.write_bytes(mesh_files.package(path.read_bytes()))
    parsed("3mf")(path, out)


def manifest(path: Path, out: Path) -> None:
    """The manifest, which the server reads in its own process, and what is written of it."""
    read = read_manifest(path.read_bytes())
    for dialect in Dialect:
        try:
            write_manifest(read.data, dialect)
        except InvalidInput:
            continue


def _published(pattern: str) -> tuple[bytes, ...]:
    found = sorted(DESIGNS.glob(pattern), key=lambda path: path.stat().st_size)
    return tuple(path.read_bytes() for path in found[:3])


def _tomls() -> tuple[bytes, ...]:
    return _published("*/okh.toml")


def _ymls() -> tuple[bytes, ...]:
    return tuple(write_manifest(read_manifest(it).data, Dialect.V1) for it in _tomls())


def _of_kind(kind: str, count: int, *more: bytes, any_error: bool = True) -> Family:
    return Family((GOOD[kind], *more), parsed(kind), count, any_error=any_error)


def _mesh(kind: str, count: int, *good: bytes) -> Family:
    return Family(good, parsed(kind), count, any_error=False)


# By the name that `make mutate FAMILY=…` takes; made, and its reader loaded, when it is asked for.
FAMILIES: dict[str, Callable[[], Family]] = {
    "stl": lambda: _mesh("stl", 2000, mesh_files.stl(), mesh_files.stl_text()),
    "3mf": lambda: _mesh("3mf", 2000, mesh_files.package(mesh_files.model(*mesh_files.TWO))),
    "3mf model": lambda: Family(
        (mesh_files.model(*mesh_files.TWO).encode(),), packed, 2000, any_error=False
    ),
    "obj": lambda: _mesh("obj", 2000, mesh_files.obj()),
    "ply": lambda: _mesh("ply", 2000, mesh_files.ply()),
    "glb": lambda: _mesh("glb", 2000, mesh_files.glb_box()),
    "amf": lambda: _mesh("amf", 2000, mesh_files.amf()),
    "step": lambda: Family(
        (step_files.box(), step_files.table()), parsed("step"), 400, crashes=True
    ),
    "dxf": lambda: _of_kind("dxf", 2000, *_published("*/export/*.dxf")),
    "svg": lambda: _of_kind("svg", 2000, *_published("*/export/*.svg")),
    "scad": lambda: _of_kind("scad", 2000, any_error=False),
    "gcode": lambda: _of_kind("gcode", 2000, any_error=False),
    "okh.toml": lambda: Family(_tomls(), manifest, 2000, any_error=False),
    "okh.yml": lambda: Family(_ymls(), manifest, 2000, any_error=False),
    "kicad_pcb": lambda: _of_kind("kicad_pcb", 500, any_error=False),
    "gbr": lambda: _of_kind("gbr", 500),
    "drl": lambda: _of_kind("drl", 500, any_error=False),
    "pdf": lambda: Family((GOOD["pdf"],), parsed("pdf"), 500, crashes=True),
    "md": lambda: _of_kind("md", 500, any_error=False),
    "zip": lambda: _of_kind("zip", 500),
    "fcstd": lambda: _of_kind("fcstd", 500),
}
