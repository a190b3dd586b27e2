"""A thing's passport, with a code that leads back to it."""

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from commons.texts import later
from repo_server import passports
from repo_server.api import auth
from repo_server.db import reading
from repo_server.settings import Settings
from repo_server.web.codes import qr

bp = Blueprint("things", __name__)

# The order of telling: what it is, where and of what it was made, how, and how it turned out.
GROUPS = (
    (later("What it is"), "design part variant version licence licensors published_by release"),
    (later("Where"), "lab city machine"),
    (later("Of what"), "material lot ring evidence made_of circles more mass"),
    (later("How"), "plate beside started_at ended_at planned_min machine_time energy"),
    (later("By which program"), "prepared_with program lines lines_sent lines_done"),
    (later("Drawn by its source"), "source source_sha256 drawn_with mesh_sha256"),
    (later("How it turned out"), "verdict"),
)


@bp.get("/things/<attempt_id>")
@auth.public
def show_thing(attempt_id: str) -> ResponseReturnValue:
    """The passport of what an attempt made; every entry says how it is known."""
    with reading(current_app.extensions["engine"]) as session:
        passport = passports.show_passport(session, attempt_id)
    settings: Settings = current_app.extensions["settings"]
    address = f"{settings.base_url}/things/{passport.attempt_id}"
    return render_template(
        "thing.html", thing=passport, groups=GROUPS, address=address, qr=qr(address)
    )
