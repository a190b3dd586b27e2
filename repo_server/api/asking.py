"""What is looked for, read from an address: the same words for API, pages and feeds."""

import re

from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from commons.errors import FieldProblem, InvalidInput
from repo_server import labs
from repo_server.search import finding
from repo_server.search.labels import Facet
from repo_server.search.question import Circle, Wanted

MAX_LIMIT = 100  # designs on a page
MAX_WORDS = 200  # characters of a question
_MAX_VALUES = 20
KM = 50.0
_MAX_KM = 20_040  # half way round
_PLACE = re.compile(r"(-?\d{1,2}(?:\.\d{1,9})?),(-?\d{1,3}(?:\.\d{1,9})?)")
# Facets by their names in an address; where a design was built is asked by `near`.
CHOICES = (Facet.LICENCE, Facet.PROCESS, Facet.MATERIAL, Facet.READINESS, Facet.BUILT, Facet.TAG)


def read_wanted(session: Session, asked: MultiDict[str, str]) -> Wanted:
    """What the address asks for; NotFound for a lab that is none, InvalidInput for nonsense."""
    chosen = {}
    for facet in CHOICES:
        values = [value for value in asked.getlist(facet) if value][:_MAX_VALUES]
        if values:
            chosen[facet] = tuple(dict.fromkeys(values))
    fits = asked.get("fits")
    return Wanted(
        words=asked.get("q", "").strip()[:MAX_WORDS],
        chosen=chosen,
        fits=labs.lab_of(session, fits) if fits else None,
        built_near=_circle(session, asked),
    )


def read_limit(asked: MultiDict[str, str]) -> int:
    """How many designs a page is to have; InvalidInput for what is no number of them."""
    try:
        limit = int(asked.get("limit") or finding.PAGE)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_LIMIT:
        raise _wrong("limit", f"must be a number from 1 to {MAX_LIMIT}")
    return limit


def _circle(session: Session, asked: MultiDict[str, str]) -> Circle | None:
    near = asked.get("near")
    if not near:
        return None
    try:
        km = float(asked.get("km") or KM)
    except ValueError:
        km = 0.0
    if not 0 < km <= _MAX_KM:
        raise _wrong("km", f"must be a number above 0, of at most {_MAX_KM}")
    latitude, longitude = _place(session, near)
    return Circle(latitude, longitude, km)


def _place(session: Session, near: str) -> tuple[float, float]:
    if place := _PLACE.fullmatch(near.replace(" ", "")):
        latitude, longitude = float(place[1]), float(place[2])
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return latitude, longitude
        raise _wrong("near", "must be degrees: latitude from -90 to 90, longitude to 180")
    lab = labs.lab_of(session, near)
    if lab.latitude is None or lab.longitude is None:
        raise _wrong("near", f"'{lab.name}' has not said where it is; give latitude,longitude")
    return lab.latitude, lab.longitude


def _wrong(field: str, problem: str) -> InvalidInput:
    found = FieldProblem(field, problem)
    return InvalidInput(str(found), [found])
