"""Assemblies: designs in a bill of materials, settled for ever, added up, and never in a circle."""

import hashlib

import pytest

from commons.licences.combining import may_stand_together
from repo_server import lots
from repo_server.db import transaction
from repo_server.people import Person
from tests.browsing import fill, page
from tests.component.test_designs_api import FILES, MANIFEST
from tests.component.test_forks import publish
from tests.floor import furnish

API = "/api/v1"
HEAD = "item,quantity,made,material,source,note\n"


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


def with_bom(person, slug, *lines, version="1.0.0"):
    """A release of `slug` whose bill has these lines."""
    text = MANIFEST.replace('readme = "README.md"', 'readme = "README.md"\nbom = "bom.csv"')
    text = text.replace('"Lamp"', f'"{slug.title()}"').replace("1.0.0", version)
    bom = (HEAD + "shade,1,yes,PLA,shade.stl,\n" + "".join(f"{it}\n" for it in lines)).encode()
    return publish(person, slug, text, {**FILES, "bom.csv": bom})


def test_a_line_means_the_release_that_stood_for_its_design_when_it_was_published(ada, client):
    first = with_bom(ada, "lamp").json["id"]
    shelf = with_bom(ada, "shelf", "Lamp,2,no,,design:lamp,").json["id"]
    with_bom(ada, "lamp", version="1.1.0")
    (_, line) = client.get(f"{API}/releases/{shelf}/bom").json["lines"]
    component = line["component"]
    assert (component["id"], component["version"], component["newer"]) == (first, "1.0.0", "1.1.0")


def test_the_whole_list_adds_up_what_every_component_needs(ada, client, engine):
    with_bom(ada, "lamp", "Screw,4,no,steel,a shop,", "Oil,some,no,,a shop,")
    with_bom(ada, "shelf", "Lamp,2,no,,design:lamp@1.0,", "Screw,6,no,steel,a shop,")
    top = with_bom(
        ada, "room", "Shelf,3,no,,design:shelf,", "Lamp,1,no,,design:lamp,",
        "Board,1.5 m²,no,plywood,stock:plywood,", "Cloth,2,no,,https://example.org/cloth,",
    ).json["id"]  # fmt: skip
    floor = furnish(engine, manager=Person(ada.id, "ada", "Ada", False))
    with transaction(engine) as session:
        lots.add(
            session,
            lots.NewLot(material="plywood", name="sheet"),
            lab_id=floor.lab_id,
            by=floor.manager,
            now=floor.now,
        )
    found = client.get(f"{API}/releases/{top}/bom").json
    needs = {(it["how"], it["item"], it["title"]): it["quantity"] for it in found["needs"]}
    assert needs == {
        ("printed", "shade", "Room"): 1,
        ("printed", "shade", "Shelf"): 3,
        ("printed", "shade", "Lamp"): 3 * 2 + 1,
        ("bought", "Screw", "Shelf, Lamp"): 3 * 6 + 7 * 4,
        ("bought", "Oil", "Lamp"): None,
        ("stock", "Board", "Room"): 1.5,
        ("bought", "Cloth", "Room"): 2,
    }
    (board,) = [it for it in found["needs"] if it["how"] == "stock"]
    assert (board["labs"], board["unit"]) == (["Corner Lab"], "m²")
    shown = page(client, f"/releases/{top}/bom")
    for said in ("3D printed", "Corner Lab has it", "https://example.org/cloth", "Shelf 1.0.0"):
        assert said in shown.text
    assert shown.wrong == []


def test_what_the_licences_say_of_standing_together_is_told(ada, client):
    with_bom(ada, "lamp")
    text = MANIFEST.replace("CERN-OHL-S-2.0", "CC-BY-SA-4.0").replace('"Lamp"', '"Shelf"')
    text = text.replace('readme = "README.md"', 'readme = "README.md"\nbom = "bom.csv"')
    bom = (HEAD + "Lamp,1,no,,design:lamp,\n").encode()
    shelf = publish(ada, "shelf", text, {**FILES, "bom.csv": bom}).json["id"]
    told = client.get(f"{API}/releases/{shelf}/bom").json["licence"]
    expected = may_stand_together(["CC-BY-SA-4.0", "CERN-OHL-S-2.0"])
    assert (told["permission"], told["reason"]) == (expected.permission, expected.reason)
    assert expected.permission == "ask"
    shown = page(client, f"/releases/{shelf}/bom").text
    assert "no legal advice" in shown
    assert expected.clauses[0] in shown
    alone = client.get(f"{API}/designs/lamp").json["head"]["id"]
    assert client.get(f"{API}/releases/{alone}/bom").json["licence"] is None


def test_a_circle_is_refused_with_the_way_that_it_takes(ada):
    with_bom(ada, "lamp")
    with_bom(ada, "shelf", "Lamp,1,no,,design:lamp,")
    with_bom(ada, "room", "Shelf,1,no,,design:shelf,")
    refused = with_bom(ada, "lamp", "Room,1,no,,design:room,", version="1.1.0")
    (problem,) = refused.json["fields"]
    assert problem["field"] == "bom line 2"
    assert (
        "'lamp' would need room 1.0.0, which needs shelf 1.0.0, which needs lamp 1.0.0"
        in (problem["problem"])
    )
    itself = with_bom(ada, "lamp", "Lamp,1,no,,design:lamp@1.0.0,", version="1.1.0")
    assert itself.status_code == 422


def test_what_a_line_names_must_be_there_and_all_that_is_not_is_told_at_once(ada):
    lamp = with_bom(ada, "lamp").json["id"]
    with_bom(ada, "lamp", version="1.1.0")
    ada.post(f"{API}/releases/{lamp}/yank", {"reason": "it gets hot"})
    refused = with_bom(ada, "shelf", "A,1,no,,design:nothing,", "B,1,no,,design:lamp@3,",
                       "C,1,no,,design:lamp@1.0.0,")  # fmt: skip
    said = {it["field"]: it["problem"] for it in refused.json["fields"]}
    assert said == {
        "bom line 2": "'A': there is no design 'nothing'",
        "bom line 3": "'B': 'lamp' has no release 3",
        "bom line 4": "'C': lamp 1.0.0 was yanked: it gets hot",
    }


def test_a_draft_tells_that_its_bill_would_be_refused(ada):
    id_ = with_bom(ada, "lamp").json["id"]
    form = fill(ada, f"/releases/{id_}", f"/releases/{id_}/draft")
    where = ada.browser.post(f"/releases/{id_}/draft", data=form).location
    draft = ada.get(f"{API}{where}").json
    bom = (HEAD + "Lamp,1,no,,design:nothing,\n").encode()
    sha256 = hashlib.sha256(bom).hexdigest()
    ada.send("PUT", f"{API}/blobs/{sha256}", data=bom)
    body = {key: draft[key] for key in ("note", "revision")}
    body["manifest"] = draft["manifest"].replace('version = "1.0.0"', 'version = "1.0.1"')
    body["files"] = draft["files"] | {"bom.csv": sha256}
    saved = ada.send("PUT", f"{API}{where}", json=body).json
    assert [it["field"] for it in saved["problems"]] == ["bom line 1"]


def test_too_many_designs_in_one_bill_are_one_sentence(ada):
    refused = with_bom(ada, "shelf", *["A,1,no,,design:lamp,"] * 101)
    assert [it["field"] for it in refused.json["fields"]] == ["bom"]


def test_a_design_without_a_bill_takes_its_parts(ada, client):
    id_ = publish(ada, "lamp", MANIFEST).json["id"]
    (need,) = client.get(f"{API}/releases/{id_}/bom").json["needs"]
    assert (need["how"], need["item"], need["quantity"]) == ("printed", "shade", 1)


def test_many_ways_to_one_part_are_read_once(ada, client):
    """Each design needs two of the one below it: 2^12 lamps, and thirteen bills."""
    below = "lamp"
    with_bom(ada, below)
    for n in range(12):
        with_bom(ada, f"tier-{n}", f"A,1,no,,design:{below},", f"B,1,no,,design:{below},")
        below = f"tier-{n}"
    id_ = client.get(f"{API}/designs/{below}").json["head"]["id"]
    needs = client.get(f"{API}/releases/{id_}/bom").json["needs"]
    assert {it["title"]: it["quantity"] for it in needs}["Lamp"] == 2**12
