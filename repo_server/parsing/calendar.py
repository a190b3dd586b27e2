"""Calendars (RFC 5545): which times their events keep busy, recurrences told one by one."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar

from commons.errors import InvalidInput

MOST_EVENTS = 1000
# A calendar of years with hundreds of recurrences takes less than a second.
CPU_S = 10
EVENTS = "events.json"
_TOO_OFTEN = ("SECONDLY", "MINUTELY")


def inspect(path: Path, kind: str, out: Path) -> dict[str, object]:
    """The events between two moments are written as EVENTS, at most MOST_EVENTS.

    `kind` tells the moments and the zone of what has none: `ics,BEGIN,END,ZONE`.
    """
    _, begin, end, zone = kind.split(",")
    moments = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    try:
        with _cpu_s(CPU_S):
            calendar = Calendar.from_ical(path.read_bytes())
            _refuse_storms(calendar)
            found = list(_events(calendar, *moments, ZoneInfo(zone)))
    except InvalidInput:
        raise
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise InvalidInput(f"this is no calendar that can be read: {str(error)[:200]}") from error
    (out / EVENTS).write_text(json.dumps(found))
    return {"facts": {"events": len(found)}}


@contextmanager
def _cpu_s(most: float) -> Iterator[None]:
    """What takes longer raises InvalidInput; afterwards nothing is left that could ring."""
    before = signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _too_long(_signal: int, _frame: object) -> None:
    raise InvalidInput("its recurrences take too long to read; give them an end, or fewer of them")


def _refuse_storms(calendar: Any) -> None:
    for event in calendar.walk("VEVENT"):
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if any(str(it).upper() in _TOO_OFTEN for it in rule.get("FREQ", [])):
                raise InvalidInput(
                    "an event comes again every minute or more often; no machine is booked so"
                )


def _events(
    calendar: Any, begin: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[dict[str, str]]:
    for number, event in enumerate(recurring_ical_events.of(calendar).between(begin, end)):
        if number == MOST_EVENTS:
            raise InvalidInput(
                f"it has more than {MOST_EVENTS} events in the time that is read ahead; "
                "a machine's calendar has fewer"
            )
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":  # it keeps nobody busy
            continue
        begins_at, ends_at = (_instant(event[it].dt, zone) for it in ("DTSTART", "DTEND"))
        if begins_at < ends_at:
            yield {
                "uid": str(event.get("UID", ""))[:200],
                "title": " ".join(str(event.get("SUMMARY", "")).split())[:80],
                "begins_at": begins_at.isoformat(),
                "ends_at": ends_at.isoformat(),
            }


def _instant(said: date | datetime, zone: ZoneInfo) -> datetime:
    """The instant; a day, or a time without a zone, is one of the lab's."""
    if not isinstance(said, datetime):
        said = datetime.combine(said, time())
    return (said.replace(tzinfo=zone) if said.tzinfo is None else said).astimezone(UTC)
