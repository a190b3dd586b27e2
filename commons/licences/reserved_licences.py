"""The rules of licences that keep something back: commerce, changes, or everything.

None of them is open source hardware: its definition allows no reserve of persons or ends.
"""

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

E, D = Event, Duty
TRADE = (E.MAKE_FOR_PAY, E.SELL_PRODUCT)
PRIVATE = (E.MAKE_OWN_USE, E.MAKE_GIFT)
CREDIT = (D.GIVE_CREDIT, D.LINK_LICENCE, D.NO_LOCKS)
ALL_RIGHTS_RESERVED = "LicenseRef-NONE"

_NOT_A_BUSINESS = form(LegalForm.INDIVIDUAL, LegalForm.NONPROFIT, LegalForm.PUBLIC_BODY)


def unless_a_business(clause: str, reason: str, *duties: Duty) -> tuple[Rule, ...]:
    """Whoever is no business may; what a business does is hardly ever free of commerce."""
    return (
        allow(clause, reason, *duties, needs=_NOT_A_BUSINESS),
        ask(
            clause, "what a business does is seldom free of commercial advantage; its licensor says"
        ),
    )


def _trade(clause: str) -> Rule:
    return ask(
        clause,
        "it is not for commercial advantage or pay; a fee beyond cost needs the licensor's leave",
    )


def _cc_nc(
    id: str, name: str, granted: str, reserved: str, *, share_alike: tuple[str, ...] = ()
) -> Licence:
    same = (D.SAME_LICENCE,) if share_alike else ()
    changed = (*CREDIT, D.SAY_CHANGED, D.STAY_NON_COMMERCIAL, *same)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(granted, "everybody may have it")),
            (PRIVATE, unless_a_business(reserved, "it may be made while nobody earns by it")),
            (TRADE, _trade(reserved)),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                unless_a_business(granted, "it may be changed while nobody earns by it", *changed),
            ),
            ([E.FEDERATE], unless_a_business(granted, "copies may be passed on", *CREDIT)),
        ]
    )
    forks = Forks.LISTED if share_alike else Forks.NON_COMMERCIAL
    fork = ForkTerms(forks, granted, share_alike, (), changed)
    return Licence(id, name, False, Evidence.GENERAL, rules, fork)


def _cc_nd(
    id: str, name: str, granted: str, reserved: str, *, non_commercial: bool = False
) -> Licence:
    unchanged = deny(granted, "only unchanged copies may be passed on; a change stays at home")
    made: tuple[Rule, ...] = (allow(granted, "everybody may make it as it is"),)
    traded = made
    copied: tuple[Rule, ...] = (allow(granted, "unchanged copies may be passed on", *CREDIT),)
    if non_commercial:
        made = unless_a_business(reserved, "it may be made as it is while nobody earns by it")
        traded = (_trade(reserved),)
        copied = unless_a_business(granted, "unchanged copies may be passed on", *CREDIT)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(granted, "everybody may have it")),
            (PRIVATE, made),
            (TRADE, traded),
            ((E.PUBLISH_FORK, E.COMBINE), unchanged),
            ([E.FEDERATE], copied),
        ]
    )
    return Licence(id, name, False, Evidence.GENERAL, rules, ForkTerms(Forks.NONE, granted))


def _polyform_nc() -> Licence:
    noted = (D.KEEP_NOTICES, D.LINK_LICENCE)
    organisations = form(LegalForm.NONPROFIT, LegalForm.PUBLIC_BODY)
    made = (
        allow("Noncommercial Organizations", "such organisations may use it", needs=organisations),
        allow("Personal Uses", "it may be made for oneself", needs=form(LegalForm.INDIVIDUAL)),
        ask("Noncommercial Purposes", "a business needs the licensor's leave"),
    )
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("Copyright License", "everybody may have it")),
            (PRIVATE, made),
            (TRADE, ask("Noncommercial Purposes", "commerce needs the licensor's leave")),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                unless_a_business(
                    "Changes and New Works License",
                    "it may be changed while nobody earns by it",
                    *noted,
                    D.STAY_NON_COMMERCIAL,
                ),
            ),
            (
                [E.FEDERATE],
                unless_a_business("Distribution License", "copies may be passed on", *noted),
            ),
        ]
    )
    fork = ForkTerms(Forks.NON_COMMERCIAL, "Changes and New Works License", (), (), noted)
    name = "PolyForm Noncommercial 1.0.0"
    return Licence("PolyForm-Noncommercial-1.0.0", name, False, Evidence.GENERAL, rules, fork)


def _hippocratic() -> Licence:
    accepted = yes(Fact.ACCEPTS_HUMAN_RIGHTS_TERMS)
    ends = "Compliance with Human Rights Principles and Human Rights Laws"

    def for_those_who_accept(reason: str, *duties: Duty) -> tuple[Rule, ...]:
        return (
            allow(ends, reason, *duties, D.HUMAN_RIGHTS, needs=accepted),
            deny(ends, "nobody may use it who does not accept its terms on human rights"),
        )

    noted = (D.KEEP_NOTICES, D.LINK_LICENCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("Acceptance", "everybody may have it; to use it is to accept it")),
            (
                (*PRIVATE, *TRADE),
                for_those_who_accept(later("it may be made for whatever end it allows")),
            ),
            (
                (E.PUBLISH_FORK, E.COMBINE),
                for_those_who_accept(later("it may be changed"), *noted, D.SAY_CHANGED),
            ),
            ([E.FEDERATE], for_those_who_accept("copies may be passed on", *noted)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, "Notice", ("Hippocratic-2.1",), (), (*noted, D.SAY_CHANGED))
    return Licence("Hippocratic-2.1", "Hippocratic License 2.1", False, Evidence.READ, rules, fork)


def _nothing_granted(id: str, name: str) -> Licence:
    """Nobody has licensed anything: what the law reserves is reserved."""
    clause = "no licence was given"
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], ask(clause, "nobody said that it may be copied")),
            ((*PRIVATE, *TRADE), ask(clause, "nobody said that it may be made")),
            ((E.PUBLISH_FORK, E.COMBINE), deny(clause, "nobody said that it may be changed")),
            ([E.FEDERATE], deny(clause, "its files stay where its author put them")),
        ]
    )
    return Licence(id, name, False, Evidence.GENERAL, rules, ForkTerms(Forks.NONE, clause))


def _versions(kind: str) -> list[tuple[str, str, str, str]]:
    """Id, name, the clause that grants and the one that reserves commerce, of each version."""
    words = {"NC": "NonCommercial", "ND": "NoDerivatives", "SA": "ShareAlike"}
    name = "-".join(["Attribution", *(words[part] for part in kind.split("-"))])
    found = []
    for version in ("1.0", "2.0", "2.5", "3.0", "4.0"):
        granted, reserved = (
            ("s.2(a)(1)", "s.1, NonCommercial") if version == "4.0" else ("s.3", "s.4")
        )
        id_ = f"CC-BY-{kind}-{version}"
        found.append((id_, f"Creative Commons {name} {version}", granted, reserved))
    return found


NON_COMMERCIAL = (
    *(_cc_nc(*row) for row in _versions("NC")),
    *(
        # Version 1.0 knows no later ones.
        _cc_nc(*row, share_alike=tuple(it[0] for it in _versions("NC-SA")[at : None if at else 1]))
        for at, row in enumerate(_versions("NC-SA"))
    ),
    _polyform_nc(),
)
NO_DERIVATIVES = (
    *(_cc_nd(*row) for row in _versions("ND")),
    *(_cc_nd(*row, non_commercial=True) for row in _versions("NC-ND")),
)
ETHICAL = (_hippocratic(),)
NOTHING = (
    _nothing_granted(ALL_RIGHTS_RESERVED, "No licence"),
    _nothing_granted("LicenseRef-NOASSERTION", "Nobody has said which licence"),
    _nothing_granted("LicenseRef-Proprietary", "All rights reserved"),
)
