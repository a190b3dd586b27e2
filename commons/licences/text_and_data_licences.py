"""The rules of licences that were written for documents and for databases.

They tell what may be done with a text or a collection of data; of what a database holds they say
nothing, so a design that is under such a licence alone is asked about. Clauses are those of each
licence's own text, of version 1.3 for the GNU Free Documentation License.
"""

from commons.licences.terms import (
    Duty,
    Event,
    Evidence,
    Forks,
    ForkTerms,
    Licence,
    allow,
    ask,
    rules_by_event,
)

E, D = Event, Duty
_MAKING = (E.MAKE_OWN_USE, E.MAKE_GIFT, E.MAKE_FOR_PAY, E.SELL_PRODUCT)


def _gfdl(id: str, onwards: tuple[str, ...], *, may_be_invariant: bool) -> Licence:
    """The GNU licence for documents. With invariant sections it does not let everything be changed,
    and is no open hardware."""
    kept = (D.KEEP_NOTICES, D.LINK_LICENCE, D.NO_LOCKS)
    invariant = (D.KEEP_INVARIANT,) if may_be_invariant else ()
    changed = (
        *kept, D.GIVE_CREDIT, D.SAY_CHANGED, D.ANOTHER_TITLE, D.SAME_LICENCE, *invariant
    )  # fmt: skip
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow("s.2", "everybody may have it")),
            (_MAKING, allow("s.2", "everybody may make what it describes; it is about the text")),
            (
                (E.PUBLISH_FORK,),
                allow("s.4", "it may be changed, and stays under the licence", *changed),
            ),
            (
                (E.COMBINE,),
                allow("s.5", "it may become one with documents under the licence", *changed),
            ),
            ([E.FEDERATE], allow("s.2", "copies may be passed on", *kept)),
        ]
    )
    fork = ForkTerms(Forks.LISTED, "s.4, s.10", onwards, (), changed)
    version = id.removeprefix("GFDL-").replace("-", " ")
    name = f"GNU Free Documentation License {version}"
    return Licence(id, name, not may_be_invariant, Evidence.READ, rules, fork)


def _gfdls() -> list[Licence]:
    """Each version, alone or with later ones, and without what has to stay as it is or, as the
    plain id leaves open, perhaps with it."""
    found = []
    for kind in ("-no-invariants", ""):
        onwards: list[str] = []
        for version in ("1.3", "1.2"):
            only, later = f"GFDL-{version}{kind}-only", f"GFDL-{version}{kind}-or-later"
            # A changed document may call new sections of its own invariant (s.4).
            plain = [it.replace(kind, "") for it in (only, later) if kind]
            invariant = not kind
            own = (only, *plain[:1])
            found.append(_gfdl(only, own, may_be_invariant=invariant))
            onwards = [later, only, *plain, *onwards]
            found.append(_gfdl(later, tuple(onwards), may_be_invariant=invariant))
    return found


def _database(
    id: str, name: str, evidence: Evidence, fork: ForkTerms, clauses: tuple[str, str]
) -> Licence:
    """A licence of a database: what it holds has, or lacks, a licence of its own."""
    granted, noted = clauses
    contents = ask(
        "s.2.4", "it is about the collection; what is in it may be made if its licensor says so"
    )
    copied = (D.KEEP_NOTICES, D.LINK_LICENCE, D.NO_LOCKS)
    rules = rules_by_event(
        [
            ([E.DOWNLOAD], allow(granted, "everybody may have it")),
            (_MAKING, contents),
            (
                (E.PUBLISH_FORK,),
                allow(fork.clause, "the collection may be changed and published", *fork.duties),
            ),
            ((E.COMBINE,), allow(noted, "it may stand in a collection with others", *copied)),
            ([E.FEDERATE], allow(noted, "copies may be passed on", *copied)),
        ]
    )
    return Licence(id, name, False, evidence, rules, fork)


_KEPT = (D.KEEP_NOTICES, D.LINK_LICENCE, D.NO_LOCKS)
TEXTS_AND_DATA = (
    *_gfdls(),
    _database(
        "ODbL-1.0",
        "Open Database License 1.0",
        Evidence.READ,
        ForkTerms(
            Forks.LISTED,
            "s.4.4, s.4.6",
            ("ODbL-1.0",),
            (),
            (*_KEPT, D.SAME_LICENCE, D.OFFER_SOURCE),
        ),
        ("s.3.1", "s.4.2"),
    ),
    _database(
        "ODC-By-1.0",
        "Open Data Commons Attribution License 1.0",
        Evidence.GENERAL,
        ForkTerms(Forks.ANY, "s.4.2", (), (), (*_KEPT, D.GIVE_CREDIT)),
        ("s.3.1", "s.4.2"),
    ),
)
