"""A hold, step by step: stand still, step aside, wait, come back exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

from commons.machine import MachineProfile, Park
from fab_agent.machines.lines import LineSource
from fab_agent.machines.marlin_answers import XYZ
from fab_agent.machines.marlin_modes import Modes
from fab_agent.machines.marlin_script import SYNC

# Filament goes back and forth at a speed that every extruder can do.
FILAMENT_MM_S = 25.0
POLLS_PER_S = 5
# Marlin releases its motors two minutes after the last command (DEFAULT_STEPPER_DEACTIVE_TIME):
# one that is held must be told something now and then.
POLLS_PER_SIGN_OF_LIFE = 100


@dataclass(frozen=True, slots=True)
class Parking:
    """Where this machine waits, and the limits that hold for our own moves too."""

    park: Park
    profile: MachineProfile

    @classmethod
    def of(cls, profile: MachineProfile) -> "Parking | None":
        """As the profile wants it; None: the hot end stays where it is."""
        park = profile.fdm.park if profile.fdm else None
        return None if park is None else cls(park, profile)

    def lift_mm(self, z_mm: float) -> float:
        """How far it rises from here: never above the envelope."""
        return min(self.park.lift_mm, self.profile.envelope.z_max_mm - z_mm)

    def feeds_mm_min(self) -> tuple[float, float, float]:
        """For the plane, for Z, and for the filament."""
        limits = self.profile.fdm
        filament_mm_s = min(FILAMENT_MM_S, limits.max_extrude_mm_s if limits else FILAMENT_MM_S)
        plane_mm_s, z_mm_s = self.profile.max_feed_mm_s, self.profile.max_feed_z_mm_s
        return 60 * plane_mm_s, 60 * min(z_mm_s, plane_mm_s), 60 * filament_mm_s


class Pause:
    """One hold. `steps` yields lines to send; each is asked for when the last ones are done.

    An empty step means that there is nothing to do now. Whoever runs it sets `where` when M114
    answers, `cool` when it has been held long enough, and `wanted` to False to go on.
    """

    def __init__(self, parking: Parking | None, modes: Modes) -> None:
        self.wanted = True
        self.standing = False  # the printer stands where it waits
        self.cool = False
        self.where: XYZ | None = None
        self._parking, self._modes = parking, modes

    def steps(self) -> Iterator[list[bytes]]:
        """The lines of this hold, until the program may go on."""
        yield [SYNC]
        away = back = list[bytes]()
        if self.wanted and self._parking is not None and _can_come_back(self._modes):
            yield [b"M114"]
            away, back = excursion(self._parking, self._modes, self.where)
            if away:
                yield [*away, SYNC]
        cooled = False
        while self.wanted:
            self.standing = True
            if self.cool and away and not cooled:
                cooled = True
                yield [b"M104 S0"]
            yield []
        self.standing = False
        if cooled and self._modes.nozzle_c:
            yield [b"M109 S%g" % self._modes.nozzle_c]
        if back:
            yield [*back, SYNC]


class Holds:
    """The holds of one program, one after the other."""

    def __init__(self, lines: LineSource, parking: Parking | None) -> None:
        self.active: Pause | None = None
        self._lines, self._parking = lines, parking
        self._modes, self._followed = Modes(), 0
        self._steps: Iterator[list[bytes]] = iter(())
        self._again = False
        self._polls = 0

    def follow(self, count: int) -> None:
        """Know the modes behind the first `count` lines, all of them done for good."""
        if self._parking is not None and count > self._followed:
            self._modes.follow(self._lines.line(n) for n in range(self._followed, count))
            self._followed = count

    def begin(self, sent: int) -> list[bytes] | None:
        """A person wants a hold behind the first `sent` lines: what to send first.

        None: a hold is under way already. One that is coming to its end is followed by another.
        """
        if self.active is not None:
            self._again = not self.active.wanted
            return None
        self.follow(sent)
        self.active = Pause(self._parking, self._modes.copy())
        self._steps, self._again, self._polls = self.active.steps(), False, 0
        return next(self._steps)

    def end(self) -> None:
        """A person wants the program to go on."""
        self._again = False
        if self.active is not None:
            self.active.wanted = False

    def step(self, sent: int) -> list[bytes] | None:
        """What to send when all before is done; None when the program may go on."""
        lines = next(self._steps, None)
        if lines is None:
            self.active = None
            return self.begin(sent) if self._again else None
        return lines

    def polled(self) -> bool:
        """A fifth of a second has passed; True when the printer must hear from us."""
        if self.active is None or not self.active.standing:
            return False
        self._polls += 1
        after_s = self._parking.park.cool_after_s if self._parking else None
        self.active.cool = after_s is not None and self._polls >= after_s * POLLS_PER_S
        return self._polls % POLLS_PER_SIGN_OF_LIFE == 0


def excursion(parking: Parking, modes: Modes, where: XYZ | None) -> tuple[list[bytes], list[bytes]]:
    """The way to the park position and the way back; both empty where stepping aside is unsafe.

    All moves are relative, out and back by the same digits: whatever M114 has rounded, the way
    back ends where the way out began. Then modes, E and feed are said again as the program did.
    """
    if where is None or not _inside(where, parking) or parking.lift_mm(where[2]) < 1e-3:
        return [], []
    plane, upright, filament = parking.feeds_mm_min()
    lift, pull = parking.lift_mm(where[2]), parking.park.retract_mm
    dx, dy = parking.park.x_mm - where[0], parking.park.y_mm - where[1]
    pulls = bool(pull and modes.nozzle_c)
    away = [b"G91", b"M83"]
    away += [b"G1 E%.3f F%.0f" % (-pull, filament)] * pulls
    away += [b"G1 Z%.3f F%.0f" % (lift, upright), b"G1 X%.3f Y%.3f F%.0f" % (dx, dy, plane)]
    back = [b"G91", b"M83", b"G1 X%.3f Y%.3f F%.0f" % (-dx, -dy, plane)]
    back += [b"G1 Z%.3f F%.0f" % (-lift, upright)]
    back += [b"G1 E%.3f F%.0f" % (pull, filament)] * pulls
    back += [b"G91" if modes.relative else b"G90", b"M83" if modes.e_relative else b"M82"]
    if modes.e_mm is not None:
        back.append(b"G92 E%b" % modes.e_mm)
    back.append(b"G1 F%b" % (modes.feed_mm_min or b""))
    return away, back


def _can_come_back(modes: Modes) -> bool:
    """Everything that stepping aside disturbs is known: else the hot end stays where it is."""
    return (
        modes.homed
        and modes.relative is not None
        and modes.e_relative is not None
        and modes.feed_mm_min is not None
    )


def _inside(where: XYZ, parking: Parking) -> bool:
    box = parking.profile.envelope
    x, y, z = where
    return (
        box.x_min_mm <= x <= box.x_max_mm
        and box.y_min_mm <= y <= box.y_max_mm
        and box.z_min_mm <= z <= box.z_max_mm
    )
