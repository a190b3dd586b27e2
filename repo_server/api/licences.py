"""Licences: what they say to whom, what parties state, grants, and orders that wait for a word."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.licences.answers import NO_LEGAL_ADVICE
from commons.wire import Asked
from repo_server import grants, labs, licence_pages, licensing, parties, waiting
from repo_server.api import auth
from repo_server.api.messages import read
from repo_server.db import reading, transaction
from repo_server.grants import GrantLine, NewGrant
from repo_server.parties import Party, Statement
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_licences", __name__, url_prefix="/api/v1")


class Word(Asked):
    """What a steward says of an order: a quote, or why not."""

    word: Annotated[str, Field(min_length=1, max_length=grants.MAX_CONSIDERATION)]


@bp.get("/designs/<slug>/licence")
@auth.public
def show_licence(slug: str) -> ResponseReturnValue:
    """200 with what the licence of the release to use says: to each kind of actor, and to who asks
    where that is known. ?part= asks for a part, ?release= for another release."""
    person, now = auth.current().person, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        page = licence_pages.of_design(
            session,
            slug,
            part=request.args.get("part"),
            to=person.id if person else None,
            now=now,
            release_id=request.args.get("release"),
        )
    return jsonify(
        slug=slug,
        release_id=page.release_id,
        license=page.license,
        open_hardware=page.open_hardware,
        answers=[
            {**licensing.kept(line.answer), "kinds": line.kinds, "license": line.license}
            for line in page.lines
        ],
        yours=page.yours and [licensing.kept(answer) for answer in page.yours],
        note=NO_LEGAL_ADVICE,
    )


@bp.get("/me/facts")
@auth.signed_in(Scope.READ)
def show_my_facts() -> ResponseReturnValue:
    """200 with what you stated that you are, and when."""
    return _facts(Party(person_id=auth.current_person().id))


@bp.put("/me/facts")
@auth.signed_in(Scope.ORDER_WRITE)
def state_my_facts() -> ResponseReturnValue:
    """200; this counts from now on, and your waiting orders were asked for again."""
    return _state(Party(person_id=auth.current_person().id))


@bp.get("/labs/<lab>/facts")
@auth.lab_role(LabRole.MEMBER)
def show_lab_facts(lab: str) -> ResponseReturnValue:
    """200 with what was stated that the lab is, by whom and when."""
    return _facts(_lab(lab))


@bp.put("/labs/<lab>/facts")
@auth.lab_role(LabRole.MANAGER)
def state_lab_facts(lab: str) -> ResponseReturnValue:
    """200; this counts from now on, and the lab's waiting orders were asked for again."""
    return _state(_lab(lab))


def _lab(slug: str) -> Party:
    with reading(current_app.extensions["engine"]) as session:
        return Party(lab_id=labs.lab_of(session, slug).id)


def _facts(party: Party) -> ResponseReturnValue:
    with reading(current_app.extensions["engine"]) as session:
        stated = parties.statement_on(session, party)
    at = stated.at and stated.at.isoformat()
    return jsonify(facts=stated.facts.model_dump(mode="json"), stated_by=stated.by, stated_at=at)


def _state(party: Party) -> ResponseReturnValue:
    said, by, now = read(Statement), auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        waiting.state(session, party, said, by=by, now=now)
    return _facts(party)


@bp.get("/designs/<slug>/grants")
@auth.signed_in(Scope.READ)
def list_grants(slug: str) -> ResponseReturnValue:
    """200 with every grant of the design, for its steward; 403 for everybody else."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        lines = grants.list_grants(session, slug, by=by, now=now)
    return jsonify(grants=[_shown(line) for line in lines])


@bp.post("/designs/<slug>/grants")
@auth.signed_in(Scope.DESIGN_WRITE)
def create_grant(slug: str) -> ResponseReturnValue:
    """201 with the grant's id; orders that waited for it were asked for again."""
    wanted, by, now = read(NewGrant), auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        id_ = waiting.grant(session, slug, wanted, by=by, now=now)
    return jsonify(id=id_), 201


@bp.post("/designs/<slug>/grants/<grant_id>/revoke")
@auth.signed_in(Scope.DESIGN_WRITE)
def revoke_grant(slug: str, grant_id: str) -> ResponseReturnValue:
    """204; it holds no more. 409 when it was given for good."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        grants.take_back(session, slug, grant_id, by=by, now=now)
    return "", 204


@bp.get("/designs/<slug>/waiting-orders")
@auth.signed_in(Scope.READ)
def list_waiting(slug: str) -> ResponseReturnValue:
    """200 with the orders that wait for the steward's word; 403 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        found = waiting.of_design(session, slug, by=auth.current_person().id)
    return jsonify(waiting=[_shown(it) for it in found])


@bp.get("/waiting-orders/<id>")
@auth.signed_in(Scope.READ)
def show_waiting(id: str) -> ResponseReturnValue:
    """200 for who ordered it, the lab's people and the steward; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        found = waiting.show(session, id, to=auth.current_person().id)
    return jsonify(_shown(found))


@bp.post("/waiting-orders/<id>/quote")
@auth.signed_in(Scope.DESIGN_WRITE)
def quote_waiting(id: str) -> ResponseReturnValue:
    """200; who ordered it is told for which fee or contribution the steward would allow it."""
    word, by, now = read(Word).word, auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.quote(session, id, word, by=by, now=now)
    return jsonify(_shown(found))


@bp.post("/waiting-orders/<id>/accept")
@auth.signed_in(Scope.ORDER_WRITE)
def accept_quote(id: str) -> ResponseReturnValue:
    """200; the quote is agreed on, and the order placed where nothing else stands in its way."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.accept(session, id, by=by, now=now)
    return jsonify(_shown(found))


@bp.post("/waiting-orders/<id>/decline")
@auth.signed_in(Scope.DESIGN_WRITE)
def decline_waiting(id: str) -> ResponseReturnValue:
    """200; the steward said no, and why."""
    word, by, now = read(Word).word, auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.decline(session, id, word, by=by, now=now)
    return jsonify(_shown(found))


@bp.post("/waiting-orders/<id>/withdraw")
@auth.signed_in(Scope.ORDER_WRITE)
def withdraw_waiting(id: str) -> ResponseReturnValue:
    """200; whoever ordered it does not want it any more."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = waiting.withdraw(session, id, by=by, now=now)
    return jsonify(_shown(found))


def _shown(it: GrantLine | WaitingOrder) -> dict[str, object]:
    """The line as JSON, its instants as ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(it).items()
    }
