"""What is known of cities beside their labs, and the coalitions that they form."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from repo_server import coalition_members
from tests.shop import API, Shop, Someone, open_shop

TABLE = """geo,time,indicator,unit,value,flag
DE600,2024,PRD,T,40000,
DE600,2024,IMP,T,80000,e
DE600,2024,EXP,T,20000,
"""
SQUARE = [[9.0, 53.0], [10.0, 53.0], [10.0, 54.0], [9.0, 54.0], [9.0, 53.0]]
BOW_TIE = [[9.0, 53.0], [10.0, 54.0], [10.0, 53.0], [9.0, 54.0], [9.0, 53.0]]


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def bring(shop: Shop, table: str = TABLE, *, year: int = 2024, city: str = "hamburg"):
    asked = {"year": year, "source": "office", "table": table}
    return shop.admin.send("PUT", f"{API}/cities/{city}/statistics", json=asked)


def consumption(shop: Shop, what: str = "cities/hamburg", *, period: int = 2026):
    shown = shop.stranger.get(f"{API}/{what}/figures?period={period}").json["figures"]
    (figure,) = [it for it in shown if it["key"] == "apparent_consumption"]
    return figure["central"], figure["note"]


def test_statistics_make_a_figure_and_a_bad_row_changes_nothing(shop: Shop) -> None:
    assert consumption(shop) == (None, "no statistics were brought")
    assert bring(shop).status_code == 200
    assert consumption(shop) == (100_000_000, "office, 2024")
    bad = bring(shop, TABLE.replace("2024,EXP", "2023,EXP"))
    assert bad.status_code == 422 and "row 4 is of 2023 and not of 2024" in bad.text
    assert len(shop.stranger.get(f"{API}/cities/hamburg/context").json["statistics"]) == 3
    assert consumption(shop, period=2023)[0] is None
    assert bring(shop, TABLE.replace("80000", ":")).status_code == 200
    assert consumption(shop)[0] is None


@pytest.mark.parametrize(
    ("boundary", "sentence"),
    [
        ({"type": "Polygon", "coordinates": [BOW_TIE]}, "crosses itself"),
        ({"type": "Point", "coordinates": [9, 53]}, "is a Polygon or a MultiPolygon"),
        ({"type": "Polygon", "coordinates": [[[900, 53], [901, 53], [901, 54], [900, 53]]]},
         "longitude, then latitude"),
        ({"type": "Polygon", "coordinates": "here"}, "is no GeoJSON geometry"),
        ({"type": "Polygon", "coordinates": []}, "not empty"),
        ({}, "is no GeoJSON geometry"),
    ],
)  # fmt: skip
def test_a_boundary_that_is_none_is_refused(
    shop: Shop, boundary: dict[str, object], sentence: str
) -> None:
    path = f"{API}/cities/hamburg/boundary"
    answer = shop.admin.send("PUT", path, json={"boundary": boundary})
    assert answer.status_code == 422 and sentence in answer.text
    assert shop.stranger.get(f"{API}/cities/hamburg/context").json["boundary"] is None


def test_a_boundary_and_a_pledge_with_its_number_are_told(shop: Shop) -> None:
    square = {"type": "Polygon", "coordinates": [SQUARE]}
    path = f"{API}/cities/hamburg"
    assert shop.admin.send("PUT", f"{path}/boundary", json={"boundary": square}).status_code == 204
    target = {"percent": 50.0, "year": 2054, "first_percent": 2.0, "first_year": 2014}
    pledge = {"pledge": "Half.", "source": "https://example.org", "pledged_on": "2014-07-04"}
    assert shop.admin.post(f"{path}/pledge", json={**pledge, "target": target}).status_code == 204
    told = shop.stranger.get(f"{path}/context").json
    assert json.loads(json.dumps(told["boundary"])) == square
    assert (told["target"], told["pledged_on"]) == (target, "2014-07-04")
    backwards = {**pledge, "target": {**target, "year": 2014}}
    assert shop.admin.post(f"{path}/pledge", json=backwards).status_code == 422
    assert shop.admin.post(f"{path}/pledge", json=pledge).status_code == 204
    assert shop.stranger.get(f"{path}/context").json["target"] is None


def test_coalitions_nest_and_none_is_inside_itself(shop: Shop) -> None:
    for slug in ("north", "coast", "world"):
        made = shop.admin.post(f"{API}/coalitions", json={"slug": slug, "name": slug.title()})
        assert made.status_code == 201
    assert (
        shop.admin.post(f"{API}/coalitions", json={"slug": "north", "name": "N"}).status_code == 409
    )
    join = lambda path: shop.admin.send("PUT", f"{API}/coalitions/{path}").status_code  # noqa: E731
    lyon = {"slug": "lyon", "name": "Lyon", "country": "FR"}
    shop.admin.post(f"{API}/cities", json=lyon)
    assert join("north/cities/hamburg") == join("coast/cities/hamburg") == 204
    assert join("coast/cities/lyon") == join("coast/cities/lyon") == 204
    assert join("world/parts/north") == join("world/parts/coast") == 204
    assert join("north/parts/north") == join("north/parts/world") == 422
    assert join("north/cities/nowhere") == join("nowhere/parts/north") == 404
    shown = shop.stranger.get(f"{API}/coalitions/world").json
    assert [it["slug"] for it in shown["cities"]] == ["hamburg", "lyon"]
    assert shown["parts"] == ["coast", "north"]
    bring(shop)
    assert consumption(shop, "coalitions/north")[0] == 100_000_000
    assert consumption(shop, "coalitions/world")[0] is None, "a part is not told as the whole"
    bring(shop, city="lyon")
    assert consumption(shop, "coalitions/world") == (200_000_000, "office, 2024")
    with shop.floor.session() as session:
        world = coalition_members.of_slug(session, "world")
        assert len(coalition_members.cities_of(session, world)) == 2
