"""A design's page: its parts in three dimensions, its files, its order form; and publishing."""

from collections.abc import Collection, Mapping
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import FabError
from commons.licences.answers import is_open_hardware
from commons.licences.purposes import Purpose
from commons.licences.scopes import Scope as OfDesign
from commons.licences.scopes import licences_of
from commons.machine import MATERIALS, Process
from commons.texts import later
from commons.wire import SCALLOP_MM, Orientation
from repo_server import (
    blobs,
    builds,
    contributions,
    designs,
    fleets,
    guest_desks,
    heads,
    journal,
    labs,
    notices,
    order_book,
    people,
    waiting,
)
from repo_server.api import auth
from repo_server.api import designs as publishing
from repo_server.api import uploads as arriving
from repo_server.api.errors import status_of
from repo_server.contributions import Contribution
from repo_server.db import reading
from repo_server.designs import Release
from repo_server.estimates import Told
from repo_server.ids import new_id
from repo_server.order_requests import MAX_COPIES, Plates
from repo_server.people import Scope
from repo_server.submissions import Upload
from repo_server.web import described, files, parts, uploads, variants
from repo_server.web.accounts import ITEMS
from repo_server.web.languages import Texts, gettext
from repo_server.web.licence_words import PURPOSES
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("designs", __name__)

QUALITIES = Texts(
    {
        "draft": later("Draft: thick layers, quick"),
        "standard": later("Standard: finer layers"),
        "fine": later("Fine: the thinnest layers, slow"),
    }
)
PLATES = Texts(
    {
        Plates.ONE_AT_A_TIME: later("One at a time"),
        Plates.AS_MANY_AS_FIT: later("As many as fit"),
    }
)
ORIENTATIONS = Texts(
    {
        Orientation.AS_DRAWN: later("As drawn"),
        Orientation.SUGGESTED: later("Suggested by the lab"),
    }
)
GRAINS = Texts(
    {
        "": later("Does not matter"),
        "x": later("Across the drawing"),
        "y": later("Up the drawing"),
    }
)
WAYS = Texts(
    {
        "auto": later("Plate if it is one"),
        "plate": later("Plate: outline, openings, pockets"),
        "surface": later("Surface: carved in three dimensions"),
    }
)
LINES = Texts(
    {
        "x": later("Across the drawing"),
        "y": later("Up the drawing"),
        "both": later("Both: smoother, and longer"),
    }
)
# What the order form proposes.
FIRST_CHOICE = {
    "copies": "1",
    "material": "",
    "plates": Plates.ONE_AT_A_TIME,
    "purpose": Purpose.OWN_USE,
    "quality": "draft",
    "orientation": Orientation.AS_DRAWN,
    "scale": "1",
    "infill_percent": "",
    "nozzle_mm": "",
    "grain": "",
    "way": "auto",
    "lines": "x",
    "scallop_mm": f"{SCALLOP_MM:g}",
}


@bp.get("/designs/<slug>")
@auth.public
def show_design(slug: str) -> ResponseReturnValue:
    """The design's newest release."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_design(session, slug).head
    return _page(release, {})


@bp.get("/releases/<id>")
@auth.public
def show_release(id: str) -> ResponseReturnValue:
    """This very release, whatever was published after it."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
    return _page(release, {})


def page_of(release_id: str, form: Mapping[str, str], error: FabError) -> ResponseReturnValue:
    """The release's page again, with what was filled in and why it was refused."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, release_id)
    return _page(release, form, error), status_of(error)


def page_with(release_id: str, form: Mapping[str, str], told: Told) -> ResponseReturnValue:
    """The release's page again, with what was filled in and what that would take and cost."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, release_id)
    return _page(release, form, told=told)


def _page(
    release: Release,
    form: Mapping[str, str],
    error: FabError | None = None,
    told: Told | None = None,
) -> str:
    shown = [parts.view_of(part, release) for part in release.manifest.parts]
    makeable = [part for part in shown if part.makeable]
    processes = {part.process for part in makeable}
    return render_template(
        "design.html",
        release=release,
        **_among_others(release),
        **_where_and_after(),
        parts=shown,
        makeable=makeable,
        labs=my_labs(),
        files=files.files_of(release),
        max_copies=MAX_COPIES,
        materials=_materials(processes),
        plates=PLATES.items(),
        purposes=PURPOSES.items(),
        asks=_asks(release.slug),
        open_hardware=is_open_hardware(licences_of(release.manifest.data).of(OfDesign.HARDWARE)),
        orientations=ORIENTATIONS.items(),
        changeable=variants.inputs_of(release, form),
        qualities=QUALITIES.items() if Process.FDM in processes else (),
        grains=GRAINS.items(),
        lines=LINES.items(),
        ways=WAYS.items() if Process.CNC in processes else (),
        values={**FIRST_CHOICE, **form, "key": new_id()},
        error=error,
        told=told,
        items=ITEMS,
        **_spoken(release.manifest.data),
        card=described.card(release),
        linked_data=described.linked_data(release),
        readme=parts.readme_of(release, current_app.extensions["blobs"]),
    )


def _spoken(about: Mapping[str, Any]) -> dict[str, str | None]:
    """The languages of its description and of its README."""
    return {
        "its_language": described.spoken_in(about, "manifest-language", "documentation-language"),
        "readme_language": described.spoken_in(about, "documentation-language"),
    }


def _materials(processes: Collection[Process | None]) -> list[tuple[str, str]]:
    """What parts that are made so can be made of."""
    known = [(m.key, gettext(m.name)) for m in MATERIALS.values() if m.process in processes]
    return [("", gettext("As designed")), *known]


def _among_others(release: Release) -> dict[str, object]:
    """The releases of the design, the one to use, what to know of its parents, who made it."""
    with reading(current_app.extensions["engine"]) as session:
        releases = heads.list_releases(session, release.slug)
        return {
            "releases": releases,
            "head": next((it for it in releases if it.is_head), None),
            "notices": notices.for_fork(session, release.slug),
            "tallies": builds.tallies(session, release.slug),
            "contributors": _confirmed(session, release.slug),
            "posts": journal.latest(session, design=release.slug),
            "asks_labs": guest_desks.any_open(session),
        }


def _confirmed(session: Session, slug: str) -> list[Contribution]:
    """Those whose work is confirmed, once in each role."""
    found = contributions.list_contributions(session, slug, to=None)
    return list({(it.person, it.role): it for it in found if it.confirmed_by}.values())


def my_labs() -> list[labs.LabLine]:
    """The labs where the one who looks may order."""
    person = auth.current().person
    if person is None:
        return []
    with reading(current_app.extensions["engine"]) as session:
        roles = people.lab_roles(session, person.id)
        return [lab for lab in labs.list_labs(session) if lab.slug in roles]


def _where_and_after() -> dict[str, object]:
    """The machines of those labs, and what the one who looks has ordered lately."""
    person, mine = auth.current().person, my_labs()
    if person is None or not mine:
        return {"machines": [], "ordered": []}
    with reading(current_app.extensions["engine"]) as session:
        machines = [
            (lab, it.machine_id, it.name)
            for lab in mine
            for it in fleets.fleet_of(session, labs.lab_of(session, lab.slug).id).offers
        ]
        lately = order_book.orders_by(session, person.id).entries
    return {"machines": machines, "ordered": lately}


def _asks(slug: str) -> int:
    """How many orders of the design wait for the word of the one who looks."""
    person = auth.current().person
    if person is None:
        return 0
    with reading(current_app.extensions["engine"]) as session:
        return waiting.asks(session, slug, person_id=person.id)


@bp.get("/publish")
@auth.public
def publish_form() -> ResponseReturnValue:
    """The form to publish a release, and what has not arrived as a whole yet."""
    found = arriving.unfinished(asked_stretch()) if auth.current().person else None
    return render_template(
        "publish.html",
        values={},
        unfinished=found.entries if found else [],
        older=found and rest_of(found, url_for("designs.publish_form")),
    )


@bp.post("/uploads/<sha256>/delete")
@auth.signed_in(Scope.DESIGN_WRITE)
def delete_upload(sha256: str) -> ResponseReturnValue:
    """Back on the form to publish; nothing is left of the upload."""
    arriving.drop(sha256)
    return redirect(url_for("designs.publish_form"), 303)


@bp.post("/publish")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=blobs.MAX_BYTES)
def publish() -> ResponseReturnValue:
    """Sent on to the new release, or the form again with everything that is wrong."""
    slug = request.form.get("slug", "").strip()
    try:
        sent = uploads.read_form(request.files)
        files = {path: uploads.store(file.stream) for path, file in sent.files.items()}
        id_, _ = publishing.publish(Upload(slug, sent.manifest, files))
    except FabError as error:
        page = render_template("publish.html", values=request.form, error=error)
        return page, status_of(error)
    return redirect(url_for("designs.show_release", id=id_), 303)
