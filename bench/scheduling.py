"""How good the plan of a lab's queue is, beside first come first served, shortest first and CP-SAT.

Works of a makerspace (some minutes to a night, most an hour), machines of different speed, six in
ten able to make each work. Every planner gets the same question and answers by the same cost
(`commons.scheduling`). CP-SAT starts from our greedy plan, as it would in a product, and once more
from our best one, so that it can only be better; it has both cores. It is asked without changes
of material, which it solves best, and for 30 works with them.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from commons.scheduling import Plan, Slot, Station, Work, cost, plan

SIZES = ((30, 5), (60, 10), (150, 20))
SEEDS = (1, 2, 3)
STEPS = 1500
SOLVER_S = 10.0
MATERIALS = "ABCDE"
SOLVER = Path(__file__).parents[1] / "var" / "peers" / "solver"


@dataclass(frozen=True)
class Question:
    works: list[Work]
    stations: list[Station]


@dataclass(frozen=True)
class Answer:
    cost: float
    seconds: float


def question(works: int, machines: int, seed: int, *, change_minutes: float) -> Question:
    """A queue that the machines need about two days for, most of it to be had in time."""
    chance = random.Random(seed)
    stations = [
        Station(f"m{n}", chance.uniform(0, 120), chance.choice(MATERIALS), change_minutes)
        for n in range(machines)
    ]
    speed = {station.id: chance.uniform(0.8, 1.3) for station in stations}

    def work(number: int) -> Work:
        minutes = chance.lognormvariate(4.2, 0.8)
        able = [it for it in stations if chance.random() < 0.6] or stations[:1]
        return Work(
            f"w{number}",
            {it.id: minutes * speed[it.id] for it in able},
            loaded=chance.choice(MATERIALS),
            due=chance.uniform(200, 250 * works / machines),
        )

    return Question([work(number) for number in range(works)], stations)


def in_order(asked: Question, key: Callable[[Work], float]) -> Plan:
    """Each work, in that order, on the machine that is free first."""
    bench = {station.id: station for station in asked.stations}
    ends = {id_: (it.free, it.loaded) for id_, it in bench.items()}
    queues: dict[str, list[Slot]] = {id_: [] for id_ in bench}
    for work in sorted(asked.works, key=key):
        id_ = min(work.minutes, key=lambda it: ends[it])
        at, loaded = ends[id_]
        begin = at if loaded == work.loaded else at + bench[id_].change_minutes
        queues[id_].append(Slot(work.id, begin, begin + work.minutes[id_]))
        ends[id_] = begin + work.minutes[id_], work.loaded
    return {id_: tuple(queue) for id_, queue in queues.items()}


def timed(asked: Question, planner: Callable[[], Plan]) -> tuple[Plan, Answer]:
    began = time.perf_counter()
    planned = planner()
    seconds = time.perf_counter() - began
    made = [slot.work for queue in planned.values() for slot in queue]
    assert sorted(made) == sorted(work.id for work in asked.works), "a work is lost or doubled"
    return planned, Answer(cost(planned, asked.works), seconds)


def answers(asked: Question, *, with_changes: bool) -> dict[str, Answer]:
    """What each planner's plan costs."""
    from bench.peers.cp_sat import solved  # here, where its packages are found

    greedy, ours_at_once = timed(asked, lambda: plan(asked.works, asked.stations))
    best, ours = timed(asked, lambda: plan(asked.works, asked.stations, steps=STEPS))
    number = {work.id: n for n, work in enumerate(asked.works)}
    solver = {
        f"CP-SAT from {name}": timed(
            asked,
            lambda start=start: solved(
                asked.works, asked.stations, start, SOLVER_S, with_changes=with_changes
            ),
        )[1]
        for name, start in (("greedy", greedy), ("ours", best))
    }
    return {
        "first come": timed(asked, lambda: in_order(asked, lambda it: number[it.id]))[1],
        "shortest first": timed(
            asked, lambda: in_order(asked, lambda it: min(it.minutes.values()))
        )[1],
        "ours, greedy": ours_at_once,
        "ours": ours,
        **solver,
    }


def measured(works: int, machines: int, *, change_minutes: float) -> dict[str, Answer]:
    """The means over all seeds."""
    rounds = [
        answers(
            question(works, machines, seed, change_minutes=change_minutes),
            with_changes=change_minutes > 0,
        )
        for seed in SEEDS
    ]
    return {
        name: Answer(
            fmean(it[name].cost for it in rounds), fmean(it[name].seconds for it in rounds)
        )
        for name in rounds[0]
    }


def show(title: str, rows: dict[str, Answer]) -> None:
    print(f"\n{title}\n{'':<20}{'cost':>12}{'s':>10}")
    for name, it in rows.items():
        print(f"{name:<20}{it.cost:>12.0f}{it.seconds:>10.3f}")


def ratio(rows: dict[str, Answer]) -> float:
    """Ours to the best that CP-SAT found."""
    return round(rows["ours"].cost / min(it.cost for n, it in rows.items() if "CP-SAT" in n), 3)


def main() -> None:
    if not SOLVER.is_dir():
        sys.exit("OR-Tools is not in var/peers: run `make bench-peers`")
    sys.path.append(str(SOLVER))
    figures: dict[str, float] = {}
    for works, machines in SIZES:
        rows = measured(works, machines, change_minutes=0.0)
        show(f"{works} works, {machines} machines", rows)
        figures[f"ratio_to_cpsat_{works}x{machines}"] = ratio(rows)
        figures[f"plan_{works}x{machines}_s"] = round(rows["ours"].seconds, 3)
        figures[f"greedy_{works}x{machines}_ms"] = round(1000 * rows["ours, greedy"].seconds, 1)
    rows = measured(30, 5, change_minutes=8.0)
    show("30 works, 5 machines, 8 minutes to change the material", rows)
    figures["ratio_to_cpsat_30x5_with_changes"] = ratio(rows)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
