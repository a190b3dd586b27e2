"""Lines of G-code as words. Strict: what a firmware might read differently is refused.

A line is words with one space between them, or none where the firmware throws spaces away
("packed"); a word is a capital letter and a plain decimal
number. Exponents, signs inside a number, comments, line numbers, checksums and every byte that
a firmware acts on at once are errors, never guesses.
"""

import re
from itertools import combinations

from commons.errors import ProgramRefused
from fab_agent.gcode.rules import RULES

# Marlin's line buffer holds 96 characters (MAX_CMD_SIZE) and does not say when one overflows.
MAX_LINE = 96

G, X, Y, Z, E, F = b"GXYZEF"

Args = dict[str, float | None]
Command = tuple[str, Args]

_NUMERALS = b"0123456789.-"
_ZERO = ord("0")
_MOVE_SHAPES = frozenset(
    " ".join(("G", *letters)).encode()
    for count in range(1, 6)
    for letters in combinations("XYZEF", count)
)
_NUMBER = rb"(-?(?:\d++(?:\.\d*+)?+|\.\d++))"
# X, Y and E of a line like `G1 X1.5 Y2 E.03`, or None: then `plain_move` looks at it. Most lines of
# a print are such strokes. It takes nothing but a line's length that `plain_move` refuses.
plain_stroke = re.compile(rb"G1 X%b Y%b E%b" % (_NUMBER, _NUMBER, _NUMBER)).fullmatch
_WORD = re.compile(r"([A-Z])(-?(?:\d+\.?\d*|\.\d+))?")
_PACKED = re.compile(r" |(?<=[0-9.])(?=[A-Z])")
_NAMED = re.compile(r"([A-Z][A-Z_]{2,}[A-Z0-9_]*)((?: [A-Z][A-Z0-9_]*=-?\d+(?:\.\d+)?)*)")
_CODE = re.compile(r"[GMT]\d{1,4}(?:\.\d)?")
_COMMAND_LETTERS = "GMT"
_REALTIME = re.compile(rb"[!~?\x18\x80-\xff]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def plain_move(line: bytes) -> dict[int, float] | None:
    """The words of a straight move in its commonest form, or None: then `parse_line` decides.

    The common form is G0 or G1 with some of X Y Z E F in this order, each with a number. Nine
    lines of ten look like this, so this is the fast road; it accepts nothing that `parse_line`
    refuses.
    """
    if line.translate(None, _NUMERALS) not in _MOVE_SHAPES or line[:3] not in (b"G1 ", b"G0 "):
        return None
    words: dict[int, float] = {G: line[1] - _ZERO}
    try:
        for word in line[3:].split(b" "):
            words[word[0]] = float(word[1:])
    except ValueError:
        return None
    # In `15E3` the E is an exponent to float() and no word of its own.
    return words if (E in words) == (b"E" in line) and len(line) <= MAX_LINE else None


def parse_line(line: bytes, number: int, *, packed: bool = False) -> list[Command]:
    """The commands of one bare line, in order, each with its arguments; at least one.

    A line without a command word (GRBL repeats the last motion then) is a command named "".
    An argument without a number (`G28 X`) has the value None. A command may be a name with
    numbers by name behind it (`PRINT_START BED=60`), as Klipper reads it.

    `packed`: words may follow each other without a space, as in `G1X2Y3`.

    Raises:
        ProgramRefused: naming `number` and the rule that the line breaks.
    """
    _refuse_bytes(line, number)
    commands: list[Command] = []
    words = line.decode("ascii")
    if named := _NAMED.fullmatch(words):
        return [(named[1], _by_name(named[2].split(), line, number))]
    for text in _PACKED.split(words) if packed else words.split(" "):
        letter, value = _word(text, line, number)
        if letter in _COMMAND_LETTERS:
            commands.append((_code(text, line, number), {}))
            continue
        if not commands:
            commands.append(("", {}))
        args = commands[-1][1]
        if letter in args:
            raise refusal("repeated-word", number, f"'{shown(line)}' gives {letter} twice")
        args[letter] = value
    return commands


def _by_name(words: list[str], line: bytes, number: int) -> Args:
    args: Args = {}
    for word in words:
        name, _, value = word.partition("=")
        if name in args:
            raise refusal("repeated-word", number, f"'{shown(line)}' gives {name} twice")
        args[name] = float(value)
    return args


def refusal(
    rule: str, line: int, message: str, *, value: str = "", limit: str = ""
) -> ProgramRefused:
    """A ProgramRefused whose message starts with the line, where there is one.

    Without a `limit` of its own it has what RULES allows.
    """
    where = f"line {line}: " if line else ""
    limit = limit or RULES[rule]
    return ProgramRefused(where + message, rule=rule, line=line, value=value, limit=limit)


def _refuse_bytes(line: bytes, number: int) -> None:
    if len(line) > MAX_LINE:
        length = f"{len(line)} characters, a firmware's buffer holds {MAX_LINE}"
        raise refusal("line-too-long", number, length)
    if not line.strip():
        raise refusal("blank-line", number, "there is no command on it")
    if found := _REALTIME.search(line):
        what = f"byte 0x{found[0][0]:02x} is a real-time command or no ASCII"
        raise refusal("realtime-byte", number, what)
    if found := _CONTROL.search(line):
        raise refusal("control-character", number, f"byte 0x{found[0][0]:02x} is no text")
    for start, (rule, why) in _FIRST_CHARACTERS.items():
        if line.startswith(start):
            raise refusal(rule, number, f"'{shown(line)}' {why}")


_FIRST_CHARACTERS = {
    b"$": ("settings-write", "is a GRBL system command; settings belong to the machine's owner"),
    b"//": ("host-action", "is a host action; a program speaks to the machine alone"),
    b"@": ("host-action", "is a command for the print host; a program speaks to the machine alone"),
    b"N": ("line-number", "has a line number; the stream numbers and checks the lines itself"),
}


def _word(text: str, line: bytes, number: int) -> tuple[str, float | None]:
    match = _WORD.fullmatch(text)
    if match is None:
        if "*" in text:
            raise refusal("line-number", number, f"'{shown(line)}' carries a checksum")
        if text.startswith((";", "(")):
            raise refusal("comment", number, "comments are stripped before the proof")
        what = f"'{shown(line)}' has the malformed word '{text}'"
        raise refusal("malformed-word", number, what)
    letter, value = match.groups()
    return letter, None if value is None else float(value)


def _code(text: str, line: bytes, number: int) -> str:
    """`G01` as G1, so that one command has one name."""
    if not _CODE.fullmatch(text):
        what = f"'{shown(line)}' has the malformed word '{text}'"
        raise refusal("malformed-word", number, what)
    whole, dot, part = text[1:].partition(".")
    return f"{text[0]}{int(whole)}{dot}{part}".removesuffix(".0")


def shown(line: bytes) -> str:
    """A line as far as a message may show it: cut short, and what is no ASCII replaced."""
    return line[:MAX_LINE].decode("ascii", "replace")
