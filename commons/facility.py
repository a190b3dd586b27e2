"""A lab and its machines as Open Know-Where, in and out: v1 (2021, JSON) and the tables of 2024.

What came in is kept as it was, and goes out as it was in its own form, with what is known better
here: the lab's name and place, and the machines that its agents speak for. Numbers stay exact:
v1's `nozzle_size` is a whole number and cannot say 0.4, its `build_volume` is one number and cannot
say 250 x 210 x 220; so the exact ones stand beside them under names of ours. Lengths are mm,
volumes mm³, powers W.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from commons.errors import FieldProblem, InvalidInput
from commons.machine import MachineProfile, Process

Data = dict[str, object]


class Form(StrEnum):
    """A version of Open Know-Where; the values are the words of the API."""

    V1 = "v1"
    TABLES = "2024"


# OKW names processes and machines by their pages in Wikipedia.
_WIKI = "https://en.wikipedia.org/wiki/"
_PROCESS_PAGE = {
    Process.FDM: _WIKI + "Fused_filament_fabrication",
    Process.CNC: _WIKI + "Milling_(machining)",
}
_TYPE_PAGE = {Process.FDM: _WIKI + "3D_printing", Process.CNC: _WIKI + "CNC_router"}
_STATUSES = ("Active", "Planned", "Temporary Closure", "Closed")
_GPS = re.compile(r"\s*(-?\d{1,3}(?:\.\d{1,15})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,15})?)\s*")
_FACILITIES, _EQUIPMENT, _ADDRESSES = "ManufacturingFacility", "ManufacturingEquipment", "Address"
_TABLES = (_ADDRESSES, "Contact", "DatabaseSourceMetadata", "DistributedResource",
           "DataVerificator", _FACILITIES, _EQUIPMENT, "ManufacturingService", "ManufacturingSkill",
           "FindableProject")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facility:
    """A lab as this repository knows it. A place that is not known is None, never 0, 0."""

    name: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None
    machines: tuple[MachineProfile, ...] = ()


@dataclass(frozen=True, slots=True)
class Brought:
    """A facility as somebody brought it. `notes` are what a strict reader minds."""

    form: Form
    data: Data
    name: str
    position: tuple[float, float] | None
    notes: tuple[FieldProblem, ...]


def read_facility(data: object) -> Brought:
    """The facility in `data`; InvalidInput names everything that keeps it from being taken."""
    if not isinstance(data, dict):
        raise InvalidInput("a facility is a JSON object: v1's, or the tables of 2024 by name")
    form = Form.TABLES if any(table in data for table in _TABLES) else Form.V1
    wrong: list[FieldProblem] = []
    notes: list[FieldProblem] = []
    read = _read_tables if form is Form.TABLES else _read_v1
    name, position = read(data, wrong, notes)
    if wrong:
        listed = "; ".join(str(problem) for problem in wrong)
        raise InvalidInput(f"this facility cannot be taken: {listed}", wrong)
    return Brought(form, data, name, position, tuple(notes))


def say_v1(lab: Facility, brought: Brought | None = None) -> Data:
    """The lab as OKW v1."""
    told: Data = {}
    if brought is not None:
        told = dict(brought.data) if brought.form is Form.V1 else _v1_of_tables(brought.data)
    location = _table(told.get("location"))
    address = _table(location.get("address"))
    place = {"city": lab.city, "country": lab.country}
    location["address"] = {**address, **{k: v for k, v in place.items() if k not in address}}
    if lab.latitude is not None and lab.longitude is not None:
        exact = f"{lab.latitude}, {lab.longitude}"
        if _position_in(location.get("gps_coordinates")) != (lab.latitude, lab.longitude):
            location["gps_coordinates"] = exact
    ours = [_equipment_v1(machine) for machine in lab.machines]
    equipment = [*_rows(told.get("equipment")), *ours]
    more: Data = {"equipment": equipment} if equipment else {}
    return {"name": lab.name, "location": location, "facility_status": "Active"} | told | {
        "name": lab.name, "location": location
    } | more  # fmt: skip


def say_tables(lab: Facility, brought: Brought | None = None) -> Data:
    """The lab as the tables of 2024, each row with an id that is unique in its table."""
    tables: Data = {}
    if brought is not None:
        is_tables = brought.form is Form.TABLES
        tables = dict(brought.data) if is_tables else _tables_of_v1(brought.data)
    first = _first(tables, _FACILITIES)
    resource = first.get("resource_id", 1)
    address = {"address_id": 1, **_first(tables, _ADDRESSES)}
    if lab.latitude is not None and lab.longitude is not None:
        address |= {"latitude": lab.latitude, "longitude": lab.longitude}
    for key, value in (("locality", lab.city), ("country", lab.country)):
        address.setdefault(key, value)
    tables[_ADDRESSES] = [address, *_rows(tables.get(_ADDRESSES))[1:]]
    tables.setdefault(
        "DistributedResource", [{"resource_id": resource, "address_id": address["address_id"]}]
    )
    facility = {"facility_id": 1, "resource_id": resource, **first, "name": lab.name}
    tables[_FACILITIES] = [facility, *_rows(tables.get(_FACILITIES))[1:]]
    rows = _rows(tables.get(_EQUIPMENT))
    taken = [row["equipment_id"] for row in rows if isinstance(row.get("equipment_id"), int)]
    next_id = max([0, *(number for number in taken if isinstance(number, int))]) + 1
    tables[_EQUIPMENT] = rows + [
        {"equipment_id": next_id + n, "resource_id": resource} | _equipment_2024(machine)
        for n, machine in enumerate(lab.machines)
    ]
    return tables


def _read_v1(
    data: Data, wrong: list[FieldProblem], notes: list[FieldProblem]
) -> tuple[str, tuple[float, float] | None]:
    name = _name(data, "name", wrong)
    location = data.get("location", {})
    if not isinstance(location, dict):
        wrong.append(FieldProblem("location", "must be an object with address or gps_coordinates"))
        location = {}
    position = _gps(location, wrong, notes)
    if data.get("facility_status") not in _STATUSES:
        notes.append(FieldProblem("facility_status", f"is none of {', '.join(_STATUSES)}"))
    if not location:
        notes.append(FieldProblem("location", "is missing"))
    _look_at_equipment(data.get("equipment", []), wrong, notes)
    return name, position


def _gps(
    location: Data, wrong: list[FieldProblem], notes: list[FieldProblem]
) -> tuple[float, float] | None:
    gps = location.get("gps_coordinates")
    found = _GPS.fullmatch(gps) if isinstance(gps, str) else None
    if gps is not None and found is None:
        wrong.append(FieldProblem("location.gps_coordinates", 'must be text "latitude, longitude"'))
    position = _position_in(gps)
    if found and position is None:
        said = f"{gps} is no place that anybody measured; it counts as unknown"
        notes.append(FieldProblem("location.gps_coordinates", said))
    return position


def _look_at_equipment(
    equipment: object, wrong: list[FieldProblem], notes: list[FieldProblem]
) -> None:
    if not isinstance(equipment, list) or not all(isinstance(it, dict) for it in equipment):
        wrong.append(FieldProblem("equipment", "must be a list of objects"))
        return
    for number, item in enumerate(equipment, 1):
        for key in ("equipment_type", "manufacturing_process"):
            if not item.get(key):
                notes.append(FieldProblem(f"equipment[{number}].{key}", "is missing"))
        if item.get("nozzle_size") == 0:
            said = "is 0, as 0.4 becomes in a whole number; it is kept, and counts as unknown"
            notes.append(FieldProblem(f"equipment[{number}].nozzle_size", said))


def _read_tables(
    data: Data, wrong: list[FieldProblem], notes: list[FieldProblem]
) -> tuple[str, tuple[float, float] | None]:
    for table in _TABLES:
        rows = data.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            wrong.append(FieldProblem(table, "must be a list of rows"))
    if wrong:
        return "", None
    facilities = _rows(data.get(_FACILITIES))
    if len(facilities) != 1:
        wrong.append(FieldProblem(_FACILITIES, f"has {len(facilities)} rows; send one lab's"))
        return "", None
    name = _name(facilities[0], f"{_FACILITIES}[1].name", wrong)
    address = _first(data, _ADDRESSES)
    position = _on_earth(address.get("latitude"), address.get("longitude"))
    if position is None and not {"latitude", "longitude"}.isdisjoint(address):
        field = f"{_ADDRESSES}[1].latitude"
        notes.append(FieldProblem(field, "with longitude is no place; it counts as unknown"))
    return name, position


def _name(table: Mapping[str, object], field: str, wrong: list[FieldProblem]) -> str:
    name = table.get("name")
    if isinstance(name, str) and 0 < len(name.strip()) <= 80:
        return name.strip()
    wrong.append(FieldProblem(field, "must be text of 1 to 80 characters"))
    return ""


def _position_in(gps: object) -> tuple[float, float] | None:
    found = _GPS.fullmatch(gps) if isinstance(gps, str) else None
    return _on_earth(float(found[1]), float(found[2])) if found else None


def _on_earth(latitude: object, longitude: object) -> tuple[float, float] | None:
    """The position; None for what is no number, off the globe, or 0, 0, which nobody measured."""
    if isinstance(latitude, bool) or not isinstance(latitude, int | float):
        return None
    if isinstance(longitude, bool) or not isinstance(longitude, int | float):
        return None
    fits = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
    return (float(latitude), float(longitude)) if fits else None


def _equipment_v1(machine: MachineProfile) -> Data:
    """Exact sizes stand in `build_volume_mm` and `nozzle_size_mm`, beside what v1 can say."""
    x, y, z = machine.envelope.size_mm
    told: Data = {
        "equipment_type": _TYPE_PAGE[machine.process],
        "manufacturing_process": _PROCESS_PAGE[machine.process],
        "notes": machine.name,
        "quantity": 1,
        "computer_controlled": True,
        "materials_worked": list(machine.materials),
        "x_travel": x, "y_travel": y, "z_travel": z,
        "build_volume": round(x * y * z),
        "build_volume_mm": [x, y, z],
    }  # fmt: skip
    if machine.model:
        told["model"] = machine.model
    if machine.rated_power_w is not None:
        told["power_rating"] = machine.rated_power_w
    if machine.fdm:
        told["nozzle_size_mm"] = machine.fdm.nozzle_mm
        if machine.fdm.nozzle_mm.is_integer():
            told["nozzle_size"] = int(machine.fdm.nozzle_mm)
    return told


def _equipment_2024(machine: MachineProfile) -> Data:
    x, y, z = machine.envelope.size_mm
    nozzle = f", nozzle {machine.fdm.nozzle_mm:g} mm" if machine.fdm else ""
    told = f"{machine.name}: {x:g} x {y:g} x {z:g} mm{nozzle}, {', '.join(machine.materials)}"
    return {"model": machine.model or "", "type": _TYPE_PAGE[machine.process], "description": told}


def _v1_of_tables(tables: Mapping[str, object]) -> Data:
    facility, address = _first(tables, _FACILITIES), _first(tables, _ADDRESSES)
    contact = _first(tables, "Contact")
    told: Data = {}
    if facility.get("description"):
        told["description"] = facility["description"]
    names = {"number": "number", "street": "street", "locality": "city", "region": "region",
             "country": "country", "postcode": "postcode"}  # fmt: skip
    place = {ours: address[key] for key, ours in names.items() if address.get(key)}
    if place:
        told["location"] = {"address": place}
    if contact.get("email") or contact.get("website"):
        told["owner"] = {
            "name": facility.get("name"),
            **({"website": contact["website"]} if contact.get("website") else {}),
            **({"contact": {"email": contact["email"]}} if contact.get("email") else {}),
        }
    names = {"type": "equipment_type", "brand": "make", "model": "model", "description": "notes"}
    told["equipment"] = [
        {ours: row[key] for key, ours in names.items() if row.get(key)}
        for row in _rows(tables.get(_EQUIPMENT))
    ]
    return told


def _tables_of_v1(data: Mapping[str, object]) -> Data:
    location = _table(data.get("location"))
    address = _table(location.get("address"))
    names = {"street": "street", "number": "number", "city": "locality", "region": "region",
             "postcode": "postcode", "country": "country"}  # fmt: skip
    place = {ours: address[key] for key, ours in names.items() if key in address}
    tables: Data = {_ADDRESSES: [{"address_id": 1, **place}]}
    facility = {"facility_id": 1, "resource_id": 1}
    if data.get("description"):
        facility |= {"description": data["description"]}  # type: ignore[dict-item]
    tables[_FACILITIES] = [facility]
    names = {"make": "brand", "model": "model", "equipment_type": "type", "notes": "description"}
    tables[_EQUIPMENT] = [
        {"equipment_id": number, "resource_id": 1,
         **{ours: row[key] for key, ours in names.items() if key in row}}
        for number, row in enumerate(_rows(data.get("equipment")), 1)
    ]  # fmt: skip
    return tables


def _table(value: object) -> Data:
    return dict(value) if isinstance(value, dict) else {}


def _rows(value: object) -> list[Data]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _first(tables: Mapping[str, object], name: str) -> Data:
    rows = _rows(tables.get(name))
    return dict(rows[0]) if rows else {}
