"""The words in which a licence's rules are written: what happens, who does it, what is owed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from commons.texts import later


class Event(StrEnum):
    """What somebody wants to do with a design."""

    DOWNLOAD = "download"
    MAKE_OWN_USE = "make_own_use"
    MAKE_GIFT = "make_gift"
    MAKE_FOR_PAY = "make_for_pay"  # a lab makes it for a client
    SELL_PRODUCT = "sell_product"
    PUBLISH_FORK = "publish_fork"
    COMBINE = "combine"  # into one work with somebody else's
    FEDERATE = "federate"  # other repositories hold copies of its files


class Permission(StrEnum):
    """A licence's answer, the freest first."""

    ALLOW = "allow"
    ALLOW_WITH_DUTIES = "allow_with_duties"
    ASK = "ask"  # only the licensor, or the one who asks, can say
    DENY = "deny"


def freedom(permission: Permission) -> int:
    """How free an answer is; more is freer."""
    return -list(Permission).index(permission)


class LegalForm(StrEnum):
    """What somebody is who acts."""

    INDIVIDUAL = "individual"
    BUSINESS = "business"
    COOPERATIVE = "cooperative"
    NONPROFIT = "nonprofit"
    PUBLIC_BODY = "public_body"


@dataclass(frozen=True, slots=True)
class Actor:
    """What is known of whoever acts. None is not known, and never counts as no.

    `sse_enterprise`: a social and solidarity enterprise by national law, or by the definition that
    the licence names where there is no such law. `contributed_releases`: how many releases of this
    design they took part in.
    """

    legal_form: LegalForm | None = None
    worker_owned: bool | None = None
    surplus_to_workers_only: bool | None = None
    private_profit_from_wage_labour: bool | None = None
    sse_enterprise: bool | None = None
    coop_with_employed_workers: bool | None = None
    accepts_human_rights_terms: bool | None = None
    contributed_releases: int | None = None

    def known(self, fact: "Fact") -> object:
        """What is known of a fact, or follows from the legal form; None when it is not known."""
        said: object = getattr(self, fact)
        if said is None and fact is Fact.PRIVATE_PROFIT_FROM_WAGE_LABOUR:
            return False if self.legal_form in _NEVER_FOR_PRIVATE_PROFIT else None
        return bool(said) if fact is Fact.CONTRIBUTED_RELEASES and said is not None else said


_NEVER_FOR_PRIVATE_PROFIT = (LegalForm.INDIVIDUAL, LegalForm.NONPROFIT, LegalForm.PUBLIC_BODY)


class Fact(StrEnum):
    """What a rule may ask of an actor: the name of a field of `Actor`."""

    LEGAL_FORM = "legal_form"
    WORKER_OWNED = "worker_owned"
    SURPLUS_TO_WORKERS_ONLY = "surplus_to_workers_only"
    PRIVATE_PROFIT_FROM_WAGE_LABOUR = "private_profit_from_wage_labour"
    SSE_ENTERPRISE = "sse_enterprise"
    COOP_WITH_EMPLOYED_WORKERS = "coop_with_employed_workers"
    ACCEPTS_HUMAN_RIGHTS_TERMS = "accepts_human_rights_terms"
    CONTRIBUTED_RELEASES = "contributed_releases"


# Each fact as something that is asked of the one who acts.
FACT_WORDS: dict[Fact, str] = {
    Fact.LEGAL_FORM: "whether a person, a business, a cooperative, a non-profit or a public body",
    Fact.WORKER_OWNED: "whether those who work there own it",
    Fact.SURPLUS_TO_WORKERS_ONLY: "whether all gain goes to those who work there",
    Fact.PRIVATE_PROFIT_FROM_WAGE_LABOUR: (
        "whether it is privately owned and seeks profit from the work of paid employees"
    ),
    Fact.SSE_ENTERPRISE: "whether it is a social and solidarity enterprise by law",
    Fact.COOP_WITH_EMPLOYED_WORKERS: "whether it is a cooperative in which workers are employees",
    Fact.ACCEPTS_HUMAN_RIGHTS_TERMS: "whether the licence's terms on human rights are accepted",
    Fact.CONTRIBUTED_RELEASES: "whether they took part in a release of this design",
}


class Duty(StrEnum):
    """What is owed for what a licence allows."""

    KEEP_NOTICES = "keep_notices"
    GIVE_CREDIT = "give_credit"
    LINK_LICENCE = "link_licence"
    SAY_CHANGED = "say_changed"
    SAME_LICENCE = "same_licence"
    NO_LOCKS = "no_locks"
    NOTICES_WITH_PRODUCT = "notices_with_product"
    SOURCE_WITH_PRODUCT = "source_with_product"
    SOURCE_ON_PRODUCT = "source_on_product"
    OFFER_SOURCE = "offer_source"
    NETWORK_SOURCE = "network_source"
    SHOW_ORIGINALS = "show_originals"
    MAIL_LICENSORS = "mail_licensors"
    STAY_NON_COMMERCIAL = "stay_non_commercial"
    PUBLISH_SOURCE = "publish_source"
    HUMAN_RIGHTS = "human_rights"
    ANOTHER_TITLE = "another_title"
    KEEP_INVARIANT = "keep_invariant"
    AS_AGREED = "as_agreed"


DUTY_WORDS: dict[Duty, str] = {
    Duty.KEEP_NOTICES: later("keep every notice of copyright, licence and warranty in the files"),
    Duty.GIVE_CREDIT: later("name the title and its authors, and link to where it comes from"),
    Duty.LINK_LICENCE: later("hand over the licence's text, or a link to it"),
    Duty.SAY_CHANGED: later("say that it was changed, when, and in short how"),
    Duty.SAME_LICENCE: later(
        "what is published has the same licence, or one that it names as compatible"
    ),
    Duty.NO_LOCKS: later("add no terms and no technical locks that take these rights from others"),
    Duty.NOTICES_WITH_PRODUCT: later(
        "whoever gets the thing can read the notices that belong to it"
    ),
    Duty.SOURCE_WITH_PRODUCT: later(
        "whoever gets the thing gets its complete source, or is told where it is"
    ),
    Duty.SOURCE_ON_PRODUCT: later(
        "where a notice asks for it, the thing shows where its source is"
    ),
    Duty.OFFER_SOURCE: later("whoever gets the finished file gets its source, or an offer of it"),
    Duty.NETWORK_SOURCE: later("whoever uses it over a network is offered its source"),
    Duty.SHOW_ORIGINALS: later(
        "list the changes in a file, and keep each changed file as it was beside "
        "the new one, in an open format"
    ),
    Duty.MAIL_LICENSORS: later(
        "e-mail the changed documentation to every licensor who left an address"
    ),
    Duty.STAY_NON_COMMERCIAL: later(
        "neither this nor what is made of it is for commercial advantage or pay"
    ),
    Duty.PUBLISH_SOURCE: later("publish the source of what is changed, under the same licence"),
    Duty.HUMAN_RIGHTS: later("use it as the licence's terms on human rights ask"),
    Duty.ANOTHER_TITLE: later("what is changed has another title than what it was made from"),
    Duty.KEEP_INVARIANT: later(
        "keep as they are the sections and covers that its notice calls invariant"
    ),
    Duty.AS_AGREED: later("what was agreed with the licensor is given"),
}


class Evidence(StrEnum):
    """How well a row of the table is known."""

    READ = "read"  # in the licence's own text
    REPORTED = "reported"  # in what its authors or others say of it
    GENERAL = "general"  # general knowledge, not checked against the text here


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that must be so for a rule to hold: the fact is one of `values`. A number counts
    as true when it is more than none."""

    fact: Fact
    values: tuple[object, ...]

    def met_by(self, actor: Actor) -> bool | None:
        """Whether it is so; None when it is not known."""
        known = actor.known(self.fact)
        return None if known is None else known in self.values


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: who meets all `needs` gets this answer, by this clause, at these duties."""

    permission: Permission
    clause: str
    reason: str
    duties: tuple[Duty, ...] = ()
    needs: tuple[Need, ...] = ()


class Forks(StrEnum):
    """Under what a fork may be published."""

    ANY = "any"
    LISTED = "listed"
    NON_COMMERCIAL = "non_commercial"  # any licence that keeps the reservation
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ForkTerms:
    """What a licence says of a fork's licence. `asked` are licences that may do on the condition
    `asked_if`, which only people can judge; `beside` is what has to be so of parts under other
    licences in one assembly, empty for nothing."""

    forks: Forks
    clause: str
    listed: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    beside: str = ""
    asked_if: str = "all its components may, too"


def clause_of(id: str, clause: str) -> str:
    """A clause with the licence that it stands in."""
    return f"{id} {clause}" if clause.startswith("s.") else f"{id}, {clause}"


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as this program understands it.

    `rules` answers each event; the first rule whose needs are met counts, the last has none.
    `open_hardware`: it meets the Open Source Hardware Definition, for whoever and whatever.
    """

    id: str
    name: str
    open_hardware: bool
    evidence: Evidence
    rules: Mapping[Event, tuple[Rule, ...]]
    forks: ForkTerms


def rules_by_event(
    groups: Iterable[tuple[Iterable[Event], Rule | tuple[Rule, ...]]],
) -> dict[Event, tuple[Rule, ...]]:
    """Rules written for several events at once, one entry an event."""
    return {
        event: rules if isinstance(rules, tuple) else (rules,)
        for events, rules in groups
        for event in events
    }


def allow(clause: str, reason: str, *duties: Duty, needs: tuple[Need, ...] = ()) -> Rule:
    """A rule that allows, at its duties where it has some."""
    permission = Permission.ALLOW_WITH_DUTIES if duties else Permission.ALLOW
    return Rule(permission, clause, reason, duties, needs)


def ask(clause: str, reason: str, *, needs: tuple[Need, ...] = ()) -> Rule:
    """A rule by which the licensor is asked."""
    return Rule(Permission.ASK, clause, reason, (), needs)


def deny(clause: str, reason: str, *, needs: tuple[Need, ...] = ()) -> Rule:
    """A rule by which it is not allowed."""
    return Rule(Permission.DENY, clause, reason, (), needs)


def yes(*facts: Fact) -> tuple[Need, ...]:
    """All of these facts hold."""
    return tuple(Need(fact, (True,)) for fact in facts)


def form(*forms: LegalForm) -> tuple[Need, ...]:
    """Whoever acts has one of these legal forms."""
    return (Need(Fact.LEGAL_FORM, forms),)
