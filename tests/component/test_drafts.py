"""Drafts: nobody writes over anybody, and what is wrong is said before it is published."""

import hashlib

import pytest

from tests.component.test_designs_api import FILES, MANIFEST

DRAFTS = "/api/v1/drafts"


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def bea(sign_up):
    return sign_up("bea")


@pytest.fixture
def begin(ada):
    """A draft of the lamp, its files stored; with other text if asked."""

    def make(manifest=MANIFEST, slug="lamp", files=FILES, **more):
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        for path, data in files.items():
            ada.send("PUT", f"/api/v1/blobs/{hashes[path]}", data=data)
        body = {"slug": slug, "manifest": manifest, "files": hashes, **more}
        answer = ada.post(DRAFTS, body)
        assert answer.status_code == 201, answer.text
        return answer.json

    return make


def save(person, draft, **changes):
    kept = {key: draft[key] for key in ("manifest", "files", "note", "revision")}
    return person.send("PUT", f"{DRAFTS}/{draft['id']}", json=kept | changes)


def test_a_draft_is_saved_until_it_is_right_and_then_becomes_a_release(ada, begin, client):
    draft = begin(MANIFEST.replace("CERN-OHL-S-2.0", "CERN"), note="The first.")
    assert [it["field"] for it in draft["problems"]] == ["license"]
    assert ada.post(f"{DRAFTS}/{draft['id']}/release").status_code == 422
    saved = save(ada, draft, manifest=MANIFEST).json
    assert (saved["revision"], saved["problems"], saved["saved_by"]) == (2, [], "Ada")
    id_ = ada.post(f"{DRAFTS}/{draft['id']}/release").json["id"]
    release = client.get(f"/api/v1/releases/{id_}").json
    assert (release["version"], release["note"]) == ("1.0.0", "The first.")
    assert ada.get(f"{DRAFTS}/{draft['id']}").status_code == 404


def test_everything_that_is_wrong_with_a_draft_is_listed_at_once(begin, ada):
    bad = MANIFEST.replace("CERN-OHL-S-2.0", "CERN").replace("1.0.0", "first")
    draft = begin(bad + "colour = 1\n", files={"a\\b": b"1"})
    fields = {it["field"] for it in draft["problems"]}
    assert fields >= {"license", "files"}
    moved = begin(MANIFEST.replace("1.0.0", "spring"), slug="lamp-2", files={})
    assert {it["field"] for it in moved["problems"]} == {"version", "readme", "part[1].export"}


def test_the_second_of_two_saves_is_refused_and_neither_text_is_lost(ada, bea, begin):
    draft = begin()
    assert bea.get(f"{DRAFTS}/{draft['id']}").status_code == 404
    assert ada.post(f"{DRAFTS}/{draft['id']}/editors", {"handle": "bea"}).status_code == 204
    hers, his = MANIFEST + "# by ada\n", MANIFEST + "# by bea\n"
    assert save(bea, draft, manifest=his).status_code == 200
    refused = save(ada, draft, manifest=hers)
    assert (refused.status_code, refused.json["reason"]) == (409, "draft_moved")
    assert "Bea saved revision 2" in refused.json["detail"]
    now = ada.get(f"{DRAFTS}/{draft['id']}").json
    assert (now["manifest"], now["revision"], now["saved_by"]) == (his, 2, "Bea")
    assert save(ada, now, manifest=his + "# by ada\n").json["revision"] == 3


def test_saving_the_same_again_is_no_new_revision(ada, begin):
    draft = begin()
    assert [save(ada, draft).json["revision"] for _ in range(2)] == [1, 1]


def test_only_its_keeper_lets_people_in_and_discards(ada, bea, begin):
    path = f"{DRAFTS}/{begin()['id']}"
    ada.post(f"{path}/editors", {"handle": "bea"})
    assert bea.post(f"{path}/editors", {"handle": "ada"}).status_code == 409
    assert bea.send("DELETE", path).status_code == 409
    assert ada.post(f"{path}/editors", {"handle": "nobody"}).status_code == 404
    assert [it["slug"] for it in bea.get(DRAFTS).json["drafts"]] == ["lamp"]
    assert ada.send("DELETE", path).status_code == 204
    assert bea.get(DRAFTS).json == {"drafts": []}


def test_an_editor_of_a_draft_does_not_publish_in_the_stewards_name(ada, bea, begin):
    first = begin()
    ada.post(f"{DRAFTS}/{first['id']}/release")
    second = begin(MANIFEST.replace("1.0.0", "1.1.0"))
    ada.post(f"{DRAFTS}/{second['id']}/editors", {"handle": "bea"})
    refused = bea.post(f"{DRAFTS}/{second['id']}/release")
    assert (refused.status_code, "kept by Ada" in refused.json["detail"]) == (403, True)
    assert ada.post(f"{DRAFTS}/{second['id']}/release").status_code == 201


def test_a_draft_tells_that_its_version_is_taken_or_goes_back(begin, ada):
    ada.post(f"{DRAFTS}/{begin(MANIFEST.replace('1.0.0', '1.2.0'))['id']}/release")
    (problem,) = begin()["problems"]
    assert problem["field"] == "version"
    assert "does not come after 1.2.0" in problem["problem"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"manifest": "x" * 262_145}, "manifest"), ({"note": "x" * 10_001}, "note"),
     ({"slug": "Lamp!"}, "slug")],
)  # fmt: skip
def test_what_no_draft_can_hold_is_one_sentence(ada, change, field):
    answer = ada.post(DRAFTS, {"slug": "lamp", "manifest": ""} | change)
    assert answer.status_code == 422
    assert [it["field"] for it in answer.json["fields"]] == [field]
