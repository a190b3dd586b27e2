"""The rules of licences that meet the Open Source Hardware Definition: permissive, then reciprocal.

Clauses are those of each licence's own text, or of version 3 or 4 for a family of versions.
"""

from commons.licences.terms import (
    Duty,
    Event,
    Evidence,
    Forks,
    ForkTerms,
    Licence,
    allow,
    rules_by_event,
)
from commons.texts import later

E, D = Event, Duty
_MAKING = (E.MAKE_OWN_USE, E.MAKE_GIFT, E.MAKE_FOR_PAY, E.SELL_PRODUCT)
_HANDING_OVER = (E.MAKE_GIFT, E.MAKE_FOR_PAY, E.SELL_PRODUCT)
_CHANGING = (E.PUBLISH_FORK, E.COMBINE)


def _public_domain(
    id: str,
    name: str,
    clause: str,
    evidence: Evidence,
    reason: str = later("its authors gave up what the law let them give up"),
) -> Licence:
    free = allow(clause, reason)
    fork = ForkTerms(Forks.ANY, clause)
    return Licence(id, name, True, evidence, rules_by_event([(Event, free)]), fork)


def _notices(id: str, name: str, clause: str, *, changes: bool = False) -> Licence:
    """Licences for software that ask for their notices and no more."""
    kept = (D.KEEP_NOTICES, D.SAY_CHANGED) if changes else (D.KEEP_NOTICES,)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(clause, "everybody may have it")),
            (_MAKING, allow(clause, "everybody may make it, for whatever end")),
            (_CHANGING, allow(clause, "it may be changed and go into other work", *kept)),
            ([E.FEDERATE], allow(clause, "copies may be passed on", D.KEEP_NOTICES)),
        ]
    )
    return Licence(
        id, name, True, Evidence.GENERAL, rules, ForkTerms(Forks.ANY, clause, (), (), kept)
    )


def _cc_by(id: str, name: str, granted: str, asked: str) -> Licence:
    owed = (D.GIVE_CREDIT, D.LINK_LICENCE, D.NO_LOCKS)
    changed = (*owed, D.SAY_CHANGED)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(granted, "everybody may have it")),
            (
                _MAKING,
                allow(granted, "everybody may make it; credit beside the thing is good custom"),
            ),
            (_CHANGING, allow(asked, "it may be changed and go into other work", *changed)),
            ([E.FEDERATE], allow(asked, "copies may be passed on", *owed)),
        ]
    )
    return Licence(
        id, name, True, Evidence.GENERAL, rules, ForkTerms(Forks.ANY, asked, (), (), changed)
    )


def _cc_by_sa(
    id: str,
    name: str,
    granted: str,
    asked: str,
    onwards: tuple[str, ...],
    *,
    say_changed: bool = True,
) -> Licence:
    owed = (D.GIVE_CREDIT, D.LINK_LICENCE, D.NO_LOCKS)
    said = (D.SAY_CHANGED,) if say_changed else ()
    changed = (*owed, *said, D.SAME_LICENCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(granted, "everybody may have it")),
            (
                _MAKING,
                allow(granted, "everybody may make it; credit beside the thing is good custom"),
            ),
            (_CHANGING, allow(asked, "what is made of it stays as free as it is", *changed)),
            ([E.FEDERATE], allow(asked, "copies may be passed on", *owed)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, asked, onwards, (), changed)
    return Licence(id, name, True, Evidence.GENERAL, rules, fork)


def _cern_p() -> Licence:
    kept = (D.KEEP_NOTICES, D.SAY_CHANGED)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.3.1", "everybody may have it")),
            ([E.MAKE_OWN_USE], allow("s.4", "everybody may make it")),
            (
                _HANDING_OVER,
                allow("s.4", "everybody may make it and hand it over", D.NOTICES_WITH_PRODUCT),
            ),
            (_CHANGING, allow("s.3.3", "it may be changed and go into other work", *kept)),
            ([E.FEDERATE], allow("s.3.1", "copies may be passed on", D.KEEP_NOTICES)),
        ]
    )
    return Licence(
        "CERN-OHL-P-2.0",
        "CERN Open Hardware Licence 2, permissive",
        True,
        Evidence.READ,
        rules,
        ForkTerms(Forks.ANY, "s.3.4", (), (), kept),
    )


def _cern_reciprocal(
    id: str, name: str, onwards: tuple[str, ...], asked: tuple[str, ...], combined: str, beside: str
) -> Licence:
    owed = (D.SOURCE_WITH_PRODUCT, D.SOURCE_ON_PRODUCT)
    changed = (D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.3.1", "everybody may have it")),
            ([E.MAKE_OWN_USE], allow("s.4", "everybody may make it; nothing is owed for own use")),
            (_HANDING_OVER, allow("s.4", "everybody may make it and hand it over", *owed)),
            (
                [E.PUBLISH_FORK],
                allow("s.3.3", "it may be changed, and the fork stays under the licence", *changed),
            ),
            ([E.COMBINE], allow("s.3.3(d)", combined, *changed)),
            ([E.FEDERATE], allow("s.3.1", "copies may be passed on", D.KEEP_NOTICES)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, "s.3.3(d)", onwards, asked, changed, beside)
    return Licence(id, name, True, Evidence.READ, rules, fork)


def _cern_1(id: str, name: str, onwards: tuple[str, ...]) -> Licence:
    changed = (D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.3.2", "everybody may have it")),
            ([E.MAKE_OWN_USE], allow("s.4.1", "everybody may make it")),
            (
                _HANDING_OVER,
                allow("s.4.1", "everybody may make it and hand it over", D.SOURCE_WITH_PRODUCT),
            ),
            (_CHANGING, allow("s.3.4", "it may be changed, and stays under the licence", *changed)),
            ([E.FEDERATE], allow("s.3.2", "copies may be passed on", D.KEEP_NOTICES)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, "s.3.4(e)", onwards, (), changed)
    evidence = Evidence.READ if id == "CERN-OHL-1.2" else Evidence.GENERAL
    return Licence(id, name, True, evidence, rules, fork)


def _tapr() -> Licence:
    changed = (D.KEEP_NOTICES, D.SHOW_ORIGINALS, D.SAME_LICENCE, D.LINK_LICENCE, D.MAIL_LICENSORS)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.4.1", "everybody may have it")),
            (
                [E.MAKE_OWN_USE],
                allow(
                    "s.5.1", "everybody may make it, or have a lab make it", D.NOTICES_WITH_PRODUCT
                ),
            ),
            (
                _HANDING_OVER,
                allow(
                    "s.5.2",
                    "everybody may hand it over with its documentation, an offer of it that "
                    "stands for three years, or an address where it stays for three years",
                    D.NOTICES_WITH_PRODUCT,
                    D.SOURCE_WITH_PRODUCT,
                ),
            ),
            (
                _CHANGING,
                allow("s.3, s.4.2", "it may be changed, and stays under the licence", *changed),
            ),
            (
                [E.FEDERATE],
                allow("s.4.1", "unchanged copies may be passed on", D.KEEP_NOTICES, D.LINK_LICENCE),
            ),
        ]
    )
    fork = ForkTerms(Forks.LISTED, "s.4.2(c)", ("TAPR-OHL-1.0",), (), changed)
    return Licence("TAPR-OHL-1.0", "TAPR Open Hardware License", True, Evidence.READ, rules, fork)


_CERN_S = "CERN-OHL-S-2.0"
_CERN_1_ONWARDS = ("CERN-OHL-1.2", _CERN_S)

PERMISSIVE = (
    _public_domain("CC0-1.0", "Creative Commons Zero", "s.2", Evidence.GENERAL),
    _public_domain("CC-PDDC", "Public domain dedication", "the dedication", Evidence.GENERAL),
    _public_domain(
        "CC-PDM-1.0",
        "Public Domain Mark",
        "the mark",
        Evidence.READ,
        later("whoever marked it knows of no rights in it"),
    ),
    _public_domain("Unlicense", "The Unlicense", "the dedication", Evidence.GENERAL),
    _public_domain("PDDL-1.0", "Public Domain Dedication and License", "s.3", Evidence.GENERAL),
    _public_domain("WTFPL", "Do What The F*ck You Want To", "the terms", Evidence.GENERAL),
    _public_domain("0BSD", "BSD Zero Clause", "the grant", Evidence.GENERAL),
    _notices("Beerware", "Beerware License", "the condition of the grant"),
    _notices("MIT", "MIT License", "the condition of the grant"),
    _public_domain("MIT-0", "MIT No Attribution", "the grant", Evidence.GENERAL),
    _notices("X11", "X11 License", "the condition of the grant"),
    _notices("BSL-1.0", "Boost Software License 1.0", "the condition of the grant"),
    _notices("ISC", "ISC License", "the condition of the grant"),
    _notices("Zlib", "zlib License", "conditions 1 to 3", changes=True),
    _notices("BSD-1-Clause", "BSD 1-Clause", "condition 1"),
    _notices("BSD-2-Clause", "BSD 2-Clause", "conditions 1 and 2"),
    _notices("BSD-3-Clause", "BSD 3-Clause", "conditions 1 to 3"),
    _notices("Apache-2.0", "Apache License 2.0", "s.4", changes=True),
    _notices("SHL-0.5", "Solderpad Hardware License 0.5", "s.4", changes=True),
    _notices("SHL-0.51", "Solderpad Hardware License 0.51", "s.4", changes=True),
    _cc_by("CC-BY-1.0", "Creative Commons Attribution 1.0", "s.3", "s.4"),
    _cc_by("CC-BY-2.0", "Creative Commons Attribution 2.0", "s.3", "s.4"),
    _cc_by("CC-BY-2.5", "Creative Commons Attribution 2.5", "s.3", "s.4"),
    _cc_by("CC-BY-3.0", "Creative Commons Attribution 3.0", "s.3", "s.4"),
    _cc_by("CC-BY-4.0", "Creative Commons Attribution 4.0", "s.2(a)(1)", "s.3(a)"),
    _cern_p(),
)

RECIPROCAL = (
    # Version 1.0 knows no later ones; from 2.0 on a fork may move up, never down (s.4(b) of each).
    _cc_by_sa(
        "CC-BY-SA-1.0",
        "Creative Commons Attribution-ShareAlike 1.0",
        "s.3",
        "s.4(b)",
        ("CC-BY-SA-1.0",),
    ),
    _cc_by_sa(
        "CC-BY-SA-2.0",
        "Creative Commons Attribution-ShareAlike 2.0",
        "s.3",
        "s.4(b)",
        ("CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    ),
    _cc_by_sa(
        "CC-BY-SA-2.5",
        "Creative Commons Attribution-ShareAlike 2.5",
        "s.3",
        "s.4(b)",
        ("CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    ),
    _cc_by_sa(
        "CC-BY-SA-3.0",
        "Creative Commons Attribution-ShareAlike 3.0",
        "s.3",
        "s.4(b)",
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    ),
    # GPL-3.0 is a one-way street: nothing comes back from it.
    _cc_by_sa(
        "CC-BY-SA-4.0",
        "Creative Commons Attribution-ShareAlike 4.0",
        "s.2(a)(1)",
        "s.3(b)",
        ("CC-BY-SA-4.0", "LAL-1.3", "GPL-3.0-only"),
    ),
    # s.6 lets everybody choose a later version.
    _cc_by_sa(
        "LAL-1.2",
        "Free Art License 1.2",
        "s.2.1",
        "s.2.2, s.3",
        ("LAL-1.2", "LAL-1.3"),
        say_changed=False,
    ),
    _cc_by_sa("LAL-1.3", "Free Art License 1.3", "s.2", "s.3", ("LAL-1.3", "CC-BY-SA-4.0")),
    _cern_reciprocal(
        "CERN-OHL-W-2.0",
        "CERN Open Hardware Licence 2, weakly reciprocal",
        ("CERN-OHL-W-2.0",),
        (_CERN_S,),  # s.8.3: if every Available Component meets the stronger licence's meaning
        later(
            "other people's parts keep their licences where they meet it only at a documented "
            "interface; the rest stays under the licence"
        ),
        "parts under other licences have to meet it at a documented interface, or be ones that "
        "anybody can get",
    ),
    _cern_reciprocal(
        _CERN_S,
        "CERN Open Hardware Licence 2, strongly reciprocal",
        (_CERN_S,),
        (),
        later(
            "the larger work comes under the licence as a whole, but for components that anybody "
            "can get"
        ),
        "each part under another licence has to be one that anybody can get (an Available "
        "Component)",
    ),
    # s.1 of CERN-OHL-S-2.0 names every earlier version as compatible.
    _cern_1("CERN-OHL-1.1", "CERN Open Hardware Licence 1.1", ("CERN-OHL-1.1", *_CERN_1_ONWARDS)),
    _cern_1("CERN-OHL-1.2", "CERN Open Hardware Licence 1.2", _CERN_1_ONWARDS),
    _tapr(),
)
