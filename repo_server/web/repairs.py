"""Repaired copies on the page that says whether a design can be made."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from repo_server import repairs
from repo_server.api import auth
from repo_server.api.repairs import put_into_draft
from repo_server.db import transaction
from repo_server.people import Scope
from repo_server.repair_facts import Measures, Reach, RepairFacts, Steps
from repo_server.repairs import Repair
from repo_server.web import figures
from repo_server.web.languages import gettext, ngettext

bp = Blueprint("repairs", __name__)


@dataclass(frozen=True, slots=True)
class RepairView:
    """What is said of a copy: what was done, how far the surfaces are apart, and rows of a table:
    what, before, after. `marks` are the closed holes, as JSON for the viewer."""

    repair: Repair
    done: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    marks: str = "{}"


@bp.post("/releases/<id>/repairs")
@auth.signed_in(Scope.DESIGN_WRITE)
def ask(id: str) -> ResponseReturnValue:
    """Back on the page, which says that a copy is being made, or shows it."""
    by, now, part = auth.current_person(), datetime.now(UTC), request.form.get("part", "")
    with transaction(current_app.extensions["engine"]) as session:
        repairs.ask(session, id, part, by=by, now=now)
    return redirect(url_for("making.show", id=id), 303)


@bp.post("/releases/<id>/repairs/draft")
@auth.signed_in(Scope.DESIGN_WRITE)
def put(id: str) -> ResponseReturnValue:
    """Sent on to the draft that holds the copy."""
    part, use = request.form.get("part", ""), request.form.get("use") == "yes"
    draft_id = put_into_draft(id, part, use=use)
    return redirect(url_for("drafts.show", draft_id=draft_id), 303)


def view_of(repair: Repair) -> RepairView:
    """The copy in words; of one that is not there only that."""
    facts = repair.facts
    if facts is None:
        return RepairView(repair)
    return RepairView(
        repair,
        done=tuple(_done(facts.steps)),
        apart=_apart(facts),
        rows=tuple(_rows(facts.before, facts.after)),
        marks=json.dumps({"holes": facts.places}),
    )


def _done(steps: Steps) -> Iterator[str]:
    """A sentence for each step that changed something."""
    said = (
        (steps.corners_joined, ngettext(
            "%(count)s corner that lay at the place of another was joined with it.",
            "%(count)s corners that lay at the place of others were joined with them.",
            steps.corners_joined)),
        (steps.flat, ngettext("%(count)s triangle without area was left out.",
                              "%(count)s triangles without area were left out.", steps.flat)),
        (steps.doubled, ngettext("%(count)s doubled triangle was left out.",
                                 "%(count)s doubled triangles were left out.", steps.doubled)),
        (steps.fins, ngettext(
            "%(count)s triangle that hung at an edge of others and closed nothing was left out.",
            "%(count)s triangles that hung at edges of others and closed nothing were left out.",
            steps.fins)),
        (steps.turned, ngettext("%(count)s triangle was turned.",
                                "%(count)s triangles were turned.", steps.turned)),
        (steps.seams, ngettext("%(count)s seam without width was closed.",
                               "%(count)s seams without width were closed.", steps.seams)),
        (steps.bodies_turned, ngettext("%(count)s body that was inside out was turned.",
                                       "%(count)s bodies that were inside out were turned.",
                                       steps.bodies_turned)),
        (steps.bodies_united, ngettext("%(count)s body became one with another that it overlaps.",
                                       "%(count)s bodies became one with others that they overlap.",
                                       steps.bodies_united)),
    )  # fmt: skip
    if steps.holes:
        text = ngettext(
            "%(count)s hole was closed, with a surface of %(area)s mm² that is new.",
            "%(count)s holes were closed, with a surface of %(area)s mm² that is new.",
            steps.holes,
        )
        yield text % {
            "count": figures.number(steps.holes),
            "area": figures.number(steps.filled_mm2),
        }
    for count, text in said:
        if count:
            yield text % {"count": figures.number(count)}


def _apart(facts: RepairFacts) -> tuple[str, str]:
    left = gettext(
        "Of the old surface, the farthest place from the new one is %(least)s to %(most)s mm away."
    )
    added = gettext(
        "Of the new surface, the farthest place from the old one is %(least)s to %(most)s mm away."
    )
    return left % _span(facts.left), added % _span(facts.added)


def _span(reach: Reach) -> dict[str, str]:
    return {"least": figures.number(reach.least_mm), "most": figures.number(reach.most_mm)}


def _rows(before: Measures, after: Measures) -> Iterator[tuple[str, str, str]]:
    measured: tuple[tuple[str, Callable[[Measures], str]], ...] = (
        (gettext("Triangles"), lambda it: figures.number(it.faces)),
        (gettext("Edges that are wrong"), lambda it: figures.number(it.wrong_edges)),
        (gettext("Bodies"), lambda it: figures.number(it.bodies)),
        (gettext("Volume"), lambda it: figures.volume(it.volume_mm3)),
        (gettext("Surface"), lambda it: f"{figures.number(it.area_mm2 / 100)} cm²"),
        (gettext("Size"), lambda it: figures.box(it.box_mm)),
    )
    for what, told in measured:
        yield what, told(before), told(after)
