"""The running program's picture, and about where its head is."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from commons.errors import NotFound
from commons.toolpath_svg import place_in, size_of, svg_of
from commons.wire import MachineReport, Phase
from fab_agent.album import Album, Picture
from fab_agent.panel import gate
from fab_agent.panel.floor import Station

bp = Blueprint("pictures", __name__)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the head is drawn in a picture of this size; x and y are None before it has moved."""

    width: int
    high: int
    x: int | None
    y: int | None
    words: str


def picture_of(station: Station, attempt_id: str) -> Picture | None:
    """The picture of an attempt's program on this machine; None when there is none."""
    try:
        changed_ns = (station.folder / "picture.json").stat().st_mtime_ns
    except OSError:
        return None
    return _read(station.folder, attempt_id, changed_ns)


@lru_cache(maxsize=16)
def _read(folder: Path, attempt_id: str, _changed_ns: int) -> Picture | None:
    return Album(folder).of(attempt_id)


def head_of(station: Station, report: MachineReport | None) -> Head | None:
    """About where the head is, by the last line that the machine has acknowledged.

    It is no measurement: a firmware acknowledges lines that it has still to move by.
    """
    now = report.progress if report else None
    if now is None or (picture := picture_of(station, now.attempt_id)) is None:
        return None
    width, high = size_of(picture.sketch)
    place = picture.track.at(now.done) if now.phase is Phase.STREAM else None
    if place is None:
        return Head(width, high, None, None, "")
    x, y = place_in(picture.sketch, *place)
    words = f"about here: line {now.done:,} of {now.total:,} is acknowledged"
    return Head(width, high, x, y, words)


@bp.get("/machines/<machine_id>/<attempt_id>.svg")
def picture(machine_id: str, attempt_id: str) -> ResponseReturnValue:
    """The picture of the attempt's program, drawn by us from numbers."""
    found = picture_of(gate.desk().station(machine_id), attempt_id)
    if found is None:
        raise NotFound("there is no picture of that program here")
    answer = Response(svg_of(found.sketch), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
