"""Drafts on the pages, without JavaScript."""

from io import BytesIO

import pytest

from tests.browsing import fill, page
from tests.component.test_designs_api import FILES, MANIFEST
from tests.component.test_drafts import ada, begin  # noqa: F401  (fixtures)


@pytest.fixture
def draft(begin):  # noqa: F811
    return begin()


def path(draft):
    return f"/drafts/{draft['id']}"


def send(someone, draft, form, **files):
    return someone.browser.post(path(draft), data={**form, **files})


def form_of(someone, draft, **values):
    """What the draft's form would send; a text area's text is given here."""
    return fill(someone, path(draft), path(draft)) | {"manifest": MANIFEST, "note": ""} | values


def test_a_draft_is_changed_given_a_file_relieved_of_one_and_published(ada, draft, client):  # noqa: F811
    more = MANIFEST + '\n[[part]]\nname = "cord"\nsource = "cord.txt"\n'
    form = form_of(ada, draft, manifest=more.replace("\n", "\r\n"), note="With a cord.")
    new = (BytesIO(b"two metres"), "cord.txt")
    assert send(ada, draft, form, files=new).status_code == 303
    saved = ada.get(f"/api/v1/drafts/{draft['id']}").json
    assert (saved["manifest"], saved["note"]) == (more, "With a cord.")
    assert set(saved["files"]) == {*FILES, "cord.txt"}
    again = form_of(ada, draft, manifest=MANIFEST, note="With a cord.", remove="cord.txt")
    assert send(ada, draft, again).status_code == 303
    assert "What is saved can be published" in page(ada.browser, path(draft)).text
    publish = fill(ada, path(draft), f"{path(draft)}/publish")
    where = ada.browser.post(f"{path(draft)}/publish", data=publish).location
    assert "With a cord." in page(client, where).text


def test_a_save_that_comes_second_shows_both_texts_and_keeps_them(ada, draft):  # noqa: F811
    form = form_of(ada, draft)
    first = send(ada, draft, form | {"manifest": MANIFEST + "# kitchen\n"})
    second = send(ada, draft, form | {"manifest": MANIFEST + "# garden\n"},
                  files=(BytesIO(b"x"), "garden.txt"))  # fmt: skip
    assert (first.status_code, second.status_code) == (303, 409)
    assert "saved revision 2" in second.text
    assert second.text.count("# kitchen") == 2  # in the lines, and in all that was saved
    assert "# garden\n</textarea>" in second.text
    assert "garden.txt" in second.text
    assert ada.get(f"/api/v1/drafts/{draft['id']}").json["manifest"].endswith("# kitchen\n")


def test_what_hinders_a_draft_is_told_and_publishing_it_changes_nothing(ada, begin):  # noqa: F811
    draft = begin(MANIFEST.replace("CERN-OHL-S-2.0", "GPLv3"), files={"README.md": b"#"})
    shown = page(ada.browser, path(draft))
    assert "2 things stand in the way" in shown.text or "One thing stands" in shown.text
    assert not [it for it in shown.forms if it["action"].endswith("/publish")]
    data = {"csrf": ada.csrf}
    assert ada.browser.post(f"{path(draft)}/publish", data=data).status_code == 422
    assert page(ada.browser, path(draft)).text == shown.text


def test_the_steward_begins_the_next_release_from_the_page_of_this_one(ada, draft):  # noqa: F811
    id_ = ada.post(f"/api/v1/drafts/{draft['id']}/release").json["id"]
    form = fill(ada, f"/releases/{id_}", f"/releases/{id_}/draft")
    where = ada.browser.post(f"/releases/{id_}/draft", data=form).location
    begun = ada.get(f"/api/v1{where}").json
    assert (begun["manifest"], begun["files"]) == (MANIFEST, draft["files"])
    assert [it["field"] for it in begun["problems"]] == ["version"]
    assert "lamp" in page(ada.browser, "/drafts").text


def test_a_release_is_yanked_on_its_page(ada, draft):  # noqa: F811
    id_ = ada.post(f"/api/v1/drafts/{draft['id']}/release").json["id"]
    form = fill(ada, f"/releases/{id_}", f"/releases/{id_}/yank", reason="the shade melts")
    ada.browser.post(f"/releases/{id_}/yank", data=form)
    shown = page(ada.browser, f"/releases/{id_}")
    assert "the shade melts" in shown.text
    assert not [it for it in shown.forms if it["action"].endswith("/yank")]


@pytest.mark.parametrize("field", [{"revision": "x"}, {"kept": "[" * 5000}, {"kept": "1"}])
def test_a_broken_form_changes_nothing_and_keeps_the_text(ada, draft, field):  # noqa: F811
    answer = send(ada, draft, form_of(ada, draft, manifest=MANIFEST + "# mine") | field)
    assert (answer.status_code, "# mine" in answer.text) == (422, True)
    assert ada.get(f"/api/v1/drafts/{draft['id']}").json["revision"] == 1
