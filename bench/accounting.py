"""What a city's page costs with ten million events behind it, and what it costs to write them.

Every panel is asked for random cities and years, one after the other, on SQLite and PostgreSQL; the
sums of the first panel are asked of DuckDB over the same rows, too, as the limit of what is
possible (`pip install duckdb`, else that column is empty). `append_per_s` is what `ledger.append`
writes, a thousand events a transaction, with SQLite's synchronous=FULL.

EVENTS and QUESTIONS make it smaller; `BENCH_DIR=folder` keeps the databases there.
"""

import csv
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from bench import engines
from bench.counting import databases
from bench.counting.corpus import CITIES, EVENT, LABS, SEED, YEARS, chunks
from commons.flows import Action, EventDraft, State, Unit, measure
from repo_server import coalitions, ledger, travels
from repo_server.db import reading, transaction
from repo_server.tables import CityRow, EconomicEventRow

EVENTS = int(os.environ.get("EVENTS", "10000000"))
QUESTIONS = int(os.environ.get("QUESTIONS", "60"))
_AT_ONCE, _TRANSACTIONS = 1000, 10
Panel = Callable[[Session, CityRow, int], object]
PANELS: dict[str, Panel] = {
    "figures": lambda session, city, year: coalitions.show_figures(
        session, coalitions.Inside(city.name, (city,)), period=year
    ),
    "travels": lambda session, city, year: travels.show_travels(
        session, city_id=city.id, period=year
    ),
}
_DUCK_COLUMNS = (
    "lab_id", "action", "unit", "ring", "state", "low", "quantity", "high", "simulated",
    "happened_at",
)  # fmt: skip
_DUCK = """
    SELECT action, unit, ring, state, sum(low), sum(quantity), sum(high), count(*)
    FROM economic_event
    WHERE lab_id = ANY(?) AND NOT simulated
      AND happened_at >= CAST(? AS TIMESTAMPTZ) AND happened_at < CAST(? AS TIMESTAMPTZ)
    GROUP BY action, unit, ring, state"""


def questions() -> list[tuple[str, int]]:
    """Cities and years, the same ones for everybody."""
    rng = np.random.default_rng(SEED)
    cities, years = rng.integers(0, CITIES, QUESTIONS), rng.integers(*YEARS, QUESTIONS)
    return [(f"city{city}", int(year)) for city, year in zip(cities, years, strict=True)]


def p95_ms(engine: Engine, panel: Panel) -> float:
    """Within this nineteen of twenty questions were answered, ms by the clock."""
    spent = []
    for city_id, year in questions():
        with reading(engine) as session:
            city = session.get_one(CityRow, city_id)
            began = time.perf_counter()
            panel(session, city, year)
            spent.append(1000 * (time.perf_counter() - began))
    return float(np.percentile(spent, 95))


def append_per_s(engine: Engine) -> float:
    """Events that the ledger takes in a second."""
    now = datetime.now(UTC)
    used = measure(12.5, Unit.GRAM, State.MODELLED)
    drafts = [
        EventDraft(Action.CONSUME, f"lot:lot0-{number % 40}", used, "lab0", "lab0")
        for number in range(_AT_ONCE)
    ]
    occasion = ledger.Occasion("lab0", None, simulated=False, happened_at=now)
    began = time.perf_counter()
    for _ in range(_TRANSACTIONS):
        with transaction(engine) as session:
            ledger.append(session, drafts, occasion, now=now)
    return _AT_ONCE * _TRANSACTIONS / (time.perf_counter() - began)


def duckdb_p95_ms(folder: Path) -> float | None:
    """The same sums by DuckDB, which keeps columns; None where it is not installed."""
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb

    wanted = [EVENT.index(name) for name in _DUCK_COLUMNS]
    file = folder / "events.csv"
    with file.open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(_DUCK_COLUMNS)
        for chunk in chunks(EVENTS):
            table.writerows([row[at] for at in wanted] for row in chunk.events)
    spent = []
    with duckdb.connect() as duck:
        duck.execute("SET enable_progress_bar = false")
        duck.execute(f"CREATE TABLE economic_event AS FROM read_csv('{file}')")
        file.unlink()
        for city, year in questions():
            labs = [f"lab{n}" for n in range(LABS) if f"city{n % CITIES}" == city]
            began = time.perf_counter()
            duck.execute(_DUCK, [labs, f"{year}-01-01", f"{year + 1}-01-01"]).fetchall()
            spent.append(1000 * (time.perf_counter() - began))
    return float(np.percentile(spent, 95))


def measured(place: AbstractContextManager[Engine], name: str) -> dict[str, float]:
    """The figures of one database, filled first where it is empty."""
    with place as engine:
        databases.furnish(engine)
        filled_s = databases.fill(engine, EVENTS)
        with reading(engine) as session:
            there = session.exec(select(func.count()).select_from(EconomicEventRow)).one()
        print(f"{name}: {there:,} events, filled in {filled_s:.0f} s", flush=True)
        panels = {f"{panel}_p95_ms_{name}": p95_ms(engine, ask) for panel, ask in PANELS.items()}
        print(panels, flush=True)
        return {
            **panels,
            f"panel_p95_ms_{name}": max(panels.values()),
            f"append_per_s_{name}": append_per_s(engine),
        }


def main() -> None:
    """Measure both databases, print a table and the JSON line."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        place = Path(folder)
        place.chmod(0o755)
        figures: dict[str, float | None] = {"events": float(EVENTS)}
        figures |= measured(engines.sqlite(place / "ledger.sqlite"), "sqlite")
        figures["duckdb_p95_ms"] = duckdb_p95_ms(place)
        figures |= measured(engines.postgresql(place), "postgresql")
    figures["append_per_s"] = figures["append_per_s_sqlite"]
    for name, value in figures.items():
        print(f"  {name:28} {'-' if value is None else f'{value:14,.1f}'}")
    print(json.dumps({name: value and round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
