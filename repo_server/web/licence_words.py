"""Licences in words for people: events, answers, kinds of actors, facts, purposes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from commons.licences.purposes import Purpose
from commons.licences.scopes import Scope
from commons.licences.terms import DUTY_WORDS, Event, Evidence, LegalForm, Permission
from commons.texts import later
from repo_server.licence_pages import Line
from repo_server.web.languages import Texts, gettext
from repo_server.web.words import Word

EVENT_WORDS = Texts(
    {
        Event.DOWNLOAD: later("Download it"),
        Event.MAKE_OWN_USE: later("Make it for own use"),
        Event.MAKE_GIFT: later("Make it and give it away"),
        Event.MAKE_FOR_PAY: later("Make it for a client who pays"),
        Event.SELL_PRODUCT: later("Sell it"),
        Event.PUBLISH_FORK: later("Change it and publish that"),
        Event.COMBINE: later("Make it part of another work"),
        Event.FEDERATE: "Pass copies of its files on",
    }
)
PERMISSION_WORDS = {
    Permission.ALLOW: Word("Yes", "good"),
    Permission.ALLOW_WITH_DUTIES: Word("Yes, with duties", "good"),
    Permission.ASK: Word("Ask first", "wait"),
    Permission.DENY: Word("No", "bad"),
}
KIND_WORDS = Texts(
    {
        "person": later("a person"),
        "contributor": later("a person who published a release of it"),
        "business": later("a business with paid employees, for private profit"),
        "worker_coop": later("a cooperative that its workers own, and whose gain is theirs"),
        "social_coop": later("a social enterprise that is a cooperative and employs its workers"),
        "nonprofit": later("a non-profit"),
        "public_body": later("a public body"),
    }
)
EVIDENCE_NOTES = Texts(
    {
        Evidence.READ: later("Read in the licence’s text"),
        Evidence.REPORTED: later("As others tell of the licence"),
        Evidence.GENERAL: "General knowledge, not checked against the text here",
    }
)
LEGAL_FORMS = Texts(
    {
        "": later("Not said"),
        LegalForm.INDIVIDUAL: later("A person"),
        LegalForm.BUSINESS: later("A business"),
        LegalForm.COOPERATIVE: later("A cooperative"),
        LegalForm.NONPROFIT: later("A non-profit"),
        LegalForm.PUBLIC_BODY: later("A public body"),
    }
)
# Each yes or no that a licence may ask for, in the order of the form.
QUESTIONS = Texts(
    {
        "worker_owned": later("Do those who work there own it?"),
        "surplus_to_workers_only": later("Does all its gain go to those who work there?"),
        "private_profit_from_wage_labour": later(
            "Is it privately owned, and does it seek profit from the work of paid employees?"
        ),
        "sse_enterprise": later("Is it a social and solidarity enterprise by law?"),
        "coop_with_employed_workers": later("Is it a cooperative in which workers are employees?"),
        "accepts_human_rights_terms": later(
            "Do you accept the terms on human rights of licences that have some?"
        ),
    }
)
YES_OR_NO = Texts({"": later("Not said"), "yes": later("Yes"), "no": later("No")})
PURPOSES = Texts(
    {
        Purpose.OWN_USE: later("Own use"),
        Purpose.GIFT: later("To give away"),
        Purpose.FOR_PAY: later("The lab makes it for a client, for pay"),
        Purpose.SALE: later("I am going to sell it"),
    }
)
PURPOSE_WORDS = Texts(
    {
        Purpose.OWN_USE: later("for own use"),
        Purpose.GIFT: later("to give away"),
        Purpose.FOR_PAY: later("for a client of the lab, for pay"),
        Purpose.SALE: "to be sold",
    }
)
# What a licence of its own can be for; a part has its own name.
SCOPE_WORDS = Texts(
    {
        Scope.HARDWARE: later("Hardware"),
        Scope.DOCUMENTATION: later("Documentation"),
        Scope.SOFTWARE: later("Software"),
    }
)
# By the names under which the templates about licences know them.
TABLES = {
    "EVENT_WORDS": EVENT_WORDS,
    "PERMISSION_WORDS": PERMISSION_WORDS,
    "KIND_WORDS": KIND_WORDS,
    "EVIDENCE_NOTES": EVIDENCE_NOTES,
    "PURPOSE_WORDS": PURPOSE_WORDS,
    "DUTY_WORDS": DUTY_WORDS,
    "SCOPE_WORDS": SCOPE_WORDS,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one or several events are answered, and who gets which answer."""

    events: tuple[str, ...]
    lines: tuple[tuple[str, Line], ...]


def rows_of(lines: Iterable[Line]) -> list[Row]:
    """A page's lines as rows: neighbouring events with the same answers stand together, and those
    whom most of the kinds belong to are everybody else."""
    by_event = [list(group) for _, group in groupby(lines, key=lambda line: line.answer.event)]
    found: list[Row] = []
    before: list[Line] | None = None
    for of_event in by_event:
        event = EVENT_WORDS[of_event[0].answer.event]
        if before is not None and _alike(before) == _alike(of_event):
            found[-1] = replace(found[-1], events=(*found[-1].events, event))
        else:
            found.append(Row((event,), _named(of_event)))
        before = of_event
    return found


def _alike(lines: list[Line]) -> list[Line]:
    """The lines but for their event."""
    one = Event.DOWNLOAD
    return [replace(line, answer=replace(line.answer, event=one)) for line in lines]


def _named(lines: list[Line]) -> tuple[tuple[str, Line], ...]:
    if len(lines) == 1:
        return ((gettext("Everybody"), lines[0]),)
    rest = max(lines, key=lambda line: len(line.kinds))
    named = [(_listed(line.kinds), line) for line in lines if line is not rest]
    return (*named, (gettext("Everybody else"), rest))


def _listed(kinds: tuple[str, ...]) -> str:
    words = "; ".join(KIND_WORDS[kind] for kind in kinds)
    return words[:1].upper() + words[1:]
