"""Papers that go with a job: its ticket and the label for its box."""

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue

from commons.errors import NotFound
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.db import reading
from repo_server.papers import notices
from repo_server.papers.layout import label, ticket
from repo_server.people import Scope
from repo_server.settings import Settings

bp = Blueprint("api_papers", __name__, url_prefix="/api/v1")

_PAPERS = {"ticket": ticket, "label": label}
_FORMATS = {"pdf": "application/pdf", "png": "image/png"}


@bp.get("/jobs/<job_id>/papers/<name>")
@auth.signed_in(Scope.READ)
@answers({200: Raw("application/pdf", "image/png")})
def show_paper(job_id: str, name: str) -> ResponseReturnValue:
    """200 with `ticket` or `label`, as .pdf or .png; 404 for whoever may not see the job."""
    paper, _, kind = name.partition(".")
    if paper not in _PAPERS or kind not in _FORMATS:
        raise NotFound("there are ticket.pdf, ticket.png, label.pdf and label.png")
    # Here and not above: fonts, PDF and pictures are 40 MB that no other route needs.
    from repo_server.papers import drawing

    settings: Settings = current_app.extensions["settings"]
    with reading(current_app.extensions["engine"]) as session:
        to = auth.current_person().id
        notice = notices.of_job(
            session, job_id, to=to, base_url=settings.base_url, covers=drawing.covers
        )
    sheet = _PAPERS[paper](notice, drawing.width_mm)
    title = f"{paper.capitalize()}: {notice.title}"
    data = drawing.pdf(sheet, title=title) if kind == "pdf" else drawing.png(sheet)
    answer = Response(data, mimetype=_FORMATS[kind])
    answer.headers["Content-Disposition"] = f'inline; filename="{paper}-{job_id[:16]}.{kind}"'
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
