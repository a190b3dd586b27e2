"""What kind of printer a simulated Marlin is, and what goes wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarlinKnobs:
    """A healthy printer unless told otherwise. 0 means never.

    `*_every` counts received lines, `*_at_line` means the program's line of that number, and
    `bad_line_ratio` is the share of numbered lines in which one bit arrives flipped. Times are
    seconds of the machine.
    """

    rx_buffer: int = 128
    buffer_size: int = 4  # BUFSIZE: checked commands that wait or are worked on
    planner_blocks: int = 16
    baudrate: int = 0  # 0: no limit
    advanced_ok: bool = False
    emergency_parser: bool = True
    thermal_protection: bool = True
    autoreport: bool = True
    busy_every_s: float = 2.0
    wait_every_s: float = 0.0  # NO_TIMEOUTS: says `wait` after so long without a line
    echo_every: int = 0
    starts_up_s: float = 0.0  # deaf for so long after power or reset, then a banner
    second_start: bool = False  # restarts once more `SECOND_START_S` after its first banner
    moves_take_time: bool = False
    acceleration_mm_s2: float = 0.0  # 0: constant feed
    lines_per_tick: int = 0  # a firmware that is slow: 0 is as fast as they come
    settles_s: float = 0.0  # TEMP_RESIDENCY_TIME: how long M109 and M190 wait once it is warm
    resend_every: int = 0
    bad_line_ratio: float = 0.0
    seed: int = 1
    doubled_resend: bool = False
    ok_after_resend: bool = True
    lost_ok_every: int = 0
    garbage_every: int = 0
    heater_fails: bool = False
    heater_runs_away: bool = False  # once switched on it heats whatever the target is
    homing_fails: bool = False
    reset_at_line: int = 0
    kill_at_line: int = 0
    drop_at_line: int = 0  # the cable is pulled; the printer goes on with what it has
