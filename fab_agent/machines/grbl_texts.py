"""What GRBL's and grblHAL's numbers mean, in words of the shop floor, and what to do.

Facts: gnea/grbl, doc/markdown/interface.md (alarms 1-9, errors 1-37); grblHAL/core, alarms.h and
errors.h (the others), read in 2026.
"""

_HOME = "home it"
_UNLOCK = "look at the machine, then home or unlock it"
# Number -> what has happened, what to do.
ALARMS: dict[str, tuple[str, str]] = {
    "1": ("a limit switch was hit, its position is lost", f"free the axis by hand and {_HOME}"),
    "2": ("a move would leave the machine's travel", "move the work's zero, then unlock it"),
    "3": ("it was reset while moving, its position is doubtful", _HOME),
    "4": ("the probe was not ready", "look at the probe and its cable"),
    "5": ("the probe touched nothing", "look at the probe and where it stands"),
    "6": ("homing was interrupted by a reset", f"{_HOME} again"),
    "7": ("the door was opened while homing", f"close it and {_HOME} again"),
    "8": ("homing did not leave the limit switch", "look at the switches and at $27"),
    "9": ("homing did not find the limit switch", "look at the switches, $23 and $130 to $132"),
    "10": ("the emergency stop is pressed", f"release it when all is well, reset and {_HOME}"),
    "11": ("it must be homed first", _HOME),
    "12": ("a limit switch is pressed", f"move the axis off its switch, then {_HOME}"),
    "13": ("the probe's protection has tripped", "free the probe, then unlock it"),
    "14": ("the spindle did not reach its speed", "look at the spindle and its drive"),
    "15": ("homing did not find the second switch of a squared axis", "look at both switches"),
    "16": ("its self-test failed", "switch it off and on; if it stays, the board needs a look"),
    "17": ("a motor's driver reports a fault", "look at the motors and their supply"),
    "18": ("its homing is set up wrongly", "look at its settings $22, $23 and $44 to $46"),
}  # fmt: skip

ERRORS: dict[str, str] = {
    "1": "a word begins without a letter",
    "2": "a number is malformed or missing",
    "3": "it does not know this $ command",
    "4": "a value is negative",
    "5": "homing is switched off ($22=0)",
    "6": "the step pulse is too short ($0)",
    "7": "its stored settings could not be read and are the factory's again",
    "8": "it is not idle",
    "9": "it is locked by an alarm, or jogging",
    "10": "soft limits need homing ($22=1)",
    "11": "the line is too long",
    "12": "the step rate would be too high",
    "13": "the safety door is open",
    "14": "the line is too long to be stored",
    "15": "the jog would leave the machine's travel",
    "16": "it is no jog command",
    "17": "laser mode needs a PWM output",
    "18": "a reset was asked for",
    "19": "a value is not positive",
    "20": "it does not know this command",
    "21": "two commands of one group share a line",
    "22": "no feed was given",
    "23": "a command's number is not whole",
    "24": "two commands claim the axes",
    "25": "a word is there twice",
    "26": "a command lacks its axes",
    "27": "the line number is out of range",
    "28": "a command lacks its P or L",
    "29": "it has no such work offset",
    "30": "G53 needs G0 or G1",
    "31": "there are axes, but no command for them",
    "32": "an arc has no axis in its plane",
    "33": "the target cannot be reached so, an arc does not close",
    "34": "an arc's radius does not fit",
    "35": "an arc lacks its I, J or K",
    "36": "there are words that nothing uses",
    "37": "G43.1 names the wrong axis",
    "38": "it has no such tool",
    "39": "a value is out of range",
    "40": "a tool change is pending",
    "41": "the spindle does not turn",
    "42": "the plane does not fit the command",
    "43": "the feed is too high",
    "44": "the spindle speed is out of range",
    "45": "a limit switch is pressed: it can only be homed",
    "46": "it must be homed first",
    "47": "no tool is set",
    "48": "two words contradict each other",
    "49": "its self-test failed",
    "50": "the emergency stop is pressed",
    "51": "a motor reports a fault",
    "52": "a setting is out of range",
    "53": "a setting is not available",
    "54": "the retract height lies below the drilling depth",
    "55": "two squared axes cannot be homed at once",
    "56": "the work offset is locked",
    "57": "a % stands where none may be",
    "58": "it has no such port",
    "60": "the card cannot be mounted",
    "61": "a file cannot be read",
    "62": "a folder cannot be opened",
    "63": "there is no such folder",
    "64": "no card is mounted",
    "65": "its file system is not mounted",
    "66": "its file system is read-only",
    "70": "Bluetooth did not start",
    "71": "an expression has an unknown operation",
    "72": "an expression divides by zero",
    "73": "an expression's argument is out of range",
    "74": "an expression's argument is not valid",
    "75": "an expression is malformed",
    "76": "an expression has no finite result",
    "77": "it wants a password",
    "78": "access is denied",
    "79": "it waits for a reset after a critical event",
    "80": "flow control works in its own files only",
    "81": "a flow statement is unknown",
    "82": "flow statements are nested too deeply",
    "83": "it has no memory left for a flow statement",
    "84": "a file cannot be opened",
    "253": "its maker's own error",
}

# What an open door means, by its sub-state.
DOORS: dict[int | None, str] = {
    0: "the door was opened and is closed again: resume when nobody is in the way",
    1: "the door is open: close it, then resume",
    2: "the door is open: close it, then resume",
    3: "the door was closed, the machine goes back to where it was",
}


def alarm_text(number: str) -> str:
    """What an alarm means, and what to do about it."""
    meaning, remedy = ALARMS.get(number, ("see the list of its firmware", _UNLOCK))
    return f"alarm {number}: {meaning}; {remedy}"


def error_text(answer: str) -> str:
    """What `error:20` means; the text itself where it has no number."""
    number = answer.removeprefix("error:").strip()
    return f"error {number}: {ERRORS[number]}" if number in ERRORS else answer


_STRANGERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Klipper", "// Unknown command", "!! "), "Klipper: drive it through Moonraker"),
    (("Smoothie", "error:Invalid statement", "error:Unsupported command"),
     "Smoothieware, which is like GRBL but checks no program ($C): flash GRBL or grblHAL"),
    (("Marlin", "echo:", "Unknown command", "wait"), 'Marlin: say driver = "marlin"'),
    (("Error: Bad command", "RepRapFirmware"), "RepRapFirmware, which has no driver here"),
)  # fmt: skip


def stranger_text(lines: list[str], raw: bytes) -> str:
    """One sentence about what answers `$I` where GRBL 1.1 should; `raw` is all that was heard."""
    if not raw:
        return (
            "the machine does not answer $I: is it switched on, is it GRBL, and is the baud rate "
            "right (GRBL: 115200)?"
        )
    if sum(byte in b"\t\r\n" or 32 <= byte < 127 for byte in raw) < 0.9 * len(raw):
        return "the machine answers garbage: set its baud rate (GRBL: 115200), look at the cable"
    if any(line.startswith(("[0.", "Grbl 0.")) for line in lines):
        return "the machine runs a GRBL older than 1.1, which cannot be watched safely: flash 1.1"
    text = "\n".join(lines)
    for words, what in _STRANGERS:
        if any(word in text for word in words):
            return f"the machine is not GRBL but {what}"
    said = (lines or [raw.decode("ascii", "replace").strip()])[-1]
    return f"the machine does not answer $I as GRBL does, it says '{said[:60]}': is it GRBL 1.1?"
