"""OpenSCAD, run on a stranger's sources: a program of their own, in a box with nothing else in it.

Bubblewrap gives it the sources to read and one empty folder to write; no network, no fonts, no
other file. Where there is no bubblewrap, or no OpenSCAD, nothing is rendered.
"""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO

from commons.errors import InvalidInput, Unavailable
from commons.texts import later
from commons.variants import Value, written
from repo_server.parsing import sandbox

KIND = "scad"
MESH = "mesh.stl"
NOTHING = "it draws nothing: no body is left with these values"
_READS = "reads"
_SOURCES = PurePosixPath("/src")
_MOST_SOURCES = 200
_MOST_LINES, _MOST_LETTERS, _MOST_SENTENCE = 20_000, 500, 240
_NOT_HERE = later("not rendered: OpenSCAD is not on this node")
_NO_BOX = later("not rendered: this node has no sandbox to run OpenSCAD in")
# A body from which something is missing is not the one that was drawn.
_INCOMPLETE = ("Can't open", "couldn't be opened", "Ignoring unknown module",
               "Ignoring unknown function", "too many elements")  # fmt: skip
_READ = re.compile(r"(?:include|library|import) file '([^']*)'|library '([^']*)'|file '([^']*)'")
_BETWEEN = re.compile(r"(?<!\\)\s+")  # of names in a rule of make
_WHERE = re.compile(r'(?:\.\./)*/?src/|"')


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may use before it is stopped; `mesh_bytes` holds for each file."""

    cpu_s: int = 60
    wall_s: float = 120.0
    memory_bytes: int = 2 * 1024**3
    mesh_bytes: int = 32 * 1024**2


LIMITS = Limits()


def require_here() -> str:
    """The version of the OpenSCAD that renders here; Unavailable tells what is missing."""
    program = shutil.which("openscad")
    if program is None:
        raise Unavailable(_NOT_HERE)
    if not sandbox.sandboxed():
        raise Unavailable(_NO_BOX)
    return _version(program)


@cache
def _version(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\S+)", told.stdout + told.stderr)
    return f"OpenSCAD {found[1]}" if found else "OpenSCAD"


def render(
    path: str,
    sources: Mapping[str, Path],
    values: Mapping[str, Value],
    *,
    out: Path,
    limits: Limits = LIMITS,
) -> Path:
    """The body that the source at `path` draws with these values, as a binary STL in `out`.

    `sources` are the files that it may read, by their paths in the release. InvalidInput tells why
    there is no such body, Unavailable why nothing can be rendered here now.
    """
    require_here()
    if len(sources) > _MOST_SOURCES:
        raise InvalidInput(f"its release has {len(sources)} sources; {_MOST_SOURCES} can be read")
    with tempfile.TemporaryFile() as said:
        code = _run(_command(path, sources, values, out, limits), said, limits)
        lines = list(_lines(said))
    if any(line.startswith("bwrap: ") for line in lines):
        raise Unavailable(f"nothing can be rendered now: {lines[0]}")
    _require_ended(code, lines, limits)
    _require_own(out / _READS, lines)
    mesh = out / MESH
    if code != 0 or mesh.is_symlink() or not mesh.is_file():
        raise InvalidInput(_complaint(lines))
    if problem := _first(lines, "ERROR: ") or _incomplete(lines):
        raise InvalidInput(_said(problem))
    return mesh


def expression(value: Value) -> str:
    """The value as OpenSCAD reads it, and nothing else whatever letters it has."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return written(value)


def _command(
    path: str, sources: Mapping[str, Path], values: Mapping[str, Value], out: Path, limits: Limits
) -> list[str]:
    # Behind the folders that hold other people's fonts and libraries there is nothing.
    box = [*sandbox.box(), "--tmpfs", "/usr/share", "--tmpfs", "/usr/local/share"]
    for name, stored in sources.items():
        box += ["--ro-bind", str(stored.resolve()), str(_SOURCES / name)]
    chosen = [part for it in values.items() for part in ("-D", f"{it[0]}={expression(it[1])}")]
    return [
        *("nice", "-n10", "prlimit", f"--as={limits.memory_bytes}", "--core=0", "--nofile=64"),
        *(f"--cpu={limits.cpu_s}:{limits.cpu_s + 2}", f"--fsize={limits.mesh_bytes}"),
        *(*box, "--bind", str(out.resolve()), "/out", "--chdir", "/out", "--"),
        *(shutil.which("openscad") or "openscad", "--export-format", "binstl"),
        *("-o", f"/out/{MESH}", "-d", f"/out/{_READS}", *chosen, str(_SOURCES / path)),
    ]


def _run(command: Sequence[str], said: IO[bytes], limits: Limits) -> int | None:
    """The exit code; None when its time ran out."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            timeout=limits.wall_s, check=False,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return None


def _lines(said: IO[bytes]) -> Iterator[str]:
    """What it said, without the models' own words (ECHO); no line longer than a few sentences."""
    said.seek(0)
    for _ in range(_MOST_LINES):
        line = said.readline(_MOST_LETTERS)
        if not line:
            return
        text = line.decode("utf-8", errors="replace").strip()
        if text and not text.startswith("ECHO: "):
            yield text


def _require_ended(code: int | None, lines: Sequence[str], limits: Limits) -> None:
    """It came to its end by itself. Bubblewrap reports a signal as 128 + its number."""
    number = signal.SIGKILL if code is None else -code if code < 0 else max(0, code - 128)
    if number in (signal.SIGXCPU, signal.SIGKILL):
        raise InvalidInput(
            f"it takes more than {limits.cpu_s} s of computing time; ask for fewer facets ($fn), "
            "or draw it more simply"
        )
    if number == signal.SIGXFSZ:
        raise InvalidInput(f"it makes a mesh of more than {limits.mesh_bytes >> 20} MB")
    if number or any("bad_alloc" in line for line in lines):
        raise InvalidInput(
            f"OpenSCAD breaks on it, or needs more than {limits.memory_bytes >> 20} MB of memory"
        )


def _require_own(reads: Path, lines: Sequence[str]) -> None:
    """Everything that it wanted to read was among its sources."""
    wanted = [it for line in lines if (it := _wanted(line))]
    if reads.is_file() and not reads.is_symlink():
        named = reads.read_text(errors="replace").replace("\\\n", " ").partition(":")[2]
        files = (normpath(name) for name in _BETWEEN.split(named.strip()))
        wanted += [name for name in files if not name.startswith(f"{_SOURCES}/")]
    if wanted:
        name = _plain(_WHERE.sub("", wanted[0]))[:80]
        raise InvalidInput(f"it reads '{name}', which is not among the sources of its release")
    if any(line.startswith("Fontconfig error") for line in lines):
        raise InvalidInput("it writes text, and there are no fonts here; draw the letters instead")


def _wanted(line: str) -> str | None:
    if not any(sign in line for sign in ("Can't open", "couldn't be opened")):
        return None
    found = _READ.search(line)
    return next(filter(None, found.groups()), None) if found else line


def _complaint(lines: Sequence[str]) -> str:
    """Why there is no mesh, in OpenSCAD's own words where it has any."""
    if said := _first(lines, "ERROR: ") or _first(lines, "WARNING: "):
        return _said(said)
    if any("not a 3D object" in line for line in lines):
        return "it draws in two dimensions; only bodies are rendered: export its drawing as DXF"
    return NOTHING


def _incomplete(lines: Sequence[str]) -> str | None:
    missing = (line for line in lines if any(sign in line for sign in _INCOMPLETE))
    return next((line.removeprefix("WARNING: ") for line in missing), None)


def _first(lines: Sequence[str], sign: str) -> str | None:
    return next((line.removeprefix(sign) for line in lines if line.startswith(sign)), None)


def _said(line: str) -> str:
    return f"OpenSCAD says: {_plain(_WHERE.sub('', line))[:_MOST_SENTENCE]}"


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
