"""`create_panel` is the only place where the parts of the panel meet."""

from flask import Flask

from fab_agent.panel import (
    acts,
    frame,
    gate,
    judging,
    making,
    octoprint_api,
    pages,
    passkey_pages,
    pictures,
    programs,
    signing_in,
)
from fab_agent.panel.desk import Desk

# What the panel consists of. A blueprint's views are for everybody on the network to look at;
# `gate` has the decorators for those that only a signed-in operator or a program may use.
BLUEPRINTS = (
    pages.bp,
    acts.bp,
    judging.bp,
    making.bp,
    pictures.bp,
    programs.bp,
    signing_in.bp,
    passkey_pages.bp,
    octoprint_api.bp,
)
# A form with a photo is the largest that people send; what programs send says its own limit.
LONGEST_FORM = 32 * 1024 * 1024


def create_panel(desk: Desk) -> Flask:
    """The panel's application; nothing is opened, and no thread is started."""
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=desk.secret,
        MAX_CONTENT_LENGTH=LONGEST_FORM,
        SESSION_COOKIE_NAME="cosmo_panel",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=gate.SESSION_LIFE,
    )
    app.extensions["desk"] = desk
    gate.guard(app)
    frame.furnish(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    return app
