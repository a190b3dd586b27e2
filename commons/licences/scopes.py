"""Which licence counts for what: a design's hardware, documentation and software, and its parts.

`license` is that of the whole. `[cosmolocal.license]` may name others for `hardware`,
`documentation` and `software`, `[part.cosmolocal] license` one for a part: a manifest's `data`, as
it was written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from commons.errors import FieldProblem
from commons.licences.spelling import wrong_spelling
from commons.licences.terms import Event

_MAKING = (Event.MAKE_OWN_USE, Event.MAKE_GIFT, Event.MAKE_FOR_PAY, Event.SELL_PRODUCT)


class Scope(StrEnum):
    """What of a design a licence can be for."""

    HARDWARE = "hardware"
    DOCUMENTATION = "documentation"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class Licences:
    """The SPDX expressions of a design: of the whole, and where it is another one."""

    whole: str
    by_scope: Mapping[Scope, str]
    by_part: Mapping[str, str]

    def of(self, scope: Scope, part: str | None = None) -> str:
        """The expression for this scope, of the part if one is named."""
        whole = self.by_scope.get(scope, self.whole)
        return self.by_part.get(part or "", whole) if scope is Scope.HARDWARE else whole

    def for_event(self, event: Event, part: str | None = None) -> str:
        """The expression that answers an event: to make a part asks that of its hardware; to hand
        on files asks those of all, and all must allow."""
        if event in _MAKING:
            return self.of(Scope.HARDWARE, part)
        scopes = {self.of(scope): None for scope in Scope}
        named = list(scopes | dict.fromkeys(self.by_part.values()))
        return named[0] if len(named) == 1 else " AND ".join(f"({text})" for text in named)


def licences_of(data: Mapping[str, object]) -> Licences:
    """The licences that a manifest names; what is not text is left out."""
    named = list(_named(data))
    written = {it.field: it.text for it in named if it.part is None}
    fields = {scope: f"{_OWN}.{scope}" for scope in Scope}
    by_scope = {scope: written[field] for scope, field in fields.items() if field in written}
    by_part = {it.part: it.text for it in named if it.part is not None}
    whole = data.get("license")
    return Licences(whole if isinstance(whole, str) else "LicenseRef-NONE", by_scope, by_part)


def wrong_licences(data: Mapping[str, object]) -> list[FieldProblem]:
    """One problem for each licence of a manifest that is not written in SPDX, with what it may
    mean, and for each scope that there is none of."""
    scopes = [f"{_OWN}.{scope}" for scope in Scope]
    problems = []
    for named in _named(data):
        if problem := wrong_spelling(named.text):
            problems.append(FieldProblem(named.field, problem))
        elif named.part is None and named.field not in ("license", *scopes):
            problems.append(FieldProblem(named.field, f"is none of {', '.join(Scope)}"))
    return problems


_OWN = "cosmolocal.license"


@dataclass(frozen=True, slots=True)
class _Named:
    """A licence where it stands in a manifest."""

    field: str
    text: str
    part: str | None = None


def _named(data: Mapping[str, object]) -> Iterator[_Named]:
    if isinstance(whole := data.get("license"), str):
        yield _Named("license", whole)
    for scope, text in _table(_table(data, "cosmolocal"), "license").items():
        if isinstance(text, str):
            yield _Named(f"{_OWN}.{scope}", text)
    parts = data.get("part")
    for at, part in enumerate(parts if isinstance(parts, list) else [], 1):
        if isinstance(part, dict):
            text, name = _table(part, "cosmolocal").get("license"), part.get("name")
            if isinstance(text, str) and isinstance(name, str):
                yield _Named(f"part[{at}].{_OWN}", text, name.strip())


def _table(data: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}
