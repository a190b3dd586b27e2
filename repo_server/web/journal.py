"""The journal on pages and as a feed: reading, writing, withdrawing."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Changed, Conflict, FabError, InvalidInput
from repo_server import journal
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.journal import NewPost, Post, PostText, Voice, VoiceKind
from repo_server.paging import Stretch
from repo_server.people import Person, Scope
from repo_server.web import feeds
from repo_server.web.languages import gettext
from repo_server.web.readme import excerpt, render_post
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("journal", __name__)
bp.add_app_template_filter(excerpt, "excerpt")

_REFUSED = (InvalidInput, Conflict)


@bp.get("/journal")
@auth.public
def list_posts() -> ResponseReturnValue:
    """What is published, of ?lab= or ?design= alone if asked, behind ?after=."""
    of = _of()
    with reading(current_app.extensions["engine"]) as session:
        found = journal.list_posts(session, journal.of(session, **of), asked_stretch())
    older = rest_of(found, url_for("journal.list_posts"))
    return render_template("journal.html", posts=found.entries, of=of, older=older)


@bp.get("/journal/feed.atom")
@auth.public
def feed() -> ResponseReturnValue:
    """The same as Atom, whole, and what was withdrawn (RFC 6721)."""
    of = _of()
    with reading(current_app.extensions["engine"]) as session:
        which = journal.of(session, **of)
        posts = journal.list_posts(session, which, Stretch(most=feeds.ENTRIES)).entries
        gone = journal.list_gone(session, which, most=feeds.ENTRIES)
    times = [*(it.saved_at for it in posts), *(it.at for it in gone)]
    return feeds.answer_atom(
        render_template(
            "journal.xml",
            posts=[(it, render_post(it.text)) for it in posts],
            gone=gone,
            of=of,
            updated=max(times, default=feeds.NEVER),
            url_for=feeds.url_for,
        )
    )


@bp.get("/journal/<id>")
@auth.public
def show_post(id: str) -> ResponseReturnValue:
    """The post; that there was one, with 410, where it was withdrawn."""
    me = auth.current().person
    with reading(current_app.extensions["engine"]) as session:
        post = journal.show_post(session, id, to=me)
        rights = journal.rights(session, id, me)
    page = render_template("post.html", post=post, rights=rights, text=render_post(post.text))
    return page, 410 if post.withdrawn_at else 200


@bp.get("/journal/new")
@auth.signed_in(Scope.POST_WRITE)
def new_form() -> ResponseReturnValue:
    """The form to write a post, and the posts of whoever asks."""
    return _new_page()


@bp.post("/journal/new")
@auth.signed_in(Scope.POST_WRITE)
def create() -> ResponseReturnValue:
    """Sent on to the draft, or to the post if it is published at once; or the form again."""
    kind, _, slug = request.form.get("voice", "").partition(":")
    voice = {kind: slug} if kind in (VoiceKind.LAB, VoiceKind.DESIGN) else {}
    by, now = auth.current_person(), datetime.now(UTC)
    try:
        wanted = check(NewPost, {**_said(), **voice})
        with transaction(current_app.extensions["engine"]) as session:
            id_ = journal.begin(session, wanted, by=by, now=now)
            _publish_if_asked(session, id_, by, now)
    except _REFUSED as error:
        return _new_page(error), status_of(error)
    return redirect(url_for("journal.show_post", id=id_), 303)


@bp.get("/journal/<id>/edit")
@auth.signed_in(Scope.POST_WRITE)
def edit_form(id: str) -> ResponseReturnValue:
    """The form to change one's post."""
    return _edit_page(_post(id))


@bp.post("/journal/<id>/edit")
@auth.signed_in(Scope.POST_WRITE)
def edit(id: str) -> ResponseReturnValue:
    """Back on the post, or the form with what was written and why it is not saved."""
    revision = request.form.get("revision", "")
    known = {int(revision) if revision.isdecimal() and len(revision) < 10 else -1}
    by, now = auth.current_person(), datetime.now(UTC)
    try:
        said = check(PostText, _said())
        with transaction(current_app.extensions["engine"]) as session:
            journal.edit(session, id, said, by=by, now=now, known=known)
            _publish_if_asked(session, id, by, now)
    except _REFUSED as error:
        return _edit_page(_post(id), error), status_of(error)
    return redirect(url_for("journal.show_post", id=id), 303)


@bp.post("/journal/<id>/publish")
@auth.signed_in(Scope.POST_WRITE)
def publish(id: str) -> ResponseReturnValue:
    """Back on the post, which everybody can read."""
    _act(lambda session, by, now: journal.publish(session, id, by=by, now=now))
    return redirect(url_for("journal.show_post", id=id), 303)


@bp.post("/journal/<id>/withdraw")
@auth.signed_in(Scope.POST_WRITE)
def withdraw(id: str) -> ResponseReturnValue:
    """On the list of posts; the words are gone."""
    _act(lambda session, by, now: journal.withdraw(session, id, by=by, now=now))
    return redirect(url_for("journal.list_posts"), 303)


def _of() -> dict[str, str]:
    asked = {name: request.args.get(name, "")[:80] for name in ("lab", "design")}
    return {name: slug for name, slug in asked.items() if slug}


def _said() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("title", "text")}


def _publish_if_asked(session: Session, id: str, by: Person, now: datetime) -> None:
    if request.form.get("publish"):
        journal.publish(session, id, by=by, now=now)


def _act(act: Callable[[Session, Person, datetime], None]) -> None:
    with transaction(current_app.extensions["engine"]) as session:
        act(session, auth.current_person(), datetime.now(UTC))


def _post(id: str) -> Post:
    with reading(current_app.extensions["engine"]) as session:
        return journal.show_post(session, id, to=auth.current_person())


def _new_page(error: FabError | None = None) -> str:
    me = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        voices = journal.voices_of(session, me)
        own = journal.list_own(session, me).entries
    return render_template(
        "write.html",
        voices=[(f"{it.kind}:{it.slug}", _name_of(it)) for it in voices],
        own=own,
        values={"voice": request.args.get("voice", ""), **request.form},
        error=error,
    )


def _edit_page(post: Post, error: FabError | None = None) -> str:
    """With another's change in between, what was written stands in the form and counts if it is
    sent once more."""
    written = {"title": post.title, "text": post.text} if error is None else _said()
    moved = isinstance(error, Changed)
    return render_template("rewrite.html", post=post, values=written, error=error, moved=moved)


def _name_of(voice: Voice) -> str:
    return voice.name or gettext("This node")
