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
_LAYER_Z = re.compile(rb"\n;Z:([0-9.]+)")
_SETTING = re.compile(r"^; (\w+) = (.*)$", re.MULTILINE)
_LAYER = b";LAYER_CHANGE"
_START_BYTES = 64 * 1024  # our own start is far shorter
_EMPTY = ("No layers were detected", "The print is empty")
_INSTALL = "install the package prusa-slicer"


class PrusaSlicer:
    """PrusaSlicer 2.5 or newer. It is asked for its version and settings only once.

    `program`: where it is; without it, the distribution's. Outside of /usr its folder is all
    that it sees of this computer.
    """

    def __init__(self, program: Path | None = None, *, limits: Limits = LIMITS) -> None:
        self._where, self._limits = program, limits
        self._known: tuple[SlicerIdentity, frozenset[str]] | None = None

    def identity(self) -> SlicerIdentity:
        """Name and version.

        Raises:
            Unavailable: it is not installed, does not run, or no sandbox works here.
        """
        return self._told()[0]

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
        told, settings = profile.ini(self._told()[1]), out_dir / "settings.ini"
        settings.write_text(told, encoding="utf-8")
        child = run_limited(
            [str(self._program()), *_arguments(profile, options, placed=placed)],
            out_dir=out_dir,
            limits=self._limits,
            inputs={"part.stl": mesh, "settings.ini": settings},
            readable=self._folder(),
        )
        gcode = out_dir / "raw.gcode"
        if child.ending is not Ending.EXITED or child.exit_code or not gcode.exists():
            raise _failure(child, profile, options)
        require_obeyed(told, gcode)
        return read_result(gcode)

    def _told(self) -> tuple[SlicerIdentity, frozenset[str]]:
        """Which slicer it is and the settings that it knows: one list begins with the other."""
        if self._known is None:
            said = self._ask("--help-fff")
            match = _VERSION.search(said)
            if match is None:
                raise Unavailable(f"prusa-slicer does not say its version: {_INSTALL} again")
            names = frozenset(name.replace("-", "_") for name in _OPTION.findall(said))
            self._known = SlicerIdentity("PrusaSlicer", match[1]), names
        return self._known

    def _program(self) -> Path:
        found = self._where or shutil.which("prusa-slicer")
        if found is None:
            raise Unavailable(f"prusa-slicer is missing: {_INSTALL}")
        return Path(found)

    def _folder(self) -> dict[Path, Path]:
        """What the sandbox must show besides /usr."""
        folder = self._program().parent
        return {} if folder.resolve().is_relative_to("/usr") else {folder: folder}

    def _ask(self, question: str) -> str:
        """What it prints when asked `question`."""
        with tempfile.TemporaryDirectory() as out:
            child = run_limited(
                [str(self._program()), question],
                out_dir=Path(out),
                limits=_ASKING,
                readable=self._folder(),
            )
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
            start_bytes = max(0, text.find(_LAYER, 0, _START_BYTES))
            tail = text[max(0, len(text) - _TAIL_BYTES) :].decode("utf-8", errors="replace")
    duration = _last(tail, r"estimated printing time \(normal mode\)")
    return SliceResult(
        gcode=gcode,
        layers=len(heights),
        top_mm=max(heights, default=0.0),
        claimed_duration_s=None if duration is None else duration_s(duration),
        claimed_filament_mm=_number(_last(tail, r"filament used \[mm\]")),
        claimed_filament_g=_number(_last(tail, r"filament used \[g\]")),
        start_bytes=start_bytes,
    )


def require_obeyed(told: str, gcode: Path) -> None:
    """Each setting in the file `told` is the one that the slicer says it worked with.

    It skips keys and mends values without a word; but the end of its G-code repeats them all.

    Raises:
        ProgramRefused: names the first setting that it took in another way.
    """
    with gcode.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        used = dict(_SETTING.findall(file.read().decode("utf-8", errors="replace")))
    for key, value in (line.split(" = ", 1) for line in told.splitlines()):
        took = used.get(key)
        if took is None or not _same(value, took):
            instead = "nothing" if took is None else f"'{took[:60]}'"
            raise refusal(
                "settings", f"PrusaSlicer took {instead} for {key} = '{value[:60]}': {_INSTALL}"
            )


def _same(told: str, took: str) -> bool:
    here, there = _number(told), _number(took)
    return told == took if here is None or there is None else here == there


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
    if "no extrusions in the first layer" in said:
        why = "it touches the bed with less than a line: order it with supports, or on another side"
        return refusal("no-hold", why)
    if child.ending is Ending.EXITED and not child.exit_code:
        return refusal("failed", f"PrusaSlicer wrote no program and said nothing: {_INSTALL} again")
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
