"""One child process a file: no network, no other files, little memory, little time.

Bubblewrap takes away what the child does not need, where it works; the limits that the child
sets itself hold everywhere.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

import commons
import repo_server
from commons.errors import Unavailable

WALL_S = 90
CPU_S = 60
MEMORY_BYTES = 2 * 1024**3
OUT_BYTES = 16 * 1024**2

_APP = Path("/app")
_TAIL_BYTES = 4096
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",  # each thread maps memory of its own
    "OMP_NUM_THREADS": "1",
}
_TOO_LARGE = ("MemoryError", "bad_alloc", "Cannot allocate", "File too large")
_TOO_LONG = "takes too long to read; simplify it and publish it again"


def run_child(
    arguments: list[str], path: Path, out: Path, *, other: Path | None = None
) -> str | None:
    """A Python with these arguments has read the file and left its answer in `out`.

    It is told where both are by two more arguments, and by a third where the `other` file is.
    Answers None, or when it did not end well the end of a sentence about the file.
    Raises Unavailable when that was not the file's fault.
    """
    with tempfile.TemporaryFile() as complaints:
        try:
            code = _run(arguments, (path, out, other), complaints)
        except subprocess.TimeoutExpired:
            return _TOO_LONG
        said = _tail(complaints)
    if code == 0:
        return None
    if said.startswith("bwrap: ") or "No space left" in said:
        raise Unavailable(f"no file can be inspected now: {said.strip()}")
    # Bubblewrap reports a child's signal as 128 + its number.
    number = -code if code < 0 else code - 128
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return _TOO_LONG
    if any(sign in said for sign in _TOO_LARGE):
        return "is too large to be read here; simplify it and publish it again"
    return "makes its reader crash; it is damaged, or not what its name says"


def _run(
    arguments: list[str], places: tuple[Path, Path, Path | None], complaints: IO[bytes]
) -> int:
    path, out, other = places
    python = [sys.executable, "-s", "-P", *arguments]
    if sandboxed():
        command = [*_box(path, out, other), *python, "/in", "/out", *(["/other"] if other else [])]
        environment = {}
    else:
        command = [*python, *(str(it) for it in places if it)]
        environment = {**_ENVIRONMENT, "PYTHONPATH": str(Path(repo_server.__path__[0]).parent)}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=complaints,
        stderr=complaints,
        env=environment,
        cwd=out,
        timeout=WALL_S,
        check=False,
    ).returncode


@cache
def most_children() -> int:
    """How many children may read files at the same time: each has a core, and the memory that it
    may take at most."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), memory // MEMORY_BYTES))


@cache
def sandboxed() -> bool:
    """Whether bubblewrap is here and the system lets it make namespaces."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return False
    trial = [bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def box() -> list[str]:
    """Bubblewrap with the system's programs, an empty /tmp and nothing else: no network, no rights,
    no environment."""
    system: list[str] = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        folder = Path("/", name)
        if folder.is_symlink():
            system += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            system += ["--ro-bind", str(folder), str(folder)]
    return [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--uid", "65534", "--gid", "65534", "--clearenv"),
        *("--setenv", "HOME", "/tmp", "--setenv", "LC_ALL", "C.UTF-8"),  # noqa: S108
        *("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"),
        *("--ro-bind-try", "/etc/alternatives", "/etc/alternatives"),
        *("--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108
        *system,
    ]


def _box(path: Path, out: Path, other: Path | None) -> list[str]:
    readers: list[str] = []
    for prefix in sorted({sys.prefix, sys.base_prefix} - {"/usr"}):
        readers += ["--ro-bind", prefix, prefix]
    for package in (commons, repo_server):
        folder = Path(package.__path__[0])
        readers += ["--ro-bind", str(folder), str(_APP / folder.name)]
    for name, value in {**_ENVIRONMENT, "PYTHONPATH": str(_APP)}.items():
        readers += ["--setenv", name, value]
    return [
        *box(),
        *("--proc", "/proc"),
        *readers,
        *(("--ro-bind", str(other.resolve()), "/other") if other else ()),
        *("--ro-bind", str(path.resolve()), "/in", "--bind", str(out), "/out", "--chdir", "/out"),
        "--",
    ]


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    return stream.read().decode("utf-8", errors="replace")
