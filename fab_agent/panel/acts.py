"""What people ask of a machine here: stop and hold at once, all that moves it in two taps.

The machine's own process decides: it refuses what is not allowed, and keeps who asked what.
"""

import time
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from commons.errors import Conflict, FabError, InvalidInput
from fab_agent.asking import ask
from fab_agent.controls import Ask
from fab_agent.panel import gate, pages
from fab_agent.panel.floor import Station
from fab_agent.panel.frame import status_of

bp = Blueprint("acts", __name__)
# A second tap that comes later than this (s) is asked for once more: nobody looks any longer.
CONFIRM_WITHIN_S = 60.0
_QUESTIONS = {
    "clear": "Have you looked? Nothing lies on {name}. It may start by itself then.",
    "resume": "{name} goes on where it was held. Is everybody clear of it?",
    "home": "{name} moves to its limit switches. Is everybody clear of it?",
    "unlock": "{name} may move again after its alarm. Have you looked why it rang?",
    "zero": "The zero of {told} of {name} is where it stands now?",
    "jog": "{name} moves by {told}. Is everybody clear of it?",
    "start": "{name} starts {told} now. Is it what you want, and is everybody clear of it?",
}
_SAME_LENGTH = "{name} goes on. Is the new cutter exactly as long as the one before?"
_FIELDS = ("x_mm", "y_mm", "z_mm", "feed_mm_s", "axes", "same_length", "attempt_id")
# What is answered on the machine's own page.
_AT_MACHINE = ("jog", "home", "unlock", "zero", "make", "start")


@bp.post("/machines/<machine_id>/stop")
@gate.open_to_all
def stop(machine_id: str) -> ResponseReturnValue:
    """The machine was told to stop. Nobody needs to say who they are."""
    return carried_out(machine_id, Ask(do="stop", by=gate.by()))


@bp.post("/machines/<machine_id>/hold")
@gate.open_to_all
def hold(machine_id: str) -> ResponseReturnValue:
    """The machine was told to pause."""
    return carried_out(machine_id, Ask(do="hold", by=gate.by()))


@bp.get("/machines/<machine_id>/confirm")
@gate.operators_only
def confirm(machine_id: str) -> ResponseReturnValue:
    """What is about to be done, and a large button that does it."""
    station, asked = gate.desk().station(machine_id), _asked(request.args)
    return render_template(
        "confirm.html",
        station=station,
        question=_question(station, asked),
        fields=asked.model_dump(exclude={"by"}, exclude_defaults=True) | {"do": asked.do},
        asked_at=f"{time.time():.0f}",
        shown=pages.shown(station) if asked.do == "start" else None,
    )


@bp.post("/machines/<machine_id>/do")
@gate.operators_only
def carry_out(machine_id: str) -> ResponseReturnValue:
    """What was confirmed was carried out."""
    asked = _asked(request.form)
    _require_just_asked(request.form.get("asked_at", ""))
    return carried_out(machine_id, asked)


def _require_just_asked(asked_at: str) -> None:
    age_s = time.time() - float(asked_at) if asked_at.isdigit() else -1.0
    if not 0 <= age_s + 1 <= CONFIRM_WITHIN_S + 1:
        raise Conflict(
            f"that was asked more than {CONFIRM_WITHIN_S:.0f} s ago: look at the machine, and ask "
            "once more"
        )


def _asked(given: Mapping[str, str]) -> Ask:
    """What a form asks for, by whoever has signed in."""
    wanted: dict[str, object] = {name: given[name] for name in _FIELDS if given.get(name)}
    try:
        return Ask.model_validate(wanted | {"do": given.get("do"), "by": gate.by()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the form"
        raise InvalidInput(f"this is not understood: {where}: {first['msg'].lower()}") from error


def _question(station: Station, asked: Ask) -> str:
    """What whoever asks shall think of before they tap once more."""
    if asked.do not in _QUESTIONS:
        raise InvalidInput(f"'{asked.do}' is not asked twice: it has a button of its own")
    told = _told(station, asked)
    question = _SAME_LENGTH if asked.same_length else _QUESTIONS[asked.do]
    return question.format(name=station.name, told=told)


def _told(station: Station, asked: Ask) -> str:
    """What is moved, set or started."""
    if asked.do == "jog":
        return _way(asked)
    return _prepared(station, asked.attempt_id) if asked.do == "start" else asked.axes


def _prepared(station: Station, attempt_id: str) -> str:
    """What the machine has prepared and shows; Conflict when that is something else by now."""
    shown = pages.shown(station)
    if "start" not in shown.acts or shown.attempt_id != attempt_id:
        raise Conflict(f"{station.name} has nothing of that to start: look at its page once more")
    return shown.made


def _way(asked: Ask) -> str:
    way = {"x": asked.x_mm, "y": asked.y_mm, "z": asked.z_mm}
    told = ", ".join(f"{axis} {by:+g} mm" for axis, by in way.items() if by)
    if not told:
        raise InvalidInput("say how far along which axis: 0 mm is nowhere")
    return told


def carried_out(machine_id: str, asked: Ask) -> ResponseReturnValue:
    """303 with what the machine's process answered, or the page with why it was refused."""
    desk = gate.desk()
    station = desk.station(machine_id)
    at_machine = asked.do in _AT_MACHINE
    try:
        said = f"{station.name}: {ask(station.folder, asked)}"
    except FabError as refused:
        sentence, status = f"{station.name}: {refused}", status_of(refused)
        if _wants_json():
            return {"done": False, "sentence": sentence}, status
        page = (
            pages.render_machine(station, sentence) if at_machine else pages.render_floor(sentence)
        )
        return page, status
    desk.watch.look(station)
    if _wants_json():
        return {"done": True, "sentence": said}
    flash(said)
    where = (
        url_for("pages.machine", machine_id=machine_id) if at_machine else url_for("pages.machines")
    )
    return redirect(where, 303)


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"
