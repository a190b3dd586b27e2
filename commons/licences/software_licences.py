"""The rules of licences that were written for software: of the GNU project, Mozilla and the EU.

Designs are source code, too: models written for OpenSCAD, firmware. Clauses are those of each
licence's own text.
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
_CHANGING = (E.PUBLISH_FORK, E.COMBINE)
MADE = later(
    "everybody may make things from it; whether a thing is a copy of its source is not settled, so "
    "it is good custom to say where the source is"
)


def _gnu(
    id: str, name: str, onwards: tuple[str, ...], *, network: bool = False, version: int = 3
) -> Licence:
    s = {"copy": "s.4", "change": "s.5"} if version == 3 else {"copy": "s.1", "change": "s.2"}
    changed = [D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE]
    if network:
        changed.append(D.NETWORK_SOURCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(s["copy"], "everybody may have it")),
            (
                _MAKING,
                allow(s["copy"], MADE),
            ),
            (
                _CHANGING,
                allow(s["change"], "it may be changed, and stays under the licence", *changed),
            ),
            (
                [E.FEDERATE],
                allow(s["copy"], "copies may be passed on", D.KEEP_NOTICES, D.OFFER_SOURCE),
            ),
        ]
    )
    fork = ForkTerms(Forks.LISTED, s["change"], onwards, (), tuple(changed))
    return Licence(id, name, True, Evidence.GENERAL, rules, fork)


def _lesser(id: str, name: str, onwards: tuple[str, ...], s: dict[str, str]) -> Licence:
    """A GNU licence for libraries: a work that uses one may be under whatever terms."""
    changed = (D.KEEP_NOTICES, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE)
    used = (D.KEEP_NOTICES, D.LINK_LICENCE, D.OFFER_SOURCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(s["copy"], "everybody may have it")),
            (_MAKING, allow(s["copy"], MADE)),
            (
                [E.PUBLISH_FORK],
                allow(s["change"], "it may be changed, and stays under the licence", *changed),
            ),
            (
                [E.COMBINE],
                allow(
                    s["combine"],
                    "a work that uses it may have its own terms, if what is used can be changed "
                    "and replaced in it",
                    *used,
                ),
            ),
            (
                [E.FEDERATE],
                allow(s["copy"], "copies may be passed on", D.KEEP_NOTICES, D.OFFER_SOURCE),
            ),
        ]
    )
    fork = ForkTerms(Forks.LISTED, s["onwards"], onwards, (), changed)
    return Licence(id, name, True, Evidence.READ, rules, fork)


def _by_file(
    id: str, name: str, onwards: tuple[str, ...], s: dict[str, str], *changes: Duty
) -> Licence:
    """A licence that stays with each file: what is put beside them may be under whatever terms."""
    kept = (D.KEEP_NOTICES, D.LINK_LICENCE, D.NO_LOCKS)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.2.1", "everybody may have it")),
            (_MAKING, allow("s.2.1", MADE)),
            (
                [E.PUBLISH_FORK],
                allow(
                    "s.3.1", "changed files stay under the licence", *kept, *changes, D.SAME_LICENCE
                ),
            ),
            (
                [E.COMBINE],
                allow(
                    s["larger"],
                    "a larger work may have its own terms; these files keep theirs",
                    *kept,
                    D.OFFER_SOURCE,
                ),
            ),
            ([E.FEDERATE], allow("s.3.1", "copies may be passed on", *kept)),
        ]
    )
    duties = (*kept, *changes, D.SAME_LICENCE)
    fork = ForkTerms(Forks.LISTED, s["onwards"], onwards, (), duties)
    return Licence(id, name, True, Evidence.READ, rules, fork)


def _eupl(id: str, onwards: tuple[str, ...], evidence: Evidence) -> Licence:
    changed = (D.KEEP_NOTICES, D.LINK_LICENCE, D.SAY_CHANGED, D.SAME_LICENCE, D.OFFER_SOURCE)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.2", "everybody may have it")),
            (_MAKING, allow("s.2", MADE)),
            (_CHANGING, allow("s.5", "it may be changed, and stays under the licence", *changed)),
            (
                [E.FEDERATE],
                allow(
                    "s.5", "copies may be passed on", D.KEEP_NOTICES, D.LINK_LICENCE, D.OFFER_SOURCE
                ),
            ),
        ]
    )
    # Its compatibility clause speaks of works that are made of it and of another one.
    fork = ForkTerms(Forks.LISTED, "s.5", onwards, (), changed)
    name = f"European Union Public Licence {id.removeprefix('EUPL-')}"
    return Licence(id, name, True, evidence, rules, fork)


_GPL3 = ("GPL-3.0-only", "GPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later")
# s.3 of versions 2 and 2.1 lets each copy go over to the ordinary GPL, version 2 or whichever is
# newer; s.2(b) of version 3 to the one of version 3.
_GPL_FROM_2 = ("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later")
_LGPL3 = ("LGPL-3.0-only", "LGPL-3.0-or-later")
_LGPL2_CLAUSES = {"copy": "s.1", "change": "s.2", "combine": "s.6", "onwards": "s.2, s.3"}
_LGPL3_CLAUSES = {"copy": "GPL s.4", "change": "s.2(a)", "combine": "s.4", "onwards": "s.2"}

SOFTWARE = (
    _gnu("GPL-2.0-only", "GNU GPL 2", ("GPL-2.0-only",), version=2),
    _gnu(
        "GPL-2.0-or-later",
        "GNU GPL 2 or later",
        ("GPL-2.0-or-later", "GPL-2.0-only", *_GPL3),
        version=2,
    ),
    # s.13 of either lets the AGPL take in work under the GPL.
    _gnu("GPL-3.0-only", "GNU GPL 3", ("GPL-3.0-only", "AGPL-3.0-only")),
    _gnu("GPL-3.0-or-later", "GNU GPL 3 or later", ("GPL-3.0-or-later", *_GPL3)),
    _gnu("AGPL-3.0-only", "GNU AGPL 3", ("AGPL-3.0-only",), network=True),
    _gnu(
        "AGPL-3.0-or-later",
        "GNU AGPL 3 or later",
        ("AGPL-3.0-or-later", "AGPL-3.0-only"),
        network=True,
    ),
    _lesser("LGPL-2.0-only", "GNU Library GPL 2", ("LGPL-2.0-only", *_GPL_FROM_2), _LGPL2_CLAUSES),
    _lesser(
        "LGPL-2.0-or-later",
        "GNU Library GPL 2 or later",
        (
            "LGPL-2.0-or-later",
            "LGPL-2.0-only",
            "LGPL-2.1-only",
            "LGPL-2.1-or-later",
            *_LGPL3,
            *_GPL_FROM_2,
        ),
        _LGPL2_CLAUSES,
    ),
    _lesser("LGPL-2.1-only", "GNU Lesser GPL 2.1", ("LGPL-2.1-only", *_GPL_FROM_2), _LGPL2_CLAUSES),
    _lesser(
        "LGPL-2.1-or-later",
        "GNU Lesser GPL 2.1 or later",
        ("LGPL-2.1-or-later", "LGPL-2.1-only", *_LGPL3, *_GPL_FROM_2),
        _LGPL2_CLAUSES,
    ),
    _lesser("LGPL-3.0-only", "GNU Lesser GPL 3", ("LGPL-3.0-only", "GPL-3.0-only"), _LGPL3_CLAUSES),
    _lesser(
        "LGPL-3.0-or-later",
        "GNU Lesser GPL 3 or later",
        ("LGPL-3.0-or-later", "LGPL-3.0-only", "GPL-3.0-only", "GPL-3.0-or-later"),
        _LGPL3_CLAUSES,
    ),
    _by_file(
        "MPL-1.1",
        "Mozilla Public License 1.1",
        ("MPL-1.1", "MPL-2.0"),
        {"larger": "s.3.7", "onwards": "s.3.1, s.6.2"},
        D.SAY_CHANGED,
        D.OFFER_SOURCE,
    ),
    _by_file(
        "MPL-2.0",
        "Mozilla Public License 2.0",
        ("MPL-2.0",),
        {"larger": "s.3.3", "onwards": "s.3.1, s.10.2"},
    ),
    _by_file(
        "MPL-2.0-no-copyleft-exception",
        "Mozilla Public License 2.0, incompatible with secondary licences",
        ("MPL-2.0-no-copyleft-exception",),
        {"larger": "s.3.3", "onwards": "s.3.1, s.10.4"},
    ),
    _eupl("EUPL-1.1", ("EUPL-1.1", "EUPL-1.2"), Evidence.READ),
    _eupl("EUPL-1.2", ("EUPL-1.2",), Evidence.GENERAL),
)
