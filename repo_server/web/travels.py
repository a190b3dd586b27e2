"""The map: where labs are, and how designs travelled between them."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from repo_server import coalitions, labs, travels
from repo_server.api import auth
from repo_server.db import reading
from repo_server.web import earth
from repo_server.web.maps import map_of

bp = Blueprint("travels", __name__)


@bp.get("/map")
@auth.public
def show() -> ResponseReturnValue:
    """Labs and ways of designs: ?city= its labs alone, ?period= what was made in that year."""
    asked, city = request.args.get("period", ""), request.args.get("city", "")
    period = coalitions.year(asked) if asked else None
    with reading(current_app.extensions["engine"]) as session:
        row = labs.city_of(session, city) if city else None
        shown = travels.show_travels(session, city_id=row.id if row else None, period=period)
        cities = labs.list_cities(session)
    return render_template(
        "map.html",
        city=row,
        cities=cities,
        period=period,
        years=range(datetime.now(UTC).year, 2025, -1),
        travels=shown,
        map=map_of(shown),
    )


@bp.get("/earth.svg")
@auth.public
def draw_earth() -> ResponseReturnValue:
    """All land, for pages to lay under their dots; it stays as it is for a day."""
    path = f'<path id="land" fill-rule="evenodd" d="{earth.land()}"/>'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg">{path}</svg>'
    answer = Response(drawn, mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer
