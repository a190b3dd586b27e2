"""How parts of two releases differ by shape, in words, tables and places."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from commons.compare import Sign
from repo_server.shape_changes import PartChange
from repo_server.shape_facts import Change, Shape, ShapeFacts
from repo_server.web import figures
from repo_server.web.languages import gettext


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that differs, and how far it is from the other shape."""

    sign: Sign
    where: str
    far: str


@dataclass(frozen=True, slots=True)
class ShapeView:
    """What is said of a part: sentences, rows of a table (what, before, after, difference), the
    farthest places; `marks` are these as JSON for the viewer."""

    change: PartChange
    said: tuple[str, ...] = ()
    rows: tuple[tuple[str, str, str, str], ...] = ()
    spots: tuple[Spot, ...] = ()
    marks: str = "{}"


def view_of(change: PartChange) -> ShapeView:
    """The part in words; of one that was not compared only that."""
    facts = change.facts
    if facts is None:
        return ShapeView(change)
    sides = ((Sign.ADDED, facts.added), (Sign.REMOVED, facts.removed))
    return ShapeView(
        change,
        said=tuple(_said(facts)),
        rows=tuple(_rows(facts.before, facts.after)),
        spots=tuple(
            Spot(sign, _where(place), f"{figures.number(place[3])} mm")
            for sign, side in sides
            for place in side.places
        ),
        marks=json.dumps({sign: [it[:3] for it in side.places] for sign, side in sides}),
    )


def _said(facts: ShapeFacts) -> Iterator[str]:
    if facts.added.places:
        text = gettext(
            "Something was added: its farthest place lies %(least)s to %(most)s mm outside of the "
            "old shape."
        )
        yield text % _span(facts.added)
    if facts.removed.places:
        text = gettext(
            "Something was taken away: its farthest place lay %(least)s to %(most)s mm outside of "
            "the new shape."
        )
        yield text % _span(facts.removed)
    if not (facts.added.places or facts.removed.places):
        text = gettext(
            "No difference was met; between the places that were measured there may be one of up "
            "to %(most)s mm."
        )
        yield text % {"most": figures.number(max(facts.added.most_mm, facts.removed.most_mm))}


def _span(side: Change) -> dict[str, str]:
    return {"least": figures.number(side.least_mm), "most": figures.number(side.most_mm)}


def _where(place: tuple[float, float, float, float]) -> str:
    return ", ".join(_signed(it) for it in place[:3]) + " mm"


def _signed(value: float) -> str:
    return ("\N{MINUS SIGN}" if value < 0 else "") + figures.number(abs(round(value, 1)))


def _rows(before: Shape, after: Shape) -> Iterator[tuple[str, str, str, str]]:
    old, new = before.volume_mm3, after.volume_mm3
    grown = "" if old is None or new is None else _change((new - old) / 1000, "cm³")
    yield gettext("Volume"), figures.volume(old), figures.volume(new), grown
    areas = before.area_mm2 / 100, after.area_mm2 / 100
    told = [f"{figures.number(it)} cm²" for it in areas]
    yield gettext("Surface"), told[0], told[1], _change(areas[1] - areas[0], "cm²")
    edges = zip(before.box_mm, after.box_mm, strict=True)
    moved = " · ".join(_change(round(b - a, 2), "mm") for a, b in edges)
    yield gettext("Size"), figures.box(before.box_mm), figures.box(after.box_mm), moved


def _change(value: float, unit: str) -> str:
    sign = "\N{MINUS SIGN}" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{figures.number(abs(value))} {unit}"
