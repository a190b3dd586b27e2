"""PrusaSlicer as a sandboxed child. Its exit code proves nothing; what it wrote is looked at."""

import mmap
import re
import shutil
import tempfile
from pathlib import Path

from commons.errors import Unavailable
from fab_agent.sandbox import Completed, Ending, Limits, run_limited
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import SlicerProfile
from fab_agent.slicing.slicer import SliceResult, SlicerIdentity, duration_s, refusal

LIMITS = Limits(memory_bytes=4 * 2**30, cpu_s=1800, wall_s=1800, file_bytes=2**30)
_ASKING = Limits(memory_bytes=2 * 2**30, cpu_s=20, wall_s=30, file_bytes=2**24)
_TAIL_BYTES = 64 * 1024  # figures stand some 8 kB before the end of the file
_VERSION = re.compile(r"^PrusaSlicer-(\S+)", re.MULTILINE)
_OPTION = re.compile(r"^ --([a-z0-9-]+)", re.MULTILINE)
_LAYER_Z = re.compile(rb"^;Z:([0-9.]+)", re.MULTILINE)
_EMPTY = ("No layers were detected", "The print is empty")
_INSTALL = "install the package prusa-slicer"


class PrusaSlicer:
    """The distribution's PrusaSlicer. It is asked for its version and settings only once."""

    def __init__(self) -> None:
        self._known: frozenset[str] | None = None
        self._identity: SlicerIdentity | None = None

    def identity(self) -> SlicerIdentity:
        """Name and version.

        Raises:
            Unavailable: it is not installed, does not run, or no sandbox works here.
        """
        if self._identity is None:
            match = _VERSION.search(self._ask("--help"))
            if match is None:
                raise Unavailable(f"prusa-slicer does not say its version: {_INSTALL} again")
            self._identity = SlicerIdentity("PrusaSlicer", match[1])
        return self._identity

    def slice(
        self,
        mesh: Path,
        profile: SlicerProfile,
        *,
        options: PrintOptions,
        out_dir: Path,
        placed: bool = False,
    ) -> SliceResult:
        """G-code in `out_dir` for `mesh` where it stands (`placed`), or for all copies of it.

        Raises:
            ProgramRefused: the copies do not fit, nothing was left, or it crashed on this mesh.
            Unavailable: not installed, too old for our settings, or the disk is full.
        """
        settings = out_dir / "settings.ini"
        settings.write_text(profile.ini(self._settings()), encoding="utf-8")
        child = run_limited(
            [_program(), *_arguments(profile, options, placed=placed)],
            out_dir=out_dir,
            limits=LIMITS,
            inputs={"part.stl": mesh, "settings.ini": settings},
        )
        gcode = out_dir / "raw.gcode"
        if child.ending is not Ending.EXITED or child.exit_code or not gcode.exists():
            raise _failure(child, profile, options)
        return read_result(gcode)

    def _settings(self) -> frozenset[str]:
        if self._known is None:
            names = _OPTION.findall(self._ask("--help-fff"))
            self._known = frozenset(name.replace("-", "_") for name in names)
        return self._known

    @staticmethod
    def _ask(question: str) -> str:
        """What it prints when asked `question`."""
        with tempfile.TemporaryDirectory() as out:
            child = run_limited([_program(), question], out_dir=Path(out), limits=_ASKING)
        if child.ending is not Ending.EXITED or child.exit_code:
            raise Unavailable(f"prusa-slicer {child.why}: {_INSTALL} again")
        return child.stdout


def read_result(gcode: Path) -> SliceResult:
    """What the G-code says about itself: layers by their marks, figures by its last comments."""
    with gcode.open("rb") as file:
        if file.seek(0, 2) == 0:
            return SliceResult(gcode, 0, 0.0, None, None, None)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            heights = [float(z) for z in _LAYER_Z.findall(text)]
            tail = text[max(0, len(text) - _TAIL_BYTES) :].decode("utf-8", errors="replace")
    duration = _last(tail, r"estimated printing time \(normal mode\)")
    return SliceResult(
        gcode=gcode,
        layers=len(heights),
        top_mm=max(heights, default=0.0),
        claimed_duration_s=None if duration is None else duration_s(duration),
        claimed_filament_mm=_number(_last(tail, r"filament used \[mm\]")),
        claimed_filament_g=_number(_last(tail, r"filament used \[g\]")),
    )


def _program() -> str:
    path = shutil.which("prusa-slicer")
    if path is None:
        raise Unavailable(f"prusa-slicer is missing: {_INSTALL}")
    return path


def _arguments(profile: SlicerProfile, options: PrintOptions, *, placed: bool) -> list[str]:
    """The command line. What could run or insert commands is given here once more: the command
    line wins over every file, whatever a file may hold."""
    copies = ["--duplicate", str(options.copies)] if options.copies > 1 else []
    where = ["--dont-arrange"] if placed else copies
    return [
        "--export-gcode",
        *("--loglevel", "1", "--datadir", "/tmp", "--load", "/in/settings.ini"),  # noqa: S108
        *("--post-process", "", "--start-gcode", profile.settings["start_gcode"]),
        *("--end-gcode", profile.settings["end_gcode"]),
        *where,
        *("--output", "/out/raw.gcode", "/in/part.stl"),
    ]


def _failure(child: Completed, profile: SlicerProfile, options: PrintOptions) -> Exception:
    said = child.stdout[-4000:] + child.stderr[-4000:]
    if child.ending is Ending.DISK:
        return Unavailable("the disk is full: free some space, then prepare the part again")
    if "could not fit on the bed" in said:
        x, y, _ = profile.area.room_mm(0)
        parts = "the part does" if options.copies == 1 else f"{options.copies} copies do"
        return refusal("no-room", f"{parts} not fit on {x:g} x {y:g} mm: order fewer at once")
    if any(words in said for words in _EMPTY):
        return refusal("empty", "nothing is left of the part: is it thinner than nozzle or layer?")
    last = child.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return refusal("failed", f"PrusaSlicer {child.why} ({last[0][:200]}): simplify the mesh")


def _last(text: str, name: str) -> str | None:
    found = re.findall(rf"^; {name} = (.*)$", text, re.MULTILINE)
    return found[-1] if found else None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
