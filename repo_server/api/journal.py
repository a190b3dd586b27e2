"""The journal: posts, and the drafts of whoever asks."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, ConfigDict, Field
from sqlmodel import Session

from commons.content import content_id
from commons.wire import Told
from repo_server import journal
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.journal import NewPost, Post, PostText, Voice
from repo_server.paging import Page
from repo_server.people import Person, Scope

bp = Blueprint("api_journal", __name__, url_prefix="/api/v1")


class WantedPosts(From):
    lab: Annotated[str, Field(max_length=80, description="posts of this lab alone")] = ""
    design: Annotated[str, Field(max_length=80, description="or of this design alone")] = ""


class PostShown(Told):
    """A post; `handle` leads to its author's page, null when there is none.

    Without `published_at` it is a draft. Of one that was withdrawn title and text are empty.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    voice: Voice
    author: str
    handle: str | None
    title: str
    text: str
    revision: int
    saved_at: AwareDatetime
    published_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None


class PostsListed(Told):
    posts: tuple[PostShown, ...]


@bp.get("/posts")
@auth.public
@answers({200: PostsListed}, refuses=(404,))
def list_posts(query: WantedPosts) -> ResponseReturnValue:
    """200 with what is published, the latest first; `Link` leads to what is older."""
    with reading(current_app.extensions["engine"]) as session:
        which = journal.of(session, lab=query.lab, design=query.design)
        return _listed(journal.list_posts(session, which, query.stretch))


@bp.get("/me/posts")
@auth.signed_in(Scope.READ)
@answers({200: PostsListed})
def list_own_posts(query: From) -> ResponseReturnValue:
    """200 with what the one who asks has written, drafts too; begun last first."""
    with reading(current_app.extensions["engine"]) as session:
        return _listed(journal.list_own(session, auth.current_person(), query.stretch))


@bp.post("/posts")
@auth.signed_in(Scope.POST_WRITE)
@answers({201: PostShown}, refuses=(404, 409), keyed=True)
def create_post(asked: NewPost) -> ResponseReturnValue:
    """201 with a draft that only its author sees."""
    by = auth.current_person()

    def make(session: Session, now: datetime) -> tuple[int, PostShown]:
        id_ = journal.begin(session, asked, by=by, now=now)
        return 201, PostShown.model_validate(journal.show_post(session, id_, to=by))

    return made_once(make)


@bp.get("/posts/<post_id>")
@auth.public
@answers({200: PostShown})
def show_post(post_id: str) -> ResponseReturnValue:
    """200 with the post, for its author a draft, too; its ETag serves a later change."""
    with reading(current_app.extensions["engine"]) as session:
        return _tagged(session, post_id)


@bp.put("/posts/<post_id>")
@auth.signed_in(Scope.POST_WRITE)
@answers({200: PostShown}, refuses=(409, 412))
def edit_post(post_id: str, asked: PostText) -> ResponseReturnValue:
    """200 with the post as it is now; with If-Match 412 when it was changed meanwhile."""
    return _change(
        post_id,
        lambda session, by, now: journal.edit(
            session, post_id, asked, by=by, now=now, known=_known()
        ),
    )


@bp.post("/posts/<post_id>/publish")
@auth.signed_in(Scope.POST_WRITE)
@answers({200: PostShown}, refuses=(409,))
def publish_post(post_id: str) -> ResponseReturnValue:
    """200 with the post, which everybody can read now."""
    return _change(
        post_id, lambda session, by, now: journal.publish(session, post_id, by=by, now=now)
    )


@bp.post("/posts/<post_id>/withdraw")
@auth.signed_in(Scope.POST_WRITE)
@answers({204: None})
def withdraw_post(post_id: str) -> ResponseReturnValue:
    """204; its words are gone for good, and a draft as a whole."""
    with transaction(current_app.extensions["engine"]) as session:
        journal.withdraw(session, post_id, by=auth.current_person(), now=datetime.now(UTC))
    return "", 204


def _change(post_id: str, change: Callable[[Session, Person, datetime], None]) -> Response:
    with transaction(current_app.extensions["engine"]) as session:
        change(session, auth.current_person(), datetime.now(UTC))
        return _tagged(session, post_id)


def _listed(found: Page[Post]) -> Response:
    shown = tuple(PostShown.model_validate(post) for post in found.entries)
    return with_next(write(PostsListed(posts=shown)), found.after)


def _tagged(session: Session, post_id: str) -> Response:
    post = journal.show_post(session, post_id, to=auth.current().person)
    answer = write(PostShown.model_validate(post))
    # If-Match asks for the number alone: what else is shown may change, such as a name.
    answer.set_etag(f"{post.revision}-{content_id(answer.get_data())[:12]}")
    return answer


def _known() -> set[int]:
    """The revisions that If-Match names; none when there is no such header, or any will do."""
    if not request.if_match or request.if_match.star_tag:
        return set()
    numbers = (tag.partition("-")[0] for tag in request.if_match.as_set(include_weak=True))
    return {int(it) if it.isdecimal() and len(it) < 10 else -1 for it in numbers}
