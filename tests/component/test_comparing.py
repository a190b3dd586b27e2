"""Two releases side by side, through the API and on the page."""

import hashlib

import pytest

from tests.browsing import page
from tests.component.test_designs_api import MANIFEST

API = "/api/v1"
BOM = b"item,quantity,made,material,source,note\nshade,1,yes,PLA,shade.stl,\nBulb,1,no,,a shop,\n"
BEFORE = {"README.md": b"# Lamp\nIt shines.\n", "shade.stl": b"solid \xff", "bom.csv": BOM}
AFTER = {
    "README.md": b"# Lamp\nIt shines brightly.\n",
    "shade.stl": b"solid \xfe",
    "bom.csv": BOM.replace(b"Bulb,1", b"Bulb,2"),
    "NOTES.md": b"New.\n",
}


@pytest.fixture
def two(sign_up):
    """The ids of two releases of the lamp."""
    ada = sign_up("ada")

    def publish(files, manifest):
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        for path, data in files.items():
            ada.send("PUT", f"{API}/blobs/{hashes[path]}", data=data)
        text = manifest.replace('readme = "README.md"', 'readme = "README.md"\nbom = "bom.csv"')
        body = {"manifest": text, "files": hashes, "note": "Brighter."}
        answer = ada.post(f"{API}/designs/lamp/releases", body)
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    first = publish(BEFORE, MANIFEST)
    return first, publish(AFTER, MANIFEST.replace("1.0.0", "1.1.0").replace('"PLA"', '"PETG"'))


def test_manifest_bill_files_and_lines_are_compared(two, client):
    changes = client.get(f"{API}/releases/{two[0]}/changes/{two[1]}").json
    assert (changes["before"]["version"], changes["after"]["version"]) == ("1.0.0", "1.1.0")
    assert [(it["key"], it["before"], it["after"]) for it in changes["manifest"]] == [
        ("version", "1.0.0", "1.1.0"),
        ("part 'shade'.material", "PLA", "PETG"),
    ]
    (bulb,) = changes["bom"]
    assert (bulb["before"]["quantity"], bulb["after"]["quantity"]) == (1, 2)
    files = {it["path"]: (it["sign"], it["lines"]) for it in changes["files"]}
    assert files["shade.stl"] == ("changed", None)
    assert files["NOTES.md"][0] == "added"
    lines = [(it["sign"], it["text"]) for it in files["README.md"][1]]
    assert lines == [
        ("same", "# Lamp"),
        ("removed", "It shines."),
        ("added", "It shines brightly."),
    ]


def test_a_release_compared_with_itself_has_no_changes(two, client):
    changes = client.get(f"{API}/releases/{two[0]}/changes/{two[0]}").json
    assert (changes["manifest"], changes["bom"], changes["files"]) == ([], [], [])


def test_the_page_shows_the_same_and_leads_to_any_other_pair(two, client):
    shown = page(client, f"/releases/{two[0]}/changes/{two[1]}")
    for said in ("It shines brightly.", "part &#39;shade&#39;.material", "Brighter.", "NOTES.md"):
        assert said in shown.text
    assert shown.wrong == []
    there = client.get("/compare", query_string={"before": two[1], "after": two[0]})
    assert there.location == f"/releases/{two[1]}/changes/{two[0]}"
    assert f"/releases/{two[0]}/changes/{two[1]}" in page(client, "/designs/lamp").links


@pytest.mark.parametrize("path", ["/releases/x/changes/y", "/compare?before=&after=//evil"])
def test_what_is_not_there_is_a_sentence(client, path):
    answer = client.get(path, follow_redirects=True)
    assert (answer.status_code, "there is no release" in answer.text) == (404, True)
