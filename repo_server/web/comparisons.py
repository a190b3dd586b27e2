"""The page that shows what changed between two releases."""

import json

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.bom import BomLine, Origin
from repo_server import heads
from repo_server.api import auth
from repo_server.api import comparisons as comparing
from repo_server.db import reading
from repo_server.web import figures
from repo_server.web.languages import gettext
from repo_server.web.shapes import view_of

bp = Blueprint("comparisons", __name__)

_MOST_SHOWN = 300  # characters of a value


@bp.get("/compare")
@auth.public
def choose() -> ResponseReturnValue:
    """Sent on to the comparison of the two releases that a form chose."""
    before, after = request.args.get("before", ""), request.args.get("after", "")
    return redirect(url_for("comparisons.show", before=before or "-", after=after or "-"), 303)


@bp.get("/releases/<before>/changes/<after>")
@auth.public
def show(before: str, after: str) -> ResponseReturnValue:
    """What changed in manifest, bill of materials, parts and files."""
    found = comparing.compare(before, after)
    with reading(current_app.extensions["engine"]) as session:
        releases = heads.list_releases(session, found.after.slug)
    return render_template(
        "comparison.html",
        found=found,
        shapes=[view_of(it) for it in found.parts],
        releases=releases,
        value=_value,
        bom_line=_bom_line,
    )


def _value(value: object) -> str:
    """A manifest's value as people read it."""
    if value is None or value is True:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"


def _bom_line(line: BomLine | None) -> str:
    """A line of a bill in one sentence."""
    if line is None:
        return ""
    amount = gettext("unknown") if line.quantity is None else figures.number(line.quantity)
    source = line.target
    if line.origin is Origin.DESIGN:
        source = gettext("design %(name)s") % {
            "name": f"{line.target} {line.version or ''}".strip()
        }
    elif line.origin is Origin.STOCK:
        source = gettext("a lab's %(material)s") % {"material": line.target}
    said = [f"{amount} {line.unit}".strip(), line.material, source, line.note]
    return ", ".join(it for it in said if it)
