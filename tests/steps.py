"""What SQLite does for an answer, counted and not timed."""

from collections.abc import Callable
from typing import Any

from sqlmodel import Session


def steps_of(session: Session, what: Callable[[], object]) -> int:
    """Instructions of SQLite's virtual machine, in tens."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    counted: Any = session.connection().connection.driver_connection
    counted.set_progress_handler(step, 10)
    what()
    counted.set_progress_handler(None, 10)
    return steps
