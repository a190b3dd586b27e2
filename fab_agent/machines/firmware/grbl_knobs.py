"""What kind of router a simulated GRBL is, and what goes wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrblKnobs:
    """A healthy router unless told otherwise, at rest on its work zero in the middle of its travel.

    0 means never. `*_at_line` is the line of G-code that would be executed next, counted from 1
    over all resets; each strikes once. `bad_byte_ratio` is the share of bytes, both ways, of
    which one bit arrives flipped.
    """

    rx_buffer: int = 0  # 0: 128, and 1024 for grblHAL
    planner_blocks: int = 15
    baudrate: int = 0  # 0: no limit
    grblhal: bool = False
    homing: bool = True  # $22
    soft_limits: bool = True  # $20
    starts_homed: bool = True
    starts_locked: bool = False
    travel_mm: tuple[float, float, float] = (2000.0, 2000.0, 400.0)  # $130 to $132
    moves_take_time: bool = False
    acceleration_mm_s2: float = 0.0  # $120 to $122, with look-ahead; 0: constant feed
    lines_per_tick: int = 0  # a firmware that is slow: 0 is as fast as they come
    bad_byte_ratio: float = 0.0
    seed: int = 1
    limit_at_line: int = 0
    error_at_line: int = 0
    reset_at_line: int = 0
    lost_ok_at_line: int = 0
    garbage_at_line: int = 0
    door_at_line: int = 0  # the door opens, and closes after `DOOR_OPEN_S`
    drop_at_line: int = 0  # the cable is pulled; the router goes on with what it has
