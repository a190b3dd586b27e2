"""Material lots: what a lab has, what is left of each, and where it is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlmodel import Session

from commons.errors import NotFound
from commons.wire import Asked, Told
from repo_server import (
    labs,
    lot_corrections,
    lot_history,
    lot_loading,
    lot_mass,
    lots,
    offcuts,
)
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.lot_corrections import LotCorrection
from repo_server.lot_history import LotLine, LotTold, MassLeft
from repo_server.papers.layout import lot_label
from repo_server.settings import Settings
from repo_server.tables.people import LabRole

bp = Blueprint("api_lots", __name__, url_prefix="/api/v1")

_FORMATS = {"label.pdf": "application/pdf", "label.png": "image/png"}
Text = Annotated[str, Field(max_length=80)]


class WantedLots(From):
    material: Annotated[str | None, Field(max_length=40, description="only of this one")] = None
    archived: Annotated[bool, Field(description="those that are used up")] = False


class Loading(Asked):
    """Which lot is on the machine now, or follows; null when none is."""

    lot_id: Text | None


class LotsListed(Told):
    lots: tuple[LotLine, ...]


class LotWeighed(Told):
    """What is left by the scale, what was reckoned before, and the difference in a sentence."""

    mass_left: MassLeft
    before_g: float | None
    sentence: str


@bp.get("/labs/<lab>/lots")
@auth.public
@answers({200: LotsListed})
def list_lots(lab: str, query: WantedLots) -> ResponseReturnValue:
    """200 with the lab's lots by material and name; `Link` leads to those behind."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = lots.page(
            session, lab_id, query.stretch, material=query.material, archived=query.archived
        )
    shown = tuple(map(lot_history.line, found.entries))
    return with_next(write(LotsListed(lots=shown)), found.after)


@bp.post("/labs/<lab>/lots")
@auth.lab_role(LabRole.MANAGER)
@answers({201: LotLine}, keyed=True)
def create_lot(lab: str, asked: lots.NewLot) -> ResponseReturnValue:
    """201 with the new lot."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, LotLine]:
        lab_id = labs.lab_of(session, lab).id
        return 201, lot_history.line(lots.add(session, asked, lab_id=lab_id, by=by, now=now))

    return made_once(make)


@bp.get("/labs/<lab>/lots/<lot_id>")
@auth.lab_role(LabRole.MEMBER)
@answers({200: LotTold})
def show_lot(lab: str, lot_id: str) -> ResponseReturnValue:
    """200 with the lot, its history, and the machines that it could be on."""
    with reading(current_app.extensions["engine"]) as session:
        lot = lots.of_id(session, lot_id, lab_id=labs.lab_of(session, lab).id)
        return write(lot_history.show(session, lot))


@bp.post("/labs/<lab>/lots/<lot_id>/weighings")
@auth.lab_role(LabRole.OPERATOR)
@answers({201: LotWeighed}, refuses=(409,), keyed=True)
def weigh_lot(lab: str, lot_id: str, asked: lot_mass.Weighing) -> ResponseReturnValue:
    """201 with what is left, and how far that is from what was reckoned."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, LotWeighed]:
        lot = lots.kept(session, lot_id, lab_id=labs.lab_of(session, lab).id)
        weighed = lot_mass.weigh(session, lot, asked, by=by, now=now)
        left = MassLeft.model_validate(weighed.left)
        before_g = weighed.before.central if weighed.before else None
        return 201, LotWeighed(mass_left=left, before_g=before_g, sentence=weighed.sentence)

    return made_once(make)


@bp.post("/labs/<lab>/lots/<lot_id>/offcuts")
@auth.lab_role(LabRole.OPERATOR)
@answers({201: LotLine}, refuses=(409,), keyed=True)
def keep_offcut(lab: str, lot_id: str, asked: offcuts.NewOffcut) -> ResponseReturnValue:
    """201 with the offcut, which is a lot of its own."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, LotLine]:
        lab_id = labs.lab_of(session, lab).id
        kept = offcuts.keep(session, lot_id, asked, lab_id=lab_id, by=by, now=now)
        return 201, lot_history.line(kept)

    return made_once(make)


@bp.post("/labs/<lab>/lots/<lot_id>/corrections")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def correct_lot(lab: str, lot_id: str, asked: LotCorrection) -> ResponseReturnValue:
    """204; its facts are as they are said here, and what was made of it counts under its ring."""

    def correct(session: Session, lab_id: str, by: str, now: datetime) -> None:
        lot = lots.kept(session, lot_id, lab_id=lab_id)
        lot_corrections.correct(session, lot, asked, by=by, now=now)

    return _done(lab, correct)


@bp.post("/labs/<lab>/lots/<lot_id>/archive")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None}, refuses=(409,))
def archive_lot(lab: str, lot_id: str) -> ResponseReturnValue:
    """204; the lot is used up, and listed no more. 409 while it is on a machine."""

    def archive(session: Session, lab_id: str, by: str, now: datetime) -> None:
        lots.archive(session, lots.kept(session, lot_id, lab_id=lab_id), by=by, now=now)

    return _done(lab, archive)


@bp.post("/labs/<lab>/lots/<lot_id>/restore")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None})
def restore_lot(lab: str, lot_id: str) -> ResponseReturnValue:
    """204; the lot is on the shelf again, with an unknown mass."""

    def restore(session: Session, lab_id: str, by: str, now: datetime) -> None:
        lots.restore(session, lots.kept(session, lot_id, lab_id=lab_id), by=by, now=now)

    return _done(lab, restore)


@bp.post("/labs/<lab>/machines/<machine_id>/lot")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None}, refuses=(409,))
def load_lot(lab: str, machine_id: str, asked: Loading) -> ResponseReturnValue:
    """204; the lot is on the machine. 409 while that holds a job, or another has the lot."""

    def load(session: Session, lab_id: str, by: str, now: datetime) -> None:
        lot_loading.put_on(session, machine_id, asked.lot_id, lab_id=lab_id, by=by, now=now)

    return _done(lab, load)


@bp.post("/labs/<lab>/machines/<machine_id>/next-lot")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None}, refuses=(409,))
def follow_lot(lab: str, machine_id: str, asked: Loading) -> ResponseReturnValue:
    """204; the lot follows once the loaded one runs short."""

    def follow(session: Session, lab_id: str, by: str, now: datetime) -> None:
        lot_loading.follow(session, machine_id, asked.lot_id, lab_id=lab_id, by=by, now=now)

    return _done(lab, follow)


def _done(lab: str, act: Callable[[Session, str, str, datetime], None]) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        act(session, labs.lab_of(session, lab).id, by, now)
    return "", 204


@bp.get("/labs/<lab>/lots/<lot_id>/papers/<name>")
@auth.lab_role(LabRole.MEMBER)
@answers({200: Raw("application/pdf", "image/png")})
def show_lot_paper(lab: str, lot_id: str, name: str) -> ResponseReturnValue:
    """200 with the lot's label, as `label.pdf` or `label.png`; its code leads to its page."""
    if name not in _FORMATS:
        raise NotFound("there are label.pdf and label.png")
    # Here and not above: fonts, PDF and pictures are 40 MB that no other route needs.
    from repo_server.papers import drawing

    settings: Settings = current_app.extensions["settings"]
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        lot = lot_history.line(lots.of_id(session, lot_id, lab_id=row.id))
    page = f"{settings.base_url}/labs/{lab}/lots/{lot.id}"
    sheet = lot_label(lot, row.name, page, drawing.width_mm, drawing.covers)
    pdf = name.endswith(".pdf")
    data = drawing.pdf(sheet, title=f"Label: {lot.name}") if pdf else drawing.png(sheet)
    answer = Response(data, mimetype=_FORMATS[name])
    answer.headers["Content-Disposition"] = f'inline; filename="{lot.id[:16]}-{name}"'
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
