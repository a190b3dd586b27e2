"""What a machine can do: its profile, its limits, and the materials it takes.

Units: mm, mm/s, °C, W, s, rpm. Angles do not occur.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from commons.cutters import CutterShape, Edges, MillCutter
from commons.quantities import (
    Acceleration,
    BedTemperature,
    Coordinate,
    Diameter,
    Feed,
    Finite,
    NotNegative,
    Nozzle,
    Positive,
    Power,
    SpindleSpeed,
    Temperature,
    Value,
    plausible,
)
from commons.texts import later


class Process(StrEnum):
    """How a part is made. The values are the words of OKH `tsdc` in lower case."""

    FDM = "fdm"
    CNC = "cnc"


class Driver(StrEnum):
    """The protocol that the machine or its print host speaks."""

    MARLIN = "marlin"
    GRBL = "grbl"
    OCTOPRINT = "octoprint"
    MOONRAKER = "moonraker"

    @property
    def hosted(self) -> bool:
        """A print host stands between the agent and the machine: reached by url, not by port."""
        return self in (Driver.OCTOPRINT, Driver.MOONRAKER)


class KeepOut(Value):
    """A place where something stands, such as a clip or a clamp: no tool may come over it.

    In machine coordinates (mm), as the envelope. It reaches from far below up to `z_max_mm`,
    because a tool whose tip is lower than that hits it with its shank.
    """

    name: Annotated[str, Field(min_length=1, max_length=40)]
    x_min_mm: Coordinate
    x_max_mm: Coordinate
    y_min_mm: Coordinate
    y_max_mm: Coordinate
    z_max_mm: Coordinate

    @model_validator(mode="after")
    def _is_a_box(self) -> Self:
        if self.x_min_mm >= self.x_max_mm or self.y_min_mm >= self.y_max_mm:
            raise ValueError(f"'{self.name}': each _min_mm must be less than its _max_mm")
        return self


class Envelope(Value):
    """The box, in machine coordinates (mm), that no point of any program may leave.

    A printer's origin is its homed corner, so the box is 0…bed size. A router's work zero is
    set by a person on the sheet: there the box is what the sheet and the axes allow around it.
    """

    x_min_mm: Coordinate = 0.0
    y_min_mm: Coordinate = 0.0
    z_min_mm: Coordinate = 0.0
    x_max_mm: Annotated[Coordinate, Field(gt=0)]
    y_max_mm: Annotated[Coordinate, Field(gt=0)]
    z_max_mm: Annotated[Coordinate, Field(gt=0)]
    keep_out: Annotated[tuple[KeepOut, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _is_a_box(self) -> Self:
        for axis in "xyz":
            if getattr(self, f"{axis}_min_mm") >= getattr(self, f"{axis}_max_mm"):
                raise ValueError(f"{axis}_min_mm must be less than {axis}_max_mm")
        return self

    def holds(self, x_mm: float, y_mm: float) -> bool:
        """This place in the plane is inside."""
        return self.x_min_mm <= x_mm <= self.x_max_mm and self.y_min_mm <= y_mm <= self.y_max_mm

    def what_stands_at(self, x_mm: float, y_mm: float) -> KeepOut | None:
        """What a tool at this place in the plane would be over, or None."""
        for place in self.keep_out:
            if (
                place.x_min_mm <= x_mm <= place.x_max_mm
                and place.y_min_mm <= y_mm <= place.y_max_mm
            ):
                return place
        return None

    def lift_mm(self, least_mm: float) -> float:
        """A height, at least `least_mm`, from which every way leads over what stands here.

        Never above the envelope: then no way leads over it.
        """
        over = [place.z_max_mm + 1 for place in self.keep_out]
        return min(max([least_mm, *over]), self.z_max_mm)

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Edge lengths (x, y, z) in mm."""
        return (
            self.x_max_mm - self.x_min_mm,
            self.y_max_mm - self.y_min_mm,
            self.z_max_mm - self.z_min_mm,
        )


class Park(Value):
    """Where a printer waits while a person holds its print, in machine coordinates (mm).

    The hot end first pulls the filament back by `retract_mm` and rises by `lift_mm`, never above
    the envelope.
    """

    x_mm: Finite = 0.0
    y_mm: Finite = 0.0
    lift_mm: Positive = 10.0
    retract_mm: NotNegative = 2.0
    # Held for so long, the nozzle is switched off until the print goes on; None: it stays hot.
    cool_after_s: NotNegative | None = None


# A line that begins with N would be a numbered one.
MacroName = Annotated[str, Field(pattern=r"^[A-MO-Z][A-Z_]{2,}[A-Z0-9_]*$", max_length=40)]
# Klipper's own commands that change or run something are no macros of a lab's.
_NO_MACROS = ("SET_", "SAVE_", "RUN_", "RESTORE_", "FIRMWARE_", "RESTART", "FORCE_", "UPDATE_")


class Macro(Value):
    """A macro of a Klipper printer's own configuration that its programs may call.

    `bed` and `nozzle` are the names of the arguments that carry these temperatures; it gets no
    others. What it does cannot be seen: a program knows nothing after it, and says all anew.
    """

    name: MacroName
    at: Literal["start", "end"]
    bed: MacroName | None = None
    nozzle: MacroName | None = None

    @model_validator(mode="after")
    def _is_the_labs(self) -> Self:
        if self.name.startswith(_NO_MACROS):
            raise ValueError(f"'{self.name}' is Klipper's own command: name a macro of the lab's")
        return self


class PlateType(StrEnum):
    """What a print stands on: some materials hold so fast to one that they tear it."""

    SMOOTH_PEI = "smooth_pei"
    TEXTURED_PEI = "textured_pei"
    SATIN_PEI = "satin_pei"
    GLASS = "glass"
    OTHER = "other"


class PrintLimits(Value):
    """What an FDM printer may be asked for; temperatures are the machine's own maxima."""

    nozzle_mm: Nozzle = 0.4
    hotend_max_c: Temperature = 260.0
    bed_max_c: BedTemperature = 100.0
    # Below this the filament is solid and the extruder grinds it (Marlin's EXTRUDE_MINTEMP).
    extrude_min_c: Temperature = 170.0
    max_extrude_mm_s: Feed = 50.0
    # None: the hot end stays where it is while the print is held.
    park: Park | None = None
    # Walls round it: the air stays warm and the fumes inside, which ABS and ASA need.
    enclosed: bool = False
    # Hardened steel or harder: fibres in a filament wear brass out within a spool.
    hardened_nozzle: bool = False
    # None: nobody has said, and nothing is refused for it.
    plate: PlateType | None = None
    # How quick it is, and how fast it passes a square corner (Klipper's square_corner_velocity,
    # about Marlin's jerk): they decide nothing but how long a program is said to take.
    acceleration_mm_s2: Acceleration = 1000.0
    corner_mm_s: Annotated[float, plausible(0.1, 50, "mm/s")] = 8.0
    # What one spool holds: a program that needs more cannot end by itself.
    spool_g: Annotated[float, plausible(50, 20_000, "g")] = 1000.0
    macros: Annotated[tuple[Macro, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _can_extrude(self) -> Self:
        if self.hotend_max_c <= self.extrude_min_c:
            raise ValueError(
                f"hotend_max_c ({self.hotend_max_c:g}) must be above extrude_min_c "
                f"({self.extrude_min_c:g}): nothing could ever be printed"
            )
        return self


class MillLimits(Value):
    """What a router may be asked for, the cutter in its collet and those to change to."""

    cutter_mm: Diameter = 3.0
    cutter_edges: Edges = 2
    cutter_shape: CutterShape = "flat"
    # What somebody may change to in mid-job, where the first does not fit or is no ball.
    more_cutters: Annotated[
        tuple[MillCutter, ...],
        # Once it held diameters alone, under the other name.
        Field(max_length=3, validation_alias=AliasChoices("more_cutters", "more_cutters_mm")),
    ] = ()
    spindle_max_rpm: Annotated[SpindleSpeed, Field(gt=0)] = 24000.0
    spindle_min_rpm: SpindleSpeed = 1000.0
    max_plunge_mm_s: Feed = 10.0
    # GRBL's $120 to $122 and $11: they decide nothing but how long a program is said to take.
    acceleration_mm_s2: Acceleration = 200.0
    junction_deviation_mm: Annotated[float, plausible(0.001, 1, "mm")] = 0.01
    # It has limit switches: it must be homed, and its firmware must guard its travel.
    homing: bool = True

    @field_validator("more_cutters", mode="before")
    @classmethod
    def _a_number_is_a_flat_cutters_diameter(cls, said: object) -> object:
        if not isinstance(said, list | tuple):
            return said
        # A tuple: what is read strictly takes a list for another kind of thing.
        return tuple({"diameter_mm": it} if isinstance(it, int | float) else it for it in said)

    @property
    def cutters(self) -> tuple[MillCutter, ...]:
        """Every cutter that there is, each with its edges; the one in the collet comes first."""
        edges = self.cutter_edges
        first = MillCutter(diameter_mm=self.cutter_mm, edges=edges, shape=self.cutter_shape)
        more = [it.model_copy(update={"edges": it.edges or edges}) for it in self.more_cutters]
        return (first, *more)

    @model_validator(mode="after")
    def _cutters_can_be_told_apart(self) -> Self:
        names = [cutter.name for cutter in self.cutters]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"more_cutters: the {twice[0]} cutter is named twice: people could not tell which"
            )
        return self

    @model_validator(mode="after")
    def _spindle_has_a_range(self) -> Self:
        if self.spindle_min_rpm > self.spindle_max_rpm:
            raise ValueError(
                f"spindle_min_rpm ({self.spindle_min_rpm:g}) must not be above spindle_max_rpm "
                f"({self.spindle_max_rpm:g}): are they exchanged?"
            )
        return self


class MachineProfile(Value):
    """What one machine can do and what it must never be asked for.

    Exactly one of `fdm` and `cnc` is given, and it is the one that `process` names.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    process: Process
    driver: Driver
    # The kind of printer, such as "prusa-mk3s"; None: the generic one of its firmware.
    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=40)] | None = None
    envelope: Envelope
    max_feed_mm_s: Feed
    max_feed_z_mm_s: Feed
    materials: tuple[str, ...]
    rated_power_w: Power | None = None
    attended_only: bool = True
    # A machine made of memory: its figures are shown apart, never as production.
    simulated: bool = False
    fdm: PrintLimits | None = None
    cnc: MillLimits | None = None

    @model_validator(mode="after")
    def _limits_fit_process(self) -> Self:
        given = {p for p, limits in ((Process.FDM, self.fdm), (Process.CNC, self.cnc)) if limits}
        if given != {self.process}:
            raise ValueError(f"give the limits of '{self.process}' and no others")
        return self

    @model_validator(mode="after")
    def _materials_can_be_printed(self) -> Self:
        for material in (MATERIALS[key] for key in self.materials if key in MATERIALS):
            if self.fdm and (lacking := material.lacking(self.fdm)):
                raise ValueError(f"'{material.key}' needs {lacking}, or leave it out")
        return self

    @model_validator(mode="after")
    def _macros_are_klippers(self) -> Self:
        if self.fdm and self.fdm.macros and self.driver is not Driver.MOONRAKER:
            raise ValueError("macros are Klipper's: leave them out with any other driver")
        return self

    @model_validator(mode="after")
    def _limits_fit_envelope(self) -> Self:
        x_mm, y_mm, _ = self.envelope.size_mm
        park = self.fdm.park if self.fdm else None
        if park and not self.envelope.holds(park.x_mm, park.y_mm):
            raise ValueError(
                f"park lies outside the envelope (x {park.x_mm:g}, y {park.y_mm:g} mm): "
                "choose a place beside the part that the hot end can reach"
            )
        if park and (place := self.envelope.what_stands_at(park.x_mm, park.y_mm)):
            raise ValueError(
                f"park lies where '{place.name}' stands (keep_out): choose a place beside it"
            )
        if self.cnc and self.cnc.cutter_mm >= min(x_mm, y_mm):
            raise ValueError(
                f"a cutter of {self.cnc.cutter_mm:g} mm does not fit into an envelope of "
                f"{x_mm:g} x {y_mm:g} mm: check cutter_mm and the envelope"
            )
        return self


class Material(Value):
    """What a part is made of. `density_g_cm3` turns volume into mass.

    A filament may need a bed of at least `bed_min_c`, a nozzle of at least `nozzle_min_mm`, walls
    round the printer (`enclosure`), a nozzle that it does not wear out (`abrasive`), and another
    plate than those that it tears (`tears`).
    """

    key: str
    name: str
    process: Process
    density_g_cm3: Positive
    nozzle_c: Positive | None = None
    bed_c: NotNegative | None = None
    nozzle_max_c: Positive | None = None
    bed_min_c: NotNegative = 0.0
    nozzle_min_mm: NotNegative = 0.0
    enclosure: bool = False
    abrasive: bool = False
    tears: tuple[PlateType, ...] = ()

    def lacking(self, printer: PrintLimits) -> str | None:
        """What such a printer lacks for it, and what to do; None when it lacks nothing."""
        if self.enclosure and not printer.enclosed:
            return "an enclosed printer: set enclosed = true if this one has walls and a lid"
        if self.abrasive and not printer.hardened_nozzle:
            return "a hardened nozzle: set hardened_nozzle = true if it has one"
        if printer.nozzle_mm < self.nozzle_min_mm:
            return f"a nozzle of at least {self.nozzle_min_mm:g} mm, or it clogs"
        if printer.bed_max_c < self.bed_min_c:
            return f"a bed of at least {self.bed_min_c:g} °C, or it warps"
        return None


# PETG and TPU bond to what is smooth so well that they take a piece of it along.
_SMOOTH = (PlateType.SMOOTH_PEI, PlateType.GLASS)
# Typical data-sheet densities and temperatures, for filaments as in the generic profiles that
# come with PrusaSlicer 2.5 (PrusaResearch.ini 1.4); birch plywood from EN 636 product sheets, MDF
# from EN 622-5 ones, Scots pine from EN 350. How sheets are cut stands in fab_agent/cam/feeds.toml.
MATERIALS: dict[str, Material] = {
    m.key: m
    for m in (
        Material(key="pla", name="PLA", process=Process.FDM, density_g_cm3=1.24,
                 nozzle_c=210, bed_c=60, nozzle_max_c=235),
        Material(key="petg", name="PETG", process=Process.FDM, density_g_cm3=1.27,
                 nozzle_c=240, bed_c=80, nozzle_max_c=260, tears=_SMOOTH),
        Material(key="petg-cf", name=later("PETG with carbon fibre"), process=Process.FDM,
                 density_g_cm3=1.317, nozzle_c=240, bed_c=80, nozzle_max_c=265,
                 nozzle_min_mm=0.4, abrasive=True, tears=_SMOOTH),
        Material(key="abs", name="ABS", process=Process.FDM, density_g_cm3=1.04,
                 nozzle_c=250, bed_c=100, nozzle_max_c=270, bed_min_c=80, enclosure=True),
        Material(key="asa", name="ASA", process=Process.FDM, density_g_cm3=1.07,
                 nozzle_c=255, bed_c=100, nozzle_max_c=275, bed_min_c=80, enclosure=True),
        Material(key="tpu", name="TPU (95A)", process=Process.FDM, density_g_cm3=1.21,
                 nozzle_c=230, bed_c=50, nozzle_max_c=245, nozzle_min_mm=0.4,
                 tears=_SMOOTH),
        Material(key="plywood", name=later("Birch plywood"), process=Process.CNC,
                 density_g_cm3=0.68),
        Material(key="mdf", name="MDF", process=Process.CNC, density_g_cm3=0.75),
        Material(key="pine", name=later("Pine board"), process=Process.CNC, density_g_cm3=0.51),
    )
}  # fmt: skip
