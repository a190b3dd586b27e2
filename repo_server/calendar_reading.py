"""Calendars from elsewhere are read: fetched or uploaded, in a limited child, then kept."""

import tempfile
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from commons.errors import FabError, InvalidInput
from repo_server import calendar_sources
from repo_server.calendar_sources import MAX_BYTES, READ_AHEAD, Due
from repo_server.db import reading, transaction
from repo_server.fetching import Fetcher
from repo_server.parsing.inspection import CalendarEvent, read_calendar


def read_due(engine: Engine, fetcher: type[Fetcher], *, now: datetime) -> None:
    """Every calendar that nobody has asked for an hour was read, or says why not. No transaction
    is open while somebody else's server, or the reader, is waited for."""
    with transaction(engine) as session:
        due = calendar_sources.due(session, now)
    for it in due:
        try:
            events = _fetched(it, fetcher, now)
        except FabError as problem:
            with transaction(engine) as session:
                calendar_sources.record_problem(session, it.id, str(problem))
            continue
        with transaction(engine) as session:
            calendar_sources.record(session, it.id, events, now=now)


def _fetched(due: Due, fetcher: type[Fetcher], now: datetime) -> list[CalendarEvent]:
    data = fetcher(seconds=20.0).fetch(due.url, max_bytes=MAX_BYTES)
    return events_of(data, due.zone, now=now)


def read_upload(
    engine: Engine, calendar_id: str, data: bytes, *, lab_id: str, now: datetime
) -> int:
    """The calendar says what is in `data`; how many times of it are kept. InvalidInput says what
    is wrong with it, and then all stays as it was."""
    with reading(engine) as session:
        row = calendar_sources.calendar_in(session, calendar_id, lab_id)
        zone = calendar_sources.zone_of(session, row)
    events = events_of(data, zone, now=now)
    with transaction(engine) as session:
        calendar_sources.calendar_in(session, calendar_id, lab_id)
        calendar_sources.record(session, calendar_id, events, now=now)
    return len(events)


def events_of(data: bytes, zone: str, *, now: datetime) -> list[CalendarEvent]:
    """What these bytes keep busy from now on; InvalidInput where they are no calendar."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(
            f"this calendar has more than {MAX_BYTES // 1024**2} MB, the most that is read; "
            "leave out what has been"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calendar.ics"
        path.write_bytes(data)
        return read_calendar(path, now, now + READ_AHEAD, zone)
