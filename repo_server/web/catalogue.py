"""The catalogue: what can be made, narrowed down by links that work in every browser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from commons.machine import MATERIALS, Process
from commons.texts import later
from repo_server import labs
from repo_server.api import asking, auth
from repo_server.db import reading
from repo_server.search import finding
from repo_server.search.finding import Found
from repo_server.search.labels import Facet
from repo_server.web.figures import counted
from repo_server.web.languages import Texts, gettext
from repo_server.web.words import PROCESS_WORDS, READINESS_WORDS

bp = Blueprint("catalogue", __name__)

_TITLES = Texts(
    {
        Facet.PROCESS: later("Made by"),
        Facet.MATERIAL: later("Material"),
        Facet.LICENCE: later("Licence"),
        Facet.READINESS: later("How far it is"),
        Facet.BUILT: later("Has been built"),
        Facet.TAG: later("Keyword"),
    }
)
_KEPT = ("q", *asking.CHOICES, "fits", "near", "km", "limit")
MOST_LABS = 50  # that a form lists; where there are more, it asks for the lab's short name
DISTANCES_KM = (10, 25, 50, 100, 250)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that designs can be narrowed to; `address` leads to the page with or without it."""

    text: str
    count: str
    chosen: bool
    address: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A facet as the page shows it."""

    title: str
    choices: tuple[Choice, ...]


@bp.get("/")
@auth.public
def show_catalogue() -> ResponseReturnValue:
    """The designs that are looked for, and what they can be narrowed to."""
    with reading(current_app.extensions["engine"]) as session:
        wanted = asking.read_wanted(session, request.args)
        found = finding.find_designs(
            session,
            wanted,
            cursor=request.args.get("cursor"),
            limit=asking.read_limit(request.args),
        )
        some_labs = labs.list_labs(session, most=MOST_LABS + 1)
        named = labs.names_of(session, request.args.getlist("fits") + request.args.getlist("near"))
    asked = MultiDict((name, value) for name in _KEPT for value in request.args.getlist(name))
    return render_template(
        "catalogue.html",
        found=found,
        wanted=wanted,
        asked=asked,
        narrowings=[_narrowing(it, found, asked) for it in finding.FACETS if found.facets[it]],
        chosen=list(_chosen(asked, named)),
        labs=[(lab.slug, f"{lab.name}, {lab.city}") for lab in some_labs],
        most_labs=MOST_LABS,
        distances=[(str(km), f"{km} km") for km in DISTANCES_KM],
        feed=url_for("feeds.of_node", **{name: asked.getlist(name) for name in asked}),  # type: ignore[arg-type]
        next=found.next and _address(asked, cursor=found.next),
        first=_address(asked) if request.args.get("cursor") else None,
    )


def _narrowing(facet: Facet, found: Found, asked: MultiDict[str, str]) -> Narrowing:
    here = {value.lower() for value in asked.getlist(facet)}
    return Narrowing(
        _TITLES[facet],
        tuple(
            Choice(
                text=_text(facet, value),
                count=counted(count),
                chosen=value.lower() in here,
                address=_toggled(asked, facet, value),
            )
            for value, count in found.facets[facet].items()
        ),
    )


def _text(facet: Facet, value: str) -> str:
    match facet:
        case Facet.PROCESS:
            return PROCESS_WORDS[Process(value)] if value in set(Process) else value
        case Facet.MATERIAL:
            return MATERIALS[value].name if value in MATERIALS else value
        case Facet.READINESS:
            return READINESS_WORDS.get(value, value)
        case Facet.BUILT:
            return gettext("Built in a lab") if value == "yes" else value
        case _:
            return value


def _chosen(asked: MultiDict[str, str], names: Mapping[str, str]) -> Iterator[Choice]:
    """All that narrows the list, each with the address of the list without it. `names` of labs."""
    for facet in asking.CHOICES:
        for value in asked.getlist(facet):
            title = "" if facet is Facet.BUILT else f"{_TITLES[facet]}: "
            address = _toggled(asked, facet, value)
            yield Choice(title + _text(facet, value), "", chosen=True, address=address)
    if lab := asked.get("fits"):
        text = gettext("Can be made at %(lab)s") % {"lab": names.get(lab, lab)}
        yield Choice(text, "", chosen=True, address=_address(asked, fits=None))
    if near := asked.get("near"):
        km = asked.get("km") or f"{asking.KM:g}"
        text = gettext("Built within %(km)s km of %(lab)s") % {
            "km": km,
            "lab": names.get(near, near),
        }
        yield Choice(text, "", chosen=True, address=_address(asked, near=None, km=None))


def _toggled(asked: MultiDict[str, str], facet: Facet, value: str) -> str:
    """The address of the list with this value chosen too, or without it if it is."""
    values = asked.getlist(facet)
    left = [it for it in values if it.lower() != value.lower()]
    return _address(asked, **{facet: left if left != values else [*values, value]})


def _address(asked: MultiDict[str, str], **changes: list[str] | str | None) -> str:
    """The first page of the list that is asked for, with these changes.

    Put together here: a page has thirty of them, and `url_for` looks for the route each time.
    """
    given = {name: asked.getlist(name) for name in asked} | changes
    query = urlencode({name: it for name, it in given.items() if it}, doseq=True)
    path = f"{request.script_root}{request.path}"
    return f"{path}?{query}" if query else path
