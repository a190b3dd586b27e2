"""Requests of people without an account: how many a lab takes, and how far one is."""

import re
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from commons.errors import Conflict, TooMany
from commons.job import JobState
from commons.texts import filled, later

MOST_OPEN = 50  # of a lab, at once
MOST_OF_A_SENDER = 5  # in an hour, at all labs
MOST_AT_A_LAB = 20  # in an hour
MOST_LETTERS = 3  # with a link to confirm, to one address, in a day
WINDOW = timedelta(hours=1)
CONFIRM_WITHIN = timedelta(days=7)

_EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,180}\.[^@\s.<>,;]{2,}")
_WINDOW_S = int(WINDOW.total_seconds())
OVER = frozenset({JobState.DONE, JobState.REJECTED, JobState.CANCELLED})
_IN_LINE = frozenset({JobState.QUEUED, JobState.LEASED, JobState.STAGED})


class Answer(StrEnum):
    """What was said to a request, as it is kept."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Stage(StrEnum):
    """How far a request is, as its guest reads it."""

    ASKED = "asked"
    HELD_BACK = "held_back"  # approved; its licence or its drawing is waited for
    WAITING = "waiting"  # approved, in the queue
    BEING_MADE = "being_made"
    READY = "ready"
    NOT_MADE = "not_made"  # approved, and nothing good came of it
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


def is_email(text: str) -> bool:
    """Whether a letter could be sent there."""
    return _EMAIL.fullmatch(text) is not None


def require_room(*, open_: int, of_sender: int, at_lab: int) -> None:
    """Pass for one more request, where the lab has `open_` that nobody has answered, and the sender
    and the lab had so many within the `WINDOW`.

    Raises TooMany when that is too often, Conflict when operators have to answer some first.
    """
    if of_sender >= MOST_OF_A_SENDER:
        raise TooMany(
            filled(
                "%(count)s requests came from where you are within an hour; send this one later",
                count=of_sender,
            ),
            retry_s=_WINDOW_S,
        )
    if at_lab >= MOST_AT_A_LAB:
        raise TooMany(
            later("this lab was asked for many things within an hour; send this one later"),
            retry_s=_WINDOW_S,
        )
    if open_ >= MOST_OPEN:
        raise Conflict(
            filled(
                "%(count)s requests wait for this lab's answer, and it takes no more now; ask "
                "again in some days, or another lab",
                count=open_,
            )
        )


def stage(answer: Answer, jobs: Collection[JobState], *, held_back: bool) -> Stage:
    """How far the request is whose order became these jobs; `held_back`: it is approved, and its
    order is not in the queue yet."""
    match answer:
        case Answer.OPEN:
            return Stage.ASKED
        case Answer.DECLINED:
            return Stage.DECLINED
        case Answer.WITHDRAWN:
            return Stage.WITHDRAWN
        case Answer.APPROVED:
            return Stage.HELD_BACK if held_back else _made(jobs)


def _made(jobs: Collection[JobState]) -> Stage:
    if all(state in OVER for state in jobs):
        return Stage.READY if JobState.DONE in jobs else Stage.NOT_MADE
    begun = any(state not in _IN_LINE and state is not JobState.CANCELLED for state in jobs)
    return Stage.BEING_MADE if begun else Stage.WAITING
