"""The journal: who writes from where, what others see, and what is left of what is withdrawn."""

import pytest
from lxml import etree

from tests.browsing import fill, page
from tests.shop import API, open_shop

ATOM = "{http://www.w3.org/2005/Atom}"
TOMB = "{http://purl.org/atompub/tombstones/1.0}"
SAID = {
    "title": "Open day",
    "text": "# Come\n\nWe *mill* a <b>stool</b>.\n\n[x](javascript:alert(1))",
}


@pytest.fixture
def shop(app, sign_up):
    return open_shop(app, sign_up)


def write(someone, **said):
    return someone.post(f"{API}/posts", {**SAID, **said})


def published(someone, **said):
    id_ = write(someone, **said).json["id"]
    answer = someone.post(f"{API}/posts/{id_}/publish")
    assert answer.status_code == 200, answer.text
    return id_


def listed(client, path="/posts"):
    return [it["title"] for it in client.get(API + path).json["posts"]]


def feed(client, query=""):
    return etree.fromstring(client.get(f"/journal/feed.atom{query}").data)


def test_each_voice_has_its_writers_and_no_others(shop):
    def statuses(someone):
        froms = ({"lab": "corner"}, {"design": "shelf-hook"}, {})
        return [write(someone, **it).status_code for it in froms]

    assert statuses(shop.manager) == [201, 201, 403]
    assert statuses(shop.admin) == [403, 403, 201]
    assert statuses(shop.member) == [403, 403, 403]
    both = write(shop.manager, lab="corner", design="shelf-hook")
    assert both.status_code == 422
    assert write(shop.manager, lab="nowhere").status_code == 404


def test_a_draft_is_its_authors_until_it_is_published(shop, client):
    id_ = write(shop.manager, lab="corner").json["id"]
    assert (listed(client), listed(shop.manager, "/me/posts")) == ([], ["Open day"])
    seen = [it.get(f"{API}/posts/{id_}").status_code for it in (shop.manager, shop.admin, client)]
    assert seen == [200, 404, 404]
    assert client.get(f"/journal/{id_}").status_code == 404
    shop.manager.post(f"{API}/posts/{id_}/publish")
    assert listed(client) == listed(client, "/posts?lab=corner") == ["Open day"]
    assert listed(client, "/posts?design=shelf-hook") == []
    text = client.get(f"/journal/{id_}").text
    assert "<em>mill</em>" in text and "Come" in text
    assert "<b>stool" not in text and 'href="javascript' not in text
    assert all("Open day" in client.get(it).text for it in ("/journal", "/labs/corner"))


def test_what_was_changed_meanwhile_is_not_written_over(shop):
    id_ = write(shop.manager, lab="corner").json["id"]
    tag = shop.manager.get(f"{API}/posts/{id_}").headers["ETag"]

    def put(title):
        said = {"title": title, "text": "New."}
        path = f"{API}/posts/{id_}"
        return shop.manager.send("PUT", path, json=said, headers={"If-Match": tag})

    assert [put("One").status_code, put("Two").status_code] == [200, 412]
    assert listed(shop.manager, "/me/posts") == ["One"]


def test_what_is_withdrawn_leaves_its_address_and_no_word(shop, client):
    id_ = published(shop.manager, lab="corner")
    assert feed(client).findtext(f"{ATOM}entry/{ATOM}title") == "Open day"
    assert shop.member.post(f"{API}/posts/{id_}/withdraw").status_code == 403
    assert shop.admin.post(f"{API}/posts/{id_}/withdraw").status_code == 204
    gone = client.get(f"{API}/posts/{id_}").json
    assert (gone["title"], gone["text"], bool(gone["withdrawn_at"])) == ("", "", True)
    assert client.get(f"/journal/{id_}").status_code == 410
    assert (listed(client), listed(shop.manager, "/me/posts")) == ([], [])
    again = shop.manager.send("PUT", f"{API}/posts/{id_}", json=SAID)
    assert again.status_code == 409
    told = feed(client, "?lab=corner").find(f"{TOMB}deleted-entry")
    assert told.get("ref").endswith(f"/journal/{id_}")
    draft = write(shop.manager, lab="corner").json["id"]
    shop.manager.post(f"{API}/posts/{draft}/withdraw")
    assert shop.manager.get(f"{API}/posts/{draft}").status_code == 404


def test_the_feed_holds_posts_whole(shop, client):
    for number in range(3):
        published(shop.manager, lab="corner", title=f"Post {number}")
    content = feed(client, "?lab=corner").findall(f"{ATOM}entry/{ATOM}content")
    assert len(content) == 3 and "<em>mill</em>" in content[0].text
    assert (content[0].get("type"), "&lt;b&gt;stool" in content[0].text) == ("html", True)


def test_somebody_writes_edits_and_publishes_on_pages(shop, client):
    form = fill(shop.manager, "/journal/new", "/journal/new",
                title="Open day", text="Come.", voice="lab:corner")  # fmt: skip
    del form["publish"]  # the other button: keep as a draft
    place = shop.manager.browser.post("/journal/new", data=form).location
    assert client.get(place).status_code == 404
    old = fill(shop.manager, f"{place}/edit", f"{place}/edit", text="Come at ten.")
    del old["publish"]
    assert shop.manager.browser.post(f"{place}/edit", data=old).location == place
    late = shop.manager.browser.post(f"{place}/edit", data={**old, "text": "Come at two."})
    assert late.status_code == 412
    assert "Come at ten." in late.text and "Come at two." in late.text
    shop.manager.browser.post(
        f"{place}/publish", data=fill(shop.manager, place, f"{place}/publish")
    )
    shown = page(client, place).text
    assert "Come at ten." in shown and "Corner Lab" in shown
    author = f"/people/{shop.manager.handle}"
    assert author in shown and "Open day" in client.get(author).text
