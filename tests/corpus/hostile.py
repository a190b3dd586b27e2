"""Programs that must never reach a machine, each with the rule and the line that stop it.

`|` stands for a line's end. Every rule of `fab_agent.gcode.rules` has a program here, but for
those of a file as a whole and of claims, which `tests/unit/test_proof.py` holds.
"""

from dataclasses import dataclass

from commons.errors import ProgramRefused
from commons.machine import (
    MATERIALS,
    Driver,
    Envelope,
    KeepOut,
    MachineProfile,
    Macro,
    Material,
    MillLimits,
    PrintLimits,
    Process,
)
from fab_agent.gcode.proof import prove

CLIP = KeepOut(name="clip", x_min_mm=80, x_max_mm=120, y_min_mm=-10, y_max_mm=8, z_max_mm=6)
PRINTER = MachineProfile(
    name="printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=200, y_max_mm=200, z_max_mm=180),
    max_feed_mm_s=200,
    max_feed_z_mm_s=10,
    materials=("pla", "petg"),
    fdm=PrintLimits(),
)
KLIPPER = PRINTER.model_copy(update={"driver": Driver.MOONRAKER})
MACROS = (
    Macro(name="PRINT_START", at="start", bed="BED", nozzle="EXTRUDER"),
    Macro(name="PRINT_END", at="end"),
)
VORON = KLIPPER.model_copy(update={"fdm": PrintLimits(macros=MACROS), "model": "voron-2.4"})
MK3S = PRINTER.model_copy(update={"model": "prusa-mk3s"})
MINI = PRINTER.model_copy(update={"model": "prusa-mini"})
ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=300, y_max_mm=200, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(),
)


def with_clip(profile: MachineProfile) -> MachineProfile:
    """The same machine with something that stands in its way."""
    box = profile.envelope.model_copy(update={"keep_out": (CLIP,)})
    return profile.model_copy(update={"envelope": box})


PRINT_HEAD = "G28|G90|M83|M190 S60|M109 S210|"
PRINT = "G1 X10 Y10 Z0.2 F600|G1 X20 Y10 E1 F1800|"
COLD = "M104 S0|M140 S0|M84"
CUT_HEAD = "G21 G90 G94 G17|G0 Z5|M3 S12000|G4 P2|"
CUT = "G0 X10 Y10|G1 Z-2 F300|G1 X60 F1200|"
CUT_END = "G0 Z5|M5|M2"
# A stop for another cutter, and how the next one begins.
CHANGE = "G0 Z5|M5|G0 Z8|G0 X0 Y0|M0|"
NEXT = "G0 Z5|M3 S12000|G4 P2|"
PAST_CLIP = "G0 Z7|G0 X10 Y9.6|G0 Z5|G0 X190|"


@dataclass(frozen=True)
class Hostile:
    """One program for one machine.

    `floor_mm` is as deep as the job may go, `cutters_mm` what it is said to cut with.
    """

    text: str
    rule: str
    line: int
    machine: MachineProfile = PRINTER
    material: Material | None = None
    floor_mm: float = -1000.0
    cutters_mm: tuple[float, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.split("|")


def broken_rule(case: Hostile) -> tuple[str, int] | None:
    """The rule and the line by which the proof refuses it; None when it accepts it."""
    try:
        prove(
            case.lines,
            case.machine,
            material=case.material,
            floor_mm=case.floor_mm,
            cutters_mm=case.cutters_mm,
        )
    except ProgramRefused as refused:
        return refused.rule, refused.line
    return None


# What follows homing, modes and heating; the rule; the line that breaks it.
_PRINTS = [
    # (what follows homing, modes and heating, the rule, the line that breaks it)
    ("G1 X201 F600", "envelope", 6),
    ("G1 X-.001 F600", "envelope", 6),
    ("G1 Z180.01 F600", "envelope", 6),
    ("G1 X1 Y1 Z1 F600|G91|G1 Z-1.1", "envelope", 8),
    ("G1 X195 Y10 F600|G17|G3 X195 Y30 I0 J10", "envelope", 8),
    ("G1 X195 Y10 F600|G17|G3 X195 Y30 R10", "envelope", 8),
    ("G1 X10 Y100 F600|G17|G2 I40|G2 I80 J0|G2 I100", "envelope", 10),
    ("G1 X10 Y10 F600|G17|G2 X20 I6 J3", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30 R5", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30 R5 I3", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30", "arc", 8),
    ("G17|G2 X30 I3 F600", "arc", 7),
    ("G1 X10 Y10 F600|G2 X20 I5", "mode-unset", 7),
    ("G91|G1 X1 F600", "position-unknown", 7),
    ("G1 X10 Y10", "feed-missing", 6),
    ("G0 X10 Y10", "feed-missing", 6),
    ("G1 X10 F0", "feed-limit", 6),
    ("G1 X10 F-5", "feed-limit", 6),
    ("G1 X10 F12001", "feed-limit", 6),
    ("G0 X10 F12001", "feed-limit", 6),
    ("G1 X1 Y1 Z1 F600|G1 Z5 F1200", "feed-z-limit", 7),
    ("G1 X1 Y1 F600|G1 E1 F3001", "extrude-rate", 7),
    ("G1 X1 Y1 F600|G1 X2 E6", "extrude-rate", 7),
    ("G1 E201 F600", "extrude-length", 6),
    ("M82|G1 X1 E1 F600", "position-unknown", 7),
    ("G90|G1 X1 E1 F600", "mode-unset", 7),
    ("M104 S261", "hotend-temperature", 6),
    ("M109 S-1", "hotend-temperature", 6),
    ("M140 S101", "bed-temperature", 6),
    ("M104", "missing-word", 6),
    ("M109 R210", "unknown-word", 6),
    ("M104 S169|G1 E1 F600", "cold-extrusion", 7),
    ("M104 S0|M104 S210|G1 E1 F600", "cold-extrusion", 8),
    ("M302 P1", "cold-extrusion", 6),
    ("M84|G1 X1 F600", "not-homed", 7),
    ("G92 X0", "unknown-word", 6),
    ("G92", "missing-word", 6),
    ("G54", "unknown-command", 6),
    ("G20", "units", 6),
    ("G18", "plane", 6),
    ("G21 G90", "many-commands", 6),
    ("M104 S200 M112", "many-commands", 6),
    ("M106 S256", "fan", 6),
    ("M106 S-1", "fan", 6),
    ("T1", "unknown-command", 6),
    ("M104 S200 T0", "many-commands", 6),
    ("M220 S150", "override", 6),
    ("M221 S50", "override", 6),
    ("G4 S61", "dwell", 6),
    ("G4 P-1", "dwell", 6),
    ("M0", "unbounded-wait", 6),
    ("M600", "unbounded-wait", 6),
    ("M25", "unbounded-wait", 6),
    ("M112", "forbidden-command", 6),
    ("M500", "settings-write", 6),
    ("M502", "settings-write", 6),
    ("M92 E4000", "settings-write", 6),
    ("M203 X9999", "settings-write", 6),
    ("M206 Z-5", "settings-write", 6),
    ("M301 P1", "settings-write", 6),
    ("M851 Z-5", "settings-write", 6),
    ("M30 /x.gco", "malformed-word", 6),
    ("M28", "forbidden-command", 6),
    ("M997", "forbidden-command", 6),
    ("M118 A1", "forbidden-command", 6),
    ("M42 P13 S255", "forbidden-command", 6),
    ("M666 X1", "settings-write", 6),
    ("G999", "unknown-command", 6),
    ("M3 S1000", "unknown-command", 6),
    ("X10 Y10", "unknown-command", 6),
    ("RUN_SHELL_COMMAND CMD=x", "malformed-word", 6),
    (PRINT + "M140 S0", "heater-left-on", 8),
    (PRINT + "M104 S0", "heater-left-on", 8),
    ("G1 X10 Y10 F600|" + COLD, "does-nothing", 9),
    ("G1 E-1 F600|" + COLD, "does-nothing", 9),
    ("M141 S60", "unknown-command", 6),
    ("M605 S2", "unknown-command", 6),
    ("M150 R255", "unknown-command", 6),
    ("G29", "unknown-command", 6),
    ("M928 X.G", "malformed-word", 6),
    ("@pause", "host-action", 6),
    ("//action:pause", "host-action", 6),
    ("N5 G1 X1*33", "line-number", 6),
    ("G1 X1*33", "line-number", 6),
    ("G1 X1 ;here", "comment", 6),
    ("G1 X1 (here)", "comment", 6),
    ("G1 XNaN", "malformed-word", 6),
    ("G1 Xinf", "malformed-word", 6),
    ("G1 X1e1 F600", "malformed-word", 6),
    ("G1 X0x10", "malformed-word", 6),
    ("G1 X--1", "malformed-word", 6),
    ("G1 X+1", "malformed-word", 6),
    ("G1 x1", "malformed-word", 6),
    ("G1  X1", "malformed-word", 6),
    ("G1 X1 X2 F600", "repeated-word", 6),
    ("G1 X1Y1", "malformed-word", 6),
    ("G1 X" + "1" * 93, "line-too-long", 6),
    ("G1 X1\x00", "control-character", 6),
    ("G1 X1!", "realtime-byte", 6),
    ("G1 X1\u00a0Y1", "realtime-byte", 6),
    ("G1 X\uff11", "realtime-byte", 6),
    ("$RST=*", "settings-write", 6),
    ("G4 S60|" * 10081 + "G1 X1 Y1 Z1 F600|G1 X2 E1|" + COLD, "too-long", 0),
]

_STARTS = [
    ("G90|M83|G1 X1 F600", "not-homed", 3),
    ("G90|G28 X Y|G1 X1 F600", "not-homed", 3),
    ("G28|G1 X1 F600", "mode-unset", 2),
    ("G28|G90|M83|G1 E1 F600", "cold-extrusion", 4),
    ("G28|G90|M83|M104 S210|G1 E1 F600", "cold-extrusion", 5),
    ("G28|G1 X1\x18", "realtime-byte", 2),
    ("G28|G1 X\u0661", "realtime-byte", 2),
    ("G28||G90", "blank-line", 2),
    ("G28\r|G90", "control-character", 1),
]

_KLIPPER = [
    ("G17|G2 X30 Y10 R5", "unknown-command", 6),  # Klipper would leave the move out
    ("G3 X30 Y10 I5 J0", "unknown-command", 6),
    ("G4 S5", "unknown-word", 6),  # Klipper would not wait at all
    ("M106 P1 S255", "unknown-word", 6),  # Klipper would blow at the part instead
    ("M107 P1", "unknown-word", 6),
    ("SAVE_CONFIG", "unknown-command", 6),
    ("SET_KINEMATIC_POSITION X=0 Y=0 Z=50", "unknown-command", 6),
    ("FIRMWARE_RESTART", "unknown-command", 6),
    ("SET_PRESSURE_ADVANCE ADVANCE=9", "unknown-command", 6),
    ("PRINT_START BED=60 EXTRUDER=210", "unknown-command", 6),  # no macro of this lab's
    ("QUAD_GANTRY_LEVEL RETRIES=9", "unknown-word", 6),
    ("QUAD_GANTRY_LEVEL|G1 X10 E1 F600", "position-unknown", 7),
    ("M84|Z_TILT_ADJUST", "not-homed", 7),
    ("quad_gantry_level", "malformed-word", 6),
    ("G80", "unknown-command", 6),
    ("SET_HEATER_TEMPERATURE HEATER=extruder TARGET=300", "malformed-word", 6),
]

_MACROS = [
    ("PRINT_START BED=101 EXTRUDER=210", "bed-temperature", 6),
    ("PRINT_START BED=60 EXTRUDER=261", "hotend-temperature", 6),
    ("PRINT_START BED=60 EXTRUDER=-1", "hotend-temperature", 6),
    ("PRINT_START BED=60 CHAMBER=60", "unknown-word", 6),
    ("PRINT_START BED=60 BED=90", "repeated-word", 6),
    ("PRINT_START BED=60;M112", "malformed-word", 6),
    ("PRINT_START BED={printer}", "malformed-word", 6),
    ("PRINT_START BED", "malformed-word", 6),
    ("PRINT_START BED=1e3", "malformed-word", 6),
    ("PRINT_END HEAT=0", "unknown-word", 6),
    ("print_start BED=60", "malformed-word", 6),
    # What a macro has left is not known: modes, heat and place are said anew, or nothing moves.
    ("PRINT_START BED=60 EXTRUDER=210|G1 X10 Y10 F600", "mode-unset", 7),
    ("PRINT_START BED=60 EXTRUDER=210|G90|M83|G1 E1 F600", "cold-extrusion", 9),
    ("PRINT_START|G90|M83|M109 S210|G1 X10 E1 F600", "position-unknown", 10),
    ("PRINT_START|G90|G1 X10 Y10", "feed-missing", 8),
    (PRINT + COLD + "|PRINT_END", "heater-left-on", 11),
    (PRINT + "PRINT_END|M104 S0", "heater-left-on", 9),
    (PRINT + "PRINT_START|" + COLD, "macro", 8),
    ("PRINT_START|M104 S0|M140 S0", "does-nothing", 8),
]

_MK3S = [
    ("M862.1 P0.6", "nozzle", 6),
    ("M862.1", "missing-word", 6),
    ("M862.1 Q", "unknown-word", 6),
    ("M862.2", "missing-word", 6),
    ("M862.2 P130", "model", 6),
    ("M862.3 P302", "unknown-command", 6),
    ("M862.4 P3110", "unknown-command", 6),
    ("G80 N7", "unknown-word", 6),
    ("G80|G1 X10 E1 F600", "position-unknown", 7),
    ("M84|G80", "not-homed", 7),
    ("G28 W O", "unknown-word", 6),
    ("G81", "unknown-command", 6),
    ("G76", "unknown-command", 6),
    ("G29", "unknown-command", 6),
    ("M900", "missing-word", 6),
    ("M900 K2.1", "advance", 6),
    ("M900 K-0.1", "advance", 6),
    ("M900 K0.05|" + PRINT + COLD, "advance", 11),
    ("M907 E538", "unknown-command", 6),
    ("M115 U3", "unknown-command", 6),
    ("M221 S95", "override", 6),
    ("M204 S1250", "settings-write", 6),
]

_MINI = [
    ("G29 P4", "unknown-word", 6),
    ("G29 P2", "unknown-word", 6),
    ("G29 S1", "unknown-word", 6),
    ("G29 P1 A", "unknown-word", 6),
    ("G29 A1", "unknown-word", 6),
    ("G29 P9 X10 Y-40 W32 H4", "unknown-word", 6),
    ("G29|G1 X10 E1 F600", "position-unknown", 7),
    ("M84|G29", "not-homed", 7),
    ("G80", "unknown-command", 6),
    ("G28 W", "unknown-word", 6),
    ("M302 S160", "cold-extrusion", 6),
    ("M572 S0.04", "settings-write", 6),
    ("M862.1 P0.25", "nozzle", 6),
    ("M900 K0.2|" + PRINT + COLD, "advance", 11),
]

# A spool is 1000 g, some 335 m of PLA: 1680 pushes of 200 mm.
_MORE_THAN_A_SPOOL = "G1 X10 Y10 Z0.2 F600|" + "G1 E200 F1800|" * 1680 + COLD

_CUTS = [
    ("G21|G90|G0 X5", "start-retract", 3),
    ("G21|G90|G0 X5 Z5", "start-retract", 3),
    ("G21|G90|G0 Z-1", "start-retract", 3),
    ("G21|G91|G0 Z5", "position-unknown", 3),
    ("G90|G0 Z5", "mode-unset", 2),
    ("G21|G0 Z5", "mode-unset", 2),
    ("G21|G90|G0 Z41", "envelope", 3),
    ("G21|G90|G0 Z5|G0 X10 Y10|G1 Z-1 F300", "spindle-off", 5),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-20.001 F300", "envelope", 6),
    (CUT_HEAD + "G0 X301", "envelope", 5),
    (CUT_HEAD + "G20|G0 X12 Y1", "envelope", 6),
    (CUT_HEAD + "G1 Z-1 F300", "position-unknown", 5),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-1", "feed-missing", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-1 F601", "feed-z-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 Z10 F1201", "feed-z-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 X11 F3001", "feed-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G0 Z-1", "rapid-in-stock", 6),
    (CUT_HEAD + CUT + "G0 X20", "rapid-in-stock", 8),
    (CUT_HEAD + CUT + "G0 X20 Z5", "rapid-in-stock", 8),
    (CUT_HEAD + CUT + "M5", "spindle-off", 8),
    (CUT_HEAD + CUT + "G0 Z5|M5|M2|G0 Z6", "after-end", 11),
    (CUT_HEAD + CUT + "G0 Z5", "spindle-left-on", 8),
    (CUT_HEAD + CUT + "G1 Z0 F300|M5", "not-lifted", 9),
    (CUT_HEAD + "M5", "does-nothing", 5),
    (CUT_HEAD + "G1 X5 E1 F600", "unknown-word", 5),
    ("M3 S24001", "spindle-speed", 1),
    ("M3 S10", "spindle-speed", 1),
    ("M3", "missing-word", 1),
    ("M4 S1000", "spindle-backwards", 1),
    ("M6 T2", "many-commands", 1),
    ("M6", "tool", 1),
    ("M8", "coolant", 1),
    ("G28", "forbidden-command", 1),
    ("G92 X0", "offset", 1),
    ("G55", "offset", 1),
    ("G10 L2 P1 X0", "offset", 1),
    ("G43.1 Z5", "offset", 1),
    ("G53 G0 Z0", "many-commands", 1),
    ("G38.2 Z-10 F100", "forbidden-command", 1),
    ("G93", "units", 1),
    ("G19", "plane", 1),
    ("$H", "settings-write", 1),
    ("$100=250", "settings-write", 1),
    ("M0", "unbounded-wait", 1),
    ("M104 S200", "unknown-command", 1),
    ("G81 X1 Z-1 R1", "unknown-command", 1),
    ("G4 P61", "dwell", 1),
    ("G0 X10 Y10 M3 S1000", "many-commands", 1),
    ("F100", "unknown-command", 1),
    ("?", "realtime-byte", 1),
    ("$X", "settings-write", 1),
    ("$I=lab", "settings-write", 1),
    ("$J=G91 X10 F100", "settings-write", 1),
    ("!", "realtime-byte", 1),
    ("M30|G21", "does-nothing", 2),
    ("S100", "unknown-command", 1),
    ("M67 E0 Q50", "unknown-command", 1),
    ("G5 X1 Y1", "unknown-command", 1),
    ("G33 X1", "unknown-command", 1),
    ("M64 P0", "unknown-command", 1),
    ("M3 S", "missing-word", 1),
    (CUT_HEAD + "G18|G2 X5 Z-5 I2 K0", "plane", 5),
    (CUT_HEAD + "G0 X10 Y10|G2 X20 Y10 I5 K1", "unknown-word", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-1 F300|G2 X20 Z-21 I5 J0", "envelope", 7),
    (CUT_HEAD + "G20|G1 X1 F200", "feed-limit", 6),
]

# Across the clip on the bed: at its height, from homing's unknown place, round it and through.
_INTO_THE_CLIP = [
    ("G1 Z10 F600|G1 X10 Y4|G1 Z3|G28", 9),
    ("G1 Z10 F600|G1 X10 Y4|G1 Z3|M84|G28", 10),
    ("G1 Z10 F600|G1 X10 Y4|G1 X100 Z3", 8),
    ("G1 Z5 F600|G1 X10 Y20", 7),
    ("G1 Z10 F600|G1 X10 Y4|G1 Z3|G1 X190", 9),
    ("G1 Z10 F600|G1 X70 Y4|G1 Z3|G91|G1 X60", 10),
    ("G1 Z10 F600|G1 X100 Y4|G1 Z5.9", 8),
    ("G1 Z10 F600|G1 X60 Y10|G1 Z3|G17|G3 X140 Y10 R100", 10),
]

# A program of two cutters, the rule, the line that breaks it.
_CHANGES = [
    (CUT_HEAD + CUT + CUT_END, "cutter-change", 10),
    (CUT_HEAD + CUT + (CHANGE + NEXT + CUT) * 2 + CUT_END, "unbounded-wait", 23),
    (CUT_HEAD + CUT + CHANGE.replace("|M5", "") + NEXT + CUT + CUT_END, "cutter-change", 11),
    (CUT_HEAD + CUT + "G0 Z5|M5|G0 Z4.9|M0|" + NEXT + CUT + CUT_END, "cutter-change", 11),
    ("G21 G90 G94 G17|M5|M0|" + NEXT + CUT + CUT_END, "cutter-change", 3),
    (CUT_HEAD + CUT + "M5|M0|" + NEXT + CUT + CUT_END, "spindle-off", 8),
    (CUT_HEAD + CUT + CHANGE + "M3 S12000|G4 P2|G0 Z5|" + CUT + CUT_END, "cutter-change", 13),
    (CUT_HEAD + CUT + CHANGE + "G0 X5|" + NEXT + CUT + CUT_END, "start-retract", 13),
    (CUT_HEAD + CUT + CHANGE + "G0 X5 Z5|" + NEXT + CUT + CUT_END, "start-retract", 13),
    (CUT_HEAD + CUT + CHANGE + "G0 Z4|" + NEXT + CUT + CUT_END, "cutter-change", 13),
    (CUT_HEAD + CUT + CHANGE + "G0 Z5|G0 Z1|" + NEXT + CUT + CUT_END, "cutter-change", 14),
    (CUT_HEAD + CUT + CHANGE + "G0 Z5|M3 S12000|" + CUT + CUT_END, "cutter-change", 16),
    (CUT_HEAD + CUT + CHANGE + "G0 Z5|G4 P2|M3 S12000|" + CUT + CUT_END, "cutter-change", 17),
    (CUT_HEAD + CUT + CHANGE + NEXT + "G0 X5|G1 Z-1 F300|" + CUT_END, "position-unknown", 17),
    (CUT_HEAD + CUT + CHANGE + NEXT + "G91|G0 X5|" + CUT + CUT_END, "position-unknown", 17),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "M0 P5") + NEXT + CUT + CUT_END, "unbounded-wait", 12),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "M00") + NEXT + CUT + CUT_END, "unbounded-wait", 12),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "G21 M0") + NEXT + CUT + CUT_END, "unbounded-wait", 12),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "M5 M0") + NEXT + CUT + CUT_END, "many-commands", 12),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "M1") + NEXT + CUT + CUT_END, "unbounded-wait", 12),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "G91|M0") + NEXT + CUT + CUT_END, "cutter-change", 13),
    (CUT_HEAD + CUT + CHANGE.replace("M0", "G20|M0") + NEXT + CUT + CUT_END, "cutter-change", 13),
    (CUT_HEAD + CUT + CUT_END + "|M0", "after-end", 11),
]

HOSTILE: tuple[Hostile, ...] = (
    *(Hostile(PRINT_HEAD + moves, rule, line) for moves, rule, line in _PRINTS),
    *(Hostile(text, rule, line) for text, rule, line in _STARTS),
    *(Hostile(PRINT_HEAD + moves, rule, line, KLIPPER) for moves, rule, line in _KLIPPER),
    *(Hostile(PRINT_HEAD + moves, rule, line, VORON) for moves, rule, line in _MACROS),
    *(Hostile(PRINT_HEAD + moves, rule, line, MK3S) for moves, rule, line in _MK3S),
    *(Hostile(PRINT_HEAD + moves, rule, line, MINI) for moves, rule, line in _MINI),
    Hostile(PRINT_HEAD + "G80", "keep-out", 6, with_clip(MK3S)),
    Hostile(PRINT_HEAD + "G29", "keep-out", 6, with_clip(MINI)),
    Hostile(PRINT_HEAD + "QUAD_GANTRY_LEVEL", "keep-out", 6, with_clip(VORON)),
    Hostile(PRINT_HEAD + "PRINT_START", "keep-out", 6, with_clip(VORON)),
    Hostile(PRINT_HEAD + _MORE_THAN_A_SPOOL, "spool", 0, PRINTER, MATERIALS["pla"]),
    Hostile("G90", "profile", 0, PRINTER.model_copy(update={"model": "unheard-of"})),
    Hostile("G90", "profile", 0, PRINTER.model_copy(update={"model": "voron-2.4"})),
    *(Hostile(text, rule, line, ROUTER) for text, rule, line in _CUTS),
    *(
        Hostile(PRINT_HEAD + moves, "keep-out", line, with_clip(PRINTER))
        for moves, line in _INTO_THE_CLIP
    ),
    # The cutter's half width belongs to the way; below the clamp its shank is in the way.
    Hostile(CUT_HEAD + "G0 Z10|G0 X10 Y9.4|G0 Z5|G0 X190", "keep-out", 8, with_clip(ROUTER)),
    Hostile(CUT_HEAD + "G0 Z10|G0 X70 Y4|G1 Z-3 F300|G1 X130", "keep-out", 8, with_clip(ROUTER)),
    Hostile(CUT_HEAD + CUT + CUT_END, "floor", 6, ROUTER, floor_mm=-1.9),
    *(Hostile(text, rule, line, ROUTER, cutters_mm=(3.0, 1.5)) for text, rule, line in _CHANGES),
    Hostile(CUT_HEAD + CUT + CHANGE + NEXT + CUT + CUT_END, "unbounded-wait", 12, ROUTER),
    Hostile(CUT_HEAD + CUT + CUT_END, "cutter-change", 0, ROUTER, cutters_mm=(0.0,)),
    Hostile(PRINT_HEAD + PRINT + "M0|" + COLD, "unbounded-wait", 8, PRINTER, cutters_mm=(3.0, 1.5)),
    # The second cutter is wider, and so is its way past the clamp.
    Hostile(
        CUT_HEAD + PAST_CLIP + "G0 Z7|M5|M0|G0 Z7|M3 S12000|G4 P2|" + PAST_CLIP,
        "keep-out",
        18,
        with_clip(ROUTER),
        cutters_mm=(3.0, 6.0),
    ),
    Hostile(
        PRINT_HEAD.replace("S210", "S240") + PRINT,
        "hotend-temperature",
        5,
        PRINTER,
        MATERIALS["pla"],
    ),
    Hostile(PRINT_HEAD + PRINT + COLD, "material", 0, PRINTER, MATERIALS["plywood"]),
    Hostile("G90", "profile", 0, PRINTER.model_copy(update={"driver": Driver.GRBL})),
)
