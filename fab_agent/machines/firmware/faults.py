"""Words for what can go wrong with a simulated machine, as a person types them."""

from typing import Any

from commons.errors import InvalidInput
from fab_agent.machines.firmware.grbl_knobs import GrblKnobs
from fab_agent.machines.firmware.marlin_knobs import MarlinKnobs

# Word -> knob and its value; None is the line at which it happens.
_MARLIN: dict[str, tuple[str, bool | None]] = {
    "reset": ("reset_at_line", None),
    "drop": ("drop_at_line", None),
    "kill": ("kill_at_line", None),
    "cold-heater": ("heater_fails", True),
    "hot-heater": ("heater_runs_away", True),
    "no-homing": ("homing_fails", True),
    "unguarded": ("thermal_protection", False),
    "two-starts": ("second_start", True),
}
_GRBL: dict[str, tuple[str, bool | None]] = {
    "reset": ("reset_at_line", None),
    "drop": ("drop_at_line", None),
    "limit": ("limit_at_line", None),
    "door": ("door_at_line", None),
    "error": ("error_at_line", None),
    "locked": ("starts_locked", True),
    "no-switches": ("homing", False),
}


def knobs_of(
    kind: str, *, baud: int = 0, noise: float = 0.0, seed: int = 1, faults: tuple[str, ...] = ()
) -> MarlinKnobs | GrblKnobs:
    """A machine of this kind (marlin, grbl) whose moves take time, with these faults.

    Raises:
        InvalidInput: a fault that this kind does not know, or one without its line.
    """
    if kind == "marlin":
        chosen = _chosen(kind, _MARLIN, faults)
        return MarlinKnobs(
            moves_take_time=True, baudrate=baud, bad_line_ratio=noise, seed=seed, **chosen
        )
    chosen = _chosen(kind, _GRBL, faults)
    return GrblKnobs(moves_take_time=True, baudrate=baud, bad_byte_ratio=noise, seed=seed, **chosen)


def _chosen(
    kind: str, known: dict[str, tuple[str, bool | None]], faults: tuple[str, ...]
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for fault in faults:
        word, _, line = fault.partition("@")
        if word not in known:
            raise InvalidInput(f"{kind} has no fault '{word}': say {', '.join(sorted(known))}")
        knob, value = known[word]
        if value is None and not (line.isdecimal() and int(line)):
            raise InvalidInput(f"fault '{fault}' needs its line, from 1: say {word}@120")
        if value is not None and line:
            raise InvalidInput(f"fault '{word}' lasts as long as the machine: leave out @{line}")
        chosen[knob] = int(line) if value is None else value
    return chosen
