"""Notices: what labs and forks should know of the releases that they use, until they dismiss it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.wire import Asked, Told
from repo_server import labs, notices
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.notices import Notice
from repo_server.people import Scope
from repo_server.tables.people import LabRole

bp = Blueprint("api_notices", __name__, url_prefix="/api/v1")


class Dismissal(Asked):
    """The notices that are to be shown no more, by their ids."""

    ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]


class NoticesListed(Told):
    notices: tuple[Notice, ...]


@bp.get("/designs/<slug>/notices")
@auth.public
@answers({200: NoticesListed})
def show_notices_of_fork(slug: str, query: From) -> ResponseReturnValue:
    """200 with what there is to know of the releases that the design was made from."""
    with reading(current_app.extensions["engine"]) as session:
        return _listed(notices.for_fork(session, slug), query)


@bp.post("/designs/<slug>/notices/dismiss")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None})
def dismiss_notices_of_fork(slug: str, asked: Dismissal) -> ResponseReturnValue:
    """204; these are shown no more, unless they come to say something else."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        notices.dismiss_for_fork(session, slug, asked.ids, by=by, now=now)
    return "", 204


@bp.get("/labs/<lab>/notices")
@auth.public
@answers({200: NoticesListed})
def show_notices_of_lab(lab: str, query: From) -> ResponseReturnValue:
    """200 with what there is to know of the releases that were ordered in the lab."""
    with reading(current_app.extensions["engine"]) as session:
        return _listed(notices.for_lab(session, labs.lab_of(session, lab).id), query)


@bp.post("/labs/<lab>/notices/dismiss")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None})
def dismiss_notices_of_lab(lab: str, asked: Dismissal) -> ResponseReturnValue:
    """204; these are shown no more, unless they come to say something else."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        notices.dismiss_for_lab(session, lab_id, asked.ids, by=by, now=now)
    return "", 204


def _listed(found: Sequence[Notice], query: From) -> Response:
    page = notices.page_of(found, query.stretch)
    return with_next(write(NoticesListed(notices=tuple(page.entries))), page.after)
