"""Trainings: for which machines a lab asks for them, who was trained, and who stands for it."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.wire import Told
from repo_server import labs, trainings
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.trainings import NewClass, NewTraining, Revocation, Training, TrainingClass

bp = Blueprint("api_trainings", __name__, url_prefix="/api/v1")


class ClassesListed(Told):
    classes: tuple[TrainingClass, ...]


class ClassShown(Told):
    training_class: TrainingClass


class TrainingsListed(Told):
    trainings: tuple[Training, ...]


class TrainingShown(Told):
    training: Training


@bp.get("/labs/<lab>/training-classes")
@auth.lab_role(LabRole.MEMBER)
@answers({200: ClassesListed})
def list_training_classes(lab: str) -> ResponseReturnValue:
    """200 with the classes of machines for which the lab asks for training, by name."""
    with reading(current_app.extensions["engine"]) as session:
        found = trainings.list_classes(session, labs.lab_of(session, lab).id)
    return write(ClassesListed(classes=tuple(found)))


@bp.put("/labs/<lab>/training-classes")
@auth.lab_role(LabRole.MANAGER)
@answers({200: ClassShown})
def set_training_class(lab: str, asked: NewClass) -> ResponseReturnValue:
    """200 with the class, which is new or now so."""
    with transaction(current_app.extensions["engine"]) as session:
        found = trainings.set_class(session, labs.lab_of(session, lab).id, asked)
    return write(ClassShown(training_class=found))


@bp.get("/labs/<lab>/trainings")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: TrainingsListed})
def list_trainings(lab: str, query: From) -> ResponseReturnValue:
    """200 with every training that was ever signed here, the latest first; `Link` leads on."""
    with reading(current_app.extensions["engine"]) as session:
        found = trainings.of_lab(session, labs.lab_of(session, lab).id, query.stretch)
    return with_next(write(TrainingsListed(trainings=tuple(found.entries))), found.after)


@bp.post("/labs/<lab>/training-classes/<class_id>/trainings")
@auth.lab_role(LabRole.MEMBER)
@answers({201: TrainingShown}, keyed=True)
def sign_training(lab: str, class_id: str, asked: NewTraining) -> ResponseReturnValue:
    """201 with the training; 403 for all but trainers of the class and the lab's managers."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, TrainingShown]:
        lab_id = labs.lab_of(session, lab).id
        made = trainings.sign(session, class_id, asked, lab_id=lab_id, by=by, now=now)
        return 201, TrainingShown(training=made)

    return made_once(make)


@bp.post("/labs/<lab>/trainings/<training_id>/revoke")
@auth.lab_role(LabRole.MEMBER)
@answers({200: TrainingShown}, refuses=(409,))
def revoke_training(lab: str, training_id: str, asked: Revocation) -> ResponseReturnValue:
    """200; the training counts no more, and stays in the history. For whoever may sign it."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = trainings.revoke(session, training_id, asked.reason, lab_id=lab_id, by=by, now=now)
    return write(TrainingShown(training=found))


@bp.get("/me/trainings")
@auth.signed_in(Scope.READ)
@answers({200: TrainingsListed})
def list_my_trainings(query: From) -> ResponseReturnValue:
    """200 with your own trainings, wherever, the latest first; `Link` leads on."""
    with reading(current_app.extensions["engine"]) as session:
        found = trainings.of_person(session, auth.current_person().id, query.stretch)
    return with_next(write(TrainingsListed(trainings=tuple(found.entries))), found.after)
