"""Figures for people: sizes, times, masses and dates, as the page's language writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from babel.dates import format_date
from babel.numbers import get_decimal_symbol

from repo_server.search.finding import Count
from repo_server.web.languages import current, gettext


def file_size(size: int) -> str:
    """Bytes in decimal units, as file managers show them."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{number(amount)} {unit}"
        amount /= 1000
    return f"{number(amount)} GB"


def counted(count: Count) -> str:
    """How many; "1 000+" where others were not counted, nothing where that is all we know."""
    if count.more and not count.number:
        return ""
    return number(count.number) + ("+" if count.more else "")


def duration(seconds: float) -> str:
    """A time span with the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {second} s"
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute} min" if hours else f"{minutes} min"


def number(value: float) -> str:
    """At most three digits that mean something, thousands apart, no exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if abs(value) < 0.001:
        return gettext("less than 0.001")
    return _decimal(f"{value:.3g}")


def _decimal(figures: str) -> str:
    """Figures with the decimal mark of the page's language."""
    return figures.replace(".", get_decimal_symbol(current().locale))


def figure(value: float, unit: str = "") -> str:
    """At most two digits that mean something: no figure here is known better. Counts are exact."""
    if unit == "things" or value == 0:
        return number(value)
    return number(float(f"{value:.2g}"))


def grams(mass_g: float) -> str:
    """A mass in g or kg."""
    return f"{number(mass_g / 1000)} kg" if mass_g >= 1000 else f"{number(mass_g)} g"


def box(size_mm: tuple[float, float, float] | list[float]) -> str:
    """Width × depth × height in mm, to a tenth: nothing here is made more exactly."""
    return " × ".join(_decimal(f"{edge:.1f}".removesuffix(".0")) for edge in size_mm) + " mm"


def volume(mm3: float | None) -> str:
    """In cm³; None is that of a mesh that bounds no body."""
    return gettext("none: it has no inside") if mm3 is None else f"{number(mm3 / 1000)} cm³"


def simplified(facts: Mapping[str, object]) -> str:
    """That our picture of a mesh has fewer triangles than its file, where that is so."""
    shown, of = facts.get("preview_faces"), facts.get("preview_of", facts.get("faces"))
    if not isinstance(shown, int) or not isinstance(of, int):
        return ""
    said = gettext("the picture shows %(shown)s of %(all)s triangles, the file is whole")
    return said % {"shown": number(shown), "all": number(of)}


def moment(at: datetime) -> str:
    """A date and time in UTC for people; pages put the exact instant beside it."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def day(at: datetime) -> str:
    return format_date(at.astimezone(UTC), "long", current().locale)


# Filters of the templates, under their own names.
FILTERS = (file_size, counted, duration, number, figure, grams, box, moment, day)
