"""Forks: parents and change notices, what licences forbid, lineage, notices and merging back."""

import hashlib
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from commons.licences.forks import may_fork
from commons.lineage import NOTICE, name_parents
from repo_server.people import Person
from repo_server.tables import BuildOrderRow
from tests.browsing import fill, page
from tests.component.test_designs_api import FILES, MANIFEST
from tests.floor import furnish

API = "/api/v1"


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def bea(sign_up):
    return sign_up("bea")


def publish(person, slug, manifest, files=FILES, note=""):
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    for path, data in files.items():
        person.send("PUT", f"{API}/blobs/{hashes[path]}", data=data)
    body = {"manifest": manifest, "files": hashes, "note": note}
    return person.post(f"{API}/designs/{slug}/releases", body)


@pytest.fixture
def lamp(ada):
    return publish(ada, "lamp", MANIFEST).json["id"]


def fork(person, release, slug="lantern", change="A handle."):
    return person.post(f"{API}/releases/{release}/fork", {"slug": slug, "change": change})


def publish_fork(person, release, slug="lantern", manifest=None):
    """The fork is begun as a draft and published; its release's id."""
    draft = person.get(f"{API}/drafts/{fork(person, release, slug).json['draft_id']}").json
    body = {key: draft[key] for key in ("files", "note", "revision")}
    body["manifest"] = (manifest or (lambda it: it))(draft["manifest"])
    person.send("PUT", f"{API}/drafts/{draft['id']}", json=body)
    answer = person.post(f"{API}/drafts/{draft['id']}/release")
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_a_fork_names_its_parent_and_writes_its_dated_change_notice(bea, lamp, client):
    fork_ = client.get(f"{API}/releases/{publish_fork(bea, lamp)}").json
    assert fork_["manifest"]["cosmolocal"]["parents"] == [lamp]
    (file,) = [it for it in fork_["files"] if it["path"] == NOTICE]
    notice = client.get(f"{API}/blobs/{file['sha256']}", buffered=True).text
    assert f"- {datetime.now(UTC).date()}: Bea changed Lamp 1.0.0 (CERN-OHL-S-2.0" in notice
    assert lamp in notice and notice.endswith("A handle.\n")
    lineage = client.get(f"{API}/designs/lamp/lineage").json
    assert lineage["forks"] == [[lamp, fork_["id"]]]
    assert [it["slug"] for it in lineage["releases"]] == ["lamp", "lantern"]
    assert client.get(f"{API}/designs/lantern/lineage").json == lineage


def test_a_fork_under_a_licence_that_its_parents_forbids_is_refused_with_the_clause(bea, lamp):
    manifest = name_parents(MANIFEST.replace("CERN-OHL-S-2.0", "MIT"), (lamp,))
    refused = publish(bea, "lantern", manifest, {**FILES, NOTICE: b"# Changes"})
    assert refused.status_code == 422
    (problem,) = refused.json["fields"]
    assert problem["field"] == "license"
    assert "Lamp 1.0.0" in problem["problem"]
    assert "a fork of CERN-OHL-S-2.0 cannot be under MIT" in problem["problem"]
    (clause,) = may_fork("CERN-OHL-S-2.0", "MIT").clauses
    assert clause in problem["problem"]


def test_a_design_whose_licence_forbids_every_fork_says_so_before_anything_is_typed(ada, bea):
    kept = publish(ada, "vase", MANIFEST.replace("CERN-OHL-S-2.0", "CC-BY-ND-4.0")).json["id"]
    refused = fork(bea, kept, "my-vase")
    assert refused.status_code == 422
    assert "CC-BY-ND-4.0" in refused.json["detail"]
    shown = page(bea.browser, f"/releases/{kept}/fork")
    assert "CC-BY-ND-4.0" in shown.text
    assert not [it for it in shown.forms if it["action"].endswith("/fork")]


def test_a_licensors_grant_lets_one_person_fork_what_nobody_else_may(ada, bea, sign_up):
    kept = publish(ada, "vase", MANIFEST.replace("CERN-OHL-S-2.0", "CC-BY-ND-4.0")).json["id"]
    grant = {"person": "bea", "events": ["publish_fork"]}
    assert ada.post(f"{API}/designs/vase/grants", grant).status_code == 201
    assert fork(sign_up("cem"), kept, "his-vase").status_code == 422
    assert publish_fork(bea, kept, "her-vase")


def test_a_fork_without_notice_or_with_a_parent_that_is_not_here_is_refused_at_once(bea, lamp):
    manifest = name_parents(MANIFEST, (lamp, "0" * 64))
    refused = publish(bea, "lantern", manifest)
    assert [it["field"] for it in refused.json["fields"]] == ["cosmolocal.parents", "files"]


@pytest.mark.parametrize(
    ("slug", "change", "status"),
    [("lamp", "A handle.", 409), ("lantern", " ", 422), ("Lantern!", "A handle.", 422)],
)
def test_a_name_that_is_taken_or_a_change_that_nobody_tells_begins_no_fork(
    bea, lamp, slug, change, status
):
    assert fork(bea, lamp, slug, change).status_code == status
    assert bea.get(f"{API}/drafts").json == {"drafts": []}
    page_ = bea.browser.post(
        f"/releases/{lamp}/fork", data={"csrf": bea.csrf, "slug": slug, "change": change}
    )
    assert page_.status_code == status
    assert f'value="{slug}"' in page_.text


def test_a_fork_is_told_when_its_parent_has_moved_on_until_it_takes_that_over(
    ada, bea, lamp, client
):
    publish_fork(bea, lamp)
    path = f"{API}/designs/lantern/notices"
    assert client.get(path).json == {"notices": []}
    newer = publish(ada, "lamp", MANIFEST.replace("1.0.0", "1.1.0"), note="Brighter.").json["id"]
    (told,) = client.get(path).json["notices"]
    assert (told["about"], told["instead_id"], told["said"]) == ("newer", newer, "Brighter.")
    assert "is followed by" in page(client, "/designs/lantern").text
    ada.post(f"{API}/releases/{lamp}/yank", {"reason": "it gets hot"})
    assert [it["about"] for it in client.get(path).json["notices"]] == ["yanked"]
    manifest = name_parents(MANIFEST.replace("1.0.0", "1.1.0"), (newer,))
    assert publish(bea, "lantern", manifest, {**FILES, NOTICE: b"# Changes"}).status_code == 201
    assert client.get(path).json == {"notices": []}


def test_a_lab_is_told_of_what_it_ordered_and_how_much_of_it_waits(engine, ada, client):
    floor = furnish(engine, manager=Person(ada.id, "ada", "Ada", False))
    path = f"{API}/labs/corner/notices"
    floor.order(copies=2)
    assert client.get(path).json == {"notices": []}
    ada.post(f"{API}/releases/{floor.release_id}/yank", {"reason": "it breaks"})
    (told,) = client.get(path).json["notices"]
    assert (told["about"], told["waiting"], told["said"]) == ("yanked", 2, "it breaks")
    assert told["instead_id"] is None
    assert "1 notice" in page(client, "/labs/corner").text
    shown = page(client, "/labs/corner/notices").text
    assert "2 jobs of it wait here" in shown
    assert "it breaks" in shown


def test_a_notice_that_was_dismissed_comes_again_once_it_says_something_else(
    ada, bea, lamp, client
):
    publish_fork(bea, lamp)
    path = f"{API}/designs/lantern/notices"
    publish(ada, "lamp", MANIFEST.replace("1.0.0", "1.1.0"))
    (told,) = client.get(path).json["notices"]
    ids = {"ids": [told["id"], "nothing"]}
    assert ada.post(f"{path}/dismiss", ids).status_code == 403
    assert bea.post(f"{path}/dismiss", ids).status_code == 204
    assert bea.post(f"{path}/dismiss", ids).status_code == 204
    assert client.get(path).json == {"notices": []}
    publish(ada, "lamp", MANIFEST.replace("1.0.0", "1.2.0"))
    (told,) = client.get(path).json["notices"]
    assert told["instead_version"] == "1.2.0"
    form = "/designs/lantern/notices/dismiss"
    bea.browser.post(form, data=fill(bea, "/designs/lantern/lineage", form))
    assert client.get(path).json == {"notices": []}


def test_a_labs_operators_dismiss_on_its_page(engine, ada, bea, client):
    floor = furnish(engine, manager=Person(ada.id, "ada", "Ada", False))
    lamp = publish(ada, "lamp", MANIFEST).json["id"]
    floor.order()
    with floor.session() as session:  # as if the lamp had been ordered, too
        (order,) = session.exec(select(BuildOrderRow))
        session.add(BuildOrderRow(**{**order.model_dump(), "id": "2", "release_id": lamp}))
    for release in (floor.release_id, lamp):
        ada.post(f"{API}/releases/{release}/yank", {"reason": "it breaks"})
    path = "/labs/corner/notices"
    assert "/dismiss" not in page(bea.browser, path).text
    everything = [it for it in page(ada.browser, path).forms if it["action"] == f"{path}/dismiss"]
    assert len(everything) == 3  # each, and all
    data = {"csrf": ada.csrf, "id": [it["id"] for it in everything[:2]]}
    assert ada.browser.post(f"{path}/dismiss", data=data).location == path
    assert client.get(f"{API}/labs/corner/notices").json == {"notices": []}
    assert "notice" not in page(client, "/labs/corner").text.partition("<main")[2]


@pytest.fixture
def proposal(bea, lamp):
    release = publish_fork(bea, lamp)
    body = {"release_id": release, "message": "It can be carried."}
    answer = bea.post(f"{API}/designs/lamp/proposals", body)
    assert answer.status_code == 201, answer.text
    return release, answer.json["id"]


def test_an_accepted_proposal_becomes_a_draft_that_merges_it(ada, bea, lamp, proposal, client):
    release, id_ = proposal
    assert bea.post(f"{API}/proposals/{id_}/accept", {"word": "Mine."}).status_code == 403
    accepted = ada.post(f"{API}/proposals/{id_}/accept", {"word": "Thank you."})
    draft = ada.get(f"{API}/drafts/{accepted.json['draft_id']}").json
    assert (draft["slug"], draft["note"]) == ("lamp", "Merged: It can be carried.")
    body = {key: draft[key] for key in ("files", "note", "revision")}
    body["manifest"] = draft["manifest"].replace('version = "1.0.0"', 'version = "1.1.0"')
    assert ada.send("PUT", f"{API}/drafts/{draft['id']}", json=body).json["problems"] == []
    merged = ada.post(f"{API}/drafts/{draft['id']}/release").json["id"]
    lineage = client.get(f"{API}/designs/lamp/lineage").json
    assert lineage["forks"] == [[lamp, release], [release, merged]]
    (told,) = client.get(f"{API}/designs/lamp/proposals").json["proposals"]
    assert (told["accepted"], told["word"], told["by"]) == (True, "Thank you.", "Bea")
    assert ada.post(f"{API}/proposals/{id_}/decline", {"word": "No."}).status_code == 409


def test_a_proposal_is_declined_with_a_word_on_the_page(ada, proposal, client):
    _, id_ = proposal
    decline = f"/designs/lamp/proposals/{id_}/decline"
    form = fill(ada, "/designs/lamp/lineage", f"/designs/lamp/proposals/{id_}/accept")
    assert ada.browser.post(decline, data=form | {"word": " "}).status_code == 422
    assert ada.browser.post(decline, data=form | {"word": "Too heavy."}).status_code == 303
    shown = page(client, "/designs/lamp/lineage").text
    assert "Too heavy." in shown
    assert "Declined" in shown


def test_what_cannot_be_proposed_is_one_sentence(ada, bea, lamp, proposal):
    release, _ = proposal
    path = f"{API}/designs/lamp/proposals"
    asked = [
        bea.post(path, {"release_id": release, "message": "Again."}),
        bea.post(path, {"release_id": lamp, "message": "Itself."}),
        bea.post(path, {"release_id": "x", "message": "Nothing."}),
        bea.post(f"{API}/designs/lantern/proposals", {"release_id": lamp, "message": ""}),
        ada.post(f"{API}/proposals/x/accept", {"word": "Yes."}),
    ]
    assert [it.status_code for it in asked] == [409, 409, 404, 422, 404]


def test_the_family_is_drawn_with_every_release_and_the_table_says_the_same(ada, bea, lamp, client):
    publish_fork(bea, lamp)
    publish(ada, "lamp", MANIFEST.replace("1.0.0", "1.1.0"))
    shown = page(client, "/designs/lamp/lineage")
    assert shown.wrong == []
    assert shown.text.count("<circle class=") == 3
    assert (shown.text.count('class="fork"'), shown.text.count('class="step"')) == (1, 1)
    assert "Lamp 1.0.0 (fork)" in shown.text


def test_a_yanked_release_is_ordered_no_more_and_the_one_to_take_is_named(engine, ada):
    floor = furnish(engine, manager=Person(ada.id, "ada", "Ada", False))
    wanted = {"release_id": floor.release_id, "part": "hook"}
    ada.post(f"{API}/releases/{floor.release_id}/yank", {"reason": "it breaks"})
    refused = ada.post(f"{API}/labs/corner/orders", wanted)
    assert refused.status_code == 409
    assert "was yanked: it breaks; no other release of it stands" in refused.json["detail"]
    publish(ada, "shelf-hook", MANIFEST.replace("1.0.0", "9.0.0"))
    refused = ada.post(f"{API}/labs/corner/orders", wanted)
    assert "was yanked: it breaks; take 9.0.0 instead" in refused.json["detail"]


def test_a_fork_and_a_merge_under_one_key_are_begun_once(ada, bea, lamp):
    def twice(who, path, body):
        headers = {"Idempotency-Key": path[-40:]}
        first, again = (who.post(f"{API}{path}", body, headers=headers) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json
        return first.json

    twice(bea, f"/releases/{lamp}/fork", {"slug": "torch", "change": "A handle."})
    assert [it["slug"] for it in bea.get(f"{API}/drafts").json["drafts"]] == ["torch"]
    release = publish_fork(bea, lamp)
    wanted = {"release_id": release, "message": "It has a handle."}
    proposal = twice(bea, "/designs/lamp/proposals", wanted)["id"]
    twice(ada, f"/proposals/{proposal}/accept", {"word": "Welcome."})
    assert [it["slug"] for it in ada.get(f"{API}/drafts").json["drafts"]] == ["lamp"]
