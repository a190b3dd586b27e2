"""The rules of licences that ask something back: from whom, and what makes somebody a peer.

They are a promise among people as much as a licence: copyright covers files, and seldom reaches
the making of a useful thing. None of them is open source hardware, and none can be put over work
under a share-alike licence. What they keep back, their licensor may grant.
"""

from commons.licences.reserved_licences import CREDIT, PRIVATE, TRADE, unless_a_business
from commons.licences.terms import (
    Duty,
    Event,
    Evidence,
    Fact,
    Forks,
    ForkTerms,
    LegalForm,
    Licence,
    Rule,
    allow,
    ask,
    deny,
    form,
    rules_by_event,
    yes,
)
from commons.texts import later

E, D, F = Event, Duty, Fact
COPYFAIR_PREFIX = "LicenseRef-CopyFair-"


def _ppl() -> Licence:
    """The text forbids *any* use by the businesses of s.4(d), and says nothing of non-profits."""
    shut = deny(
        "s.4(d)",
        "a privately owned business that profits from the work of paid employees may not use it",
        needs=yes(F.PRIVATE_PROFIT_FROM_WAGE_LABOUR),
    )
    credit = (D.GIVE_CREDIT, D.LINK_LICENCE, D.KEEP_NOTICES)
    changed = (*credit, D.SAY_CHANGED, D.SAME_LICENCE)
    others = "s.3, s.4(b)"
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], (shut, allow("s.3(a)", "everybody else may have it"))),
            ([E.MAKE_OWN_USE], (shut, allow(others, "it may be made while nobody earns by it"))),
            ([E.MAKE_GIFT], (shut, allow(others, "it may be made and given away", *credit))),
            (TRADE, (shut, *_ppl_trade(credit))),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                (
                    shut,
                    allow("s.3(b), s.4(a)", "it may be changed while nobody earns by it", *changed),
                ),
            ),
            (
                [E.FEDERATE],
                (shut, allow("s.3(c), s.4(a)", "copies may be passed on", *credit, D.NO_LOCKS)),
            ),
        ]
    )
    # Whether changed work must keep the licence the text leaves open; its summaries say so.
    fork = ForkTerms(Forks.LISTED, "s.4(a)", ("PPL",), (), changed)
    return Licence("PPL", "Peer Production License", False, Evidence.READ, rules, fork)


def _ppl_trade(credit: tuple[Duty, ...]) -> tuple[Rule, ...]:
    peers = yes(F.WORKER_OWNED, F.SURPLUS_TO_WORKERS_ONLY)
    return (
        allow("s.4(c)", "those who work there own it and have all its gain", *credit, needs=peers),
        ask(
            "s.4(c)",
            "commerce is for worker-owned businesses whose whole gain goes to their "
            "worker-owners; others need a grant",
        ),
    )


def _coopyleft() -> Licence:
    clause = "Commercial use, (a) and (b)"
    both = yes(F.SSE_ENTERPRISE, F.COOP_WITH_EMPLOYED_WORKERS)
    trade = (
        allow(clause, "it is such a cooperative", D.OFFER_SOURCE, needs=both),
        deny(
            clause,
            "commerce is for social and solidarity enterprises that are cooperatives whose workers "
            "are employees; others need a grant",
        ),
    )
    changed = (D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE, D.NETWORK_SOURCE)
    base = "AGPL-3.0 terms"
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(base, "everybody may have it")),
            (PRIVATE, unless_a_cooperative(base, "it may be made while nobody earns by it")),
            (TRADE, trade),
            ((E.PUBLISH_FORK, E.COMBINE), allow(base, "it may be changed, and stays so", *changed)),
            ([E.FEDERATE], allow(base, "copies may be passed on", D.KEEP_NOTICES, D.OFFER_SOURCE)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, base, ("LicenseRef-Coopyleft",), (), changed)
    name = "Coopyleft (CoopCycle)"
    return Licence("LicenseRef-Coopyleft", name, False, Evidence.REPORTED, rules, fork)


def unless_a_cooperative(clause: str, reason: str) -> tuple[Rule, ...]:
    """As `unless_a_business`, and cooperatives may, too."""
    peers = allow(clause, reason, needs=form(LegalForm.COOPERATIVE))
    return (peers, *unless_a_business(clause, reason))


def _cooperative_licence() -> Licence:
    free = "basic terms: worker cooperatives and non-profits"
    others = "basic terms: everybody else"
    source = (D.PUBLISH_SOURCE,)

    def made(reason: str) -> tuple[Rule, ...]:
        return (
            allow(free, reason, needs=yes(F.WORKER_OWNED)),
            allow(free, reason, needs=form(LegalForm.NONPROFIT)),
            allow(others, "others may, if they publish the source of what they change", *source),
        )

    changed = (D.KEEP_NOTICES, D.SAME_LICENCE, D.PUBLISH_SOURCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(others, "everybody may have it")),
            (
                (*PRIVATE, *TRADE),
                made(later("worker-owned cooperatives and non-profits may, freely")),
            ),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                allow(others, "it may be changed, and stays so", *changed),
            ),
            ([E.FEDERATE], allow(others, "copies may be passed on", D.KEEP_NOTICES)),
        ]
    )
    own = "LicenseRef-Cooperative"
    fork = ForkTerms(Forks.LISTED, others, (own, "AGPL-3.0-only"), (), changed)
    return Licence(own, "Cooperative License", False, Evidence.REPORTED, rules, fork)


def _fairshares() -> Licence:
    """The enterprise and its members act by grants; everybody else has the public licence."""
    clause = "public licence: CC-BY-NC-SA-4.0"
    changed = (*CREDIT, D.SAY_CHANGED, D.STAY_NON_COMMERCIAL, D.SAME_LICENCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(clause, "everybody may have it")),
            (PRIVATE, unless_a_business(clause, "it may be made while nobody earns by it")),
            (
                TRADE,
                ask("members' rights", "commerce is for the enterprise of its authors; it grants"),
            ),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                unless_a_business(clause, "it may be changed while nobody earns by it", *changed),
            ),
            ([E.FEDERATE], unless_a_business(clause, "copies may be passed on", *CREDIT)),
        ]
    )
    own = "LicenseRef-FairShares-Commons"
    fork = ForkTerms(Forks.LISTED, clause, (own, "CC-BY-NC-SA-4.0"), (), changed)
    return Licence(own, "FairShares Commons", False, Evidence.REPORTED, rules, fork)


def _coopyright() -> Licence:
    """Two public licences and a membership test: CC-BY-SA-4.0 inside, CC-BY-NC-ND-4.0 outside."""
    inside, outside = "among contributors: CC-BY-SA-4.0", "for the public: CC-BY-NC-ND-4.0"
    contributed = yes(F.CONTRIBUTED_RELEASES)
    shared = (*CREDIT, D.SAY_CHANGED, D.SAME_LICENCE)
    peer = allow(inside, "they took part in it", needs=contributed)
    trade = ask(outside, "commerce is for those who take part; others need a grant")
    changed = (
        allow(inside, "they took part in it", *shared, needs=contributed),
        deny(outside, "changes are published by those who take part"),
    )
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(outside, "everybody may have it")),
            (
                PRIVATE,
                (peer, *unless_a_business(outside, "it may be made while nobody earns by it")),
            ),
            (TRADE, (peer, trade)),
            ((E.PUBLISH_FORK, E.COMBINE), changed),
            (
                [E.FEDERATE],
                unless_a_business(outside, "unchanged copies may be passed on", *CREDIT),
            ),
        ]
    )
    own = "LicenseRef-Coopyright"
    fork = ForkTerms(Forks.LISTED, inside, (own,), (), shared)
    return Licence(own, "Coopyright (La Coop des Communs)", False, Evidence.REPORTED, rules, fork)


def copyfair_agreement(id: str) -> Licence:
    """A platform's agreement over a non-commercial base: free in the commons; who earns by it
    takes part or pays, and that is a grant."""
    clause = "agreement, commercial use"
    free = "agreement, use in the commons"
    changed = (*CREDIT, D.SAY_CHANGED, D.SAME_LICENCE)
    surplus = yes(F.SURPLUS_TO_WORKERS_ONLY)
    trade = (
        allow(clause, "they took part in it", *CREDIT, needs=yes(F.CONTRIBUTED_RELEASES)),
        allow(clause, "its gain stays with those who work there", *CREDIT, needs=surplus),
        allow(clause, "it serves its mission", *CREDIT, needs=form(LegalForm.NONPROFIT)),
        ask(clause, "who earns by it takes part or pays: ask its steward for a quote"),
    )
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(free, "everybody may have it")),
            (PRIVATE, unless_a_cooperative(free, "it is free in the commons")),
            (TRADE, trade),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                allow(free, "a fork stays under the agreement", *changed),
            ),
            ([E.FEDERATE], allow(free, "copies may be passed on", *CREDIT)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, free, (id,), (), changed)
    return Licence(id, "CopyFair agreement", False, Evidence.REPORTED, rules, fork)


COPYFAIR = (_ppl(), _coopyleft(), _cooperative_licence(), _fairshares(), _coopyright())
