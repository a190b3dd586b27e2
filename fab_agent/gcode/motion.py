"""The modal state that printers and mills share: units, distances, feed, box and arcs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from math import dist, hypot, inf, isnan, nan
from typing import ClassVar, NoReturn

from commons.machine import MachineProfile
from fab_agent.gcode.arcs import Arc, arc_about, arc_of_radius
from fab_agent.gcode.parser import Args, Command, F, G, X, Y, Z, refusal
from fab_agent.gcode.zones import Zone, arc_chords

XYZ = tuple[float, float, float]
MM_PER_INCH = 25.4
# Dust of floating point, far below the step of any machine.
DUST = 1e-6
MAX_DWELL_S = 60.0
Action = Callable[..., None]
# Told of each move and wait of a print: X, Y and Z reached, filament (mm), path over feed (s).
Watch = Callable[[tuple[float, float, float, float, float]], None]

_AXES = ((X, "X"), (Y, "Y"), (Z, "Z"))


def changes_nothing(walk: "Walk", args: Args) -> None:
    """The action of a command that is allowed and moves, heats and sets nothing."""


class Walk(ABC):
    """One machine's modal state while a program is read; every method may refuse the program.

    Invariant: every point reached so far lies in the box `low`…`high`, and that box lies inside
    the machine's envelope; no path has come into a zone. A coordinate that is not known yet is
    NaN, and lies in no box.
    """

    # The firmware throws spaces away before it reads.
    packed: ClassVar[bool] = False
    # Command -> the argument letters (or names) it may have, and what it does.
    commands: ClassVar[Mapping[str, tuple[str, Action]]]
    # Command -> rule and reason, for commands that deserve more than "unknown".
    forbidden: ClassVar[Mapping[str, tuple[str, str]]]
    # Commands that may share a line with the one that follows; not every firmware reads on.
    sharing: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, profile: MachineProfile, *, floor_mm: float = -inf, tool_mm: float = 0.0
    ) -> None:
        """No point may lie below `floor_mm`, nor a tool of this diameter touch a zone."""
        box = profile.envelope
        self.profile = profile
        self.line = 0
        self.here: XYZ = (nan, nan, nan)
        self.low: XYZ = (inf, inf, inf)
        self.high: XYZ = (-inf, -inf, -inf)
        self.duration_s = 0.0
        self.watch: Watch | None = None
        self._take_tool(tool_mm)
        self._floor = (box.x_min_mm, box.y_min_mm, max(box.z_min_mm, floor_mm))
        self._floor_is_the_jobs = floor_mm > box.z_min_mm
        self._ceiling = (box.x_max_mm, box.y_max_mm, box.z_max_mm)
        self._scale: float | None = None
        self._relative: bool | None = None
        self._plane_chosen = False
        self._feed_mm_s = 0.0
        self._ready = False
        self._plain = False

    def stops(self) -> bool:
        """Whether the program may wait here (CUTTER_STOP) until a person has changed the tool."""
        return False

    @property
    @abstractmethod
    def worked(self) -> float:
        """Filament pushed or path cut so far, mm; only work makes it more."""

    @abstractmethod
    def follow(self, words: Mapping[int, float], start: XYZ, length: float) -> None:
        """Judge a move from `start` to `here`, `length` mm long (NaN: from an unknown place)."""

    @abstractmethod
    def finish(self) -> None:
        """Refuse a program that does nothing or leaves the machine in an unsafe state."""

    @abstractmethod
    def _missing(self) -> tuple[str, str] | None:
        """Rule and reason why nothing may move yet, or None."""

    def straight(self, words: Mapping[int, float]) -> None:
        """Go in a straight line; `words` as plain_move gives them."""
        if not self._ready:
            self._refuse_unready()
        start = self.here
        if self._plain:
            get = words.get
            x, y, z = end = get(X, start[0]), get(Y, start[1]), get(Z, start[2])
        else:
            x, y, z = end = self._end_of(words)
        (x0, y0, z0), (x1, y1, z1) = self.low, self.high
        if not (x0 <= x <= x1 and y0 <= y <= y1 and z0 <= z <= z1):
            self._widen(words, end)
        if self._zones:
            self._keep_out(start, end)
        if F in words:
            self._set_feed(words[F])
        self.here = end
        length = dist(start, end)
        if length != length:
            length = _length_along(words, start, end)
        self.follow(words, start, length)

    def next_line(self, lines: Iterator[bytes]) -> bytes | None:
        """The next line that has not been followed yet, and `line` its number; None at the end.

        The commonest lines may have been followed on the way to it.
        """
        line = next(lines, None)
        self.line += line is not None
        return line

    def obey(self, commands: list[Command]) -> None:
        """Do what one parsed line says: modes first, then at most one command with arguments."""
        for name, args in commands[:-1]:
            if args or name not in self.sharing:
                self.refuse("many-commands", f"{name} must stand on a line of its own")
            self._do(name, args)
        self._do(*commands[-1])

    def refuse(self, rule: str, message: str, value: str = "", limit: str = "") -> NoReturn:
        """Raise ProgramRefused for the line that is being read, at the place where it ends."""
        raise refusal(rule, self.line, message, value=value, limit=limit)

    def modes_changed(self) -> None:
        """To be called whenever what `_missing` looks at has changed."""
        self._ready = self._missing() is None
        self._plain = self._scale == 1.0 and self._relative is False

    def number(self, args: Args, letter: str, name: str) -> float:
        """The number behind `letter`, which must be there."""
        value = args.get(letter)
        if value is None:
            self.refuse("missing-word", f"{name} needs a number after {letter}")
        return value

    def _take_tool(self, tool_mm: float) -> None:
        """No tool of this diameter may touch a zone from now on."""
        self._zones = [Zone.around(it, tool_mm / 2) for it in self.profile.envelope.keep_out]

    def _do(self, name: str, args: Args) -> None:
        if name in self.forbidden:
            rule, why = self.forbidden[name]
            self.refuse(rule, f"{name} {why}")
        if name not in self.commands:
            self.refuse("unknown-command", f"{name or 'a line without a command'} is not allowed")
        letters, action = self.commands[name]
        if extra := [letter for letter in args if letter not in letters]:
            self.refuse("unknown-word", f"{name} may not have {' '.join(extra)}")
        action(self, args)

    def _refuse_unready(self) -> NoReturn:
        missing = self._missing()
        rule, why = missing if missing else ("not-ready", "the machine is not ready")
        self.refuse(rule, f"a move before {why}")

    def _absolute(self, args: Args) -> None:
        self._relative = False
        self.modes_changed()

    def _incremental(self, args: Args) -> None:
        self._relative = True
        self.modes_changed()

    def _millimetres(self, args: Args) -> None:
        self._scale = 1.0
        self.modes_changed()

    def _inches(self, args: Args) -> None:
        self._scale = MM_PER_INCH
        self.modes_changed()

    def _xy_plane(self, args: Args) -> None:
        self._plane_chosen = True

    def _rapid(self, args: Args) -> None:
        self.straight({**self._numbers(args), G: 0.0})

    def _feed(self, args: Args) -> None:
        self.straight({**self._numbers(args), G: 1.0})

    def _arc_clockwise(self, args: Args) -> None:
        self._arc(args, clockwise=True)

    def _arc_counter(self, args: Args) -> None:
        self._arc(args, clockwise=False)

    def _numbers(self, args: Args) -> dict[int, float]:
        return {ord(letter): self.number(args, letter, "a move") for letter in args}

    def _modes_missing(self) -> tuple[str, str] | None:
        if self._relative is None:
            return "mode-unset", "G90 or G91: what an earlier program left is not known"
        if self._scale is None:
            return "mode-unset", "G21: what an earlier program left is not known"
        return None

    def _end_of(self, words: Mapping[int, float]) -> XYZ:
        x, y, z = self.here
        scale = self._scale or 1.0
        if self._relative:
            get = words.get
            return x + scale * get(X, 0.0), y + scale * get(Y, 0.0), z + scale * get(Z, 0.0)
        return (
            scale * words[X] if X in words else x,
            scale * words[Y] if Y in words else y,
            scale * words[Z] if Z in words else z,
        )

    def _widen(self, words: Mapping[int, float], point: XYZ) -> None:
        """Take `point` into the box, if it lies inside the envelope."""
        for index, (axis, letter) in enumerate(_AXES):
            value, least, most = point[index], self._floor[index], self._ceiling[index]
            if isnan(value) and axis in words:
                what = f"{letter} is relative to a position that is not known; use G90 first"
                self.refuse("position-unknown", what)
            if value < least - DUST or value > most + DUST:
                self.here = point
                asked, limit = f"{letter}{value:.4f} mm", f"{least:g} … {most:g} mm"
                jobs = axis == Z and value < least and self._floor_is_the_jobs
                rule = "floor" if jobs else "envelope"
                self.refuse(rule, f"{asked} lies outside {limit}", asked, limit)
        low, high = zip(self.low, point, strict=True), zip(self.high, point, strict=True)
        # A NaN compares false: an unknown coordinate leaves the box as it is.
        x0, y0, z0 = (b if b < a else a for a, b in low)
        x1, y1, z1 = (b if b > a else a for a, b in high)
        self.low, self.high = (x0, y0, z0), (x1, y1, z1)

    def _set_feed(self, feed: float) -> None:
        """F is mm or inches a minute."""
        self._feed_mm_s = feed * (self._scale or 1.0) / 60
        limit = self.profile.max_feed_mm_s
        if not 0 < self._feed_mm_s <= limit + DUST:
            asked = f"{self._feed_mm_s:.3f} mm/s"
            what = f"a feed of {asked}; it must be above 0 and at most {limit:g}"
            self.refuse("feed-limit", what, asked, f"above 0, at most {limit:g} mm/s")

    def _need_feed(self) -> float:
        if not self._feed_mm_s:
            self.refuse("feed-missing", "a feed move before any F")
        return self._feed_mm_s

    def _check_vertical(self, rise: float, length: float, limit: float) -> None:
        """Refuse when the vertical part of the present feed is above `limit` (mm/s)."""
        speed = self._feed_mm_s * abs(rise) / length if length > 0 else 0.0
        if speed > limit + DUST:
            asked, most = f"{speed:.3f} mm/s", f"{limit:g} mm/s"
            what = f"Z moves at {asked}, the limit here is {most}"
            self.refuse("feed-z-limit", what, asked, most)

    def _arc(self, args: Args, *, clockwise: bool) -> None:
        if not self._ready:
            self._refuse_unready()
        if not self._plane_chosen:
            self.refuse("mode-unset", "an arc before G17: which plane is not known")
        words = self._numbers(args)
        start, end = self.here, self._end_of(words)
        try:
            arc = self.arc_between(start, end, args, clockwise=clockwise)
        except ValueError as error:
            raise refusal("arc", self.line, str(error)) from error
        for x, y in arc.extremes():
            self._widen({X: x, Y: y}, (x, y, end[2]))
        self._widen(words, end)
        if self._zones:
            for before, after in arc_chords(arc, start, end):
                self._keep_out(before, after)
        if F in words:
            self._set_feed(words[F])
        self.here = end
        rise = end[2] - start[2] if Z in words else 0.0
        self.follow({**words, G: 1.0}, start, hypot(arc.length, rise))

    def arc_between(self, start: XYZ, end: XYZ, args: Args, *, clockwise: bool) -> Arc:
        """The arc that these arguments of G2 or G3 mean; ValueError when there is none."""
        if isnan(start[0] + start[1]):
            raise ValueError("an arc from a position that is not known")
        scale = self._scale or 1.0
        by_radius, by_centre = "R" in args, "I" in args or "J" in args
        if by_radius == by_centre:
            raise ValueError("an arc has either R, or I and J")
        if by_radius:
            radius = scale * (args["R"] or 0.0)
            return arc_of_radius(start[:2], end[:2], radius, clockwise=clockwise)
        centre = (
            start[0] + scale * (args.get("I") or 0.0),
            start[1] + scale * (args.get("J") or 0.0),
        )
        return arc_about(start[:2], end[:2], centre, clockwise=clockwise)

    def _keep_out(self, start: XYZ, end: XYZ) -> None:
        """Refuse a way through a zone; up and down where homing left the tool is free."""
        if isnan(end[0]) and isnan(end[1]):
            return
        for zone in self._zones:
            if zone.is_entered(start, end):
                self.here = end
                top = f"{zone.high[2]:g} mm"
                what = f"the way comes over '{zone.name}' below Z{top}; go round it or above it"
                self.refuse("keep-out", what, f"'{zone.name}'", f"above Z{top}")

    def check_homing(self) -> None:
        """Refuse homing from below the top of a zone once something has moved: its way is not
        in the program.
        """
        moved = self.high != (-inf, -inf, -inf)
        for zone in self._zones:
            if moved and not self.here[2] > zone.high[2]:
                top = f"{zone.high[2]:g} mm"
                what = f"homing may come over '{zone.name}'; rise above Z{top} before"
                self.refuse("keep-out", what, limit=f"above Z{top}")

    def dwell(self, seconds: float) -> None:
        """Wait; longer than MAX_DWELL_S is refused."""
        if not 0 <= seconds <= MAX_DWELL_S:
            asked, most = f"{seconds:g} s", f"0 … {MAX_DWELL_S:g} s"
            self.refuse("dwell", f"a wait of {asked}; at most {MAX_DWELL_S:g} s", asked, most)
        self.duration_s += seconds
        if self.watch is not None:
            self.watch((*self.here, 0.0, seconds))


def _length_along(words: Mapping[int, float], start: XYZ, end: XYZ) -> float:
    """Length of a move by its own axes: one that is not known and not named stands still."""
    moved = [end[i] - start[i] for i, (axis, _) in enumerate(_AXES) if axis in words]
    return hypot(*moved)
