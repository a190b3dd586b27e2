"""The same plan from OR-Tools' CP-SAT, which starts from a plan that it is shown."""

from collections.abc import Sequence
from itertools import pairwise

from ortools.sat.python import cp_model

from commons.scheduling import LATE, Plan, Slot, Station, Work

_PER_MINUTE = 10  # CP-SAT reckons in whole numbers
WORKERS = 2


def solved(
    works: Sequence[Work], stations: Sequence[Station], start: Plan, seconds: float, *,
    with_changes: bool,
) -> Plan:  # fmt: skip
    """The best plan that it finds in so many seconds; `start` when it finds none."""
    model = _Model(works, stations, start, with_changes)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = WORKERS
    status = solver.solve(model.it)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return start
    return model.plan(solver)


class _Model:
    """Works on machines: chosen, in order, without overlap; minimal is what is late and long."""

    def __init__(
        self, works: Sequence[Work], stations: Sequence[Station], start: Plan, with_changes: bool
    ) -> None:
        self.it = cp_model.CpModel()
        self.works, self.stations, self.with_changes = works, stations, with_changes
        self.hints = {
            slot.work: (id_, *times)
            for id_, queue in start.items()
            for slot, times in zip(queue, self._whole(id_, queue), strict=True)
        }
        longest = max(end for _, _, end in self.hints.values())
        self.horizon = 2 * longest
        self.span = self.it.new_int_var(0, self.horizon, "span")
        self.it.add_hint(self.span, longest)
        self.chosen: dict[tuple[str, str], cp_model.IntVar] = {}
        self.begins: dict[tuple[str, str], cp_model.IntVar] = {}
        for station in stations:
            self._machine(station, [slot.work for slot in start[station.id]])
        late = [self._work(work) for work in works]
        self.it.minimize(int(LATE) * sum(late) + self.span)

    def _minutes(self, minutes: float) -> int:
        return round(_PER_MINUTE * minutes)

    def _whole(self, id_: str, queue: Sequence[Slot]) -> list[tuple[int, int]]:
        """The plan's times in whole numbers that keep what the model asks."""
        station = next(it for it in self.stations if it.id == id_)
        by_id = {work.id: work for work in self.works}
        at, loaded, times = self._minutes(station.free), station.loaded, []
        for slot in queue:
            work = by_id[slot.work]
            if loaded != work.loaded:
                at += self._minutes(station.change_minutes)
            end = at + self._minutes(work.minutes[id_])
            times.append((at, end))
            at, loaded = end, work.loaded
        return times

    def _machine(self, station: Station, queue: list[str]) -> None:
        able = [work for work in self.works if station.id in work.minutes]
        intervals = []
        for work in able:
            key = work.id, station.id
            is_here = self.hints[work.id][0] == station.id
            chosen = self.chosen[key] = self.it.new_bool_var("")
            begin = self.begins[key] = self.it.new_int_var(
                self._minutes(station.free), self.horizon, ""
            )
            run = self._minutes(work.minutes[station.id])
            intervals.append(self.it.new_optional_fixed_size_interval_var(begin, run, chosen, ""))
            self.it.add_hint(chosen, is_here)
            self.it.add_hint(
                begin, self.hints[work.id][1] if is_here else self._minutes(station.free)
            )
            self.it.add(self.span >= begin + run).only_enforce_if(chosen)
        self.it.add_no_overlap(intervals)
        if self.with_changes:
            self._order(station, able, queue)

    def _order(self, station: Station, able: list[Work], queue: list[str]) -> None:
        """The machine's works form a circuit, so that what is loaded before each is known."""
        change = self._minutes(station.change_minutes)
        first, last = queue[:1], queue[-1:]
        follows = set(pairwise(queue))
        none = self._hinted(not queue)
        arcs = [(0, 0, none)]
        for i, work in enumerate(able, 1):
            begin, run = self.begins[work.id, station.id], work.minutes[station.id]
            arcs.append((i, i, ~self.chosen[work.id, station.id]))
            is_first, is_last = self._hinted(first == [work.id]), self._hinted(last == [work.id])
            arcs += [(0, i, is_first), (i, 0, is_last)]
            changed = change if work.loaded != station.loaded else 0
            self.it.add(begin >= self._minutes(station.free) + changed).only_enforce_if(is_first)
            for j, other in enumerate(able, 1):
                if i == j:
                    continue
                then = self._hinted((work.id, other.id) in follows)
                arcs.append((i, j, then))
                changed = change if other.loaded != work.loaded else 0
                end = begin + self._minutes(run) + changed
                self.it.add(self.begins[other.id, station.id] >= end).only_enforce_if(then)
        self.it.add_circuit(arcs)

    def _hinted(self, value: bool) -> cp_model.IntVar:
        variable = self.it.new_bool_var("")
        self.it.add_hint(variable, value)
        return variable

    def _work(self, work: Work) -> cp_model.IntVar:
        """How late it is, in whole numbers."""
        late = self.it.new_int_var(0, self.horizon, "")
        due = self._minutes(work.due) if work.due is not None else self.horizon
        able = [it.id for it in self.stations if it.id in work.minutes]
        self.it.add_exactly_one(self.chosen[work.id, id_] for id_ in able)
        for id_ in able:
            end = self.begins[work.id, id_] + self._minutes(work.minutes[id_])
            self.it.add(late >= end - due).only_enforce_if(self.chosen[work.id, id_])
        self.it.add_hint(late, max(0, self.hints[work.id][2] - due))
        return late

    def plan(self, solver: cp_model.CpSolver) -> Plan:
        """The plan that was found, with its times reckoned anew from its order."""
        queues: dict[str, list[tuple[int, Work]]] = {it.id: [] for it in self.stations}
        by_id = {work.id: work for work in self.works}
        for (work_id, id_), chosen in self.chosen.items():
            if solver.value(chosen):
                at = solver.value(self.begins[work_id, id_])
                queues[id_].append((at, by_id[work_id]))
        return {
            station.id: _timed(
                station, [work for _, work in sorted(queues[station.id], key=lambda it: it[0])]
            )
            for station in self.stations
        }


def _timed(station: Station, works: Sequence[Work]) -> tuple[Slot, ...]:
    at, loaded, slots = station.free, station.loaded, []
    for work in works:
        begin = at if loaded == work.loaded else at + station.change_minutes
        slots.append(Slot(work.id, begin, begin + work.minutes[station.id]))
        at, loaded = begin + work.minutes[station.id], work.loaded
    return tuple(slots)
