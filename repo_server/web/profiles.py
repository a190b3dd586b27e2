"""The page on which people say who they are."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import InvalidInput
from repo_server import directory, profiles
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.profiles import Profile

bp = Blueprint("profiles", __name__)


@bp.get("/me/profile")
@auth.signed_in(Scope.READ)
def form() -> ResponseReturnValue:
    """The form, as the person is shown now."""
    return _page()


@bp.post("/me/profile")
@auth.signed_in(Scope.PROFILE_WRITE)
def change() -> ResponseReturnValue:
    """Back on the form, or with what is wrong."""
    given = {name: request.form.get(name, "") for name in ("name", "about", "link")}
    try:
        said = check(Profile, {**given, "is_listed": bool(request.form.get("is_listed"))})
        with transaction(current_app.extensions["engine"]) as session:
            profiles.change_profile(session, auth.current_person(), said)
    except InvalidInput as error:
        return _page(error), status_of(error)
    return redirect(url_for("profiles.form"), 303)


def _page(error: InvalidInput | None = None) -> str:
    me = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        known = profiles.profile_of(session, me)
        handle = directory.handles_of(session, [me.id]).get(me.id)
    values = request.form if error else known.model_dump()
    return render_template("profile.html", values=values, handle=handle, error=error)
