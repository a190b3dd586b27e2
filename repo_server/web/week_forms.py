"""Hours of a week as people type them: one line a day, and times by the lab's own clock."""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from commons.errors import FieldProblem, InvalidInput
from commons.hours import DAYS, Week
from commons.texts import filled, later
from repo_server.web.languages import Texts

DAY_NAMES = Texts(
    {
        "mon": later("Monday"),
        "tue": later("Tuesday"),
        "wed": later("Wednesday"),
        "thu": later("Thursday"),
        "fri": later("Friday"),
        "sat": later("Saturday"),
        "sun": later("Sunday"),
    }
)


def read_week(form: Mapping[str, str], name: str) -> dict[str, list[str]] | None:
    """The week that the fields `name`_mon … hold; None when all of them are empty."""
    days = {day: _hours(form.get(f"{name}_{day}", "")) for day in DAYS}
    return {day: hours for day, hours in days.items() if hours} or None


def _hours(text: str) -> list[str]:
    """The spans in a line such as "9:00–12:30, 14–18", as `Week` takes them."""
    spans = []
    for part in filter(None, re.split(r"[,;]\s*", text.strip())):
        ends = re.split(r"\s*[-–—]\s*", part.strip())
        spans.append("-".join(map(_clock, ends)))
    return spans


def _clock(text: str) -> str:
    hour, _, minute = text.partition(":")
    return f"{hour.strip().zfill(2)}:{(minute.strip() or '0').zfill(2)}"


def fill_week(week: Week | None, name: str) -> dict[str, str]:
    """The fields that show this week."""
    days = {day: getattr(week, day) if week else () for day in DAYS}
    return {f"{name}_{day}": ", ".join(hours) for day, hours in days.items()}


def read_moment(form: Mapping[str, str], name: str, zone: tzinfo) -> datetime | None:
    """The time that a field holds, by the lab's clock; None when it is empty."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        problem = FieldProblem(name, filled("'%(given)s' is no date and time", given=text[:40]))
        raise InvalidInput(str(problem), [problem]) from error
