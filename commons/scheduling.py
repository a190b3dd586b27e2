"""Which machine makes what, and when: the plan of a lab's queue, as a function of values.

Each work has its own list of machines that can make it, and takes another time on each; changing
what is loaded takes time; some is due. What is late counts first, the whole's length second:

    cost = LATE × Σ weight × minutes late + minutes until all is made

A greedy pass (earliest due date, earliest end) makes a plan that is already fair. Then works are
taken out, a few at a time, and put back where they cost least, and what came out better is kept,
or a little worse while it is warm: iterated greedy, after Ruiz and Stützle (doi
10.1016/j.ejor.2005.12.009). All times are minutes from now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from random import Random
from typing import NamedTuple

# What a minute late costs beside a minute of the whole.
LATE = 10.0
_TAKEN_OUT = 4
_WHOLE_QUEUE = 0.2  # how often a whole queue is taken out instead
# How much worse than the last one a plan may be and go on, as a share of what the first cost.
_WARMTH = 0.01


@dataclass(frozen=True, slots=True)
class Work:
    """One plate to make, once.

    `minutes` is how long each of the machines that can make it takes; `loaded` names what has to
    be on the machine (material, nozzle, plate); `due` is None for what may take its time.
    `pressed`: it was overtaken as often as it may be, and nothing goes before it any more.
    """

    id: str
    minutes: Mapping[str, float]
    loaded: str = ""
    due: float | None = None
    weight: float = 1.0
    not_before: float = 0.0
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class Station:
    """A machine: from when on it is free, what is on it then, and how long changing that takes."""

    id: str
    free: float = 0.0
    loaded: str = ""
    change_minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """When a work is made; what has to be changed on the machine is changed before `begin`."""

    work: str
    begin: float
    end: float


Plan = Mapping[str, tuple[Slot, ...]]


def plan(works: Sequence[Work], stations: Sequence[Station], *, steps: int = 0) -> Plan:
    """When each station makes what; the same question always has the same answer.

    Every work that a station can make is in one slot. Each of the `steps` takes some works out
    and puts them back; with none it is the greedy plan.
    """
    bench = {station.id: station for station in stations}
    draft = _Draft(bench)
    for work in sorted(works, key=_by_due_date):
        draft.append(work)
    queues = _improved(draft, steps) if steps else draft.queues
    return {id_: tuple(_slots(queues[id_], station)) for id_, station in bench.items()}


def cost(planned: Plan, works: Iterable[Work]) -> float:
    """What the plan costs."""
    by_id = {work.id: work for work in works}
    late = sum(
        _weight(by_id[slot.work]) * max(0.0, slot.end - _due(by_id[slot.work]))
        for queue in planned.values()
        for slot in queue
    )
    return LATE * late + max((q[-1].end for q in planned.values() if q), default=0.0)


def _by_due_date(work: Work) -> tuple[bool, float]:
    return not work.pressed, _due(work)


def _due(work: Work) -> float:
    return inf if work.due is None else work.due


def _weight(work: Work) -> float:
    return 0.0 if work.due is None else work.weight  # nothing times infinity is no number


class _Task(NamedTuple):
    """A work on one station: plain numbers, because a plan asks for them a million times."""

    minutes: float
    not_before: float
    due: float
    weight: float
    loaded: str
    work: Work


_Queues = dict[str, list[_Task]]
_Cost = tuple[float, float]  # weighted minutes late, and when the last one ends


def _slots(queue: Iterable[_Task], station: Station) -> Iterator[Slot]:
    at, loaded = station.free, station.loaded
    for minutes, not_before, _, _, needs, work in queue:
        begin = max(at if needs == loaded else at + station.change_minutes, not_before)
        at, loaded = begin + minutes, needs
        yield Slot(work.id, begin, at)


def _run(queue: Iterable[_Task], start: tuple[float, float, str], change: float) -> _Cost:
    """What a queue costs from there on: weighted minutes late by then, time, what is loaded."""
    late, at, loaded = start
    for minutes, not_before, due, weight, needs, _ in queue:
        if needs != loaded:
            at += change
            loaded = needs
        if at < not_before:
            at = not_before
        at += minutes
        if at > due:
            late += weight * (at - due)
    return late, at


class _Draft:
    """A plan that is being made: queues, and what each of them costs."""

    def __init__(self, bench: Mapping[str, Station]) -> None:
        self.bench = bench
        self.queues: _Queues = {id_: [] for id_ in bench}
        self.costs: dict[str, _Cost] = dict.fromkeys(bench, (0.0, 0.0))

    def total(self) -> float:
        return LATE * sum(late for late, _ in self.costs.values()) + max(
            (end for _, end in self.costs.values()), default=0.0
        )

    def append(self, work: Work) -> None:
        """The work is the last one where it ends earliest; nowhere when no station can make it."""
        ends = [(self._end(work, it), it) for it in work.minutes if it in self.bench]
        if ends:
            _, id_ = min(ends)
            queue, station = self.queues[id_], self.bench[id_]
            task, start = _task(work, station), _start(station)
            if queue:  # it costs what it did, and what comes behind it
                start = (*self.costs[id_], queue[-1].loaded), station.change_minutes
            self.costs[id_] = _run((task,), *start)
            queue.append(task)

    def _end(self, work: Work, id_: str) -> float:
        """When the work would end as the station's last one. Asked of each station for each work,
        so that nothing is made for it."""
        station, queue = self.bench[id_], self.queues[id_]
        if queue:
            at, loaded = self.costs[id_][1], queue[-1].loaded
        else:
            at, loaded = station.free, station.loaded
        if work.loaded != loaded:
            at += station.change_minutes
        return max(at, work.not_before) + work.minutes[id_]

    def take_out(self, id_: str, place: int) -> Work:
        task = self.queues[id_].pop(place)
        self._count(id_)
        return task.work

    def put_back(self, work: Work) -> None:
        """The work is where it costs least."""
        best, where = inf, ("", 0)
        for id_ in work.minutes:
            if id_ not in self.bench:
                continue
            late_now, _ = self.costs[id_]
            longest = max(
                (end for other, (_, end) in self.costs.items() if other != id_), default=0
            )
            tried = _places(_task(work, self.bench[id_]), self.queues[id_], self.bench[id_])
            for place, (late, end) in tried:
                worse = LATE * (late - late_now) + (end if end > longest else longest)
                if worse < best:
                    best, where = worse, (id_, place)
        self._insert(work, *where)

    def _insert(self, work: Work, id_: str, place: int) -> None:
        self.queues[id_].insert(place, _task(work, self.bench[id_]))
        self._count(id_)

    def _count(self, id_: str) -> None:
        queue = self.queues[id_]
        self.costs[id_] = _run(queue, *_start(self.bench[id_])) if queue else (0.0, 0.0)

    def kept(self) -> tuple[_Queues, dict[str, _Cost]]:
        return {id_: queue.copy() for id_, queue in self.queues.items()}, self.costs.copy()


def _task(work: Work, station: Station) -> _Task:
    return _Task(
        work.minutes[station.id], work.not_before, _due(work), _weight(work), work.loaded, work
    )


def _start(station: Station) -> tuple[tuple[float, float, str], float]:
    return (0.0, station.free, station.loaded), station.change_minutes


def _places(task: _Task, queue: Sequence[_Task], station: Station) -> Iterator[tuple[int, _Cost]]:
    """What the queue would cost with the task at each place that it may have there.

    Nothing goes before what is pressed, which itself stands among its like.
    """
    start, change = _start(station)
    pressed = sum(it.work.pressed for it in queue)
    first, last = (0, pressed) if task.work.pressed else (pressed, len(queue))
    for place in range(last + 1):
        if place >= first:
            yield place, _run((task, *queue[place:]), start, change)
        if place < len(queue):
            late, at = _run(queue[place : place + 1], start, change)
            start = late, at, queue[place].loaded


def _improved(draft: _Draft, steps: int) -> _Queues:
    """The best queues that were met on the way."""
    chance = Random(steps)  # noqa: S311
    now = best = draft.total()
    found, _ = draft.kept()
    for step in range(steps):
        before = draft.kept()
        for work in _taken_out(draft, chance):
            draft.put_back(work)
        then, warmth = draft.total(), _WARMTH * best * (1 - step / steps)
        if then >= now - warmth * log(1 - chance.random()):
            draft.queues, draft.costs = before
            continue
        now = then
        if now < best:
            best = now
            found, _ = draft.kept()
    return found


def _taken_out(draft: _Draft, chance: Random) -> list[Work]:
    """Some works, out of the draft; half of them from where something is late."""
    filled = [id_ for id_, queue in draft.queues.items() if queue]
    late = [id_ for id_ in filled if draft.costs[id_][0] > 0]
    if late and chance.random() < _WHOLE_QUEUE:
        return _with_a_whole_queue(draft, chance.choice(late), chance)
    taken = []
    for _ in range(min(_TAKEN_OUT, sum(map(len, draft.queues.values())))):
        id_ = chance.choice(late if late and chance.random() < 0.5 else filled)
        taken.append(draft.take_out(id_, chance.randrange(len(draft.queues[id_]))))
        filled, late = ([it for it in ids if draft.queues[it]] for ids in (filled, late))
    chance.shuffle(taken)
    return taken


def _with_a_whole_queue(draft: _Draft, id_: str, chance: Random) -> list[Work]:
    """A work from where something is late, and all that stands in its way on another station.

    One long work that is late by a little comes in time on no machine but an empty one.
    """
    first = draft.take_out(id_, chance.randrange(len(draft.queues[id_])))
    other = chance.choice([it for it in first.minutes if it in draft.bench])
    taken = [draft.take_out(other, 0) for _ in range(len(draft.queues[other]))]
    chance.shuffle(taken)
    return [first, *taken]
