"""The demo's people, city and lab, made through the public API as anyone would make theirs."""

import secrets
from dataclasses import dataclass

from cosmo.client import Client
from cosmo.demo.machines import HOSTED, PRINTER, ROUTER

CITY, LAB = "rehearsal", "corner-lab"

# What lies on the shelf. Origins are examples: one of them is left unknown on purpose.
LOTS = {
    PRINTER: {"material": "pla", "name": "Example spool, orange PLA", "ring": "region",
              "evidence": "example data", "mass_left_g": 1000},
    HOSTED: {"material": "petg", "name": "Example spool, grey PETG", "ring": "unknown",
             "mass_left_g": 750},
    ROUTER: {"material": "plywood", "name": "Example sheet, birch 6 mm", "ring": "city",
             "evidence": "example data", "mass_left_g": 6000, "thickness_mm": 6},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Town:
    """Tokens of the demo's people, and the code that lets the lab's agent in."""

    designer: str
    operator: str
    enrolment_code: str


def found_town(url: str, *, admin: str, admin_password: str) -> Town:
    """A city, a lab in it, a designer, and an operator who manages the lab."""
    with Client(url) as client:
        admin_token = client.sign_in(admin, admin_password)
        designer = _person(client, "mira", "Mira Designer")
        operator = _person(client, "oba", "Oba Operator")
    with Client(url, admin_token) as client:
        client.post("/cities", {"slug": CITY, "name": "Rehearsal City", "country": "XX"})
    with Client(url, operator) as client:
        client.post("/labs", {"slug": LAB, "name": "Corner Lab", "city": CITY})
        code = client.post(f"/labs/{LAB}/enrolment-codes")["code"]
    return Town(designer, operator, code)


def load_machines(url: str, operator: str) -> None:
    """Each machine of the lab has its lot of material loaded."""
    with Client(url, operator) as client:
        for machine in client.get(f"/labs/{LAB}/board")["machines"]:
            lot = client.post(f"/labs/{LAB}/lots", LOTS[machine["name"]])
            path = f"/labs/{LAB}/machines/{machine['id']}/lot"
            client.post(path, {"lot_id": lot["id"]})


def _person(client: Client, handle: str, name: str) -> str:
    password = secrets.token_urlsafe(16)
    client.sign_up(handle=handle, name=name, email=f"{handle}@demo.invalid", password=password)
    return client.sign_in(handle, password)
