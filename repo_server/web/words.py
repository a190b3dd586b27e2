"""Figures and states in words for people: sizes, times, masses, and what a state means."""

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from babel.dates import format_date
from babel.numbers import get_decimal_symbol

from commons.compare import Sign
from commons.flows import Ring, Role, State
from commons.job import JobState
from commons.machine import MATERIALS, Process
from commons.units import filament_m
from commons.wire import Phase, ProgressReport
from repo_server.conditions import Condition
from repo_server.passports import Entry
from repo_server.search.finding import Count
from repo_server.web.languages import Texts, current, gettext, later


class Word(NamedTuple):
    """A state as people say it, in English; `tone` is the class that gives it its colour."""

    english: str
    tone: str = ""

    @property
    def text(self) -> str:
        """The word in the page's language."""
        return gettext(self.english)


JOB_WORDS = {
    JobState.QUEUED: Word("Waiting for a machine", "wait"),
    JobState.LEASED: Word("Being prepared", "good"),
    JobState.STAGED: Word("Prepared", "wait"),
    JobState.ARMED: Word("About to start", "good"),
    JobState.RUNNING: Word("Running", "good"),
    JobState.UNCONFIRMED: Word("Not known: look at the machine", "bad"),
    JobState.FINISHED: Word("Finished: is it good?", "wait"),
    JobState.FAILED: Word("Failed", "bad"),
    JobState.REFUSED: Word("Refused before anything moved", "bad"),
    JobState.DONE: Word("Done", "good"),
    JobState.REJECTED: Word("Not good enough", "bad"),
    JobState.CANCELLING: Word("Being cancelled", "wait"),
    JobState.CANCELLED: Word("Cancelled"),
}

CONDITION_WORDS = {
    Condition.OFFLINE: Word("Offline", "bad"),
    Condition.FAULT: Word("Fault: somebody has to look", "bad"),
    Condition.MANUAL: Word("Used by hand"),
    Condition.UNCONFIRMED: Word("Not known: somebody has to look", "bad"),
    Condition.RUNNING: Word("Running", "good"),
    Condition.HELD: Word("Held", "wait"),
    Condition.PREPARING: Word("Preparing", "good"),
    Condition.AWAIT_CLEAR: Word("Waits for a clear bed", "wait"),
    Condition.READY: Word("Ready", "good"),
}

EVIDENCE_WORDS = {
    State.MEASURED: Word("Measured", "good"),
    State.DECLARED: Word("Declared by a person", "good"),
    State.MODELLED: Word("Modelled", "wait"),
    State.DEFAULT: Word("From a default factor", "wait"),
    State.CHECKED_EMPTY: Word("Checked: none"),
    State.NOT_MEASURED: Word("Not measured"),
    State.OUT_OF_SCOPE: Word("Out of scope"),
}

RING_WORDS = Texts(
    {
        Ring.LAB: later("this lab"),
        Ring.CITY: later("the city"),
        Ring.REGION: later("the region"),
        Ring.COALITION: later("another city of the coalition"),
        Ring.BEYOND: later("beyond"),
        Ring.UNKNOWN: later("unknown"),
    }
)

MADE_WORDS = Texts(
    {
        Ring.LAB: later("made in this lab"),
        Ring.CITY: later("made in the city"),
        Ring.REGION: later("made in the region"),
        Ring.COALITION: later("made in another city of the coalition"),
        Ring.BEYOND: later("made beyond"),
        Ring.UNKNOWN: later("origin unknown"),
    }
)

PROCESS_WORDS = Texts({Process.FDM: later("3D print"), Process.CNC: later("Milled from sheet")})

SIGN_MARKS = {
    Sign.ADDED: "+",
    Sign.REMOVED: "\N{MINUS SIGN}",
    Sign.CHANGED: "~",
    Sign.SAME: "",
    Sign.SKIPPED: "\N{HORIZONTAL ELLIPSIS}",
}

SIGN_WORDS = {
    Sign.ADDED: Word("New", "good"),
    Sign.REMOVED: Word("Gone", "bad"),
    Sign.CHANGED: Word("Changed", "wait"),
}

SENT_WORD = Word("Sent", "good")
OWED_WORD = Word("Not sent yet", "wait")
YANKED_WORD = Word("Yanked", "bad")
NEWER_WORD = Word("There is a newer release", "wait")
COUNTED_WORD = Word("Counted from its job", "good")
STATED_WORD = Word("Stated by the lab, not measured", "wait")
WAITS_WORD = Word("Waits for an answer", "wait")
ACCEPTED_WORD = Word("Accepted", "good")
DECLINED_WORD = Word("Declined")

ROLE_WORDS = Texts(
    {
        Role.DESIGN: later("design"),
        Role.DOCUMENTATION: later("documentation"),
        Role.REVIEW: later("review"),
        Role.TRANSLATION: later("translation"),
        Role.TESTING: later("testing"),
    }
)

# OKH's levels of technology readiness.
READINESS_WORDS = Texts(
    {
        "OTRL-1": later("Idea"),
        "OTRL-2": later("Concept"),
        "OTRL-3": later("Being developed"),
        "OTRL-4": later("Prototype, tested"),
        "OTRL-5": later("Ready to be made"),
        "OTRL-6": later("Product, qualified"),
    }
)

# By the names under which templates know them.
TABLES = {
    "JOB_WORDS": JOB_WORDS,
    "CONDITION_WORDS": CONDITION_WORDS,
    "EVIDENCE_WORDS": EVIDENCE_WORDS,
    "RING_WORDS": RING_WORDS,
    "PROCESS_WORDS": PROCESS_WORDS,
    "SENT_WORD": SENT_WORD,
    "OWED_WORD": OWED_WORD,
    "YANKED_WORD": YANKED_WORD,
    "NEWER_WORD": NEWER_WORD,
    "COUNTED_WORD": COUNTED_WORD,
    "STATED_WORD": STATED_WORD,
    "WAITS_WORD": WAITS_WORD,
    "ACCEPTED_WORD": ACCEPTED_WORD,
    "DECLINED_WORD": DECLINED_WORD,
    "ROLE_WORDS": ROLE_WORDS,
    "SIGN_MARKS": SIGN_MARKS,
    "SIGN_WORDS": SIGN_WORDS,
}


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


def moment(at: datetime) -> str:
    """A date and time in UTC for people; pages put the exact instant beside it."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def day(at: datetime) -> str:
    return format_date(at.astimezone(UTC), "long", current().locale)


def capitalise(sentence: str) -> str:
    """The sentence with its first letter large and all others as they are."""
    return sentence[:1].upper() + sentence[1:]


def material(key: str) -> str:
    """The name of a material that we know; the designer's word for any other."""
    return MATERIALS[key].name if key in MATERIALS else key


class Lot(Protocol):
    """What is said about a spool or sheet."""

    name: str
    material: str
    ring: Ring
    mass_left_g: float | None
    thickness_mm: float | None
    width_mm: float | None
    depth_mm: float | None


def lot(it: Lot) -> str:
    """A lot in one line: what it is, where it was made, how much is left."""
    said = [it.name]
    if material(it.material).lower() not in it.name.lower():
        said.append(material(it.material))
    if it.thickness_mm is not None:
        said.append(f"{number(it.thickness_mm)} mm")
    if it.width_mm is not None and it.depth_mm is not None:
        said.append(f"{number(it.width_mm)} × {number(it.depth_mm)} mm")
    if it.mass_left_g is not None:
        said.append(gettext("%(mass)s left") % {"mass": grams(it.mass_left_g)})
    return ", ".join([*said, MADE_WORDS[it.ring]])


def steps(progress: ProgressReport) -> str:
    """How far an attempt is, in what its phase counts."""
    done, total = progress.done, progress.total
    if progress.phase is Phase.FETCH:
        sizes = {"done": file_size(done), "total": file_size(total)}
        return gettext("Fetching the file: %(done)s of %(total)s") % sizes
    if progress.phase is Phase.PREPARE:
        return gettext("Preparing the program")
    lines = {"done": number(done), "total": number(total)}
    return gettext("Line %(done)s of %(total)s") % lines


# By more than this share two estimates of one program cannot both be near the truth.
_FAR_APART = 0.25


class Estimates(Protocol):
    """What a program will use: by our own reading of it, and as whoever made it claims."""

    duration_s: float
    material_g: float | None
    claimed_duration_s: float | None
    claimed_material_g: float | None


def estimate(it: Estimates, key: str) -> str:
    """Both estimates of a program for the material `key` in one sentence."""
    ours = _used(it.duration_s, it.material_g, key)
    claimed = _used(it.claimed_duration_s, it.claimed_material_g, key)
    if not claimed:
        return gettext("%(ours)s by our reading of the program") % {"ours": ours}
    if _process_of(key) is Process.FDM:
        both = gettext("%(ours)s by our reading of the program, %(claimed)s by the slicer's claim")
    else:
        both = gettext("%(ours)s by our reading of the program, %(claimed)s by its maker's claim")
    return both % {"ours": ours, "claimed": claimed}


def _used(duration_s: float | None, mass_g: float | None, key: str) -> str:
    said = [] if duration_s is None else [duration(duration_s)]
    if mass_g is not None:
        said.append(grams(mass_g))
        if _process_of(key) is Process.FDM:
            length = number(filament_m(mass_g, MATERIALS[key].density_g_cm3))
            said.append(gettext("%(length)s m of filament") % {"length": length})
    return ", ".join(said)


def _process_of(key: str) -> Process | None:
    return MATERIALS[key].process if key in MATERIALS else None


def doubt(it: Estimates) -> str:
    """What to think of two estimates that are far apart; empty while they are not."""
    time = _far_apart(it.duration_s, it.claimed_duration_s)
    mass = _far_apart(it.material_g, it.claimed_material_g)
    if time and mass:
        return gettext(
            "the two differ by more than a quarter in time and material: plan with the larger"
        )
    if time:
        return gettext("the two differ by more than a quarter in time: plan with the larger")
    if mass:
        return gettext("the two differ by more than a quarter in material: plan with the larger")
    return ""


def _far_apart(ours: float | None, claimed: float | None) -> bool:
    if ours is None or claimed is None:
        return False
    return abs(ours - claimed) > _FAR_APART * max(ours, claimed)


def plate(first: int, at_once: int, copies: int) -> str:
    """Which copies of an order a job makes; empty for the only copy of an order."""
    if at_once > 1:
        named = {"at_once": at_once, "first": first, "last": first + at_once - 1, "copies": copies}
        if at_once == copies:
            return gettext("plate of %(at_once)s") % named
        return gettext("plate of %(at_once)s, copies %(first)s to %(last)s of %(copies)s") % named
    if copies > 1:
        return gettext("copy %(first)s of %(copies)s") % {"first": first, "copies": copies}
    return ""


def entry(it: Entry) -> str:
    """The value of a passport's entry with its unit, and its interval where it has one."""
    value = it.value
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str) or value is None:
        return value or ""
    if it.low is None or it.high is None:
        return number(value)
    unit = it.unit or ""
    named = {"value": figure(value), "low": figure(it.low), "high": figure(it.high), "unit": unit}
    return gettext("%(value)s %(unit)s (%(low)s to %(high)s %(unit)s)") % named


# Filters of the templates, under their own names.
FILTERS = {
    function.__name__: function
    for function in (
        file_size,
        duration,
        number,
        counted,
        figure,
        grams,
        box,
        moment,
        day,
        capitalise,
        material,
        lot,
        steps,
        estimate,
        doubt,
        plate,
        entry,
    )
}
