"""How long a simulated GRBL takes for a program, in its own time: nothing waits for a clock."""

from collections import deque
from collections.abc import Iterable, Mapping

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl

_RX_BYTES = 127
_LONG_S = 10.0


def executed_by(machine: SimulatedGrbl, lines: Iterable[bytes]) -> float:
    """Seconds until the machine has executed all lines and stands, its buffer never let run dry."""
    waiting = deque(line + b"\n" for line in lines)
    in_flight: deque[int] = deque()
    passed_s, said = 0.0, b""
    while waiting or in_flight or machine.moving:
        while waiting and sum(in_flight) + len(waiting[0]) <= _RX_BYTES:
            in_flight.append(len(waiting[0]))
            said += machine.feed(waiting.popleft())
        more, lasted_s = machine.listen(min(machine.planner.next_s, _LONG_S))
        *answers, said = (said + more).split(b"\r\n")
        passed_s += lasted_s
        for answer in answers:
            if answer != b"ok":
                raise AssertionError(f"the router says {answer!r}")
            in_flight.popleft()
    return passed_s


def machine_s(
    lines: Iterable[bytes],
    *,
    acceleration_mm_s2: float = 0.0,
    settings: Mapping[int, float] | None = None,
) -> float:
    """Seconds that a router takes which stands on work zero; `settings` are GRBL's, by number."""
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True, acceleration_mm_s2=acceleration_mm_s2))
    machine.router.settings.update(settings or {})
    return executed_by(machine, lines)
