"""Labs as Open Know-Where through the API: out for everybody, in for their managers."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from tests.shop import API, Shop, Someone, open_shop
from tests.unit.test_facility import TABLES, V1


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


@pytest.fixture
def okw(shop: Shop) -> str:
    slug = shop.stranger.get(f"{API}/labs").json["labs"][0]["slug"]
    return f"{API}/labs/{slug}/okw"


def test_everybody_reads_a_lab_in_both_forms(shop: Shop, okw: str) -> None:
    v1 = shop.stranger.get(okw).json
    assert v1["facility_status"] == "Active"
    assert {it["nozzle_size_mm"] for it in v1["equipment"] if "nozzle_size_mm" in it} == {0.4}
    tables = shop.stranger.get(f"{okw}?form=2024").json
    assert tables["ManufacturingFacility"][0]["name"] == v1["name"]
    assert len(tables["ManufacturingEquipment"]) == len(v1["equipment"])
    assert shop.stranger.get(f"{okw}?form=v9").status_code == 422


@pytest.mark.parametrize(("facility", "form"), [(V1, "v1"), (TABLES, "2024")])
def test_what_a_manager_brings_comes_out_again_and_names_the_lab(
    shop: Shop, okw: str, facility: dict, form: str
) -> None:
    answer = shop.manager.send("PUT", okw, json=facility)
    assert (answer.status_code, answer.json["form"]) == (200, form)
    told = shop.stranger.get(f"{okw}?form={form}").json
    for key, value in facility.items():
        if key not in ("location", "equipment", "Address", "ManufacturingEquipment"):
            assert told[key] == value
    labs = shop.stranger.get(f"{API}/labs").json["labs"]
    assert "Poblenou Lab" in {lab["name"] for lab in labs}
    assert shop.stranger.get(okw).json["location"]["gps_coordinates"] in (
        "41.40, 2.20",
        "41.4, 2.2",
    )


def test_only_a_manager_brings_one(shop: Shop, okw: str) -> None:
    assert shop.member.send("PUT", okw, json=V1).status_code == 403


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"name": "x", "a": ' + b"[" * 40 + b"]" * 40 + b"}", "at most 32 levels"),
        (b'{"name": "' + b"x" * 300_000 + b'"}', "at most 262144 bytes"),
        (b'{"name": ""}', "must be text of 1 to 80 characters"),
        (b'{"name": "x", "floor_size": NaN}', "canonical JSON"),
        (json.dumps({"name": "x", "n": 2**60}).encode(), "canonical JSON"),
    ],
)
def test_what_cannot_be_taken_is_one_sentence_and_changes_nothing(
    shop: Shop, okw: str, body: bytes, said: str
) -> None:
    before = shop.stranger.get(okw).json
    answer = shop.manager.send("PUT", okw, data=body)
    assert answer.status_code == 422
    assert said in answer.json["detail"]
    assert shop.stranger.get(okw).json == before
