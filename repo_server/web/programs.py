"""A job's page: where it stands, what was tried, and what its program looks like."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from commons.machine import Process
from commons.texts import later
from commons.toolpath import Kind, Sketch
from commons.toolpath_svg import COLOURS, depth_colour, svg_of
from repo_server import labs, people, programs
from repo_server.api import auth
from repo_server.api.programs import kept_apart
from repo_server.attempts import Outcome
from repo_server.blobs import BlobStore
from repo_server.db import reading
from repo_server.people import Scope
from repo_server.programs import Try
from repo_server.tables.people import LabRole
from repo_server.web import figures
from repo_server.web.languages import Texts, gettext

bp = Blueprint("programs", __name__)

# Raised when the same sketch gives another picture than before.
_PICTURE = "1"
KIND_WORDS = Texts(
    {
        Kind.FIRST: later("First layer"),
        Kind.WALL: later("Walls"),
        Kind.INSIDE: later("Infill, supports, thin walls"),
        Kind.TRAVEL: later("Travel"),
        Kind.CUT: later("Cut"),
        Kind.ARC: later("Arc"),
        Kind.PLUNGE: later("Plunge"),
        Kind.RAPID: later("Rapid, above the sheet"),
    }
)


OUTCOME_WORDS = Texts(
    {
        Outcome.DONE: later("finished"),
        Outcome.REJECTED: later("finished, and found no good"),
        Outcome.FAILED: later("stopped before the end"),
        Outcome.ABORTED: later("stopped by a person"),
        Outcome.UNKNOWN: later("not known how it ended"),
        Outcome.DECLINED: later("given back"),
        Outcome.REFUSED: later("refused"),
        Outcome.LAPSED: later("not begun in time"),
        Outcome.CANCELLED: later("cancelled"),
        Outcome.UNUSED: later("not started"),
    }
)


@dataclass(frozen=True, slots=True)
class Swatch:
    """One line of a legend."""

    colour: str
    text: str


@bp.get("/labs/<lab>/jobs/<id>")
@auth.signed_in(Scope.READ)
def show_job(lab: str, id: str) -> ResponseReturnValue:
    """The job for who ordered it and for the lab's people; `?attempt=` shows an older try."""
    to, chosen = auth.current_person().id, request.args.get("attempt")
    with reading(current_app.extensions["engine"]) as session:
        place = labs.lab_of(session, lab)
        story = programs.story_of(session, id, lab=place, to=to, now=datetime.now(UTC))
        role = people.lab_roles(session, to).get(lab)
    shown = next((it for it in story.tries if it.attempt.id == chosen), None)
    shown = shown or next(iter(story.tries), None)
    sketch = _sketch(shown)
    return render_template(
        "job.html",
        lab=place,
        story=story,
        shown=shown,
        has_record=_has_record(shown) and role in (LabRole.OPERATOR, LabRole.MANAGER),
        sketch=sketch,
        OUTCOME_WORDS=OUTCOME_WORDS,
        kinds=[(kind, text, COLOURS[kind]) for kind, text in KIND_WORDS.items()],
        legend=_legend(sketch) if sketch else (),
        alt=_alt(sketch) if sketch else "",
    )


@bp.get("/attempts/<attempt_id>/toolpath.svg")
@auth.signed_in(Scope.READ)
def picture(attempt_id: str) -> ResponseReturnValue:
    """Our own drawing of the attempt's sketch; 404 as the job's page."""
    to = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        row = programs.toolpath_of(session, attempt_id, to=to)
    answer = current_app.response_class(mimetype="image/svg+xml")
    answer.set_etag(f"{row.sketch_sha256}-{_PICTURE}")
    if not request.if_none_match.contains(answer.get_etag()[0] or ""):
        answer.set_data(svg_of(programs.read_sketch(_store(), row)))
    answer.make_conditional(request)
    return kept_apart(answer)


def _has_record(shown: Try | None) -> bool:
    """Whether the try was permitted to start, or somebody started it without a server."""
    return bool(shown and shown.attempt.armed_at)


def _sketch(shown: Try | None) -> Sketch | None:
    if shown is None or shown.toolpath is None:
        return None
    return programs.read_sketch(_store(), shown.toolpath)


def _legend(sketch: Sketch) -> list[Swatch]:
    """What the picture's colours mean; only those that are in it."""
    if sketch.process is Process.CNC:
        count = len(sketch.depths_mm)
        deep = [
            Swatch(
                depth_colour(at, count),
                gettext("%(depth)s mm deep") % {"depth": figures.number(-depth)},
            )
            for at, depth in enumerate(sketch.depths_mm)
        ]
        return [*deep, Swatch(COLOURS[Kind.RAPID], KIND_WORDS[Kind.RAPID])]
    there = {strokes.kind for strokes in sketch.plan}
    return [Swatch(COLOURS[kind], text) for kind, text in KIND_WORDS.items() if kind in there]


def _alt(sketch: Sketch) -> str:
    """The picture in words."""
    left, front, right, back = sketch.view
    said: dict[str, str | int] = {
        "width": figures.number(right - left),
        "depth": figures.number(back - front),
        "layers": sketch.layers,
    }
    if sketch.process is Process.CNC:
        said["deepest"] = figures.number(-min((0.0, *sketch.depths_mm)))
        words = gettext(
            "The cutter's ways from above, %(width)s by %(depth)s mm of the bed, "
            "up to %(deepest)s mm deep"
        )
    else:
        words = gettext(
            "The nozzle's ways from above, %(width)s by %(depth)s mm of the bed, %(layers)s layers"
        )
    return words % said


def _store() -> BlobStore:
    store: BlobStore = current_app.extensions["programs"]
    return store
