"""The rules of licences that single projects wrote for their software or fonts.

Eclipse, the Open Software License, France's CeCILL, Perl's Artistic License, SIL's for fonts.
Clauses are those of each licence's own text, `art.` where it counts articles.
"""

from commons.licences.software_licences import MADE
from commons.licences.terms import (
    Duty,
    Event,
    Evidence,
    Forks,
    ForkTerms,
    Licence,
    Rule,
    allow,
    ask,
    rules_by_event,
)

E, D = Event, Duty
_MAKING = (E.MAKE_OWN_USE, E.MAKE_GIFT, E.MAKE_FOR_PAY, E.SELL_PRODUCT)
_NOTED = (D.KEEP_NOTICES, D.LINK_LICENCE)
_GPL = ("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later")
_AGPL = ("AGPL-3.0-only", "AGPL-3.0-or-later")


def _rules(
    had: Rule, made: Rule, forked: Rule, combined: Rule, passed_on: Rule
) -> dict[Event, tuple[Rule, ...]]:
    return rules_by_event(
        [
            ([E.DOWNLOAD], had),
            (_MAKING, made),
            ([E.PUBLISH_FORK], forked),
            ([E.COMBINE], combined),
            ([E.FEDERATE], passed_on),
        ]
    )


def _eclipse(id: str, s: dict[str, str], fork: ForkTerms) -> Licence:
    """It says of itself that no hardware is licensed by it, so the making of things is asked."""
    rules = _rules(
        allow("s.2(a)", "everybody may have it"),
        ask("s.2(b)", "it says that no hardware per se is licensed by it"),
        allow(s["source"], "it may be changed, and stays under the licence", *fork.duties),
        allow(
            s["combine"],
            "modules beside it may have their own terms; its files keep theirs",
            *_NOTED,
            D.OFFER_SOURCE,
        ),
        allow(s["source"], "copies may be passed on", *_NOTED),
    )
    name = f"Eclipse Public License {id.removeprefix('EPL-')}"
    return Licence(id, name, False, Evidence.READ, rules, fork)


def _osl() -> Licence:
    changed = (
        D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE, D.NETWORK_SOURCE
    )  # fmt: skip
    stays = "it may be changed, and stays under the licence"
    rules = _rules(
        allow("s.1(a)", "everybody may have it"),
        allow("s.1(a), s.2", MADE),
        allow("s.1(c), s.6", stays, *changed),
        allow("s.1(c), s.6", stays, *changed),
        allow("s.1(c)", "copies may be passed on", D.KEEP_NOTICES, D.OFFER_SOURCE),
    )
    fork = ForkTerms(Forks.LISTED, "s.1(c)", ("OSL-3.0",), (), changed)
    return Licence("OSL-3.0", "Open Software License 3.0", True, Evidence.READ, rules, fork)


def _cecill(id: str, onwards: tuple[str, ...]) -> Licence:
    """The French counterpart of the GPL."""
    changed = (*_NOTED, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE)
    stays = "it may be changed, and stays under the licence"
    rules = _rules(
        allow("art. 5.1", "everybody may have it"),
        allow("art. 5.1", MADE),
        allow("art. 5.2, 5.3.2", stays, *changed),
        allow("art. 5.3.2, 5.3.4", stays, *changed),
        allow("art. 5.3.1", "copies may be passed on", *_NOTED, D.OFFER_SOURCE),
    )
    # By going into a work that is under one of the others it comes under that one, too.
    fork = ForkTerms(Forks.LISTED, "art. 5.3.2, 5.3.4", onwards, (), changed)
    name = f"CeCILL {id.removeprefix('CECILL-')}"
    return Licence(id, name, True, Evidence.READ, rules, fork)


def _cecill_b() -> Licence:
    """The permissive one, with credits."""
    credited = (*_NOTED, D.GIVE_CREDIT, D.SAY_CHANGED)
    rules = _rules(
        allow("art. 5.1", "everybody may have it"),
        allow("art. 5.1", MADE),
        allow("art. 5.2, 5.3.4", "it may be changed and go on under other terms", *credited),
        allow("art. 5.3.2, 5.3.4", "it may go into other work", *credited),
        allow("art. 5.3.1", "copies may be passed on", *_NOTED, D.OFFER_SOURCE),
    )
    fork = ForkTerms(Forks.ANY, "art. 5.3.2", (), (), credited)
    return Licence("CECILL-B", "CeCILL-B", True, Evidence.READ, rules, fork)


def _cecill_c() -> Licence:
    """The one for components: what is changed of them stays, what uses them need not."""
    changed = (*_NOTED, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE)
    rules = _rules(
        allow("art. 5.1", "everybody may have it"),
        allow("art. 5.1", MADE),
        allow("art. 5.2, 5.3.2", "it may be changed, and stays under the licence", *changed),
        allow(
            "art. 5.3.3",
            "a work that uses it may have its own terms; what is changed of it keeps these",
            *_NOTED,
            D.OFFER_SOURCE,
        ),
        allow("art. 5.3.1", "copies may be passed on", *_NOTED, D.OFFER_SOURCE),
    )
    fork = ForkTerms(Forks.LISTED, "art. 5.3.2", ("CECILL-C",), (), changed)
    return Licence("CECILL-C", "CeCILL-C", True, Evidence.READ, rules, fork)


def _artistic() -> Licence:
    rules = _rules(
        allow("s.1", "everybody may have it"),
        allow("s.1", "everybody may use it for whatever end, and make things from it"),
        allow("s.4", "it may be changed, if it is told how", D.KEEP_NOTICES, D.SAY_CHANGED),
        allow("s.7, s.8", "it may stand with and in other work", D.KEEP_NOTICES),
        allow("s.2", "copies may be passed on", D.KEEP_NOTICES),
    )
    # s.4(c)(ii): or one whose source stays free and under its own terms.
    onwards = ("Artistic-2.0", *_GPL, *_AGPL)
    duties = (D.KEEP_NOTICES, D.SAY_CHANGED)
    asked = ("CERN-OHL-W-2.0", "CERN-OHL-S-2.0", "CC-BY-SA-4.0", "MPL-2.0", "EUPL-1.2")
    why = "its source stays free under its own terms"
    fork = ForkTerms(Forks.LISTED, "s.4(c)", onwards, asked, duties, asked_if=why)
    return Licence("Artistic-2.0", "Artistic License 2.0", True, Evidence.READ, rules, fork)


def _font(id: str, onwards: tuple[str, ...], *, reserved: bool) -> Licence:
    """SIL's licence for fonts: a thing that shows their letters is none of its business. It keeps
    its files from being sold alone, so that it is no open hardware."""
    title = (D.ANOTHER_TITLE,) if reserved else ()
    changed = (*_NOTED, *title, D.SAME_LICENCE)
    rules = _rules(
        allow("the grant", "everybody may have it"),
        allow(
            "the grant, condition 5",
            "everybody may make things with it; only the files alone may not be sold",
        ),
        allow("conditions 2, 3 and 5", "it may be changed, and stays under the licence", *changed),
        allow("condition 2", "it may go with other work; its files keep their licence", *_NOTED),
        allow("condition 2", "copies may be passed on, not sold by themselves", *_NOTED),
    )
    fork = ForkTerms(Forks.LISTED, "condition 5", onwards, (), changed)
    return Licence(id, "SIL Open Font License 1.1", False, Evidence.READ, rules, fork)


_FONTS = ("OFL-1.1", "OFL-1.1-RFN")
PROJECTS = (
    _eclipse(
        "EPL-1.0",
        {"source": "s.3", "combine": "s.1"},
        ForkTerms(
            Forks.LISTED,
            "s.3, s.7",
            ("EPL-1.0", "EPL-2.0"),
            (),
            (*_NOTED, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE),
        ),
    ),
    _eclipse(
        "EPL-2.0",
        {"source": "s.3.2, s.3.3", "combine": "s.1, s.3.2(a)"},
        ForkTerms(
            Forks.LISTED,
            "s.3.2(a)",
            ("EPL-2.0",),
            _GPL,
            (*_NOTED, D.SAME_LICENCE, D.OFFER_SOURCE),
            asked_if="its first author named that one as secondary licence",
        ),
    ),
    _osl(),
    _cecill("CECILL-2.0", ("CECILL-2.0", "CECILL-2.1", *_GPL)),
    _cecill("CECILL-2.1", ("CECILL-2.1", *_GPL, *_AGPL, "EUPL-1.1", "EUPL-1.2")),
    _cecill_b(),
    _cecill_c(),
    _artistic(),
    _font("OFL-1.1", _FONTS, reserved=True),
    _font("OFL-1.1-RFN", _FONTS, reserved=True),
    # Whoever changes it may reserve a name of their own (the definition of Reserved Font Name).
    _font("OFL-1.1-no-RFN", ("OFL-1.1-no-RFN", *_FONTS), reserved=False),
)
