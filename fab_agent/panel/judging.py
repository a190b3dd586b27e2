"""What was made here and waits for a verdict, and the verdict with its mass and its photo."""

from dataclasses import dataclass
from math import isfinite

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from commons.errors import InvalidInput, NotFound
from fab_agent.made import Made, MadeBook
from fab_agent.panel import gate
from fab_agent.panel.floor import Station
from fab_agent.panel.photo import redrawn
from fab_agent.panel.verdicts import Verdict

bp = Blueprint("judging", __name__)
# Of what was judged so many are shown.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Thing:
    """One attempt that came to its end, on which machine, and what was said of it."""

    station: Station
    made: Made
    verdict: Verdict | None


def things() -> list[Thing]:
    """What was made on the lab's machines, the latest first."""
    desk = gate.desk()
    verdicts = desk.verdicts.all()
    found = [
        Thing(station, made, verdicts.get(made.attempt_id))
        for station in desk.stations
        for made in MadeBook(station.folder).newest().values()
        if made.is_finished
    ]
    return sorted(found, key=lambda it: str(it.made.at), reverse=True)


def unjudged() -> int:
    """How many things wait for a verdict."""
    return sum(it.verdict is None for it in things())


@bp.get("/verdicts")
def show() -> ResponseReturnValue:
    """What waits for a verdict, and what was said last."""
    found = things()
    return render_template(
        "verdicts.html",
        waiting=[it for it in found if it.verdict is None],
        judged=[it for it in found if it.verdict is not None][:_MOST],
        said=get_flashed_messages(),
        now=gate.desk().now(),
    )


@bp.get("/verdicts/<attempt_id>")
@gate.operators_only
def form(attempt_id: str) -> ResponseReturnValue:
    """The form for one attempt."""
    return render_template("verdict.html", thing=_thing(attempt_id))


@bp.post("/verdicts/<attempt_id>")
@gate.operators_only
def judge(attempt_id: str) -> ResponseReturnValue:
    """303: the verdict is kept, and the server is told when it answers."""
    thing = _thing(attempt_id)
    given = request.form
    photo = request.files.get("photo")
    picture = photo.read() if photo and photo.filename else b""
    gate.desk().verdicts.keep(
        attempt_id,
        thing.station.machine_id,
        good=_whole(given.get("good", "")),
        copies=thing.made.copies,
        by=gate.by(),
        note=given.get("note", "").strip(),
        weighed_g=_mass(given.get("weighed_g", "")),
        photo=redrawn(picture) if picture else None,
    )
    flash(f"{thing.made.title}: noted; the server is told as soon as it answers")
    return redirect(url_for("judging.show"), 303)


def _thing(attempt_id: str) -> Thing:
    found = next((it for it in things() if it.made.attempt_id == attempt_id), None)
    if found is None:
        raise NotFound("that was not made here, or is not finished: look at what waits")
    return found


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise InvalidInput("say how many are good, as a number")
    return int(text)


def _mass(text: str) -> float | None:
    """The mass that somebody typed, with a point or a comma; None for nothing."""
    if not text.strip():
        return None
    try:
        mass_g = float(text.strip().replace(",", "."))
    except ValueError as error:
        raise InvalidInput(f"'{text[:20]}' is no mass: write grams, such as 12.4") from error
    if not isfinite(mass_g):
        raise InvalidInput("that is no mass: write grams, such as 12.4")
    return mass_g
