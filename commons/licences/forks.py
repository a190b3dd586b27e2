"""Under which licence a fork may be published, and which works may become one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from commons.licences.answers import NOBODY_KNOWN, Answer, Grant, ask_licence
from commons.licences.expressions import All, Expression, One, alternatives, ids_of, read_expression
from commons.licences.table import TABLE, licence_of
from commons.licences.terms import (
    Actor,
    Duty,
    Event,
    Evidence,
    Forks,
    Licence,
    Permission,
    clause_of,
    freedom,
)


def may_fork(
    base: str, fork: str, *, actor: Actor = NOBODY_KNOWN, grants: Iterable[Grant] = ()
) -> Answer:
    """Whether `actor` may publish a fork of a design under `base` under the licence `fork`.

    Both are SPDX expressions. Of a base with OR the freest branch counts; of a fork with OR each
    must be allowed, since whoever gets it may choose. A grant lifts what the base keeps back from
    this actor, not what it says of the fork's licence. The answer carries the duties of the fork:
    its change notice, its credits. InvalidInput when one of them is no expression.
    """
    by = _Publisher(actor, tuple(grants))
    return _onwards(read_expression(base), read_expression(fork), by)


@dataclass(frozen=True, slots=True)
class _Publisher:
    """Who publishes the fork, and what the licensor granted them."""

    actor: Actor
    grants: tuple[Grant, ...]


def _onwards(base: Expression, fork: Expression, by: _Publisher | None) -> Answer:
    if isinstance(base, One):
        return _of_one(base.id, fork, by)
    if isinstance(base, All) and set(alternatives(base)) == set(alternatives(fork)):
        # Nothing was dropped: files keep the licences that they had.
        return min((_of_one(id_, One(id_), by) for id_ in ids_of(base)), key=_freedom)
    answers = [_onwards(term, fork, by) for term in base.terms]
    return min(answers, key=_freedom) if isinstance(base, All) else max(answers, key=_freedom)


def _of_one(base: str, fork: Expression, by: _Publisher | None) -> Answer:
    if isinstance(fork, One):
        answer = _pair(base, fork.id)
        return answer if by is None else _by_publisher(base, fork.id, answer, by)
    answers = [_of_one(base, term, by) for term in fork.terms]
    least = min(answers, key=_freedom)
    if isinstance(fork, All) and not least.allowed and any(answer.allowed for answer in answers):
        return replace(
            least,
            permission=Permission.ASK,
            reason=f"what was under {base} must stay so; say for which files each licence is meant",
        )
    return least


def _by_publisher(base: str, fork: str, terms: Answer, by: _Publisher) -> Answer:
    """What the fork's licence allows, as far as the base lets this person publish at all."""
    who = ask_licence(base, Event.PUBLISH_FORK, actor=by.actor, grants=by.grants)
    kept = base == fork and who.grant is not None
    if not terms.allowed and not kept:
        return terms
    return who if not who.allowed or who.grant is not None else terms


def _freedom(answer: Answer) -> int:
    return freedom(answer.permission)


def _pair(base: str, fork: str) -> Answer:
    """One licence against one other: a cell of the fork matrix."""
    licence, wanted = licence_of(base), licence_of(fork)
    if licence is None:
        reason = f"{base} is not a licence that this program knows; its licensor can say"
        return _says(Permission.ASK, base, (), reason, Evidence.GENERAL)
    terms = licence.forks
    clause = (clause_of(base, terms.clause),)
    wanted_id = wanted.id if wanted else fork
    if wanted_id in terms.asked:
        reason = f"a fork of {base} may be under {wanted_id} only if {terms.asked_if}"
        return _says(Permission.ASK, base, clause, reason, licence.evidence)
    if _carries_on(licence, wanted, wanted_id):
        permission = Permission.ALLOW_WITH_DUTIES if terms.duties else Permission.ALLOW
        reason = f"a fork of {base} may be under {wanted_id}"
        return _says(permission, base, clause, reason, licence.evidence, terms.duties)
    return _says(Permission.DENY, base, clause, _refusal(licence, wanted_id), licence.evidence)


def _carries_on(licence: Licence, wanted: Licence | None, wanted_id: str) -> bool:
    match licence.forks.forks:
        case Forks.ANY:
            return True
        case Forks.LISTED:
            return wanted_id in licence.forks.listed
        case Forks.NON_COMMERCIAL:
            return wanted is not None and _keeps_commerce_back(wanted)
        case Forks.NONE:
            return False


def _keeps_commerce_back(licence: Licence) -> bool:
    """Whether nobody may sell under it but by its licensor's word, things or copies: a licence that
    says nothing of things, as those of databases, lets everybody sell copies."""
    kept = (Permission.ASK, Permission.DENY)
    copies = licence.rules[Event.FEDERATE][0]
    for_everybody = copies.permission not in kept and not copies.needs
    of_things = all(rule.permission in kept for rule in licence.rules[Event.SELL_PRODUCT])
    return of_things and not for_everybody


def _refusal(licence: Licence, wanted: str) -> str:
    match licence.forks.forks:
        case Forks.NONE:
            return f"no fork of a design under {licence.id} may be published"
        case Forks.NON_COMMERCIAL:
            return (
                f"a fork of {licence.id} keeps commerce back, and {wanted} does not (or is not "
                "known): choose one that does"
            )
        case _:
            return (
                f"a fork of {licence.id} cannot be under {wanted}: choose "
                f"{' or '.join(licence.forks.listed)}"
            )


def _says(
    permission: Permission,
    chosen: str,
    clauses: tuple[str, ...],
    reason: str,
    evidence: Evidence,
    duties: tuple[Duty, ...] = (),
) -> Answer:
    return Answer(
        permission, Event.PUBLISH_FORK, chosen, clauses, reason, duties, evidence=evidence
    )


def licences_for_one_work(expressions: Iterable[str]) -> tuple[str, ...]:
    """The known licences under which works under `expressions` may together become one work.

    Empty when there is none: then they can still be separate parts of an assembly, each under its
    own licence. Those of the works themselves come first.
    """
    works = list(expressions)
    own = [id_ for text in works for id_ in ids_of(read_expression(text))]
    known = [licence.id for id_ in own if (licence := licence_of(id_))]
    return tuple(
        licence
        for licence in dict.fromkeys((*known, *TABLE))
        if all(_onwards(read_expression(work), One(licence), None).allowed for work in works)
    )
