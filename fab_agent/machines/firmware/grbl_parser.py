"""G-code as GRBL 1.1 reads it: modal groups, words, and the numbers of its errors.

After gnea/grbl, grbl/gcode.c (gc_execute_line) and doc/csv/error_codes_en_US.csv.
"""

import re
from dataclasses import dataclass, field, replace

from fab_agent.machines.firmware.motion import arc_centre

_WORD = re.compile(r"([A-Z])([-+]?(?:\d+\.?\d*|\.\d+))")

# Modal group of each command; G0 is the group of those that last for one block.
GROUPS = {
    **dict.fromkeys(("G4", "G10", "G28", "G28.1", "G30", "G30.1", "G53", "G92", "G92.1"), "G0"),
    **dict.fromkeys(("G0", "G1", "G2", "G3", "G80"), "G1"),
    **dict.fromkeys(("G38.2", "G38.3", "G38.4", "G38.5"), "G1"),
    **dict.fromkeys(("G17", "G18", "G19"), "G2"),
    **dict.fromkeys(("G90", "G91"), "G3"),
    "G91.1": "G4",
    **dict.fromkeys(("G93", "G94"), "G5"),
    **dict.fromkeys(("G20", "G21"), "G6"),
    "G40": "G7",
    **dict.fromkeys(("G43.1", "G49"), "G8"),
    **dict.fromkeys(("G54", "G55", "G56", "G57", "G58", "G59"), "G12"),
    "G61": "G13",
    **dict.fromkeys(("M0", "M1", "M2", "M30"), "M4"),
    **dict.fromkeys(("M3", "M4", "M5"), "M7"),
    **dict.fromkeys(("M7", "M8", "M9"), "M8"),
}
# Of these GRBL knows some with a fraction: any other fraction is unknown, not a bad number.
_FRACTIONS = {28, 30, 38, 43, 59, 61, 90, 91, 92}
_AXIS_USERS = {"G10", "G28", "G30", "G43.1", "G49", "G92"}
_AXIS_USERS |= {code for code, group in GROUPS.items() if group == "G1" and code != "G80"}
PLANES = {"G17": "XY", "G18": "ZX", "G19": "YZ"}
_OFFSETS = {"X": "I", "Y": "J", "Z": "K"}
MM_PER_INCH = 25.4
MAX_LINE_NUMBER = 10_000_000
MAX_TOOL = 255


class Refused(Exception):
    """GRBL answers `error:` with this number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(slots=True)
class Modes:
    """What stays from block to block; as after a reset."""

    motion: str = "G0"
    system: str = "G54"
    plane: str = "G17"
    units: str = "G21"
    distance: str = "G90"
    feed_mode: str = "G94"
    spindle: str = "M5"
    coolant: str = "M9"
    feed_mm_min: float = 0.0
    speed: float = 0.0
    tool: int = 0

    def shown(self) -> str:
        """The answer to $G (report_gcode_modes)."""
        return (
            f"[GC:{self.motion} {self.system} {self.plane} {self.units} {self.distance} "
            f"{self.feed_mode} {self.spindle} {self.coolant} T{self.tool} "
            f"F{self.feed_mm_min:g} S{self.speed:g}]"
        )


_KEPT = {"G2": "plane", "G3": "distance", "G5": "feed_mode", "G6": "units", "G12": "system",
         "M7": "spindle", "M8": "coolant"}  # fmt: skip


@dataclass(slots=True)
class Block:
    """One block that GRBL would execute: its commands by group, its words, the modes after it."""

    modes: Modes
    commands: dict[str, str] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    moves: bool = False  # it has axis words, and its motion mode uses them

    def mm(self, letter: str) -> float:
        """A length among its words, in mm."""
        return self.words[letter] * (MM_PER_INCH if self.modes.units == "G20" else 1.0)


def parse(text: str, modes: Modes, *, jog: bool = False) -> Block:
    """Read one block (capital letters, no spaces, no comments).

    Raises:
        Refused: with the number of GRBL's error.
    """
    block = Block(replace(modes))
    if jog:
        block.modes.motion, block.modes.feed_mode = "G1", "G94"
    for letter, value in _words(text):
        if letter in "GM":
            _take_command(block, letter, value)
        else:
            _take_word(block, letter, value)
    _check_commands(block)
    for group, name in _KEPT.items():
        if group in block.commands:
            setattr(block.modes, name, block.commands[group])
    _take_values(block, "G94" if jog else modes.feed_mode)
    if jog and "F" not in block.words:
        raise Refused(22)
    _check_motion(block)
    _check_others(block, jog=jog)
    if jog:
        _check_jog(block)
    return block


def _words(text: str) -> list[tuple[str, float]]:
    words, at = [], 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise Refused(2 if "A" <= text[at] <= "Z" else 1)
        words.append((match[1], float(match[2])))
        at = match.end()
    return words


def _take_command(block: Block, letter: str, value: float) -> None:
    code = f"{letter}{value:g}"
    group = GROUPS.get(code)
    if group is None:
        whole = int(value)
        no_integer = whole != value and (
            letter == "M" or (f"G{whole}" in GROUPS and whole not in _FRACTIONS)
        )
        raise Refused(23 if no_integer else 20)
    if code in _AXIS_USERS and any(c in _AXIS_USERS for c in block.commands.values()):
        raise Refused(24)
    if group in block.commands:
        raise Refused(21)
    block.commands[group] = code


def _take_word(block: Block, letter: str, value: float) -> None:
    if letter not in "FIJKLNPRSTXYZ":
        raise Refused(20)
    if letter in block.words:
        raise Refused(25)
    if letter in "FNPST" and value < 0:
        raise Refused(4)
    if letter == "T" and value > MAX_TOOL:
        raise Refused(38)
    if letter == "N" and value > MAX_LINE_NUMBER:
        raise Refused(27)
    block.words[letter] = value


def _has_axes(block: Block) -> bool:
    return not block.words.keys().isdisjoint("XYZ")


def _check_commands(block: Block) -> None:
    once, words = block.commands.get("G0"), block.words
    if once == "G4" and "P" not in words:
        raise Refused(28)
    if block.commands.get("G8") == "G43.1" and words.keys() & set("XYZ") != {"Z"}:
        raise Refused(37)
    if once in ("G10", "G92") and not _has_axes(block):
        raise Refused(26)
    if once == "G10":
        _check_offset(words)


def _check_offset(words: dict[str, float]) -> None:
    """G10: GRBL asks for P or L, not for both; without P the system in use is meant."""
    if words.keys().isdisjoint("PL"):
        raise Refused(28)
    if int(words.get("P", 0)) > 6:
        raise Refused(29)
    kind = int(words.get("L", 0))
    if kind not in (2, 20) or (kind == 2 and "R" in words):
        raise Refused(20)


def _take_values(block: Block, before: str) -> None:
    """Feed, speed and tool; a feed is forgotten when the feed mode changes, and after G93."""
    modes, words = block.modes, block.words
    if "F" in words:
        stays_g94 = modes.feed_mode == before == "G94"
        modes.feed_mm_min = block.mm("F") if stays_g94 else words["F"]
    elif "G93" in (modes.feed_mode, before):
        modes.feed_mm_min = 0.0
    if "S" in words:
        modes.speed = words["S"]
    if "T" in words:
        modes.tool = int(words["T"])


def _check_motion(block: Block) -> None:
    """The motion mode, given here or before, and the axis words that it uses."""
    explicit = block.commands.get("G1")
    if explicit:
        block.modes.motion = explicit
    motion = block.modes.motion
    if block.commands.get("G0") == "G53" and motion not in ("G0", "G1"):
        raise Refused(30)
    if motion == "G80" and _has_axes(block):
        raise Refused(31)
    used = not _AXIS_USERS.isdisjoint({*block.commands.values()} - {explicit})
    block.moves = _has_axes(block) and not used
    if motion in ("G0", "G80") or not (block.moves or explicit):
        return
    if block.modes.feed_mm_min <= 0:
        raise Refused(22)
    if motion != "G1" and not block.moves:
        raise Refused(26)
    if motion in ("G2", "G3"):
        _check_arc_words(block)


def _check_arc_words(block: Block) -> None:
    plane = PLANES[block.modes.plane]
    if block.words.keys().isdisjoint(plane):
        raise Refused(32)
    if "R" not in block.words and block.words.keys().isdisjoint(_OFFSETS[a] for a in plane):
        raise Refused(35)


def _check_jog(block: Block) -> None:
    """gcode.c, jogging: only units, distance mode and G53 may be said."""
    if not block.commands.keys() <= {"G0", "G3", "G6"} or block.commands.get("G0", "G53") != "G53":
        raise Refused(16)


def _check_others(block: Block, *, jog: bool) -> None:
    """No word may be left that nothing has used."""
    used = set("FN") if jog else set("FNST")
    once, motion = block.commands.get("G0"), block.modes.motion
    if _has_axes(block):
        used |= set("XYZ")
    if once == "G4":
        used |= {"P"}
    if once == "G10":
        used |= set("PL")
    if motion in ("G2", "G3") and block.moves:
        used |= {"R"} if "R" in block.words else set("IJK")
    if block.words.keys() - used:
        raise Refused(36)


def arc(
    block: Block, start: tuple[float, ...], end: tuple[float, ...]
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Start, end and centre of an arc in its plane, in mm.

    Raises:
        Refused: 33 or 34 when there is no such arc.
    """
    first, second = ("XYZ".index(axis) for axis in PLANES[block.modes.plane])
    a, b = (start[first], start[second]), (end[first], end[second])
    clockwise = block.modes.motion == "G2"
    if "R" in block.words:
        if a == b:
            raise Refused(33)
        centre = arc_centre(a, b, block.mm("R"), clockwise=clockwise)
        if centre is None:
            raise Refused(34)
        return a, b, centre
    names = [_OFFSETS[axis] for axis in PLANES[block.modes.plane]]
    i, j = (block.mm(name) if name in block.words else 0.0 for name in names)
    centre = (a[0] + i, a[1] + j)
    radius = (i * i + j * j) ** 0.5
    off = abs(((b[0] - centre[0]) ** 2 + (b[1] - centre[1]) ** 2) ** 0.5 - radius)
    if off > 0.5 or (off > 0.005 and off > 0.001 * radius):
        raise Refused(33)
    return a, b, centre
