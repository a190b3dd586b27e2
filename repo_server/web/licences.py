"""What a design's licence lets whom do; what people and labs are; grants, and orders that wait."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from commons.licences.answers import NO_LEGAL_ADVICE
from commons.licences.terms import Event
from repo_server import grants, labs, licence_pages, mailings, parties, waiting
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.grants import NewGrant
from repo_server.parties import Party, Statement
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder
from repo_server.web import licence_words
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("licences", __name__)

_REFUSED = (InvalidInput, NotFound, Conflict)


@bp.get("/designs/<slug>/licence")
@auth.public
def show_licence(slug: str) -> ResponseReturnValue:
    """What the licence says to everybody and to who looks; its steward's grants and askers.

    `?release=` asks that of another release than the one to use, `?part=` that of a part.
    """
    return _page(slug, {})


def _page(slug: str, values: Mapping[str, str], error: FabError | None = None) -> str:
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
        steward = person is not None and person.id == page.steward_id
        lists = _stewards_lists(session, slug, by=page.steward_id, now=now) if steward else {}
    return render_template(
        "licence.html",
        slug=slug,
        page=page,
        rows=licence_words.rows_of(page.lines),
        rows_of=licence_words.rows_of,
        steward=steward,
        **lists,
        values=values,
        error=error,
        note=NO_LEGAL_ADVICE,
        **licence_words.TABLES,
    )


def _stewards_lists(session: Session, slug: str, *, by: str, now: datetime) -> dict[str, object]:
    """A page of what asks for the steward's word, of the e-mails they owe, of what they granted;
    each with where it goes on."""
    here = url_for("licences.show_licence", slug=slug)
    askers = waiting.of_design(session, slug, asked_stretch("waiting"), by=by)
    mails = mailings.of_design(session, slug, asked_stretch("mailings"), by=by)
    given = grants.list_grants(session, slug, asked_stretch("grants"), by=by, now=now)
    return told_lists(here, waiting=askers, mailings=mails, grants=given)


@bp.post("/designs/<slug>/grants")
@auth.signed_in(Scope.DESIGN_WRITE)
def give_grant(slug: str) -> ResponseReturnValue:
    """Back on the page with the new grant, or with what is wrong with it."""
    form, now, by = request.form, datetime.now(UTC), auth.current_person().id
    try:
        wanted = check(NewGrant, _wanted(form))
        with transaction(current_app.extensions["engine"]) as session:
            waiting.grant(session, slug, wanted, by=by, now=now)
    except _REFUSED as error:
        return _page(slug, form, error), status_of(error)
    return redirect(url_for("licences.show_licence", slug=slug, _anchor="grants"), 303)


def _wanted(form: Mapping[str, str]) -> dict[str, object]:
    """The form as a grant. Days are whole days in UTC: the last one belongs to the grant."""
    events = [event for event in Event if f"event-{event}" in form]
    wanted: dict[str, object] = {"events": events, "revocable": "for_good" not in form}
    for name in ("person", "lab", "consideration"):
        if form.get(name, "").strip():
            wanted[name] = form[name].strip()
    if last := form.get("last_day", "").strip():
        wanted["ends_at"] = _day(last) + timedelta(days=1)
    return wanted


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput(f"last_day: '{text[:20]}' is no day, such as 2027-12-31") from error


@bp.post("/designs/<slug>/grants/<id>/revoke")
@auth.signed_in(Scope.DESIGN_WRITE)
def revoke_grant(slug: str, id: str) -> ResponseReturnValue:
    """Back on the page; the grant holds no more."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        grants.take_back(session, slug, id, by=by, now=now)
    return redirect(url_for("licences.show_licence", slug=slug, _anchor="grants"), 303)


@bp.get("/me/facts")
@auth.signed_in(Scope.READ)
def my_facts() -> ResponseReturnValue:
    """The form in which somebody states what they are."""
    return _facts_page(Party(person_id=auth.current_person().id), None)


@bp.post("/me/facts")
@auth.signed_in(Scope.ORDER_WRITE)
def state_my_facts() -> ResponseReturnValue:
    """Back on the form; this counts from now on."""
    _state(Party(person_id=auth.current_person().id))
    return redirect(url_for("licences.my_facts"), 303)


@bp.get("/labs/<lab>/facts")
@auth.lab_role(LabRole.MANAGER)
def lab_facts(lab: str) -> ResponseReturnValue:
    """The form in which a manager states what the lab is."""
    return _facts_page(_party(lab), lab)


@bp.post("/labs/<lab>/facts")
@auth.lab_role(LabRole.MANAGER)
def state_lab_facts(lab: str) -> ResponseReturnValue:
    """Back on the form; this counts from now on."""
    _state(_party(lab))
    return redirect(url_for("licences.lab_facts", lab=lab), 303)


def _party(lab: str) -> Party:
    with reading(current_app.extensions["engine"]) as session:
        return Party(lab_id=labs.lab_of(session, lab).id)


def _facts_page(party: Party, lab: str | None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        stated = parties.statement_on(session, party)
        place = labs.lab_of(session, lab) if lab else None
    said = {True: "yes", False: "no", None: ""}
    return render_template(
        "facts.html",
        lab=place,
        stated=stated,
        legal_forms=licence_words.LEGAL_FORMS.items(),
        questions=licence_words.QUESTIONS.items(),
        yes_or_no=list(licence_words.YES_OR_NO.items()),
        values={name: said[getattr(stated.facts, name)] for name in licence_words.QUESTIONS},
        note=NO_LEGAL_ADVICE,
    )


def _state(party: Party) -> None:
    form, now, by = request.form, datetime.now(UTC), auth.current_person().id
    yes_or_no = {"yes": True, "no": False}
    answers: dict[str, object] = {
        name: yes_or_no[form[name]] for name in licence_words.QUESTIONS if form.get(name)
        in yes_or_no
    }  # fmt: skip
    if form.get("legal_form"):
        answers["legal_form"] = form["legal_form"]
    said = check(Statement, answers)
    with transaction(current_app.extensions["engine"]) as session:
        waiting.state(session, party, said, by=by, now=now)


@bp.get("/waiting-orders/<id>")
@auth.signed_in(Scope.READ)
def show_waiting(id: str) -> ResponseReturnValue:
    """An order that waits: for what, and what each of those concerned can do about it."""
    person = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        order = waiting.show(session, id, to=person.id)
        page = licence_pages.of_design(
            session, order.slug, part=None, to=None, now=order.ordered_at
        )
    return render_template(
        "waiting.html",
        order=order,
        mine=order.ordered_by_id == person.id,
        steward=page.steward_id == person.id,
        note=NO_LEGAL_ADVICE,
        **licence_words.TABLES,
    )


@bp.post("/waiting-orders/<id>/<word>")
@auth.signed_in(Scope.ORDER_WRITE)
def speak(id: str, word: str) -> ResponseReturnValue:
    """Back on the order's page; what was said about it counts."""
    if word not in _WORDS:
        raise NotFound(f"nobody can '{word[:40]}' a waiting order")
    said, by = (
        request.form.get("word", "").strip()[: grants.MAX_CONSIDERATION],
        auth.current_person(),
    )
    with transaction(current_app.extensions["engine"]) as session:
        _WORDS[word](session, id, said, by.id, datetime.now(UTC))
    return redirect(url_for("licences.show_waiting", id=id), 303)


Say = Callable[[Session, str, str, str, datetime], WaitingOrder]


def _quote(session: Session, id: str, said: str, by: str, now: datetime) -> WaitingOrder:
    if not said:
        raise InvalidInput("word: say for which fee or contribution")
    return waiting.quote(session, id, said, by=by, now=now)


def _accept(session: Session, id: str, _said: str, by: str, now: datetime) -> WaitingOrder:
    return waiting.accept(session, id, by=by, now=now)


def _decline(session: Session, id: str, said: str, by: str, now: datetime) -> WaitingOrder:
    return waiting.decline(session, id, said, by=by, now=now)


def _withdraw(session: Session, id: str, _said: str, by: str, now: datetime) -> WaitingOrder:
    return waiting.withdraw(session, id, by=by, now=now)


_WORDS: dict[str, Say] = {
    "quote": _quote,
    "accept": _accept,
    "decline": _decline,
    "withdraw": _withdraw,
}
