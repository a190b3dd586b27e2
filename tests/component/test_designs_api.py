"""Publishing through the API: releases are for ever, and every mistake is named at once."""

import hashlib

import pytest

from repo_server import designs

MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Lamp"
repo = "https://example.org/lamp"
version = "1.0.0"
license = "CERN-OHL-S-2.0"
licensor = "Ada <ada@example.org>"
function = "Gives light to 50% of a table"
readme = "README.md"

[[part]]
name = "shade"
tsdc = "3DP"
export = ["shade.stl"]
material = "PLA"

[cosmolocal]
keywords = ["evening", "reading"]
"""
FILES = {"README.md": b"# Lamp", "shade.stl": b"solid x"}


@pytest.fixture
def publish(sign_up):
    """Uploads the files and publishes, as ada or as whom the caller names."""
    people = {}

    def send(slug="lamp", manifest=MANIFEST, files=FILES, *, by="ada", upload=True):
        person = people[by] = people.get(by) or sign_up(by)
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        for path, data in files.items():
            if upload:
                person.send("PUT", f"/api/v1/blobs/{hashes[path]}", data=data)
        body = {"manifest": manifest, "files": hashes}
        return person.post(f"/api/v1/designs/{slug}/releases", body)

    send.people = people
    return send


def test_a_release_is_published_and_shown_with_parts_files_and_credit(publish, client):
    id_ = publish().json["id"]
    shown = client.get(f"/api/v1/releases/{id_}").json
    assert (shown["name"], shown["version"], shown["license"]) == (
        "Lamp",
        "1.0.0",
        "CERN-OHL-S-2.0",
    )
    assert (shown["licensors"], shown["published_by"]) == (["Ada"], "Ada")
    assert [file["path"] for file in shown["files"]] == ["README.md", "shade.stl"]
    part = shown["parts"][0]
    assert (part["name"], part["process"], part["file"]["path"]) == ("shade", "fdm", "shade.stl")
    text = client.get(f"/api/v1/blobs/{shown['manifest_sha256']}", buffered=True).text
    assert text == MANIFEST


def test_a_release_that_is_sent_again_is_known_by_its_hash_before_anything_is_checked(
    publish, monkeypatch
):
    first = publish()
    monkeypatch.setattr(designs, "check", None)  # whoever called it would fail
    again = publish()
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["id"] == first.json["id"]


def test_the_same_upload_twice_is_the_same_release(publish, client):
    first, second = publish(), publish()
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    assert len(client.get("/api/v1/designs/lamp").json["releases"]) == 1


def test_the_same_version_with_other_contents_is_refused(publish):
    publish()
    answer = publish(files={**FILES, "README.md": b"# Lamp, better"})
    assert answer.status_code == 409
    assert "1.0.0" in answer.json["detail"] and "new version" in answer.json["detail"]


def test_a_new_version_becomes_the_head_and_the_old_one_stays(publish, client):
    old = publish().json["id"]
    new = publish(manifest=MANIFEST.replace("1.0.0", "1.1.0")).json["id"]
    design = client.get("/api/v1/designs/lamp").json
    assert design["head"]["id"] == new
    assert [it["id"] for it in design["releases"]] == [new, old]
    assert client.get(f"/api/v1/releases/{old}").json["version"] == "1.0.0"


def test_only_the_steward_publishes_further_releases(publish):
    publish()
    answer = publish(manifest=MANIFEST.replace("1.0.0", "2.0.0"), by="bea")
    assert answer.status_code == 403
    assert "kept by Ada" in answer.json["detail"]


def test_the_same_files_are_not_a_second_design(publish):
    publish()
    answer = publish(slug="lamp-too")
    assert (answer.status_code, "design 'lamp'" in answer.json["detail"]) == (409, True)


def test_everything_that_is_wrong_is_said_at_once(publish):
    bad = MANIFEST.replace("CERN-OHL-S-2.0", "GPLv3").replace('version = "1.0.0"\n', "")
    answer = publish(
        "Lamp!", bad + 'colour = "red"\n', {"../x": b"1", "a.txt": b"2", "A.txt": b"3"}
    )
    assert answer.status_code == 422
    said = {(it["field"], it["problem"].split(";")[0]) for it in answer.json["fields"]}
    assert {field for field, _ in said} >= {"slug", "files", "version", "license"}
    assert any("'../x'" in problem for _, problem in said)
    assert any("only in capitals" in problem for _, problem in said)


def test_files_that_the_manifest_names_must_be_in_the_release(publish):
    answer = publish(files={"README.md": b"# Lamp"})
    assert answer.json["fields"] == [
        {"field": "part[1].export", "problem": "'shade.stl' is not among the files of this release"}
    ]


def test_files_that_were_not_sent_are_named(publish):
    answer = publish(upload=False)
    assert [it["problem"].split(":")[0] for it in answer.json["fields"]] == [
        "'README.md'",
        "'shade.stl'",
    ]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "a/../b", "a\\b", "C:x", "a//b", "./a", "a\nb", "x" * 256, "a/" * 17 + "b", ""],
)
def test_a_path_that_some_computer_would_read_otherwise_is_refused(publish, path):
    answer = publish(files={**FILES, path: b"x"})
    assert answer.status_code == 422
    assert "not a plain relative path" in answer.json["detail"]


@pytest.mark.parametrize("text", ["", "not toml", "a = [" * 300])
def test_a_text_that_is_no_manifest_is_a_sentence(publish, text):
    answer = publish(manifest=text)
    assert answer.status_code == 422 and answer.json["fields"]


@pytest.mark.parametrize(
    ("words", "found"),
    [("lamp", True), ("LIGHT table", True), ("evening", True), ("lamp chair", False), ("%", True),
     ("50%", True), ("5_%", False), ("lihgt", True), ("example.org", False)],
)  # fmt: skip
def test_designs_are_found_by_all_of_the_words(publish, client, words, found):
    publish()
    answer = client.get("/api/v1/designs", query_string={"q": words})
    assert [it["slug"] for it in answer.json["designs"]] == (["lamp"] if found else [])


def test_the_catalogue_shows_the_newest_release_of_each_design_page_by_page(publish, client):
    for number in range(26):
        name = f"Lamp {number}"
        manifest = MANIFEST.replace('"Lamp"', f'"{name}"')
        assert publish(f"lamp-{number}", manifest).status_code == 201
    first = client.get("/api/v1/designs").json
    second = client.get(f"/api/v1/designs?cursor={first['next']}").json
    names = [it["name"] for it in first["designs"] + second["designs"]]
    assert names == [f"Lamp {number}" for number in reversed(range(26))]
    assert (len(first["designs"]), second["next"]) == (24, None)


def test_a_list_tells_counts_and_where_the_words_stand(publish, client):
    publish()
    answer = client.get("/api/v1/designs?q=table&process=fdm&licence=CERN-OHL-S-2.0&tag=evening")
    (it,) = answer.json["designs"]
    assert (it["near"], it["processes"], it["license"]) == (False, ["fdm"], "CERN-OHL-S-2.0")
    assert it["snippet"] == [
        {"text": "Gives light to 50% of a ", "hit": False},
        {"text": "table", "hit": True},
    ]
    assert answer.json["total"] == {"number": 1, "more": False}
    count = {"number": 1, "more": False}
    assert answer.json["facets"]["licence"] == [{"value": "CERN-OHL-S-2.0", **count}]
    assert answer.json["facets"]["material"] == [{"value": "pla", **count}]


def test_a_release_that_is_refused_leaves_the_list_as_it_was(publish, client):
    publish()
    publish(manifest=MANIFEST.replace('"Lamp"', '"Chandelier"'))  # the version is taken
    assert client.get("/api/v1/designs?q=chandelier").json["designs"] == []
    assert len(client.get("/api/v1/designs?q=lamp").json["designs"]) == 1


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("limit=0", 422, "limit: Input should be greater than or equal to 1"),
        ("limit=ten", 422, "limit: Input should be a valid integer"),
        ("cursor=x", 422, "cursor: is not one that this list gave out"),
        ("near=95,10", 422, "latitude from -90 to 90"),
        ("near=41.4,2.2&km=-3", 422, "km: must be a number above 0"),
        ("near=41.4,2.2&km=nan", 422, "km: must be a number above 0"),
        ("near=nowhere", 404, "no lab 'nowhere'"),
        ("fits=nowhere", 404, "no lab 'nowhere'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(client, query, status, said):
    answer = client.get(f"/api/v1/designs?{query}")
    assert (answer.status_code, said in answer.json["detail"]) == (status, True), answer.text


@pytest.mark.parametrize("path", ["designs/nothing", "releases/nothing"])
def test_what_is_not_published_is_not_found(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_yanked_release_is_found_no_more_and_the_one_before_is(publish, sign_up, client):
    publish()
    new = publish(manifest=MANIFEST.replace("1.0.0", "1.1.0").replace('"Lamp"', '"Chandelier"'))
    assert len(client.get("/api/v1/designs?q=chandelier").json["designs"]) == 1
    wrong = {"reason": "it falls"}
    done = publish.people["ada"].post(f"/api/v1/releases/{new.json['id']}/yank", wrong)
    assert done.status_code == 204
    assert client.get("/api/v1/designs?q=chandelier").json["designs"] == []
    (found,) = client.get("/api/v1/designs?q=evening").json["designs"]
    assert (found["name"], found["version"]) == ("Lamp", "1.0.0")
