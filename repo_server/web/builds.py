"""Who made a design where: the page of its builds, and the form to tell of one."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from repo_server import builds, designs, labs, people
from repo_server.api import auth
from repo_server.api import builds as telling
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.builds import NewBuild
from repo_server.db import reading
from repo_server.tables.people import LabRole
from repo_server.web.languages import gettext
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("builds", __name__)

_FIELDS = ("attempt_id", "release_id", "part", "material", "machine", "good", "failed", "words")


@bp.get("/designs/<slug>/builds")
@auth.public
def list_builds(slug: str) -> ResponseReturnValue:
    """How often each release was made in each lab, and what people tell of it."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_design(session, slug).head
        counted = builds.tallies(session, slug)
        told = builds.list_reports(session, slug, asked_stretch())
        mine = _my_labs()
    return render_template(
        "builds.html",
        release=release,
        tallies=counted,
        reports=told.entries,
        older=rest_of(told, url_for("builds.list_builds", slug=slug)),
        my_labs=mine,
    )


@bp.get("/labs/<lab>/builds/new")
@auth.lab_role(LabRole.MEMBER)
def new_build(lab: str) -> ResponseReturnValue:
    """The form: of `?attempt=` only words and a photo, of `?release=` everything."""
    filled = {"attempt_id": request.args.get("attempt"), "release_id": request.args.get("release")}
    return _form(lab, {name: value for name, value in filled.items() if value})


@bp.post("/labs/<lab>/builds")
@auth.lab_role(LabRole.MEMBER, max_bytes=telling.MOST_PHOTO_BYTES)
def tell(lab: str) -> ResponseReturnValue:
    """Sent on to the design's builds, or the form again with what is wrong."""
    filled = {name: text for name in _FIELDS if (text := request.form.get(name, "").strip())}
    try:
        wanted = check(NewBuild, filled)
        sent = request.files.get("photo")
        photo = telling.repaint(sent.stream) if sent and sent.filename else None
        telling.report(lab, wanted, photo)
    except (InvalidInput, Conflict, NotFound) as error:
        return _form(lab, filled, error), status_of(error)
    with reading(current_app.extensions["engine"]) as session:
        of = builds.release_of(session, attempt_id=wanted.attempt_id, release_id=wanted.release_id)
    return redirect(url_for("builds.list_builds", slug=of.slug), 303)


def _form(lab: str, filled: dict[str, str], error: FabError | None = None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        place = labs.lab_of(session, lab)
        release = builds.release_of(
            session, attempt_id=filled.get("attempt_id"), release_id=filled.get("release_id")
        )
    return render_template(
        "new_build.html",
        lab=place,
        release=release,
        parts=[
            ("", gettext("The whole object")),
            *((it.name, it.name) for it in release.manifest.parts),
        ],
        filled=filled,
        error=error,
    )


def _my_labs() -> list[labs.LabLine]:
    """The labs for which the one who looks may speak."""
    person = auth.current().person
    if person is None:
        return []
    with reading(current_app.extensions["engine"]) as session:
        roles = people.lab_roles(session, person.id)
        return [lab for lab in labs.list_labs(session) if lab.slug in roles]
