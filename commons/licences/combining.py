"""Whether works under several licences may become one, or stand beside each other as parts."""

from collections.abc import Iterable

from commons.licences.answers import Answer
from commons.licences.expressions import alternatives, read_expression
from commons.licences.forks import licences_for_one_work
from commons.licences.table import licence_of
from commons.licences.terms import Duty, Event, Evidence, Licence, Permission, clause_of


def may_become_one(works: Iterable[str]) -> Answer:
    """Whether works under these SPDX expressions may be melted into one work.

    `chosen` is the licence of the whole. Denied where no licence is allowed by all of them: they
    may still be parts of an assembly. A licence that is not known is asked.
    """
    expressions = list(dict.fromkeys(works))
    if (asked := _unknown(expressions)) is not None:
        return asked
    names = " and ".join(expressions)
    common = licences_for_one_work(expressions)
    if not common:
        reason = (
            f"no licence is allowed by each of {names}; as separate parts of an assembly each "
            "keeps its own"
        )
        return _says(Permission.DENY, names, _clauses(expressions), reason)
    reason = f"{names} may become one work under {common[0]}"
    duties = tuple(
        dict.fromkeys(duty for licence in _licences(expressions) for duty in licence.forks.duties)
    )
    permission = Permission.ALLOW_WITH_DUTIES if duties else Permission.ALLOW
    return _says(permission, common[0], _clauses(expressions), reason, duties)


def may_stand_together(parts: Iterable[str]) -> Answer:
    """Whether things under these SPDX expressions may be separate parts of one assembly, each
    under its own licence. Asked where one of them wants something of the parts beside it."""
    expressions = list(dict.fromkeys(parts))
    if (asked := _unknown(expressions)) is not None:
        return asked
    names = " and ".join(expressions)
    wanting = [licence for licence in _licences(expressions) if licence.forks.beside]
    if len(expressions) > 1 and wanting and not licences_for_one_work(expressions):
        clauses = tuple(clause_of(licence.id, licence.forks.clause) for licence in wanting)
        return _says(Permission.ASK, names, clauses, wanting[0].forks.beside)
    reason = f"{names} may be separate parts, each under its own licence"
    return _says(Permission.ALLOW, names, _clauses(expressions), reason)


def _says(
    permission: Permission,
    chosen: str,
    clauses: tuple[str, ...],
    reason: str,
    duties: tuple[Duty, ...] = (),
) -> Answer:
    evidence = Evidence.GENERAL  # no licence's text speaks of all the others
    return Answer(permission, Event.COMBINE, chosen, clauses, reason, duties, evidence=evidence)


def _unknown(expressions: list[str]) -> Answer | None:
    """A question, where one of the works leaves no choice of licences that are all known."""
    for text in expressions:
        if _known_choice(text) is None:
            reason = f"{text} is not a licence that this program knows; its licensor can say"
            return _says(Permission.ASK, text, (), reason)
    return None


def _known_choice(text: str) -> tuple[Licence, ...] | None:
    """The licences of the first choice that are all known; None without one."""
    for choice in alternatives(read_expression(text)):
        found = [licence for id_ in sorted(choice) if (licence := licence_of(id_)) is not None]
        if len(found) == len(choice):
            return tuple(found)
    return None


def _licences(expressions: list[str]) -> list[Licence]:
    """What the works' first known choices name, each once."""
    named = [licence for text in expressions for licence in _known_choice(text) or ()]
    return list({licence.id: licence for licence in named}.values())


def _clauses(expressions: list[str]) -> tuple[str, ...]:
    return tuple(clause_of(it.id, it.forks.clause) for it in _licences(expressions))
