"""How designs travel between labs, as data."""

import csv
import io
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.travels import Way
from commons.wire import Asked, Told
from repo_server import coalitions, labs, travels
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.db import reading
from repo_server.travels import Spot, Travels

bp = Blueprint("api_travels", __name__, url_prefix="/api/v1")

_COLUMNS = ("origin_lab", "origin_city", "lab", "city", "design", "things_of_all_designs", "period")


class Wanted(Asked):
    city: Annotated[str, Field(description="its labs alone; all without it")] = ""
    period: Annotated[str, Field(description="things made in that year; all without it")] = ""


class TravelsShown(Told):
    """Labs by city and name, and the 500 widest ways of designs between them, widest first.

    `left_out` is how many narrower ones there are.
    """

    labs: tuple[Spot, ...]
    ways: tuple[Way, ...]
    left_out: int


@bp.get("/travels")
@auth.public
@answers({200: TravelsShown}, refuses=(404, 422))
def show_travels(query: Wanted) -> ResponseReturnValue:
    """200 with labs and ways: from the lab that made a design first to those that followed."""
    shown = _travels(query)
    spots = tuple(shown.spots.values())
    return write(TravelsShown(labs=spots, ways=shown.ways, left_out=shown.left_out))


@bp.get("/travels.csv")
@auth.public
@answers({200: Raw("text/csv")}, refuses=(404, 422))
def export_travels(query: Wanted) -> ResponseReturnValue:
    """200 with a line for each design on each way."""
    shown = _travels(query)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for way in shown.ways:
        origin, lab = shown.spots[way.origin], shown.spots[way.lab]
        ends = (origin.slug, origin.city_slug, lab.slug, lab.city_slug)
        table.writerows((*ends, design, way.things, query.period) for design in way.designs)
    answer = Response(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="travels.csv"'
    return answer


def _travels(query: Wanted) -> Travels:
    period = coalitions.year(query.period) if query.period else None
    with reading(current_app.extensions["engine"]) as session:
        city = labs.city_of(session, query.city) if query.city else None
        return travels.show_travels(session, city_id=city.id if city else None, period=period)
