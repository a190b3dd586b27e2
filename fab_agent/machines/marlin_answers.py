"""What Marlin and its kin say on the serial line, understood line by line.

Facts: Marlin/src/gcode/queue.cpp (`ok_to_send`, `gcode_line_error`), M105, M114, host keepalive;
Prusa-Firmware/Firmware/cmdqueue.cpp; Repetier says `rs` for `Resend:`.
"""

import re
from dataclasses import dataclass

from fab_agent.machines.driver import Temperatures

_LINE_ERROR = re.compile(rb"error:.*(?:last line|checksum|line number)", re.IGNORECASE)
_LAST_LINE = re.compile(rb"last line:\s*(\d+)", re.IGNORECASE)
_FATAL = re.compile(rb"error:|fatal:|!!|.*\b(?:kill\(\) called|printer halted)", re.IGNORECASE)
_RESEND = re.compile(rb"(?:resend:|rs\b)\s*N?:?\s*(\d+)", re.IGNORECASE)
_BANNER = re.compile(rb"start$|Marlin \d|grbl ", re.IGNORECASE)
_ADVANCED = re.compile(rb"ok(?: N(\d+))?(?: P\d+ B(\d+))?$")
_POSITION = re.compile(rb"X:\s*(-?[\d.]+)\s*Y:\s*(-?[\d.]+)\s*Z:\s*(-?[\d.]+)")
_HOTEND = re.compile(rb"\bT:\s*(-?[\d.]+)(?:\s*/\s*(-?[\d.]+))?")
_BED = re.compile(rb"\bB:\s*(-?[\d.]+)(?:\s*/\s*(-?[\d.]+))?")

XYZ = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`ok`. With ADVANCED_OK it names its line and tells how many commands would still fit."""

    number: int | None = None
    free: int | None = None


def acknowledgement(line: bytes) -> Acknowledged:
    """What an answer that begins with `ok` tells; a damaged tail tells nothing."""
    match = _ADVANCED.match(line)
    if match is None:
        return Acknowledged()
    return Acknowledged(*(None if group is None else int(group) for group in match.groups()))


def temperatures(line: bytes) -> Temperatures | None:
    """What a report such as `T:209.9 /210.0 B:60.1 /60.0` says, in °C; None if it is none."""
    hotend, bed = _HOTEND.search(line), _BED.search(line)
    if hotend is None and bed is None:
        return None
    try:
        return Temperatures(*_pair(hotend), *_pair(bed))
    except ValueError:  # a damaged report such as T:2.1.5
        return None


def position(line: bytes) -> XYZ | None:
    """The answer to M114, mm; None if it is none."""
    match = _POSITION.match(line)
    try:
        return None if match is None else (float(match[1]), float(match[2]), float(match[3]))
    except ValueError:
        return None


def resend_request(line: bytes) -> int | None:
    """The number of the line that is asked for."""
    match = _RESEND.match(line)
    return None if match is None else int(match[1])


def refusal(line: bytes) -> bool:
    """It says why a line is refused; the request to send it again follows."""
    return _LINE_ERROR.match(line) is not None


def last_line(line: bytes) -> int | None:
    """The last number that a refusal says was accepted."""
    match = _LAST_LINE.search(line)
    return None if match is None else int(match[1])


def restarted(line: bytes) -> bool:
    """Only a board that has just begun to work says this."""
    return _BANNER.match(line) is not None


def fatal(line: bytes) -> bool:
    """After this nothing works any more until a person has looked."""
    return _FATAL.match(line) is not None


def _pair(match: re.Match[bytes] | None) -> tuple[float | None, float | None]:
    if match is None:
        return None, None
    return float(match[1]), None if match[2] is None else float(match[2])
