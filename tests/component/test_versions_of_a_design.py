"""A design's releases: in the order of their versions, patched in old lines, and yanked."""

import hashlib

import pytest

from tests.component.test_designs_api import FILES, MANIFEST

API = "/api/v1"


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def publish(ada):
    def send(version, *, by=ada, note=""):
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}
        for path, data in FILES.items():
            by.send("PUT", f"{API}/blobs/{hashes[path]}", data=data)
        manifest = MANIFEST.replace("1.0.0", version)
        body = {"manifest": manifest, "files": hashes, "note": note}
        return by.post(f"{API}/designs/lamp/releases", body)

    return send


def shown(client):
    design = client.get(f"{API}/designs/lamp").json
    return design["head"]["version"], [it["version"] for it in design["releases"]]


def test_a_patch_of_an_old_line_is_published_and_does_not_become_the_head(publish, client):
    for version in ("1.9.0", "1.10.0", "1.9.1", "2.0.0-rc.1"):
        assert publish(version).status_code == 201, version
    assert shown(client) == ("1.10.0", ["2.0.0-rc.1", "1.10.0", "1.9.1", "1.9.0"])


def test_a_version_that_goes_back_is_refused_and_named(publish, client):
    publish("1.2.0")
    refused = publish("1.1.9")
    assert (refused.status_code, "after 1.2.0" in refused.json["detail"]) == (409, True)
    assert shown(client) == ("1.2.0", ["1.2.0"])


def test_a_first_pre_release_is_the_head_until_something_is_ready(publish, client):
    publish("0.1.0-alpha")
    assert shown(client)[0] == "0.1.0-alpha"
    publish("0.1.0")
    publish("0.2.0-alpha")
    assert shown(client)[0] == "0.1.0"


def test_what_changed_stands_beside_each_release(publish, client):
    publish("1.0.0", note=" The first. ")
    publish("1.0.1", note="A stronger foot.")
    design = client.get(f"{API}/designs/lamp").json
    assert [it["note"] for it in design["releases"]] == ["A stronger foot.", "The first."]
    assert design["head"]["note"] == "A stronger foot."
    assert publish("1.0.2", note="x" * 10_001).json["fields"][0]["field"] == "note"


def test_nobody_is_led_to_a_yanked_release_and_who_has_it_reads_why(ada, publish, client):
    old, bad = publish("1.0.0").json["id"], publish("1.1.0").json["id"]
    answer = ada.post(f"{API}/releases/{bad}/yank", {"reason": "the foot breaks at 2 kg"})
    assert answer.status_code == 204
    design = client.get(f"{API}/designs/lamp").json
    assert design["head"]["id"] == old
    assert [(it["version"], it["yanked"]) for it in design["releases"]] == [
        ("1.1.0", True),
        ("1.0.0", False),
    ]
    release = client.get(f"{API}/releases/{bad}").json
    assert (release["yank"]["reason"], release["yank"]["by"]) == ("the foot breaks at 2 kg", "Ada")
    assert [it["id"] for it in client.get(f"{API}/designs").json["designs"]] == [old]
    page = client.get(f"/releases/{bad}").text
    assert "the foot breaks at 2 kg" in page
    assert "1.1.0" in client.get("/designs/lamp").text


def test_a_yanked_version_is_used_up(ada, publish):
    publish("1.0.0")
    bad = publish("1.1.0").json["id"]
    ada.post(f"{API}/releases/{bad}/yank", {"reason": "wrong thread"})
    assert publish("1.0.9").status_code == 201
    assert publish("1.1.1").status_code == 201


def test_when_all_are_yanked_their_own_addresses_still_lead_there(ada, publish, client):
    only = publish("1.0.0").json["id"]
    ada.post(f"{API}/releases/{only}/yank", {"reason": "it is not ours"})
    gone = client.get(f"{API}/designs/lamp")
    assert (gone.status_code, "every release" in gone.json["detail"]) == (404, True)
    assert client.get(f"{API}/releases/{only}").status_code == 200
    assert client.get(f"/releases/{only}").status_code == 200
    assert publish("1.0.1").status_code == 201
    assert shown(client)[0] == "1.0.1"


def test_only_the_steward_yanks_once_and_with_a_reason(ada, publish, sign_up):
    path = f"{API}/releases/{publish('1.0.0').json['id']}/yank"
    asked = [
        sign_up("bea").post(path, {"reason": "I like it not"}),
        ada.post(path, {"reason": " "}),
        ada.post(f"{API}/releases/nothing/yank", {"reason": "x"}),
        ada.post(path, {"reason": "wrong thread"}),
        ada.post(path, {"reason": "wrong thread"}),
    ]
    assert [answer.status_code for answer in asked] == [403, 422, 404, 204, 409]
