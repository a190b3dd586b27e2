"""The programs that slicers dropped here: what became of each, and the queue for those kept."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from commons.errors import FabError
from fab_agent.panel import gate
from fab_agent.panel.drops import Drop
from fab_agent.panel.gate import desk
from fab_agent.repository import Repository, new_client

bp = Blueprint("programs", __name__)


@bp.get("/programs")
def show() -> ResponseReturnValue:
    """Every program that was dropped lately, the latest first, and what became of it."""
    return render_template("programs.html", drops=desk().drops.all(), word=word_of)


@bp.post("/programs/<id_>/queue")
@gate.operators_only
def queue(id_: str) -> ResponseReturnValue:
    """303 to the programs: this one is in the lab's queue, or is told as soon as it can be."""
    drop = desk().drops.want(id_)
    with new_client() as http:
        told(drop, Repository(desk().identity, http))
    return redirect(url_for("programs.show"), 303)


def told(drop: Drop, server: Repository) -> Drop:
    """The drop after the server was told; as it is where that refuses it or does not answer."""
    try:
        return desk().drops.tell(drop, server) if drop.waits else drop
    except FabError:
        return desk().drops.get(drop.id)


def word_of(drop: Drop) -> str:
    """What became of it, in words."""
    if drop.refused:
        return f"refused: {drop.refused}"
    if drop.order_id is not None:
        return "in the lab's queue"
    return "waits until the server is back" if drop.wanted else "kept, and not queued"
