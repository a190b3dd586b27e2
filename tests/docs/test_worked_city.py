"""The city that a page works out by hand: the program agrees to the last digit printed there."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from commons.flows import Action, Event, EventDraft, Measure, Mode, Ring, State, Unit, measure
from commons.indicators.city import Context, figures
from commons.indicators.figure import Figure
from commons.indicators.supply import Tonnes, apparent_consumption
from commons.indicators.tally import tally
from repo_server.factors import shipped
from tests.docs.pages import code, rows, sections

PAGE = sections("docs/worked_city.md")
WHAT_HAPPENED = rows(PAGE["What happened in 2026"])
AT = datetime(2026, 5, 1, tzinfo=UTC)
PLACE = {"period": "2026", "boundary": "Porto Novo"}
HERE, BOTH = frozenset({"Porto Novo"}), frozenset({"Porto Novo", "Vila Velha"})


def events() -> list[Event]:
    by_number: dict[str, Event] = {}
    for row in WHAT_HAPPENED:
        if len(row) == 11:
            by_number[row[0]] = _event(row, by_number)
    return list(by_number.values())


def _event(row: list[str], earlier: dict[str, Event]) -> Event:
    number, lab, process, words, resource, quantity, mass, origin, to, km, mode = row
    amount, unit = quantity.split()
    said = measure(float(amount), Unit(unit), State.MEASURED)
    corrects = words.partition(" ")[2] if words.startswith("corrects") else None
    action, receiver = words.split()[0], lab
    if corrects is not None:
        wrong = earlier[corrects].draft
        action, said = wrong.action, _difference(said, wrong.quantity)
    draft = EventDraft(
        action=Action(action),
        resource=code(resource),
        quantity=said,
        provider="supplier" if words == "transfer in" else lab,
        receiver="somebody" if words == "transfer out" else receiver,
        ring=Ring(origin),
        to_ring=Ring(to) if to in list(Ring) else None,
        to_city_id=to if to in BOTH else None,
        mass_g=None if mass == "–" else measure(float(mass), Unit.GRAM, State.MEASURED),
        distance_km=None if km == "–" else float(km),
        mode=None if mode == "–" else Mode(mode),
    )
    return Event(number, draft, None if process == "–" else process, lab, AT, AT, corrects)


def _difference(right: Measure, wrong: Measure) -> Measure:
    return Measure(right.central - wrong.central, right.unit, right.state,
                   right.low - wrong.low, right.high - wrong.high)  # fmt: skip


def context(members: frozenset[str], *, elsewhere_t: float = 0, **other: str) -> Context:
    materials = {code(row[0]): row[1] for row in WHAT_HAPPENED if len(row) == 2}
    produced, imported, exported = 40000.0, 80000.0, 20000.0
    assert "produced 40000, brought in 80000, sent out 20000" in PAGE["What happened in 2026"]
    return Context(
        members=members,
        factors=shipped(),
        country="PT",
        materials=materials | other,
        consumption=apparent_consumption(
            produced=Tonnes(produced + elsewhere_t, 2026),
            imported=Tonnes(imported, 2026),
            exported=Tonnes(exported, 2026),
            source="by hand",
        ),
    )


def agrees(found: list[Figure], heading: str) -> set[str]:
    """Every figure of the page's table is what was found, digit by digit; the keys there."""
    by_key = {figure.key: figure for figure in found}
    table = rows(PAGE[heading])
    assert table
    for key, *printed in table:
        figure = by_key[code(key)]
        for value, text in zip((figure.low, figure.central, figure.high), printed, strict=True):
            decimals = len(text.partition(".")[2])
            told = "–" if value is None else f"{value:.{decimals}f}"
            assert told == text, f"{figure.key} of {heading}"
    return {code(key) for key, *_ in table}


def test_the_city_is_as_it_was_worked_by_hand() -> None:
    found = figures(tally(events()), context(HERE), PLACE)
    assert agrees(found, "The figures") == {figure.key for figure in found}
    by_key = {figure.key: figure for figure in found}
    assert by_key["local_material"].coverage == pytest.approx(0.92)
    assert by_key["footprint"].note == "100% of it from default factors"


def test_what_goes_from_member_to_member_is_local_to_their_coalition_alone() -> None:
    found = figures(tally(events()), context(BOTH, elsewhere_t=200000), PLACE)
    agrees(found, "The coalition of both cities")


def test_an_origin_that_was_put_right_counts_as_it_is_right() -> None:
    """The mix's virgin part was from the city after all: the mix is wholly local then."""
    told = events()
    (wrong,) = [event for event in told if event.draft.resource == "lot:virgin"]
    nothing = replace(wrong.draft.quantity, central=-400.0, low=-380.0, high=-420.0)
    undone = replace(wrong.draft, quantity=nothing)
    right = replace(wrong.draft, ring=Ring.CITY)
    more = [replace(wrong, draft=draft, corrects=wrong.id) for draft in (undone, right)]
    found = {it.key: it for it in figures(tally([*told, *more]), context(HERE), PLACE)}
    assert found["local_material"].central == pytest.approx(80)


def test_an_unknown_factor_opens_the_total() -> None:
    petg = context(HERE, **{"lot:ply": "PETG"})
    found = figures(tally(events()), petg, PLACE)
    agrees(found, "What an unknown does")
    assert "incomplete, not known: PETG" in {f.key: f for f in found}["footprint"].note


def test_the_factors_on_the_page_are_those_that_are_shipped() -> None:
    printed = {row[0]: float(row[2]) for row in rows(PAGE["By hand"])}
    ids = {"electricity": "grid:PT", "lorry": "freight:lorry", "van": "freight:van"}
    for name, value in printed.items():
        assert shipped()[ids.get(name, f"material:{name.lower()}")].value == value
