"""What a thing came from and what became of it: economic events followed through their processes.

A resource comes from the events that put it out, those from the inputs of their process, and those
inputs are resources again. What happened later than its use cannot have been in it. Stock that is
raised or lowered comes from nowhere, and an event that was corrected to nothing did not happen.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from commons.flows import Action, Event, Side, side_of

_HANDED_ON = frozenset(
    {Action.TRANSFER, Action.TRANSFER_ALL_RIGHTS, Action.TRANSFER_CUSTODY, Action.MOVE, Action.COPY}
)
# The actions by which a resource is there, or is another's: where tracing goes on from it.
GIVING = frozenset(
    action for action in Action if action in _HANDED_ON or side_of(action) is Side.OUTPUT
)
# A sum of corrections below it is nothing: what floats leave over, not a quantity.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Trail:
    """Every event that was met, once, depth first.

    `circles` names the resources that come from each other, a tuple for each circle: scrap that
    became the filament of the parts whose scrap it was. Being mended or moved is no circle.
    """

    events: tuple[Event, ...]
    circles: tuple[tuple[str, ...], ...]


def trace(events: Iterable[Event], start: str) -> Trail:
    """All that `start` came from: a resource (`kind:name`) or a process by its id.

    The order of `events` makes no difference. Corrections are part of no trail: their sums belong
    to the events that they correct. A start that no event names has an empty trail.
    """
    return _trail([_backwards(event) for event in _that_happened(events)], start)


def track(events: Iterable[Event], start: str) -> Trail:
    """All that came of `start`, by the same rules as `trace` the other way round."""
    return _trail([_forwards(event) for event in _that_happened(events)], start)


class _Link(NamedTuple):
    """An event as a step of the walk: it is met by way of the resources `at`, leads on `to` the
    others or, where there are none, to the steps of its process. `rank` grows away from the start's
    side: only what ranks no higher can be met."""

    event: Event
    at: tuple[str, ...]
    to: tuple[str, ...]
    rank: float


def _that_happened(events: Iterable[Event]) -> list[Event]:
    known = {event.id: event for event in events}
    sums: dict[str, float] = defaultdict(float)
    for event in known.values():
        sums[event.corrects or event.id] += event.draft.quantity.central
    return [
        event
        for event in known.values()
        if event.corrects is None and abs(sums[event.id]) > _NOTHING
    ]


def _ends(event: Event) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The resources that the event takes, and those that it gives."""
    draft = event.draft
    becomes = () if draft.to_resource is None else (draft.to_resource,)
    if draft.action in _HANDED_ON:
        return (draft.resource,), becomes or (draft.resource,)
    if event.process is None:
        return (), ()
    match side_of(draft.action):
        case Side.INPUT:
            return (draft.resource,), ()
        case Side.OUTPUT:
            return (), (draft.resource, *becomes)
        case None:
            return (), ()


def _backwards(event: Event) -> _Link:
    takes, gives = _ends(event)
    return _Link(event, gives, takes, event.happened_at.timestamp())


def _forwards(event: Event) -> _Link:
    takes, gives = _ends(event)
    return _Link(event, takes, gives, -event.happened_at.timestamp())


class _Map:
    """The links by what they are met by. What was once given out is not given out again, so that a
    walk takes as many steps as there are links, however often a resource is used."""

    def __init__(self, links: Iterable[_Link]) -> None:
        self._by_resource: dict[str, list[_Link]] = defaultdict(list)
        self._by_process: dict[str, list[_Link]] = defaultdict(list)
        self._given: dict[str, int] = defaultdict(int)
        for link in sorted(links, key=lambda link: (link.rank, link.event.id)):
            for resource in link.at:
                self._by_resource[resource].append(link)
            if link.to and not link.at and link.event.process is not None:
                self._by_process[link.event.process].append(link)

    def first(self, start: str) -> list[_Link]:
        return self._of_process(start) or self._of_resource(start, float("inf"))

    def after(self, link: _Link) -> list[_Link]:
        if link.to:
            return [met for name in link.to for met in self._of_resource(name, link.rank)]
        return self._of_process(link.event.process or "")

    def _of_process(self, process: str) -> list[_Link]:
        return self._by_process.pop(process, [])

    def _of_resource(self, name: str, rank: float) -> list[_Link]:
        links = self._by_resource.get(name, [])
        given = self._given[name]
        until = bisect_right(links, rank, key=lambda link: link.rank)
        self._given[name] = max(given, until)
        return links[given:until]


def _trail(links: list[_Link], start: str) -> Trail:
    there = _Map(links)
    met: dict[str, _Link] = {}
    ahead = there.first(start)[::-1]
    while ahead:
        link = ahead.pop()
        if link.event.id not in met:
            met[link.event.id] = link
            ahead.extend(reversed(there.after(link)))
    return Trail(tuple(link.event for link in met.values()), _circles(met.values()))


def _circles(links: Iterable[_Link]) -> tuple[tuple[str, ...], ...]:
    """Kosaraju: what is finished last is searched first against the arrows; a tree is a circle."""
    onward: dict[str, list[str]] = defaultdict(list)
    against: dict[str, list[str]] = defaultdict(list)
    resources: set[str] = set()
    for link in links:
        # Between resources stands the process or, where one is only handed on, the event itself.
        between = link.event.id if link.at and link.to else link.event.process or link.event.id
        resources.update(link.at, link.to)
        for name in link.at:
            onward[name].append(between)
            against[between].append(name)
        for name in link.to:
            onward[between].append(name)
            against[name].append(between)
    finished = [node for tree in _trees(onward, list(onward)) for node in tree]
    rounds = (resources.intersection(tree) for tree in _trees(against, finished[::-1]))
    return tuple(sorted(tuple(sorted(names)) for names in rounds if len(names) > 1))


def _trees(following: Mapping[str, list[str]], roots: Iterable[str]) -> Iterator[list[str]]:
    """The nodes that are new from each root, each after all that it leads to."""
    seen: set[str] = set()
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        tree: list[str] = []
        path = [(root, iter(following.get(root, ())))]
        while path:
            node, rest = path[-1]
            for child in rest:
                if child not in seen:
                    seen.add(child)
                    path.append((child, iter(following.get(child, ()))))
                    break
            else:
                tree.append(node)
                path.pop()
        yield tree
