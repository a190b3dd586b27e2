"""What people may make while the server is away, from what is kept here, and on which machine."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from commons.dispatch import AWAY_S
from commons.local_builds import LocalBuilds, Makeable
from fab_agent.cache import is_kept
from fab_agent.controls import Ask
from fab_agent.panel import acts, gate
from fab_agent.panel.floor import Station

bp = Blueprint("making", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """One part, the machines that may make it, or why it waits for the server."""

    item: Makeable
    stations: tuple[Station, ...]
    refusal: str


@bp.get("/make")
def show() -> ResponseReturnValue:
    """What may be made now, or that the server is there."""
    kept = gate.desk().offered.seen()
    choices = [_choice(it, kept.told) for it in kept.told.makeable] if kept else []
    return render_template(
        "make.html",
        kept=kept,
        choices=sorted(choices, key=lambda it: bool(it.refusal)),
        away=is_away(),
    )


@bp.post("/machines/<machine_id>/make")
@gate.operators_only
def make(machine_id: str) -> ResponseReturnValue:
    """303 to the machine, which prepares one of it; nothing starts by that."""
    given = request.form
    release_id, part = given.get("release_id", "")[:64], given.get("part", "")[:200]
    asked = Ask(do="make", by=gate.by(), release_id=release_id, part=part)
    return acts.carried_out(machine_id, asked)


def is_away() -> bool:
    """Whether the server has told this panel nothing for so long that people may go on alone.

    It says what the pages show; each machine's own process decides.
    """
    desk = gate.desk()
    at = desk.queue.seen().at
    return at is None or (desk.now() - at).total_seconds() >= AWAY_S


def _choice(item: Makeable, told: LocalBuilds) -> Choice:
    desk = gate.desk()
    loaded = {it.machine_id: it.material for it in told.machines}
    able = tuple(
        it
        for it in desk.stations
        if it.profile.process is item.process
        and (item.material is None or loaded.get(it.machine_id) in (None, item.material))
    )
    return Choice(item, able, _refusal(item, able))


def _refusal(item: Makeable, able: tuple[Station, ...]) -> str:
    if item.refusal:
        return item.refusal
    if not is_kept(gate.desk().cache, item.file_sha256):
        return f"{item.file_name} is not kept here: it is fetched when it is made the next time"
    if not able:
        return f"no machine here does {item.process} and has {item.material} loaded"
    return ""
