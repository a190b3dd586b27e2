"""Runs of many labs and the events they imply: the same ones for the same seed.

A run cites its design, uses its machine, consumes material and mostly a known amount of
electricity, and, where somebody found it good, produces. Sizes of runs are log-normal, moments are
spread evenly over five years, and a tenth of the material is of unknown origin.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from commons.flows import HALF_WIDTH, Action, Ring, State, Unit
from repo_server.attempts import Outcome

SEED = 20260101
CITIES, LABS, MACHINES, LOTS, RELEASES = 20, 200, 5, 40, 2000
YEARS = (2022, 2027)
CHUNK_RUNS = 20_000
_BEGIN = datetime(YEARS[0], 1, 1, tzinfo=UTC)
_SECONDS = (datetime(YEARS[1], 1, 1, tzinfo=UTC) - _BEGIN).total_seconds()
_RINGS = list(Ring)
_RING_SHARES = (0.05, 0.15, 0.2, 0.1, 0.4, 0.1)
_OUTCOMES = (Outcome.DONE, Outcome.FAILED, Outcome.REJECTED)
_SCATTER = 0x9E3779B97F4A7C15

Row = tuple[object, ...]
ATTEMPT = (
    "id", "job_id", "machine_id", "fence", "leased_at", "ended_at", "outcome", "sentence",
    "verdict_at", "share",
)  # fmt: skip
EVENT = (
    "id", "action", "resource", "quantity", "low", "high", "unit", "state", "ring", "provider",
    "receiver", "lab_id", "process_id", "simulated", "happened_at", "created_at", "evidence",
    "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of two tables, in the order of `ATTEMPT` and `EVENT`."""

    attempts: list[Row]
    events: list[Row]


def scattered(number: int) -> str:
    """An id that stands anywhere in the order of ids, as those of the server do."""
    return f"{number * _SCATTER & 0xFFFFFFFFFFFFFFFF:016x}"


def release(number: int) -> str:
    """The id of a release, which is a hash."""
    return f"{number:064x}"


def chunks(events: int) -> Iterator[Chunk]:
    """Chunks of runs until there are so many events."""
    rng = np.random.default_rng(SEED)
    first, made = 0, 0
    while made < events:
        chunk = _chunk(rng, first)
        made += len(chunk.events)
        first += CHUNK_RUNS
        yield chunk


def _chunk(rng: np.random.Generator, first: int) -> Chunk:
    labs = rng.integers(0, LABS, CHUNK_RUNS)
    seconds = np.sort(rng.random(CHUNK_RUNS)) * _SECONDS
    columns = zip(
        labs.tolist(),
        rng.integers(0, MACHINES, CHUNK_RUNS).tolist(),
        rng.integers(0, LOTS, CHUNK_RUNS).tolist(),
        rng.integers(0, RELEASES, CHUNK_RUNS).tolist(),
        seconds.tolist(),
        rng.lognormal(3, 1, CHUNK_RUNS).round(3).tolist(),
        rng.choice(len(_RINGS), CHUNK_RUNS, p=_RING_SHARES).tolist(),
        rng.choice(3, CHUNK_RUNS, p=(0.85, 0.1, 0.05)).tolist(),
        (rng.random(CHUNK_RUNS) < 0.8).tolist(),
        strict=True,
    )
    chunk = Chunk([], [])
    for number, run in enumerate(columns, start=first):
        _add(chunk, number, *run)
    return chunk


def _add(
    chunk: Chunk, number: int, lab: int, machine: int, lot: int, design: int, seconds: float,
    grams: float, ring: int, outcome: int, metered: bool,
) -> None:  # fmt: skip
    at = _BEGIN + timedelta(seconds=int(seconds))
    attempt, lab_id = scattered(number), f"lab{lab}"
    came_to, is_judged = _OUTCOMES[outcome], number % 10 != 0
    verdict_at = at if came_to is Outcome.REJECTED or is_judged else None
    chunk.attempts.append(
        (attempt, f"job{lab}", f"machine{lab}-{machine}", 1024 * (number + 1), at, at,
         came_to.value, "", verdict_at, 1.0)
    )  # fmt: skip
    hours = grams / 20
    flows: list[tuple[Action, str, float, Unit, State, Ring, str]] = [
        (Action.CITE, f"release:{release(design)}", 1.0, Unit.EACH, State.MEASURED, Ring.UNKNOWN,
         f"person{design % 50}"),
        (Action.USE, f"machine:machine{lab}-{machine}", hours, Unit.HOUR, State.MEASURED,
         Ring.LAB, lab_id),
        (Action.CONSUME, f"lot:lot{lab}-{lot}", grams, Unit.GRAM, State.MODELLED, _RINGS[ring],
         lab_id),
    ]  # fmt: skip
    if metered:
        flows.append((Action.CONSUME, "energy:electricity", hours * 0.11, Unit.KILOWATT_HOUR,
                      State.DEFAULT, Ring.UNKNOWN, lab_id))  # fmt: skip
    if came_to is Outcome.DONE and is_judged:
        flows.append((Action.PRODUCE, f"part:{release(design)}/part", 1.0, Unit.EACH,
                      State.DECLARED, Ring.UNKNOWN, lab_id))  # fmt: skip
    for place, (action, resource, quantity, unit, state, origin, provider) in enumerate(flows):
        half = 0.0 if unit is Unit.EACH else quantity * HALF_WIDTH[state]
        chunk.events.append(
            (scattered(8 * number + place + 1), action.name, resource, quantity, quantity - half,
             quantity + half, unit.name, state.name, origin.name, provider, lab_id, lab_id, attempt,
             False, at, at, "", "")
        )  # fmt: skip
