"""Finding among a million designs, on both databases, beside SQL LIKE and tantivy.

Every question goes through `find_designs` as the catalogue asks it: the words in three zones, near
words where few designs have the very ones, a page of 24 with snippets and pictures, the number of
designs and that of each facet's values. One process asks, one question after the other.

`BENCH_DIR=folder` keeps the databases there and goes on where filling them was stopped; MOST is how
many designs it takes in at a time, and with fewer than all it stops there. DESIGNS and QUESTIONS
make it smaller.
"""

import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.finding import databases, peers
from bench.finding.corpus import Corpus, corpus, entries
from bench.finding.databases import Database
from bench.finding.questions import questions
from repo_server.db import reading
from repo_server.search.finding import find_designs
from repo_server.search.question import Wanted
from repo_server.tables import LabRow

DESIGNS = int(os.environ.get("DESIGNS", "1000000"))
QUESTIONS = int(os.environ.get("QUESTIONS", "1000"))
MOST = int(os.environ.get("MOST", str(DESIGNS)))
_LIKE = 20  # questions that LIKE is asked: it may read everything each time
_WARM = 100  # other questions before the clock runs
_NO_LAB = LabRow(id="", slug="", name="", city_id="")


@dataclass(frozen=True)
class Times:
    """Milliseconds that questions took, by the clock and of CPU, and the share of them that found
    something."""

    ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    answered: float

    def at(self, share: float) -> float:
        """The time within which this share of the questions was answered."""
        return _at(self.ms, share)

    def cpu_at(self, share: float) -> float:
        """The time of CPU that sufficed for this share of the questions, each by itself."""
        return _at(self.cpu_ms, share)


def _at(quickest_first: tuple[float, ...], share: float) -> float:
    return quickest_first[min(len(quickest_first) - 1, int(len(quickest_first) * share))]


@dataclass(frozen=True)
class Measured:
    """One database or engine: how it answered, what it took to fill it, and how large it is."""

    times: Times
    index_s: float
    megabytes: float
    like: Times | None = None


def timed(
    asked: Sequence[Wanted],
    answer: Callable[[Wanted], int],
    cpu_s: Callable[[], float] = time.process_time,
) -> Times:
    """What the questions took, the quickest first."""
    counts, ms, cpu_ms = [], [], []
    gc.collect()
    for wanted in asked:
        began, cpu = time.perf_counter(), cpu_s()
        counts.append(answer(wanted))
        ms.append(1000 * (time.perf_counter() - began))
        cpu_ms.append(1000 * (cpu_s() - cpu))
    return Times(tuple(sorted(ms)), tuple(sorted(cpu_ms)), sum(map(bool, counts)) / len(counts))


def asked_of(of: Corpus, lab: LabRow) -> list[Wanted]:
    """The questions, with those to warm up first."""
    return questions(_WARM + QUESTIONS, list(entries(of, min(DESIGNS, 20_000))), lab)


def measure(opened: AbstractContextManager[Database], of: Corpus) -> Measured | None:
    """The database, filled and asked; None when it is not full yet."""
    with opened as database:
        if not database.fill(of, DESIGNS, most=MOST):
            return None
        with reading(database.engine) as session:
            asked = asked_of(of, databases.lab_of(session))

        def answer(wanted: Wanted) -> int:
            with reading(database.engine) as session:
                return len(find_designs(session, wanted).hits)

        timed(asked[:_WARM], answer)
        times = timed(asked[_WARM:], answer, database.cpu_s)
        with reading(database.engine) as session:
            some = asked[_WARM : _WARM + _LIKE]
            like = timed(some, lambda wanted: peers.like(session, wanted), database.cpu_s)
        return Measured(times, database.index_s, database.megabytes, like)


def with_tantivy(folder: Path, of: Corpus) -> Measured:
    """The same designs and questions."""
    engine = peers.Tantivy(folder / "tantivy")
    index_s = engine.fill(of, DESIGNS)
    asked = asked_of(of, _NO_LAB)
    timed(asked[:_WARM], engine.find)
    times = timed(asked[_WARM:], engine.find)
    megabytes = engine.megabytes
    engine.close()
    return Measured(times, index_s, megabytes)


@contextmanager
def place() -> Iterator[Path]:
    """The folder that is kept, or one for this run."""
    if kept := os.environ.get("BENCH_DIR"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="cosmo-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else
        yield Path(folder)


def main() -> None:
    """Print the table and the JSON line."""
    of = corpus()
    with place() as folder:
        sqlite = measure(databases.sqlite(folder), of)
        postgresql = measure(databases.postgresql(folder), of)
        if sqlite is None or postgresql is None:
            print("not all designs are there yet; run it again")
            return
        rows = {"sqlite": sqlite, "postgresql": postgresql, "tantivy": with_tantivy(folder, of)}
    likes = {f"{name} LIKE": row.like for name, row in rows.items() if row.like}
    times = {name: row.times for name, row in rows.items()} | likes
    print(f"{DESIGNS:,} designs, {QUESTIONS:,} questions (LIKE: {_LIKE})")
    heads = ("p50 ms", "p95 ms", "p99 ms", "most ms", "p95 CPU", "answered")
    print(f"{'':18}" + "".join(f"{head:>10}" for head in heads))
    for name, it in times.items():
        shown = "".join(f"{it.at(share):10.1f}" for share in (0.5, 0.95, 0.99, 1))
        print(f"{name:18}{shown}{it.cpu_at(0.95):10.1f}{it.answered:10.0%}")
    for name, row in rows.items():
        print(f"{name}: {row.index_s:,.0f} s to index, {row.megabytes:,.0f} MB")
    print(json.dumps(figures(rows, times)))


def figures(rows: dict[str, Measured], times: dict[str, Times]) -> dict[str, float]:
    """The JSON line."""
    told: dict[str, float] = {"designs": DESIGNS, "questions": QUESTIONS}
    for name, it in times.items():
        plain = name.lower().replace(" ", "_")
        told |= {f"p50_ms_{plain}": it.at(0.5), f"p95_ms_{plain}": it.at(0.95)}
        told |= {f"p95_cpu_ms_{plain}": it.cpu_at(0.95)}
    for name, row in rows.items():
        told |= {f"index_s_{name}": row.index_s, f"index_mb_{name}": row.megabytes}
    return {name: round(value, 1) for name, value in told.items()}


if __name__ == "__main__":
    main()
