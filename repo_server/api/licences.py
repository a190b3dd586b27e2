"""Licences: what they say to whom, what parties state, grants, and orders that wait for a word."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.licences.answers import NO_LEGAL_ADVICE, Answer
from commons.licences.terms import Duty, Event, Evidence, Fact, Permission
from commons.wire import Asked, Sha256, Told
from repo_server import grants, labs, licence_pages, licensing, parties, waiting
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.grants import GrantLine, NewGrant
from repo_server.licence_pages import Ancestor, Line
from repo_server.parties import Party, Statement
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_licences", __name__, url_prefix="/api/v1")


class Word(Asked):
    """What a steward says of an order: a quote, or why not."""

    word: Annotated[str, Field(min_length=1, max_length=grants.MAX_CONSIDERATION)]


class OfRelease(Asked):
    part: Annotated[str | None, Field(max_length=200, description="a part's name")] = None
    release: Annotated[str | None, Field(max_length=64, description="another one's id")] = None


class LicenceAnswer(Told):
    """What a licence says to one event; as words in `sentence`."""

    permission: Permission
    event: Event
    chosen: str
    clauses: tuple[str, ...]
    reason: str
    duties: tuple[Duty, ...]
    missing: tuple[Fact, ...]
    evidence: Evidence
    grant: str | None
    sentence: str


class KindsAnswer(LicenceAnswer):
    """The kinds of actors who get this answer; `license` is what was asked."""

    kinds: tuple[str, ...]
    license: str


class AncestorShown(Told):
    """A release that the design was made from; `credited`: its authors have to be named with it."""

    slug: str
    release_id: Sha256
    name: str
    version: str
    license: str
    licensors: tuple[str, ...]
    credited: bool
    answers: tuple[KindsAnswer, ...]


class LicenceShown(Told):
    """`yours` are the answers to who asks; null when that is nobody known. What it was made from
    has its own say in `made_from`, the nearest first."""

    slug: str
    release_id: Sha256
    license: str
    open_hardware: bool
    answers: tuple[KindsAnswer, ...]
    yours: tuple[LicenceAnswer, ...] | None
    made_from: tuple[AncestorShown, ...]
    note: str


class FactsShown(Told):
    facts: Statement
    stated_by: str | None
    stated_at: AwareDatetime | None


class GrantsListed(Told):
    grants: tuple[GrantLine, ...]


class MadeGrant(Told):
    id: str


class WaitingListed(Told):
    waiting: tuple[WaitingOrder, ...]


@bp.get("/designs/<slug>/licence")
@auth.public
@answers({200: LicenceShown})
def show_licence(slug: str, query: OfRelease) -> ResponseReturnValue:
    """200 with what the licence of the release to use says: to each kind of actor, and to who asks
    where that is known. ?part= asks for a part, ?release= for another release."""
    person, now = auth.current().person, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        page = licence_pages.of_design(
            session,
            slug,
            part=query.part,
            to=person.id if person else None,
            now=now,
            release_id=query.release,
        )
    yours = None if page.yours is None else tuple(map(_answer, page.yours))
    return write(
        LicenceShown(
            slug=slug,
            release_id=page.release_id,
            license=page.license,
            open_hardware=page.open_hardware,
            answers=_of_kinds(page.lines),
            yours=yours,
            made_from=tuple(map(_ancestor, page.made_from)),
            note=NO_LEGAL_ADVICE,
        )
    )


def _of_kinds(lines: Iterable[Line]) -> tuple[KindsAnswer, ...]:
    return tuple(
        KindsAnswer(**_answer(line.answer).model_dump(), kinds=line.kinds, license=line.license)
        for line in lines
    )


def _ancestor(it: Ancestor) -> AncestorShown:
    return AncestorShown(
        slug=it.slug,
        release_id=it.release_id,
        name=it.name,
        version=it.version,
        license=it.license,
        licensors=it.licensors,
        credited=it.credited,
        answers=_of_kinds(it.lines),
    )


def _answer(answer: Answer) -> LicenceAnswer:
    return LicenceAnswer.model_validate(licensing.kept(answer))


@bp.get("/me/facts")
@auth.signed_in(Scope.READ)
@answers({200: FactsShown})
def show_my_facts() -> ResponseReturnValue:
    """200 with what you stated that you are, and when."""
    return _facts(Party(person_id=auth.current_person().id))


@bp.put("/me/facts")
@auth.signed_in(Scope.ORDER_WRITE)
@answers({200: FactsShown})
def state_my_facts(asked: Statement) -> ResponseReturnValue:
    """200; this counts from now on, and your waiting orders were asked for again."""
    return _state(Party(person_id=auth.current_person().id), asked)


@bp.get("/labs/<lab>/facts")
@auth.lab_role(LabRole.MEMBER)
@answers({200: FactsShown})
def show_lab_facts(lab: str) -> ResponseReturnValue:
    """200 with what was stated that the lab is, by whom and when."""
    return _facts(_lab(lab))


@bp.put("/labs/<lab>/facts")
@auth.lab_role(LabRole.MANAGER)
@answers({200: FactsShown})
def state_lab_facts(lab: str, asked: Statement) -> ResponseReturnValue:
    """200; this counts from now on, and the lab's waiting orders were asked for again."""
    return _state(_lab(lab), asked)


def _lab(slug: str) -> Party:
    with reading(current_app.extensions["engine"]) as session:
        return Party(lab_id=labs.lab_of(session, slug).id)


def _facts(party: Party) -> ResponseReturnValue:
    with reading(current_app.extensions["engine"]) as session:
        stated = parties.statement_on(session, party)
    return write(FactsShown(facts=stated.facts, stated_by=stated.by, stated_at=stated.at))


def _state(party: Party, said: Statement) -> ResponseReturnValue:
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        waiting.state(session, party, said, by=by, now=now)
    return _facts(party)


@bp.get("/designs/<slug>/grants")
@auth.signed_in(Scope.READ)
@answers({200: GrantsListed})
def list_grants(slug: str, query: From) -> ResponseReturnValue:
    """200 with the design's grants, the latest first, for its steward; 403 for everybody else.
    `Link` leads to older ones."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        found = grants.list_grants(session, slug, query.stretch, by=by, now=now)
    return with_next(write(GrantsListed(grants=tuple(found.entries))), found.after)


@bp.post("/designs/<slug>/grants")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: MadeGrant}, refuses=(409,), keyed=True)
def create_grant(slug: str, asked: NewGrant) -> ResponseReturnValue:
    """201 with the grant's id; orders that waited for it were asked for again."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, MadeGrant]:
        return 201, MadeGrant(id=waiting.grant(session, slug, asked, by=by, now=now))

    return made_once(make)


@bp.post("/designs/<slug>/grants/<grant_id>/revoke")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def revoke_grant(slug: str, grant_id: str) -> ResponseReturnValue:
    """204; it holds no more. 409 when it was given for good."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        grants.take_back(session, slug, grant_id, by=by, now=now)
    return "", 204


@bp.get("/designs/<slug>/waiting-orders")
@auth.signed_in(Scope.READ)
@answers({200: WaitingListed})
def list_waiting(slug: str, query: From) -> ResponseReturnValue:
    """200 with the orders that wait for the steward's word, the oldest first; 403 for everybody
    else. `Link` leads to later ones."""
    with reading(current_app.extensions["engine"]) as session:
        found = waiting.of_design(session, slug, query.stretch, by=auth.current_person().id)
    return with_next(write(WaitingListed(waiting=tuple(found.entries))), found.after)


@bp.get("/waiting-orders/<id>")
@auth.signed_in(Scope.READ)
@answers({200: WaitingOrder})
def show_waiting(id: str) -> ResponseReturnValue:
    """200 for who ordered it, the lab's people and the steward; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        found = waiting.show(session, id, to=auth.current_person().id)
    return write(found)


@bp.post("/waiting-orders/<id>/quote")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: WaitingOrder}, refuses=(409,))
def quote_waiting(id: str, asked: Word) -> ResponseReturnValue:
    """200; who ordered it is told for which fee or contribution the steward would allow it."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.quote(session, id, asked.word, by=by, now=now)
    return write(found)


@bp.post("/waiting-orders/<id>/accept")
@auth.signed_in(Scope.ORDER_WRITE)
@answers({200: WaitingOrder}, refuses=(409,))
def accept_quote(id: str) -> ResponseReturnValue:
    """200; the quote is agreed on, and the order placed where nothing else stands in its way."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.accept(session, id, by=by, now=now)
    return write(found)


@bp.post("/waiting-orders/<id>/decline")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: WaitingOrder}, refuses=(409,))
def decline_waiting(id: str, asked: Word) -> ResponseReturnValue:
    """200; the steward said no, and why."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.decline(session, id, asked.word, by=by, now=now)
    return write(found)


@bp.post("/waiting-orders/<id>/withdraw")
@auth.signed_in(Scope.ORDER_WRITE)
@answers({200: WaitingOrder}, refuses=(409,))
def withdraw_waiting(id: str) -> ResponseReturnValue:
    """200; whoever ordered it does not want it any more."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.withdraw(session, id, by=by, now=now)
    return write(found)
