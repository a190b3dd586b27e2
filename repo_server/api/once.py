"""What a request makes is made once, however often the request comes under one key."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from sqlmodel import Session

from repo_server import idempotency
from repo_server.api import auth
from repo_server.db import transaction

KEY_HEADER = "Idempotency-Key"


def made_once(
    make: Callable[[Session, datetime], tuple[int, BaseModel]],
) -> ResponseReturnValue:
    """The status and the message of `make`, which makes something in one transaction.

    With an Idempotency-Key the same request of the same person is answered as it was the first
    time, and nothing is made again. Not for answers that hold a secret: they are kept.
    """
    now = datetime.now(UTC)

    def answer(session: Session) -> idempotency.Answer:
        status, message = make(session, now)
        return status, message.model_dump(mode="json")

    with transaction(current_app.extensions["engine"]) as session:
        if (given := request.headers.get(KEY_HEADER)) is None:
            status, body = answer(session)
        else:
            asked = f"{request.method} {request.path}\n".encode() + request.get_data()
            key = idempotency.Key(auth.current_person().id, given, asked)
            status, body = idempotency.once(session, key, lambda: answer(session), now=now)
    return jsonify(body), status
