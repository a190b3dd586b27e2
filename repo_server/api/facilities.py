"""Labs as Open Know-Where, out for everybody and in for their managers."""

import json
from typing import Annotated, Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.content import holds_nul
from commons.errors import FieldProblem, InvalidInput
from commons.facility import Form
from commons.wire import Asked, Told
from repo_server import facilities
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.tables.people import LabRole

bp = Blueprint("api_facilities", __name__, url_prefix="/api/v1")

MOST_BYTES = 256 * 1024
_DEPTH = 32


class WantedForm(Asked):
    form: Annotated[Form, Field(description="v1 (JSON of 2021) or 2024 (tables)")] = Form.V1


class FacilityBrought(Told):
    """`notes` is what a strict reader of the facility minds."""

    name: str
    form: Form
    notes: tuple[FieldProblem, ...]


@bp.get("/labs/<lab>/okw")
@auth.public
@answers({200: dict[str, Any]})
def show_facility(lab: str, query: WantedForm) -> ResponseReturnValue:
    """200 with the lab as OKW: ?form= v1 (JSON of 2021) or 2024 (tables)."""
    with reading(current_app.extensions["engine"]) as session:
        return jsonify(facilities.show_facility(session, lab, query.form))


@bp.put("/labs/<lab>/okw")
@auth.lab_role(LabRole.MANAGER)
@answers({200: FacilityBrought}, takes=Raw("application/json"))
def bring_facility(lab: str) -> ResponseReturnValue:
    """200 with what a strict reader minds; the lab has the facility's name, place and words."""
    data = read_json(request.get_data())
    with transaction(current_app.extensions["engine"]) as session:
        brought = facilities.bring_facility(session, lab, data)
    notes = tuple(FieldProblem(it.field, it.problem) for it in brought.notes)
    return write(FacilityBrought(name=brought.name, form=brought.form, notes=notes))


def read_json(text: bytes) -> object:
    """What the text says; InvalidInput for what is no JSON, too large or too deep."""
    if len(text) > MOST_BYTES:
        raise InvalidInput(f"a facility has at most {MOST_BYTES} bytes")
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("this is not JSON") from error
    if holds_nul(text):
        raise InvalidInput(
            "the facility holds the character U+0000, which no text needs; remove it"
        )
    _require_shallow(data)
    return data


def _require_shallow(value: object, left: int = _DEPTH) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise InvalidInput(f"a facility nests at most {_DEPTH} levels")
    for item in value.values() if isinstance(value, dict) else value:
        _require_shallow(item, left - 1)
