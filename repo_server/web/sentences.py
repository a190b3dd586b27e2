"""Sentences for people: of materials and lots, of how far a job is, of what a program will use."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from markupsafe import Markup

from commons.flows import Ring
from commons.machine import MATERIALS, Process
from commons.texts import Filled, capitalise
from commons.units import filament_m
from commons.wire import Phase, ProgressReport
from repo_server.passports import Entry
from repo_server.web.figures import duration, figure, file_size, grams, moment, number
from repo_server.web.languages import ENGLISH, current, gettext
from repo_server.web.words import MADE_WORDS


def translated(text: object) -> str:
    """A text of the core in the page's language; marked as English where nobody translated it."""
    return _marked(text, str)


def sentence(text: object) -> str:
    """As `translated`, with its first letter large."""
    return _marked(text, capitalise)


def said(text: str) -> str:
    """A sentence of the core or of a person: translated where it is known, else as it was written,
    because nobody told in which language."""
    return capitalise(gettext(text)) if text else ""


def _marked(text: object, written: Callable[[str], str]) -> str:
    language, english = current(), str(text)
    if not english or language is ENGLISH:
        return written(english)
    if isinstance(text, Filled) and text.template in language.known:
        return written(gettext(text.template) % text.values)
    if english in language.known:
        return written(gettext(english))
    return Markup('<span lang="en">{}</span>').format(written(english))


def material(key: str) -> str:
    """The name of a material that we know; the designer's word for any other."""
    return gettext(MATERIALS[key].name) if key in MATERIALS else key


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
FILTERS = (
    capitalise,
    translated,
    sentence,
    said,
    material,
    lot,
    steps,
    estimate,
    doubt,
    plate,
    entry,
)
