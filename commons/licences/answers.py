"""The one function that answers: who may do what with a design, by which clause and duties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from commons.licences.expressions import All, Expression, One, alternatives, read_expression
from commons.licences.table import licence_of
from commons.licences.terms import (
    FACT_WORDS,
    Actor,
    Duty,
    Event,
    Evidence,
    Fact,
    Permission,
    Rule,
    clause_of,
    freedom,
)
from commons.texts import later

NO_LEGAL_ADVICE = later("This is how the program reads the licence. It is no legal advice.")
NOBODY_KNOWN = Actor()
_CREDITS = {Duty.GIVE_CREDIT, Duty.KEEP_NOTICES, Duty.NOTICES_WITH_PRODUCT}


@dataclass(frozen=True, slots=True)
class Grant:
    """What the licensor lets one actor do beyond the licence. `consideration` is the fee or
    contribution that was agreed, empty for none."""

    id: str
    events: frozenset[Event]
    consideration: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a licence says. `chosen` is the licence, or the branch of an OR, that it comes from;
    `missing` are facts that would settle it; `grant` is the one that it rests on."""

    permission: Permission
    event: Event
    chosen: str
    clauses: tuple[str, ...]
    reason: str
    duties: tuple[Duty, ...] = ()
    missing: tuple[Fact, ...] = ()
    evidence: Evidence = Evidence.READ
    grant: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may be done, at its duties where it has some."""
        return self.permission in (Permission.ALLOW, Permission.ALLOW_WITH_DUTIES)


def ask_licence(
    expression: str, event: Event, *, actor: Actor = NOBODY_KNOWN, grants: Iterable[Grant] = ()
) -> Answer:
    """What the SPDX expression says to `actor` about `event`; `grants` are those that hold now.

    All terms of an AND must allow; of an OR the freest for this actor counts. A licence that is
    not known is asked, and so is one whose answer hangs on what is not known of the actor: nothing
    is ever allowed by default. InvalidInput when `expression` is none.
    """
    answer = _of(read_expression(expression), event, actor)
    grant = next((it for it in grants if event in it.events), None)
    return answer if answer.allowed or grant is None else _granted(answer, grant)


def says_the_same_to_all(expression: str, event: Event) -> bool:
    """Whether the answer hangs on nothing that one would have to know of who asks. InvalidInput
    when `expression` is none."""
    return not any(
        (known := licence_of(id_)) is not None and known.rules[event][0].needs
        for choice in alternatives(read_expression(expression))
        for id_ in choice
    )


def is_open_hardware(expression: str) -> bool:
    """Whether the licence meets the Open Source Hardware Definition: some choice that it leaves
    names only licences that do. One that is not known does not."""
    return any(
        all((known := licence_of(id_)) is not None and known.open_hardware for id_ in choice)
        for choice in alternatives(read_expression(expression))
    )


def asks_for_credit(expression: str) -> bool:
    """Whether the authors of a work under this licence have to be named with it, or with what is
    made from it. Nobody gave their name up under a licence that is not known."""
    answers = [ask_licence(expression, event) for event in Event]
    return any(not it.allowed or _CREDITS & set(it.duties) for it in answers)


def _of(expression: Expression, event: Event, actor: Actor) -> Answer:
    if isinstance(expression, One):
        return _of_licence(expression.id, event, actor)
    answers = [_of(term, event, actor) for term in expression.terms]
    if isinstance(expression, All):
        return together(answers)
    return max(answers, key=lambda answer: freedom(answer.permission))


def together(answers: Sequence[Answer]) -> Answer:
    """The least free of the answers; where all allow, with the duties and clauses of all."""
    least = min(answers, key=lambda answer: freedom(answer.permission))
    known = list(Evidence)
    return replace(
        least,
        chosen=" AND ".join(dict.fromkeys(answer.chosen for answer in answers)),
        clauses=_each(it.clauses for it in answers) if least.allowed else least.clauses,
        duties=_each(it.duties for it in answers) if least.allowed else (),
        missing=_each(it.missing for it in answers),
        evidence=max((answer.evidence for answer in answers), key=known.index),
    )


T = TypeVar("T")


def _each(lists: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    """Everything that is in one of the lists, once, in its order."""
    return tuple(dict.fromkeys(it for items in lists for it in items))


def _of_licence(id: str, event: Event, actor: Actor) -> Answer:
    licence = licence_of(id)
    if licence is None:
        return Answer(
            Permission.ASK,
            event,
            chosen=id,
            clauses=(),
            reason=f"{id} is not a licence that this program knows; its licensor can say",
            evidence=Evidence.GENERAL,
        )
    answer = _by_rules(id, licence.rules[event], event, actor)
    return replace(answer, evidence=licence.evidence)


def _by_rules(id: str, rules: tuple[Rule, ...], event: Event, actor: Actor) -> Answer:
    """The first rule whose needs are met; where what is not known of the actor leaves several
    possible, the least free of them if all allow or all deny, and otherwise a question."""
    possible: list[Rule] = []
    missing: list[Fact] = []
    for rule in rules:
        met = {need.fact: need.met_by(actor) for need in rule.needs}
        if False in met.values():
            continue
        possible.append(rule)
        if None not in met.values():
            break
        missing += [fact for fact, it in met.items() if it is None]
    least = min(possible, key=lambda rule: freedom(rule.permission))
    answer = Answer(
        least.permission, event, id, (clause_of(id, least.clause),), least.reason, least.duties
    )
    if len({_kind(rule.permission) for rule in possible}) == 1:
        return answer
    wanted = tuple(dict.fromkeys(missing))
    listed = "; ".join(FACT_WORDS[fact] for fact in wanted)
    return replace(
        answer,
        permission=Permission.ASK,
        clauses=tuple(dict.fromkeys(clause_of(id, rule.clause) for rule in possible)),
        duties=(),
        reason=f"it depends on who does it, and this is not known: {listed}",
        missing=wanted,
    )


def _kind(permission: Permission) -> Permission:
    """With or without duties, what is allowed is allowed."""
    return Permission.ALLOW if permission is Permission.ALLOW_WITH_DUTIES else permission


def _granted(answer: Answer, grant: Grant) -> Answer:
    """Allowed by the licensor's own word, whatever the licence keeps back."""
    owed = f" for {grant.consideration}" if grant.consideration else ""
    agreed = (Duty.AS_AGREED,) if grant.consideration else ()
    return replace(
        answer,
        permission=Permission.ALLOW_WITH_DUTIES,
        clauses=(f"grant {grant.id}", *answer.clauses),
        reason=f"its licensor granted it{owed}",
        duties=(Duty.GIVE_CREDIT, *agreed),
        missing=(),
        grant=grant.id,
    )


def holds(starts_at: datetime, ends_at: datetime | None, *, at: datetime) -> bool:
    """Whether a grant of these days holds at an instant: from its first on, until its end."""
    return starts_at <= at and (ends_at is None or at < ends_at)
