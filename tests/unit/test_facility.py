"""A lab as Open Know-Where: in both forms, out in both, numbers exact and nothing dropped."""

import pytest

from commons.errors import InvalidInput
from commons.facility import Facility, Form, read_facility, say_tables, say_v1
from commons.machine import PrintLimits
from tests.profiles import printer, router

LAB = Facility("Poblenou Lab", "Barcelona", "ES", 41.4, 2.2, (printer(), router()))
V1 = {
    "id": "7d0a", "name": "Poblenou Lab", "facility_status": "Planned",
    "location": {"address": {"street": "Pujades", "postcode": "08005", "city": "BCN"},
                 "gps_coordinates": "41.40, 2.20", "what3words": {"words": "a.b.c"}},
    "access_type": "Membership", "floor_size": 120,
    "equipment": [{"equipment_type": "https://en.wikipedia.org/wiki/Lathe",
                   "manufacturing_process": "https://en.wikipedia.org/wiki/Turning",
                   "make": "Myford", "nozzle_size": 0, "ours": {"x": 1.5}}],
}  # fmt: skip
TABLES = {
    "Address": [{"address_id": 4, "street": "Pujades", "locality": "BCN", "postcode": 8005,
                 "latitude": 41.4, "longitude": 2.2}],
    "Contact": [{"contact_id": 1, "email": "lab@example.org", "website": "https://example.org"}],
    "DistributedResource": [{"resource_id": 9, "address_id": 4, "contact_id": 1}],
    "ManufacturingFacility": [{"facility_id": 2, "resource_id": 9, "name": "Poblenou Lab",
                               "description": "A lab", "capacity": 12}],
    "ManufacturingEquipment": [{"equipment_id": 5, "resource_id": 9, "brand": "Myford",
                                "type": "Lathe"}],
    "ManufacturingSkill": [{"skill_id": 1, "name": "Ada"}],
}  # fmt: skip


def alone(**changes: object) -> Facility:
    """The lab without machines."""
    values = {"latitude": LAB.latitude, "longitude": LAB.longitude} | changes
    return Facility(LAB.name, LAB.city, LAB.country, **values)  # type: ignore[arg-type]


def problems(data: object) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        read_facility(data)
    return {problem.field for problem in refused.value.fields}


def test_what_whole_numbers_cannot_say_stands_beside_them_exactly():
    first, second = say_v1(LAB)["equipment"]
    assert first["build_volume"] == 250 * 210 * 210
    assert first["build_volume_mm"] == [250, 210, 210]
    assert first["nozzle_size_mm"] == 0.4
    assert "nozzle_size" not in first
    assert "nozzle_size_mm" not in second
    wide = Facility("L", "C", "ES", None, None, (printer(fdm=PrintLimits(nozzle_mm=1.0)),))
    assert say_v1(wide)["equipment"][0]["nozzle_size"] == 1


def test_v1_says_all_that_it_requires():
    told = say_v1(LAB)
    assert told["facility_status"] == "Active"
    assert told["location"]["gps_coordinates"] == "41.4, 2.2"
    assert read_facility(told).notes == ()


def test_a_place_that_is_not_known_is_not_zero():
    nowhere = alone(latitude=None, longitude=None)
    assert "gps_coordinates" not in say_v1(nowhere)["location"]
    assert "latitude" not in say_tables(nowhere)["Address"][0]
    zero = V1 | {"location": {"gps_coordinates": "0, 0"}}
    assert read_facility(zero).position is None
    assert "location.gps_coordinates" in {note.field for note in read_facility(zero).notes}


def test_v1_comes_out_as_it_came_with_our_machines_behind_its_equipment():
    brought = read_facility(V1)
    assert (brought.form, brought.name, brought.position) == (Form.V1, LAB.name, (41.4, 2.2))
    told = say_v1(alone(), brought)
    told["location"]["address"].pop("country")
    assert told == V1
    equipment = say_v1(LAB, brought)["equipment"]
    assert equipment[0] == V1["equipment"][0]
    assert [it["notes"] for it in equipment[1:]] == ["Printer", "Router"]


def test_tables_come_out_as_they_came_with_our_machines_behind_their_equipment():
    brought = read_facility(TABLES)
    assert (brought.form, brought.name, brought.position) == (Form.TABLES, LAB.name, (41.4, 2.2))
    told = say_tables(alone(), brought)
    told["Address"][0].pop("country")
    assert told == TABLES
    rows = say_tables(LAB, brought)["ManufacturingEquipment"]
    assert [(row["equipment_id"], row["resource_id"]) for row in rows] == [(5, 9), (6, 9), (7, 9)]
    assert "250 x 210 x 210 mm, nozzle 0.4 mm" in rows[1]["description"]


def test_each_form_is_said_in_the_other():
    tables = say_tables(LAB, read_facility(V1))
    assert tables["Address"][0]["postcode"] == "08005"
    assert tables["ManufacturingEquipment"][0]["brand"] == "Myford"
    v1 = say_v1(LAB, read_facility(TABLES))
    assert v1["location"]["address"]["street"] == "Pujades"
    assert v1["owner"]["contact"] == {"email": "lab@example.org"}
    assert (v1["description"], v1["equipment"][0]["make"]) == ("A lab", "Myford")


def test_a_nozzle_of_zero_is_kept_and_told():
    notes = {note.field: note.problem for note in read_facility(V1).notes}
    assert "counts as unknown" in notes["equipment[1].nozzle_size"]


def test_everything_wrong_with_a_facility_is_told_at_once():
    assert problems({"name": " ", "location": {"gps_coordinates": 41.4}, "equipment": {}}) == {
        "name", "location.gps_coordinates", "equipment"
    }  # fmt: skip
    assert problems({"Address": {}, "ManufacturingFacility": [1]}) == {
        "Address", "ManufacturingFacility"
    }  # fmt: skip
    assert problems({"ManufacturingFacility": [{"name": "a"}, {"name": "b"}]}) == {
        "ManufacturingFacility"
    }
    with pytest.raises(InvalidInput, match="JSON object"):
        read_facility([])
