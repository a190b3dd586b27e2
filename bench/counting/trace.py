"""How long it takes to trace a thing through 10,000 events, and to track its first lot forwards.

Two shapes: a chain of lots made of lots, as deep as it can be, and a workshop in which every
process draws on many of the lots before it. Told is CPU time, the median of `RUNS`; that every
event was met is checked. Beside it networkx, if it is there: its ancestors of one node in the same
graph, already built, which neither minds times nor tells of circles.
"""

import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from commons.flows import Action, Event, EventDraft, State, Unit, measure
from commons.tracing import trace, track

EVENTS, INPUTS, RUNS = 10_000, 9, 9
START = datetime(2026, 1, 1, tzinfo=UTC)


def event(n: int, action: Action, resource: str, process: int) -> Event:
    amount = measure(1.0, Unit.GRAM, State.MEASURED)
    at = START + timedelta(minutes=process)
    draft = EventDraft(action, resource, amount, "lab", "lab")
    return Event(f"e{n}", draft, f"p{process}", "lab", at, at)


def woven(inputs: int) -> list[Event]:
    """Each process makes one lot out of the last one and `inputs - 1` of any before it."""
    of, events = random.Random(7), list[Event]()
    for process in range(EVENTS // (inputs + 1)):
        drawn = [process, *(of.randrange(process + 1) for _ in range(inputs - 1))]
        for lot in drawn:
            events.append(event(len(events), Action.CONSUME, f"lot:{lot}", process))
        events.append(event(len(events), Action.PRODUCE, f"lot:{process + 1}", process))
    of.shuffle(events)
    return events


def cpu_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        before = time.process_time()
        work()
        times.append((time.process_time() - before) * 1000.0)
    return round(statistics.median(times), 1)


def networkx_ms(events: list[Event], last: str) -> float | None:
    try:
        import networkx
    except ImportError:
        print("MISSING networkx")
        return None
    graph = networkx.DiGraph()
    for one in events:
        thing, process = one.draft.resource, one.process
        made = one.draft.action is Action.PRODUCE
        graph.add_edge(*((process, thing) if made else (thing, process)))
    return cpu_ms(lambda: networkx.ancestors(graph, last))


def main() -> None:
    told: dict[str, float | None] = {}
    for name, inputs in (("chain", 1), ("workshop", INPUTS)):
        events = woven(inputs)
        last = f"lot:{EVENTS // (inputs + 1)}"
        assert len(trace(events, last).events) == len(track(events, "lot:0").events) == EVENTS
        told[f"trace_10k_ms_{name}"] = cpu_ms(lambda e=events, x=last: trace(e, x))  # type: ignore[misc]
        told[f"track_10k_ms_{name}"] = cpu_ms(lambda e=events: track(e, "lot:0"))  # type: ignore[misc]
        told[f"networkx_ms_{name}"] = networkx_ms(events, last)
    both = [told[f"trace_10k_ms_{name}"] or 0.0 for name in ("chain", "workshop")]
    print(json.dumps({"trace_10k_ms": max(both), **told}))


if __name__ == "__main__":
    main()
