"""Figures of cities beside the one worked by hand: what is missing, what is refused, what is kept
apart."""

import pytest

from commons.errors import InvalidInput
from commons.flows import Mode, Ring, State
from commons.footprints import (
    COLUMNS,
    Term,
    avoided,
    footprint,
    footprint_figure,
    of_grid,
    of_mode,
    per_good_item,
    read_factors,
)
from commons.indicators.city import Context, figures
from commons.indicators.figure import Figure
from commons.indicators.losses import Balance, closure, scrap_share
from commons.indicators.materials import Made, Secondary, local_parts, secondary
from commons.indicators.places import placed
from commons.indicators.sharing import Vitality, attribution, data_sharing, design_travel, vitality
from commons.indicators.sums import HERE, NOT_HERE, WHO_KNOWS, Local, Sum
from commons.indicators.supply import (
    Consumption,
    Delivered,
    Sector,
    Target,
    Tonnes,
    apparent_consumption,
    capacity,
    pledge_path,
    self_supply,
)
from commons.indicators.tally import tally
from commons.indicators.value_added import Cost, value_added, value_added_share
from repo_server.factors import shipped

PLACE = {"period": "2026", "boundary": "Porto Novo"}
CITY, TWO = frozenset({"a"}), frozenset({"a", "b"})


def kg(value: float) -> Sum:
    return Sum(0.95 * value, value, 1.05 * value, 1)


def ends(figure: Figure) -> tuple[float | None, float | None, float | None]:
    return figure.low, figure.central, figure.high


def test_a_city_without_events_has_figures_without_values() -> None:
    found = figures(tally([]), Context(CITY, shipped()), PLACE)
    assert found
    for figure in found:
        assert ends(figure) == (None, None, None)
        assert figure.state is State.NOT_MEASURED and figure.note


@pytest.mark.parametrize(
    ("ring", "city", "of_city", "of_both"),
    [
        (Ring.CITY, None, HERE, HERE),
        (Ring.REGION, None, NOT_HERE, NOT_HERE),
        (Ring.COALITION, None, NOT_HERE, WHO_KNOWS),
        (Ring.UNKNOWN, None, WHO_KNOWS, WHO_KNOWS),
        (None, None, WHO_KNOWS, WHO_KNOWS),
        (Ring.COALITION, "b", NOT_HERE, HERE),
        (Ring.COALITION, "c", NOT_HERE, NOT_HERE),
    ],
)
def test_doubt_is_never_local(
    ring: Ring | None, city: str | None, of_city: Local, of_both: Local
) -> None:
    assert (placed(ring, city, CITY), placed(ring, city, TWO)) == (of_city, of_both)


def test_a_lot_cannot_be_made_of_itself() -> None:
    lots = {"lot:x": Made({"lot:y": 1.0}), "lot:y": Made({"lot:x": 1.0})}
    with pytest.raises(InvalidInput, match=r"lot cannot be made of itself: lot:[xy] from lot:"):
        local_parts(lots)


def test_a_lot_of_which_nobody_wrote_down_the_inputs_may_be_local_or_not() -> None:
    assert local_parts({"lot:x": Made({})})["lot:x"] == WHO_KNOWS
    assert local_parts({"lot:x": Made({"lot:gone": 5.0})})["lot:x"] == WHO_KNOWS


def test_value_added_leaves_open_what_no_cost_explains_and_a_gift_has_none() -> None:
    costs = [Cost(2500, HERE), Cost(1000, Local(0.5, 0.8)), Cost(500, NOT_HERE)]
    figure = value_added(value_added_share(5000, costs), PLACE)
    assert ends(figure) == (pytest.approx(60), None, pytest.approx(86))
    assert value_added_share(4000, costs) == value_added_share(3000, costs)
    for nothing in (0, None):
        assert value_added(value_added_share(nothing, costs), PLACE).low is None


def test_statistics_of_two_years_make_no_figure() -> None:
    old, new = Tonnes(1, 2022), Tonnes(1, 2023)
    with pytest.raises(InvalidInput, match="of 2022 and 2023: one figure needs one year"):
        apparent_consumption(produced=old, imported=new, exported=new, source="")


def test_a_delivery_that_nobody_weighed_opens_self_supply() -> None:
    consumed = Consumption(1e6, 2026, "by hand")
    told = [Delivered(kg(2), HERE, NOT_HERE), Delivered(None, HERE, HERE)]
    made, _ = self_supply(told, consumed, PLACE)
    assert ends(made) == (pytest.approx(1.9), None, None) and "not weighed" in made.note
    made, _ = self_supply(told[:1], consumed, PLACE)
    assert ends(made) == (pytest.approx(1.9), pytest.approx(2), pytest.approx(2.1))
    assert self_supply(told[1:], consumed, PLACE)[0].low is None


def test_capacity_is_told_without_its_cap_and_is_not_self_supply() -> None:
    figure = capacity([Sector(3, 20, 10, 15), Sector(1, 1, 2, 0)], PLACE)
    assert ends(figure) == (50.0, None, 87.5)
    assert figure.note == "162 where no sector is capped; capacity is not self-supply"
    assert capacity([Sector(3, 20, 10, None), Sector(1, 1, 2, 0)], PLACE).low is None
    assert capacity([Sector(1, 1, 0)], PLACE).high is None


def test_a_path_needs_a_target() -> None:
    assert pledge_path(None, range(2020, 2060)) == []
    path = pledge_path(Target(50, 2054, 2, 2014), (2013, 2014, 2034, 2054, 2060))
    assert path == [(2014, 2), (2034, 26), (2054, 50)]


def test_mass_that_does_not_close_is_flagged_and_not_hidden() -> None:
    nil = Sum(0, 0, 0, 0)
    loose = closure(Balance(kg(10), kg(8), kg(1), nil, nil), PLACE)
    assert loose.central == pytest.approx(10) and "does not close" in loose.note
    assert not closure(Balance(kg(10), kg(9), kg(1), nil, nil), PLACE).note
    assert scrap_share(None, kg(3), PLACE).low is None


def test_mill_scrap_has_not_been_anybodys_thing() -> None:
    used = Secondary(kg(1000), kg(100), kg(300), kg(200), kg(50))
    figure = secondary(used, PLACE)
    assert ends(figure) == (pytest.approx(40), None, pytest.approx(45))
    assert figure.note == "0.2 kg of mill scrap are not in it"
    assert secondary(Secondary(kg(10), None, None, None, kg(10)), PLACE).low is None


def test_small_groups_are_not_told() -> None:
    gave = {it.key: it for it in vitality(Vitality(3, 1, 0, 2, (1.0, 9.0), 4), PLACE)}
    assert ends(gave["contributors"]) == (None, None, None)
    assert gave["review_days"].central == 5 and gave["merged_back"].central == 0
    five = vitality(Vitality(0, 0, 0, 0, (), 5), PLACE)
    assert (five[-1].central, five[-2].central) == (5, None)


def test_silence_is_told_as_silence() -> None:
    assert data_sharing(1, 4, PLACE).central == 25
    assert attribution(0, 0, PLACE).state is State.NOT_MEASURED
    assert [it.central for it in design_travel(2, 0, PLACE)] == [2, 0]


# Footprints

HEAD = ",".join(COLUMNS) + "\n"


def test_terms_of_one_factor_are_added_before_they_are_squared() -> None:
    exact = Sum(1, 1, 1, 1)
    abs_, grid = shipped()["material:abs"], shipped()["grid:PT"]
    twice = footprint([Term("lid", exact, abs_), Term("box", exact, abs_)])
    assert twice is not None and twice.high == pytest.approx(2 * 3.76 * 1.5)
    both = footprint([Term("lid", exact, abs_), Term("electricity", exact, grid)])
    half = (1.88**2 + 0.083**2) ** 0.5
    assert both is not None and both.high == pytest.approx(3.926 + half)


def test_what_has_no_factor_is_named_and_never_zero() -> None:
    petg = Term("PETG", kg(1), shipped()["material:petg"])
    assert footprint([petg]) is None
    assert footprint_figure(None, PLACE).state is State.NOT_MEASURED
    some = footprint([petg, Term("ABS", kg(1), shipped()["material:abs"])])
    assert some is not None and (some.central, some.high) == (None, None)
    assert some.unknown == ("PETG",) and some.low > 0
    assert ends(per_good_item(some, 2, PLACE)) == (some.low / 2, None, None)
    assert of_grid(shipped(), "ZZ") is None


def test_an_unknown_mode_is_an_interval_without_a_middle() -> None:
    factor = of_mode(shipped(), Mode.UNKNOWN)
    assert factor is not None and factor.value is None
    told = footprint([Term("freight", Sum(1, 1, 1, 1), factor)])
    assert told is not None and told.central is None
    assert (told.low, told.high) == (pytest.approx(0.01), pytest.approx(1.5525))


def test_nothing_is_avoided_by_default_and_what_is_may_be_less_than_nothing() -> None:
    dear = footprint([Term("ABS", kg(2), shipped()["material:abs"])])
    cheap = footprint([Term("wood", kg(2), shipped()["material:wood"])])
    assert avoided(None, dear, cheap, PLACE).low is None
    worse = avoided(0.5, cheap, dear, PLACE)
    assert worse.high is not None and worse.high < 0


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("x,x,-1,,,kg,,,,source,A,\n", "row 2: '-1' is not a number from 0"),
        ("x,x,1,,,lb,,,,source,A,\n", "row 2: a factor needs every cell, a known unit"),
        ("x,x,1,,,kg,,,,,A,\n", "row 2: a factor needs every cell, a known unit and a source"),
        ("x,x,1,2,3,kg,,,,source,A,\n", "row 2: the value is not between its ends"),
        ("x,x,1,2,,kg,,,,source,A,\n", "row 2: a factor has both ends or neither"),
        ("x,x,1,,,kg,,,,source,A,\n" * 2, "row 3: the factor 'x' is there twice"),
        ("x,x,1\n", "row 2: a factor needs every cell"),
    ],
)
def test_a_bad_factor_is_named_by_its_row(row: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read_factors(HEAD + row)


def test_every_shipped_factor_says_where_it_is_from() -> None:
    for factor in shipped().values():
        assert factor.source and factor.boundary
        assert factor.value is None or (factor.licence and factor.confidence and factor.year)
