"""What a design's licence says, in full: each event, each kind of actor, and who looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import NotFound
from commons.licences.answers import Answer, ask_licence, asks_for_credit, is_open_hardware
from commons.licences.scopes import Licences, Scope
from commons.licences.terms import Actor, Event, LegalForm
from repo_server import licensing
from repo_server.parties import Party
from repo_server.tables import DesignRow, ReleaseRow

# Kinds of actors that licences tell apart, each with every fact known.
KINDS: Mapping[str, Actor] = {
    "person": Actor(LegalForm.INDIVIDUAL, False, False, False, False, False, True, 0),
    "contributor": Actor(LegalForm.INDIVIDUAL, False, False, False, False, False, True, 1),
    "business": Actor(LegalForm.BUSINESS, False, False, True, False, False, True, 0),
    "worker_coop": Actor(LegalForm.COOPERATIVE, True, True, False, False, False, True, 0),
    "social_coop": Actor(LegalForm.COOPERATIVE, False, False, False, True, True, True, 0),
    "nonprofit": Actor(LegalForm.NONPROFIT, False, False, False, False, False, True, 0),
    "public_body": Actor(LegalForm.PUBLIC_BODY, False, False, False, False, False, True, 0),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event and one answer, and the kinds of actors who get it; `license` is what was asked."""

    answer: Answer
    kinds: tuple[str, ...]
    license: str


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A release that another one was made from, and what its licence says; `credited`: its authors
    have to be named with it."""

    release_id: str
    slug: str
    name: str
    version: str
    license: str
    licensors: tuple[str, ...]
    credited: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class LicencePage:
    """What a release's licence says. `others` are licences that count for a scope or part alone;
    `yours` the answers to who looks, None when that is nobody known; `made_from` the releases that
    have their own say, the nearest first."""

    release_id: str
    name: str
    version: str
    license: str
    licensors: tuple[str, ...]
    others: Mapping[str, str]
    open_hardware: bool
    steward_id: str
    lines: tuple[Line, ...]
    yours: tuple[Answer, ...] | None
    made_from: tuple[Ancestor, ...]


def of_design(
    session: Session,
    slug: str,
    *,
    part: str | None,
    to: str | None,
    now: datetime,
    release_id: str | None = None,
) -> LicencePage:
    """The licence of a release of the design, asked for everything: of that one, else of the one
    to use, else of the newest. NotFound where there is none."""
    design = session.exec(select(DesignRow).where(DesignRow.slug == slug)).first()
    release = _release(session, design, release_id) if design is not None else None
    if design is None or release is None:
        raise NotFound(f"there is no design '{slug[:64]}', or no such release of it")
    licences = licensing.licences(release)
    return LicencePage(
        release_id=release.id,
        name=release.name,
        version=release.version,
        license=licences.whole,
        licensors=tuple(release.licensors),
        others={
            str(of): text for of, text in (*licences.by_scope.items(), *licences.by_part.items())
        },
        open_hardware=is_open_hardware(licences.of(Scope.HARDWARE, part)),
        steward_id=design.steward_id,
        lines=_all_lines(licences, part),
        yours=None if to is None else _yours(session, release, Party(to), part=part, now=now),
        made_from=tuple(
            _ancestor(session, row, part) for row in licensing.ancestors(session, release.id)
        ),
    )


def _ancestor(session: Session, row: ReleaseRow, part: str | None) -> Ancestor:
    licences = licensing.licences(row)
    return Ancestor(
        release_id=row.id,
        slug=session.get_one(DesignRow, row.design_id).slug,
        name=row.name,
        version=row.version,
        license=licences.whole,
        licensors=tuple(row.licensors),
        credited=asks_for_credit(licences.of(Scope.HARDWARE, part)),
        lines=_all_lines(licences, part),
    )


def _release(session: Session, design: DesignRow, release_id: str | None) -> ReleaseRow | None:
    wanted = release_id or design.head_id
    of_design = select(ReleaseRow).where(ReleaseRow.design_id == design.id)
    if wanted is not None:
        return session.exec(of_design.where(ReleaseRow.id == wanted)).first()
    newest = of_design.order_by(col(ReleaseRow.published_at).desc(), ReleaseRow.id)
    return session.exec(newest).first()


def _yours(
    session: Session, release: ReleaseRow, party: Party, *, part: str | None, now: datetime
) -> tuple[Answer, ...]:
    return tuple(
        licensing.ask(session, release, event, party, part=part, now=now) for event in Event
    )


def _all_lines(licences: Licences, part: str | None) -> tuple[Line, ...]:
    return tuple(line for event in Event for line in _lines(licences.for_event(event, part), event))


def _lines(expression: str, event: Event) -> list[Line]:
    """The answers that there are, those who get the same one together."""
    groups: dict[Answer, list[str]] = {}
    for kind, actor in KINDS.items():
        groups.setdefault(ask_licence(expression, event, actor=actor), []).append(kind)
    return [Line(answer, tuple(kinds), expression) for answer, kinds in groups.items()]
