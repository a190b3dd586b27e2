"""Every rule that a program can be refused by, and what it allows, in words for people.

The keys are stable: they stand in reports and in the corpus of hostile programs.
"""

# Raised when a program that was accepted before could now be refused: kept ones are made anew.
RULES_VERSION = "5"

RULES: dict[str, str] = {
    # The bytes of a line.
    "blank-line": "one command on each line",
    "comment": "commands alone; comments are stripped first",
    "control-character": "printable ASCII",
    "host-action": "commands for the machine alone, none for its print host",
    "line-number": "bare lines; the stream numbers and checks them itself",
    "line-too-long": "96 characters",
    "malformed-word": "a capital letter and a plain decimal number",
    "no-newline": "a newline behind every line",
    "realtime-byte": "printable ASCII without ! ~ ?",
    "repeated-word": "each letter once on a line",
    # Commands.
    "coolant": "M9",
    "cutter-change": "one M0 before each further cutter, at rest and lifted, then lift, M3, G4",
    "forbidden-command": "commands whose effect the program shows",
    "many-commands": "one command on a line",
    "missing-word": "every number that the command needs",
    "settings-write": "no change of the machine's settings",
    "tool": "one tool in one program",
    "unbounded-wait": "waits that end by themselves",
    "unknown-command": "the commands on the list of this firmware",
    "unknown-word": "the words on the list of this command",
    # What the firmware keeps in mind.
    "mode-unset": "G90 or G91, units, plane and E's mode said before they count",
    "not-homed": "G28 before the first move",
    "offset": "the zero that is set at the machine",
    "override": "100 %",
    "plane": "arcs in the XY plane",
    "position-unknown": "moves from places that are known",
    "units": "mm, and mm a minute",
    # Where it moves, and how fast.
    "arc": "one circle through both ends",
    "envelope": "the machine's envelope",
    "extrude-length": "200 mm of filament in one move",
    "extrude-rate": "the extruder's speed",
    "feed-limit": "the machine's feed",
    "feed-missing": "F before the first move",
    "feed-z-limit": "the machine's feed along Z",
    "floor": "as deep as this job may cut",
    "keep-out": "paths round what stands on the machine",
    "rapid-in-stock": "G0 above Z0, or straight up",
    "start-retract": "lifting the cutter as the first move",
    # Heat, spindle, air and time.
    "advance": "linear advance from 0 to 2, and 0 at the end",
    "bed-temperature": "the bed's temperature",
    "cold-extrusion": "filament only through a nozzle that was waited for",
    "dwell": "60 s",
    "fan": "0 … 255",
    "hotend-temperature": "the nozzle's temperature",
    "spindle-backwards": "M3",
    "spindle-off": "cuts with a turning spindle",
    "spindle-speed": "the spindle's range",
    "macro": "the lab's macros, each at its end of the print",
    "model": "the printer that the machine is",
    "nozzle": "the nozzle that the machine has",
    # The program as a whole.
    "after-end": "nothing behind M2 or M30",
    "claim-duration": "the time that whoever made the program told",
    "claim-material": "the material that whoever made the program told",
    "does-nothing": "a program that makes something",
    "heater-left-on": "every heater off at the end",
    "material": "what the machine takes",
    "not-lifted": "the cutter above Z0 at the end",
    "profile": "a machine that there are rules for",
    "spool": "the filament on one spool",
    "spindle-left-on": "the spindle off at the end",
    "too-long": "7 days, and as many lines as an agent can hold",
}
