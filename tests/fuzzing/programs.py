"""Programs as a lab's agent proves them, and what machines answer. Two readers of one thing must
read the same."""

from functools import partial
from math import isfinite
from pathlib import Path

from commons.machine import Driver, Envelope, MachineProfile
from fab_agent.gcode.clean import bare_lines
from fab_agent.gcode.moves import moves_of
from fab_agent.gcode.parser import MAX_LINE, parse_line, plain_move, plain_stroke
from fab_agent.gcode.proof import prove
from fab_agent.gcode.sketch import sketch_of
from fab_agent.machines import grbl_answers, marlin_answers
from fab_agent.machines.lines import AnswerLines
from tests.fuzzing.parsers import of_kind
from tests.fuzzing.target import Target
from tests.profiles import printer, router

_PRINTER = printer()
_ROUTER = router(envelope=Envelope(z_min_mm=-20, x_max_mm=600, y_max_mm=400, z_max_mm=60))
_KLIPPER = printer(driver=Driver.MOONRAKER, model="generic-klipper")
_START = b"G28\nG21\nG90\nM82\nM140 S60\nM104 S210\nM190 S60\nM109 S210\nG92 E0\n"
_END = b"M104 S0\nM140 S0\nM107\nG1 X0 Y200\nM84\n"
PRINTS = (
    _START + b"G1 Z0.2 F600\nG1 X10 Y10 F3000 ; first\nG1 X60 Y10 E2 F1800\nG1 X60.5 Y20 E2.5\n"
    b"M106 S255\nG4 P10\nM117 hi\nG1 E1 F2100\n" + _END,
)
MILLS = (
    b"G21\nG90\nG17\nG54\nG94\nM3 S10000\nG4 P3\nG0 Z5\nG0 X10 Y10\nG1 Z-1 F300\n"
    b"G1 X50 Y10 F900\nG2 X60 Y20 I0 J10\nG3 X50 Y30 R10\nG0 Z5\nM5\nG0 X0 Y0\nM2\n",
)
MARLIN_SAYS = (
    b"ok N12 P15 B3\n",
    b"ok T:209.9 /210.0 B:60.1 /60.0\nX:1.00 Y:2.00 Z:3.00 E:0.00 Count X:80\n",
    b"Error:Line Number is not Last Line Number+1, Last Line: 4\nResend: 5\nok\nstart\n",
)
GRBL_SAYS = (
    b"<Hold:0|MPos:1.000,2.000,0.000|FS:0,0|Ov:100,100,100>\n",
    b"[VER:1.1h.20190825:]\n[OPT:VZ,15,128]\n$22=1\n$20=1\n$130=600\n$131=400\n$132=60\n$13=0\n"
    b"[G54:1.000,2.000,3.000]\n[G92:0,0,0]\n[TLO:0.000]\n[GC:G0 G54 G17]\n$N0=G20\n",
)


def printed(data: bytes, folder: Path) -> None:
    """A print for a Marlin printer."""
    _prove(data, _PRINTER)


def klipped(data: bytes, folder: Path) -> None:
    """A print for a Klipper printer."""
    _prove(data, _KLIPPER)


def milled(data: bytes, folder: Path) -> None:
    """A job for a GRBL router."""
    _prove(data, _ROUTER)


def _prove(data: bytes, profile: MachineProfile) -> None:
    raw = data.splitlines(keepends=True)
    lines = list(bare_lines(raw))
    # Two blanks keep a line from the quick way of stripping comments.
    if lines != list(bare_lines(b"  " + line for line in raw)):
        raise AssertionError("the quick way and the other leave different lines")
    for line in lines:
        _read_alike(line)
    list(moves_of(lines, profile))
    proof = prove(lines, profile)
    sketch_of(moves_of(lines, profile), profile, sha256="0" * 64, line_count=len(lines))
    if not isfinite(proof.duration_s) or proof.line_count != len(lines):
        raise AssertionError(f"a proof of another program: {proof}")


def _read_alike(line: bytes) -> None:
    """What the quick readers of a line take, the strict one reads as the same."""
    words = plain_move(line)
    if words is not None:
        letters = {chr(letter): value for letter, value in words.items()}
        if parse_line(line, 1) != [(f"G{letters.pop('G'):.0f}", letters)]:
            raise AssertionError(f"two readings of {line!r}")
    elif plain_stroke(line) is not None and len(line) <= MAX_LINE:
        raise AssertionError(f"a stroke that is no move: {line!r}")


def marlin_answer(data: bytes, folder: Path) -> None:
    """Whatever noise makes of an answer, it is understood or not."""
    for line in AnswerLines().complete(data):
        for understand in (
            marlin_answers.acknowledgement,
            marlin_answers.temperatures,
            marlin_answers.position,
            marlin_answers.resend_request,
            marlin_answers.refusal,
            marlin_answers.last_line,
            marlin_answers.restarted,
            marlin_answers.fatal,
        ):
            understand(line)


def grbl_answer(data: bytes, folder: Path) -> None:
    """The same of a router's."""
    lines = data.decode("ascii", "replace").split("\n")
    for line in lines:
        grbl_answers.status_of(line)
    settings, build = grbl_answers.settings_of(lines), grbl_answers.build_of(lines)
    if build is not None:
        settings.travel(build)
    _ = settings.homing, settings.soft_limits, settings.laser
    offsets = grbl_answers.offsets_of(lines, unit_mm=settings.unit_mm)
    if offsets is not None:
        offsets.total()
    grbl_answers.modes_of(lines)
    grbl_answers.startup_lines(lines)


TARGETS = {
    "gcode": partial(of_kind, "gcode"),
    "print-program": lambda: Target(printed, PRINTS),
    "klipper-program": lambda: Target(klipped, PRINTS),
    "mill-program": lambda: Target(milled, MILLS),
    "marlin-answer": lambda: Target(marlin_answer, MARLIN_SAYS),
    "grbl-answer": lambda: Target(grbl_answer, GRBL_SAYS),
}
