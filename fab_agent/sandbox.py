"""Strangers' files are only ever opened here: in a child with no network and hard limits.

bubblewrap gives the child its own namespaces, prlimit its limits, libseccomp a filter under
which it can start no other program. There is no way round it: without a sandbox nothing runs.
"""

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

import commons
import fab_agent
from commons.errors import Unavailable
from fab_agent.syscalls import write_filter

IN = Path("/in")
OUT = Path("/out")
_APP = Path("/app")
_TAIL_BYTES = 256 * 1024  # of what a child says; what came before is of no use
_TMP_BYTES = 64 * 2**20  # it lies in memory
_NO_MEMORY = ("bad_alloc", "MemoryError", "Cannot allocate memory", "failed to map segment")
_KILLED = 128 + signal.SIGKILL
_FULL_BELOW_BYTES = 1024 * 1024
# How often whoever waits for a child is asked whether it is still wanted, s.
_LOOK_S = 0.2


def _wanted() -> str | None:
    return None


# Why the children of this thread are no longer wanted, in words; None while they are.
unwanted: ContextVar[Callable[[], str | None]] = ContextVar("unwanted", default=_wanted)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use before it is stopped. `file_bytes` holds for each file it writes."""

    memory_bytes: int
    cpu_s: int
    wall_s: float
    file_bytes: int


class Ending(StrEnum):
    """How a child came to its end."""

    EXITED = "ended by itself"
    TIME = "took too long"
    MEMORY = "needed too much memory"
    OUTPUT = "wrote too much"
    DISK = "found the disk full"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Completed:
    """A child that has ended; `why` says how in words that fit behind the tool's name."""

    ending: Ending
    exit_code: int
    stdout: str
    stderr: str
    why: str


def run_limited(
    command: Sequence[str],
    *,
    out_dir: Path,
    limits: Limits,
    inputs: Mapping[str, Path] | None = None,
    readable: Mapping[Path, Path] | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Completed:
    """The command has ended, whatever it was given, and left at most files in `out_dir`.

    It sees `/usr`, `inputs` as `/in/<name>`, `readable` (inside -> outside), an empty `/tmp`
    and `out_dir` as `/out`, its working directory; all but the last two read-only. It has no
    network, no environment but `environment`, no rights, and can start no other process. It
    reads the file descriptor `stdin`, by itself an empty one.
    `out_dir` is the child's alone: all but plain files in it (links, pipes, folders) is removed
    before this returns, so that nobody follows what a child laid out.

    Raises:
        Unavailable: there is no working sandbox on this computer, and nothing was run; or
            `unwanted` has a reason, and the child was killed.
    """
    binds = {IN / name: path for name, path in (inputs or {}).items()} | dict(readable or {})
    with (
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
        os.fdopen(os.memfd_create("seccomp"), "wb") as rules,
    ):
        write_filter(rules.fileno())
        box = _box(binds, out_dir, environment or {}, rules.fileno())
        boxed = [*_prlimit(limits), *box, "--", *command]
        code = _wait(boxed, limits.wall_s, streams=(stdin, stdout, stderr), keep_fd=rules.fileno())
        said, complained = _tail(stdout), _tail(stderr)
    _require_started(complained, command[0])
    _keep_only_files(out_dir)
    ending, why = _ending(code, complained, limits, out_dir)
    return Completed(ending, _KILLED if code is None else code, said, complained, why)


def run_python(
    module: str,
    arguments: Sequence[str],
    *,
    out_dir: Path,
    limits: Limits,
    inputs: Mapping[str, Path] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Completed:
    """`python -m module` has ended in the sandbox, with our own packages and libraries only."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")}
    packages = {_APP / Path(p).name: Path(p) for m in (commons, fab_agent) for p in m.__path__}
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return run_limited(
        [sys.executable, "-s", "-P", "-m", module, *arguments],
        out_dir=out_dir,
        limits=limits,
        inputs=inputs,
        readable={p: p for p in prefixes} | packages,
        environment={"PYTHONPATH": str(_APP), "PYTHONDONTWRITEBYTECODE": "1", **one_thread},
        stdin=stdin,
    )


_HOW_TO = "install the package bubblewrap and allow user namespaces; nothing is sliced without it"


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is missing: install the package {package}")
    return path


def _prlimit(limits: Limits) -> list[str]:
    return [
        _tool("nice", "coreutils"),  # a machine that is moving comes first
        "-n10",
        _tool("prlimit", "util-linux"),
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_s}:{limits.cpu_s + 2}",
        f"--fsize={limits.file_bytes}",
        "--nofile=256",
        "--core=0",
    ]


def _box(
    binds: Mapping[Path, Path], out_dir: Path, environment: Mapping[str, str], rules: int
) -> list[str]:
    system: list[str] = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        folder = Path("/", name)
        if folder.is_symlink():
            system += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            system += ["--ro-bind", str(folder), str(folder)]
    for inside, outside in binds.items():
        system += ["--ro-bind", str(outside.resolve()), str(inside)]
    for name, value in environment.items():
        system += ["--setenv", name, value]
    return [
        _tool("bwrap", "bubblewrap"),
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--uid", "65534", "--gid", "65534", "--clearenv", "--seccomp", str(rules)),
        *("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives"),
        *("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(_TMP_BYTES), "--tmpfs", "/tmp"),  # noqa: S108
        *system,
        *("--bind", str(out_dir.resolve()), str(OUT), "--chdir", str(OUT)),
        *("--remount-ro", "/"),  # its own root lies in memory, too
        *("--setenv", "HOME", "/tmp", "--setenv", "LC_ALL", "C.UTF-8"),  # noqa: S108
    ]


def _wait(
    command: Sequence[str],
    wall_s: float,
    *,
    streams: tuple[int, IO[bytes], IO[bytes]],
    keep_fd: int,
) -> int | None:
    """The exit code, or None when the time ran out and all processes were killed."""
    try:
        child = subprocess.Popen(
            command,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            pass_fds=(keep_fd,),
        )
    except OSError as failed:
        raise Unavailable(f"the sandbox did not start ({failed}): {_HOW_TO}") from failed
    with child:
        try:
            return _ended(child, wall_s)
        finally:
            child.kill()  # bubblewrap, and its namespace with it; nothing when it has ended


def _ended(child: "subprocess.Popen[bytes]", wall_s: float) -> int | None:
    """The exit code, or None when the time ran out; Unavailable when nobody wants it any more."""
    end = time.monotonic() + wall_s
    with os.fdopen(os.pidfd_open(child.pid), "rb") as process:
        ended = select.poll()
        ended.register(process, select.POLLIN)
        while (left_s := end - time.monotonic()) > 0:
            if ended.poll(1000 * min(_LOOK_S, left_s)):
                return child.wait()
            if why := unwanted.get()():
                raise Unavailable(why)
    return None


def _require_started(complained: str, program: str) -> None:
    if complained.startswith("bwrap: execvp"):
        raise Unavailable(f"{program} cannot be started: is it installed below /usr?")
    if complained.startswith("bwrap: "):
        raise Unavailable(f"the sandbox does not work here ({complained.strip()}): {_HOW_TO}")


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    return stream.read().decode("utf-8", errors="replace")


def _keep_only_files(folder: Path) -> None:
    for entry in folder.iterdir():
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            shutil.rmtree(entry)
        elif not stat.S_ISREG(mode):
            entry.unlink()


def _ending(code: int | None, complaint: str, limits: Limits, out_dir: Path) -> tuple[Ending, str]:
    """What stopped the child. bubblewrap reports a signal as 128 + its number."""
    number = 0 if code is None else -code if code < 0 else code - 128 if code > 128 else 0
    too_long = f"took longer than {limits.wall_s:g} s"
    if code is None:
        return Ending.TIME, too_long
    if code == 0:
        return Ending.EXITED, "ended by itself"
    if number == signal.SIGXCPU:
        return Ending.TIME, f"used more than {limits.cpu_s} s of computing time"
    if number == signal.SIGKILL or any(word in complaint for word in _NO_MEMORY):
        return Ending.MEMORY, f"needed more than {limits.memory_bytes // 2**20} MB of memory"
    if number == signal.SIGXFSZ:
        return Ending.OUTPUT, f"wrote more than {limits.file_bytes // 2**20} MB"
    if shutil.disk_usage(out_dir).free < _FULL_BELOW_BYTES:
        return Ending.DISK, "found the disk full"
    if number:
        return Ending.CRASHED, f"crashed ({signal.Signals(number).name})"
    return Ending.EXITED, f"ended with code {code}"
