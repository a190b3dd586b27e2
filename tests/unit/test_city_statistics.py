"""Statistics of a city: one year, known units, and what is not known stays so."""

import pytest

from commons.city_statistics import (
    Indicator,
    consumption_of,
    material_flows,
    population,
    read_statistics,
    tonnes,
)
from commons.errors import InvalidInput

HEAD = "geo,time,indicator,unit,value,flag\n"
PLACE = {"period": "2024", "boundary": "Porto Novo"}


def read(*rows: str, year: int = 2024):
    return read_statistics(HEAD + "".join(f"PN,{row}\n" for row in rows), year)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["2024,IMP,T,1,", "2023,EXP,T,1,"], "row 3 is of 2023 and not of 2024"),
        (["2024,IMP,LB,1,"], "row 2: the unit 'LB' is none of T, THS_T"),
        (["2024,POP,T,1,"], "row 2: the unit 'T' is none of NR"),
        (["2024,GDP,T,1,"], "row 2: the indicator 'GDP' is none of PRD"),
        (["2024,IMP,T,-1,"], "row 2: '-1' is not a number from 0"),
        (["2024,IMP,T,nan,"], "row 2: 'nan' is not a number from 0"),
        (["2024,IMP,T,1,", "2024,IMP,T,1,"], "row 3: IMP is there twice"),
        (["2024,IMP,T"], "row 2 does not have 6 cells"),
        (["2024,IMP,T,1,,x"], "row 2 does not have 6 cells"),
        ([], "no row below its head"),
    ],
)
def test_a_bad_row_is_named(rows: list[str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read(*rows)


def test_other_columns_and_two_places_are_refused() -> None:
    with pytest.raises(InvalidInput, match="row 1: the columns are geo,time"):
        read_statistics("geo;time\n", 2024)
    with pytest.raises(InvalidInput, match="row 3 is of VV, the rows above of PN"):
        read_statistics(f"{HEAD}PN,2024,IMP,T,1,\nVV,2024,EXP,T,1,\n", 2024)


def test_units_become_tonnes_and_what_is_by_head_needs_heads() -> None:
    told = read("2024,IMP,THS_T,2,", "2024,EXP,KG_HAB,10,e", "2024,DE,T,:,", "2024,POP,NR,5000,")
    assert tonnes(told, Indicator.IMPORTS) == 2000
    assert tonnes(told, Indicator.EXPORTS) == pytest.approx(50)
    assert tonnes(told, Indicator.EXTRACTION) is None
    assert tonnes(told[:3], Indicator.EXPORTS) is None
    assert (population(told), population(told[:3])) == (5000, None)
    assert consumption_of(told, "office") is None


def test_flows_a_head_and_the_circular_share_are_of_one_year() -> None:
    told = read("2024,DE,T,100,", "2024,IMP,T,500,", "2024,EXP,T,200,", "2024,POP,NR,100,",
                "2024,U,T,100,")  # fmt: skip
    found = {it.key: it for it in material_flows(told, PLACE)}
    assert (found["dmc"].central, found["circular"].central) == (4, 20)
    assert "floor" in found["dmc"].note
    assert found["rmc"].central is None and found["rmc"].note
    with pytest.raises(InvalidInput, match="are of 2023 and 2024"):
        material_flows([*told, *read("2023,DE,T,1,", year=2023)], PLACE)
