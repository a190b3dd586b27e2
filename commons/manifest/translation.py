"""One manifest said in another dialect's words, and back, with nothing lost.

A rule says how some keys of one dialect become some keys of the other, and how they come back.
Where they would not come back as they were, and for all that the other dialect has no word for,
the original is kept under `cosmolocal.<dialect>`, with the order of all keys. On the way back it
is restored wherever the words that were made of it are still the same; so an edit is kept too.

Law: translate(translate(x, way), way.back) is x, keys in their order; only of what came from there
itself it is the file in between that orders the keys.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Data = dict[str, object]

OWN = "cosmolocal"
_BELOW = f"{OWN}."


@dataclass(frozen=True, slots=True)
class Rule:
    """`forward` makes `ours` of what there is of `theirs`; `backward` the other way round."""

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    forward: Callable[[Data], Data]
    backward: Callable[[Data], Data]

    @property
    def turned(self) -> "Rule":
        """The same rule, read from the other side."""
        return Rule(self.ours, self.theirs, self.backward, self.forward)


@dataclass(frozen=True, slots=True)
class Way:
    """From one dialect to another. `untold` are keys that only the one knows; None: all others."""

    source: str
    target: str
    rules: tuple[Rule, ...]
    untold: frozenset[str] | None = None
    untold_back: frozenset[str] | None = None

    @property
    def back(self) -> "Way":
        """The way from the other dialect to this one."""
        rules = tuple(rule.turned for rule in self.rules)
        return Way(self.target, self.source, rules, self.untold_back, self.untold)


def translate(data: Mapping[str, object], way: Way) -> Data:
    """`data` in the words of the way's target."""
    flat, earlier = _opened(data, way.target)
    said, kept = _retold(flat, earlier, way)
    if not kept:
        again = _retold(said, _Earlier(), way.back)[0]
        # What came from there may have been put in another order by the file that it was in.
        if list(again) == list(flat) or (earlier.known and again.keys() == flat.keys()):
            return _closed(said)  # it would come back as it is
    return _closed(said, way.source, {"order": list(flat), "keys": kept})


def _retold(flat: Data, earlier: "_Earlier", way: Way) -> tuple[Data, Data]:
    """What is said in the target's words, and what has to be kept of the source's."""
    said: Data = {}
    kept: Data = {}
    for rule in way.rules:
        mine = _of(flat, rule.theirs)
        made = earlier.restored(rule, mine)
        said.update(made)
        if not _same(rule.backward(made), mine):
            kept.update(mine)
    spoken_for = {key for rule in way.rules for key in rule.theirs}
    taken = {key for rule in way.rules for key in rule.ours} | {_BELOW + way.source}
    for key, value in flat.items():
        if key not in spoken_for:
            came = key in earlier.order and key not in earlier.keys
            passes = key not in taken and (came or _passes(key, way))
            (said if passes else kept)[key] = value
    for key, value in earlier.keys.items():
        if key not in taken:
            said.setdefault(key, value)
    own = {key: value for key, value in said.items() if key.startswith(_BELOW)}
    plain = {key: value for key, value in said.items() if key not in own}
    return {key: said[key] for key in earlier.order if key in said} | plain | own, kept


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What was kept of an earlier life in the target's words."""

    order: tuple[str, ...] = ()
    keys: Data = field(default_factory=dict)
    known: bool = False

    def restored(self, rule: Rule, mine: Data) -> Data:
        """What the rule's words were, if `mine` is still what had been made of them; else what
        the rule makes of `mine`."""
        was = [key for key in rule.ours if key in self.order]
        if self.known and all(key in self.keys for key in was):
            original = _of(self.keys, rule.ours)
            if _same(rule.backward(original), mine):
                return original
        return rule.forward(mine)


def _opened(data: Mapping[str, object], target: str) -> tuple[Data, _Earlier]:
    """The keys, those of our own table as `cosmolocal.key`; and what was kept of the target."""
    flat: Data = {}
    earlier = _Earlier()
    for key, value in data.items():
        if key != OWN or not isinstance(value, Mapping) or not value:
            flat[key] = value
            continue
        for below, item in value.items():
            if below == target and (found := _earlier(item)):
                earlier = found
            else:
                flat[_BELOW + below] = item
    return flat, earlier


def _earlier(kept: object) -> _Earlier | None:
    """What was kept, if it has the form in which we keep it; a stranger may have written it."""
    if not isinstance(kept, Mapping) or kept.keys() != {"order", "keys"}:
        return None
    order, keys = kept["order"], kept["keys"]
    if not isinstance(order, list) or not isinstance(keys, Mapping):
        return None
    fits = all(isinstance(key, str) for key in order) and keys.keys() <= set(order)
    return _Earlier(tuple(order), dict(keys), known=True) if fits else None


def _closed(flat: Data, source: str = "", kept: Data | None = None) -> Data:
    data: Data = {}
    own: Data = {}
    for key, value in flat.items():
        if key.startswith(_BELOW):
            own[key.removeprefix(_BELOW)] = value
            data[OWN] = own
        else:
            data[key] = value
    if kept is not None:
        data[OWN] = {**own, source: kept}
    return data


def _passes(key: str, way: Way) -> bool:
    if key.startswith(_BELOW):
        return True
    return key != OWN and way.untold is not None and key not in way.untold


def _of(data: Mapping[str, object], keys: tuple[str, ...]) -> Data:
    """These keys of the data, in the data's order."""
    return {key: value for key, value in data.items() if key in keys}


def _same(one: object, other: object) -> bool:
    """Equal as data, keys in the same order."""
    return json.dumps(one) == json.dumps(other)
