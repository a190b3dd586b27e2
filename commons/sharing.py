"""Jobs of several orders on one plate: which lie together, what each has of it, where each stands.

One of them leads: it alone holds the machine, the fence and the permit. The others are its mates:
what becomes of the plate becomes of them, and each is judged by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from commons.job import COMMITTED_STATES, JobState
from commons.lots import MASS_RESERVE
from commons.plates import PrintArea, arrange
from commons.variants import Values

# A plate that several share takes no longer, by what is expected: one failure costs no more.
MOST_MINUTES = 240.0
MOST_PIECES = 50
_S = JobState


class PlateMate(BaseModel):
    """What an agent is told of a job that shares the plate of its offer: a file, made so often."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: Annotated[str, Field(min_length=1, max_length=64)]
    attempt_id: Annotated[str, Field(min_length=1, max_length=64)]
    title: str
    part: str
    file_name: str
    file_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    file_size: int
    copies: Annotated[int, Field(ge=1)] = 1
    variant: Values = {}


@dataclass(frozen=True, slots=True)
class Load:
    """What one job puts on a plate: copies of one box (mm), and what all of them take.

    `mass_g` and `minutes` are None where nobody can tell. It is to be ready `within` minutes.
    """

    job_id: str
    size_mm: tuple[float, float, float] | None
    copies: int
    mass_g: float | None
    minutes: float | None
    within: float = inf


def next_to(
    leader: Load,
    waiting: Iterable[Load],
    area: PrintArea,
    *,
    margin_mm: float,
    left_g: float | None,
    free_minutes: float = inf,
) -> list[Load]:
    """Those next in line that share the leader's plate.

    They are taken as their turns come, and the first that has no room ends it: nobody is overtaken
    by a mate. One of which nobody knows how large it is or how long it takes has none; neither has
    one with which the lot (`left_g`) would not suffice, the machine would not be free for so long
    (`free_minutes`), or somebody on the plate would be late.
    """
    mates: list[Load] = []
    for load in waiting:
        loads = [leader, *mates, load]
        if not (
            _are_in_time(loads, free_minutes)
            and _suffices(loads, left_g)
            and _have_room(loads, area, margin_mm)
        ):
            break
        mates.append(load)
    return mates


def _are_in_time(loads: Sequence[Load], free_minutes: float) -> bool:
    takes = sum(inf if it.minutes is None else it.minutes for it in loads)
    return takes <= min(MOST_MINUTES, free_minutes, *(it.within for it in loads))


def _suffices(loads: Sequence[Load], left_g: float | None) -> bool:
    if left_g is None:
        return True
    return sum(inf if it.mass_g is None else it.mass_g for it in loads) * MASS_RESERVE <= left_g


def _have_room(loads: Sequence[Load], area: PrintArea, margin_mm: float) -> bool:
    boxes = [load.size_mm for load in loads for _ in range(load.copies)]
    if len(boxes) > MOST_PIECES or any(it is None or it[2] > area.height_mm for it in boxes):
        return False
    flat = [(it[0], it[1]) for it in boxes if it is not None]
    return arrange(flat, area, margin_mm=margin_mm) is not None


def shares_of(loads: Sequence[Load]) -> list[float]:
    """What each job has of its plate's material, time and energy (0…1); together they are 1.

    By the masses that are expected, or by boxes where one of them is not known.
    """
    weights = [load.mass_g for load in loads]
    if any(not it for it in weights):
        weights = [_box_mm3(load) * load.copies for load in loads]
    whole = sum(it or 0.0 for it in weights)
    if not whole:
        return [1 / len(loads)] * len(loads)
    of_mates = [(it or 0.0) / whole for it in weights[1:]]
    return [1.0 - sum(of_mates), *of_mates]


def _box_mm3(load: Load) -> float:
    x, y, z = load.size_mm or (0.0, 0.0, 0.0)
    return x * y * z


def carried(mate: JobState, leader: JobState) -> JobState:
    """Where a mate stands once its leader has come to stand in `leader`.

    Nobody wants the leader any more: that says nothing of the mate. Before a permit it is in the
    queue again; of a plate that was stopped it failed, and a person says whether to try again.
    """
    match leader:
        case _S.CANCELLING:
            return mate
        case _S.CANCELLED:
            return _S.FAILED if mate in COMMITTED_STATES else _S.QUEUED
        case _S.REFUSED:
            return _S.QUEUED
        case _:
            return leader
