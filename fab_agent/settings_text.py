"""agent.toml as text for people: an example, and what adding a machine writes."""

import json
import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commons.errors import InvalidInput, Unavailable
from fab_agent import private_files
from fab_agent.settings import parse_settings

Setting = float | bool | str | tuple[str, ...]

EXAMPLE = """\
# Which repository this lab works for.
[repository]
url = "https://cosmolocal.example"

[agent]
name = "Bench by the window"
# Keys, journals, fetched files and prepared programs. Relative to this file.
data = "var/agent"
cache_gb = 20

# One table for each machine. Speeds are limits that no program may pass.
[[machine]]
name = "ender-1"
process = "fdm"
driver = "marlin"
port = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"
baud = 115200
materials = ["pla", "petg"]
max_feed_mm_s = 150
max_feed_z_mm_s = 10
rated_power_w = 350

[machine.envelope]
x_max_mm = 220
y_max_mm = 220
z_max_mm = 250

[machine.fdm]
nozzle_mm = 0.4
hotend_max_c = 250
bed_max_c = 100

[[machine]]
name = "router-1"
process = "cnc"
driver = "grbl"
port = "/dev/serial/by-id/usb-Arduino_Uno-if00"
materials = ["plywood"]
max_feed_mm_s = 40
max_feed_z_mm_s = 10

# Around the zero that is set on the sheet: z_min_mm is how deep the cutter may go.
[machine.envelope]
x_max_mm = 600
y_max_mm = 400
z_min_mm = -20
z_max_mm = 40

[machine.cnc]
cutter_mm = 3.0
spindle_max_rpm = 24000

# A printer behind its own print host.
# [[machine]]
# driver = "octoprint"
# url = "http://octopi.local"
# key_file = "octoprint.key"
"""

_HEAD = """\
# Which repository this lab works for.
[repository]
url = {url}

[agent]
# What the lab's people call this agent.
name = {name}
# Keys, journals, fetched files and prepared programs. Relative to this file. Keep it: it is
# what prevents a second start.
data = "agent"
"""

# What stands above a key; the rest speaks for itself.
_COMMENTS = {
    "max_feed_mm_s": "No program may move faster, mm/s.",
    "rated_power_w": "From the type plate: its energy is reckoned from it.",
}
_TABLES = {
    "envelope": {
        "fdm": "The box that no program may leave, in mm from the homed corner of the bed.",
        "cnc": "The box that no program may leave, in mm around the zero that is set on the sheet: "
        "z_min_mm is how deep the cutter may go.",
    },
    "fdm": {"fdm": "What it may be asked for."},
    "cnc": {"cnc": "The cutter in its collet, and what it may be asked for."},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a machine's table, as `envelope.x_max_mm`, and where its value comes from."""

    key: str
    value: Setting
    origin: str = ""


def write_example(path: Path) -> None:
    """An agent.toml to start from; InvalidInput when there is one already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE)
    except FileExistsError as error:
        raise InvalidInput(f"{path} is there already: change that one, or remove it") from error


def head_text(*, url: str, name: str) -> str:
    """The beginning of an agent.toml that has no machine yet."""
    return _HEAD.format(url=_toml(url), name=_toml(name))


def machine_text(entries: Iterable[Entry], *, title: str, notes: Mapping[str, str]) -> str:
    """A commented [[machine]] table. `notes` stand above the keys that they name."""
    entries = list(entries)
    process = next(str(entry.value) for entry in entries if entry.key == "process")
    lines = ["", *_comment(title), "[[machine]]"]
    lines += _lines((e for e in entries if "." not in e.key), notes)
    for table, comments in _TABLES.items():
        inner = [e for e in entries if e.key.startswith(f"{table}.")]
        if inner:
            lines += ["", *_comment(comments[process]), f"[machine.{table}]"]
            lines += _lines(inner, notes)
    return "\n".join(lines) + "\n"


def append(path: Path, addition: str, *, head: str = "") -> None:
    """The file ends with `addition`; what stood in it stays byte for byte.

    `head` begins a file that is not there yet. The file is replaced as a whole, and only by one
    that an agent can read.

    Raises:
        InvalidInput: together they are no agent.toml, or the file cannot be read.
        Unavailable: it cannot be written.
    """
    before = path.read_bytes() if path.exists() else head.encode()
    if before and not before.endswith(b"\n"):
        before += b"\n"
    content = before + addition.encode()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text ({error}): save it as that") from error
    parse_settings(text, folder=path.resolve().parent, name=path.name)
    _replace(path.resolve(), content)


@contextmanager
def keep_key(path: Path, key: str) -> Iterator[None]:
    """The key is in a file that only its owner can read, if what follows succeeds; "" keeps none.

    Raises:
        InvalidInput: there is such a file already.
        Unavailable: it cannot be written.
    """
    if not key:
        yield
        return
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key + "\n")
    except FileExistsError as error:
        raise InvalidInput(
            f"{path} is there already: give the machine another name, or use that key by --key-file"
        ) from error
    except OSError as error:
        raise Unavailable(f"the key cannot be kept in {path}: {error}") from error
    try:
        yield
    except BaseException:
        path.unlink()
        raise


def _replace(path: Path, content: bytes) -> None:
    """Its links lead to the new file, and who may read it stays as it was."""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        private_files.replace(path, content, mode=mode)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error}") from error


def _lines(entries: Iterable[Entry], notes: Mapping[str, str]) -> list[str]:
    lines = []
    for entry in entries:
        if comment := notes.get(entry.key) or _COMMENTS.get(entry.key):
            lines += _comment(comment)
        origin = f"  # {entry.origin}" if entry.origin else ""
        lines.append(f"{entry.key.rpartition('.')[2]} = {_toml(entry.value)}{origin}")
    return lines


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")


def _toml(value: Setting) -> str:
    """The value as TOML writes it; its basic strings escape as JSON's do."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:.10g}" if value != int(value) else str(int(value))
