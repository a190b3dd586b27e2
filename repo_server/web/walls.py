"""A lab's wall screen: large, live, and the same page on a phone."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from flask import Blueprint, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from repo_server.actions import Act, Action
from repo_server.api import auth
from repo_server.walls import wall_of
from repo_server.web import sentences
from repo_server.web.figures import day
from repo_server.web.languages import gettext, ngettext

bp = Blueprint("walls", __name__)


@bp.get("/labs/<lab>/wall")
@auth.public
def show_wall(lab: str) -> ResponseReturnValue:
    """The wall now. Its script asks for it again when something changes, a browser without scripts
    every 20 s; who has it already is told so with 304."""
    wall = wall_of(current_app.extensions["boards"].read(lab).board)
    page = render_template("wall.html", wall=wall)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-cache"
    answer.set_etag(sha256(page.encode()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


@bp.app_template_filter("to_do")
def to_do(it: Action) -> str:
    """What is to be done, as one says it across a room."""
    material = sentences.material(it.what) if it.act is Act.LOAD else ""
    named = {"machine": it.machine, "material": material, "part": it.what}
    return {
        Act.LOOK: gettext("Look at %(machine)s"),
        Act.CLEAR: gettext("Clear %(machine)s"),
        Act.LOAD: gettext("Load %(material)s on %(machine)s"),
        Act.REFILL: gettext("Put more material on %(machine)s"),
        Act.SET_UP: gettext("Set %(machine)s up"),
        Act.SERVICE: gettext("Maintain %(machine)s"),
        Act.SWITCH_ON: gettext("Switch %(machine)s on"),
        Act.GO_ON: gettext("Let %(machine)s go on"),
        Act.JUDGE: gettext("Judge the %(part)s on %(machine)s"),
        Act.DECIDE: gettext("Decide about the %(part)s: it failed"),
        Act.ALLOW: gettext("Say whether the %(part)s is to be made all the same"),
    }[it.act] % named


@bp.app_template_filter("waiting_for_it")
def waiting_for_it(it: Action) -> str:
    """How many jobs wait for it; empty when none does."""
    if not it.jobs:
        return ""
    said = ngettext("%(count)s job waits for it", "%(count)s jobs wait for it", it.jobs)
    return said % {"count": it.jobs}


@bp.app_template_filter("clock")
def clock(at: datetime) -> str:
    """The hour of the day, with the day before it where it is not within a day."""
    hour = f"{at.astimezone(UTC):%H:%M} UTC"
    soon = at - datetime.now(UTC) < timedelta(hours=18)
    return hour if soon else f"{day(at)}, {hour}"
