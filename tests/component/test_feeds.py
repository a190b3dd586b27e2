"""What programs follow and gather, read by real parsers."""

import json
import tomllib
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree, html
from sqlalchemy import Engine

from commons.content import content_id
from repo_server import designs
from repo_server.blobs import BlobStore
from repo_server.people import Person
from repo_server.submissions import Upload
from repo_server.tables import BlobRow
from repo_server.web import feeds
from repo_server.web.described import spoken_in
from tests import floor as shop
from tests.floor import Floor

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def floor(engine: Engine, app: Flask) -> Floor:
    """The shelf hook is published, and its manifest is really there."""
    floor = shop.furnish(engine, shop.printer())
    store: BlobStore = app.extensions["blobs"]
    store.put(BytesIO(shop.MANIFEST))
    return floor


def release(
    floor: Floor, version: str, name: str, *, slug: str = "shelf-hook", tag: str = "a b"
) -> None:
    text = shop.MANIFEST.decode().replace('"1.0.0"', f'"{version}"').replace("Shelf hook", name)
    text += f'\n[cosmolocal]\nkeywords = ["{tag}"]\n'
    files = {path: content_id(path.encode()) for path in shop.FILES}
    floor.later(hours=1)
    with floor.session() as session:
        session.add(BlobRow(sha256=content_id(text.encode()), size=9, stored_at=floor.now))
        session.flush()
        upload = Upload(slug, text.encode(), files)
        by = Person(floor.manager, "manu", "Manu", is_admin=True)
        designs.publish_release(session, upload, by=by, design_id=f"of-{slug}", now=floor.now)


def feed(client: FlaskClient, path: str) -> etree._Element:
    """The feed, which has what Atom asks of every one."""
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/atom+xml")
    root = etree.fromstring(answer.data)
    assert root.tag == f"{ATOM}feed"
    for part in (root, *root.findall(f"{ATOM}entry")):
        for needed in ("id", "title", "updated"):
            assert part.findtext(f"{ATOM}{needed}"), needed
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == root.findtext(f"{ATOM}id") == f"http://localhost{path}"
    assert client.get(links["alternate"]).status_code == 200
    return root


def titles(root: etree._Element) -> list[str | None]:
    return [entry.findtext(f"{ATOM}title") for entry in root.findall(f"{ATOM}entry")]


def test_node_design_tag_and_search_have_a_feed(floor: Floor, client: FlaskClient) -> None:
    release(floor, "1.1.0", "Shelf hook")
    release(floor, "0.1.0", "Stool", slug="stool", tag="Étagère & co")
    assert titles(feed(client, "/feed.atom")) == ["Stool 0.1.0", "Shelf hook 1.1.0"]
    assert titles(feed(client, "/feed.atom?q=hook&process=fdm")) == ["Shelf hook 1.1.0"]
    assert titles(feed(client, "/designs/shelf-hook/feed.atom")) == [
        "Shelf hook 1.1.0",
        "Shelf hook 1.0.0",
    ]
    assert titles(feed(client, "/tags/etagere-co/feed.atom")) == ["Stool 0.1.0"]
    assert titles(feed(client, "/tags/nothing/feed.atom")) == []


def test_an_entry_is_the_release_for_ever(floor: Floor, client: FlaskClient) -> None:
    (entry,) = feed(client, "/feed.atom").findall(f"{ATOM}entry")
    id_ = entry.findtext(f"{ATOM}id")
    assert id_ == f"http://localhost/releases/{floor.release_id}"
    assert client.get(id_).status_code == 200
    assert entry.findtext(f"{ATOM}rights") == "CERN-OHL-S-2.0"
    assert entry.findtext(f"{ATOM}updated") == floor.now.isoformat()


def test_a_feed_that_did_not_change_is_not_sent_again(floor: Floor, client: FlaskClient) -> None:
    tag = client.get("/feed.atom").headers["ETag"]
    assert client.get("/feed.atom", headers={"If-None-Match": tag}).status_code == 304
    release(floor, "1.1.0", "Shelf hook")
    assert client.get("/feed.atom", headers={"If-None-Match": tag}).status_code == 200


def test_no_name_breaks_a_feed_or_a_page(floor: Floor, client: FlaskClient) -> None:
    release(floor, "2.0.0", r"</title><script>x</script> & \u000b ]]>")
    (title,) = titles(feed(client, "/feed.atom"))
    assert title == "</title><script>x</script> & \ufffd ]]> 2.0.0"
    assert described(client)["name"] == "</title><script>x</script> & \x0b ]]>"


def test_a_manifest_is_served_as_it_was_written(floor: Floor, client: FlaskClient) -> None:
    with client.get("/designs/shelf-hook/okh.toml") as answer:
        assert (answer.mimetype, answer.data) == ("application/toml", shop.MANIFEST)
        assert tomllib.loads(answer.text)["name"] == "Shelf hook"
        tag = answer.headers["ETag"]
    with client.get("/designs/shelf-hook/okh.toml", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304
    assert client.get("/designs/nothing/okh.toml").status_code == 404


def test_every_manifest_is_listed_once_page_by_page(
    floor: Floor, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MANIFESTS", 2)
    for slug in ("anvil", "zither"):
        release(floor, "1.0.0", slug, slug=slug)
    listed, address = [], "/.well-known/okh-manifests.json"
    while address:
        answer = client.get(address).json
        listed += answer["manifests"]
        address = answer["next"]
    assert [it["slug"] for it in listed] == ["anvil", "shelf-hook", "zither"]
    hook = listed[1]
    with client.get(hook["manifest"]) as manifest:
        assert content_id(manifest.data) == hook["sha256"]


def described(client: FlaskClient) -> dict[str, object]:
    """What the page of the shelf hook tells programs in JSON-LD."""
    root = html.fromstring(client.get("/designs/shelf-hook").text)
    (data,) = root.xpath('//script[@type="application/ld+json"]/text()')
    return dict(json.loads(data))


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ({"manifest-language": "ca", "documentation-language": "en"}, "ca"),
        ({"documentation-language": ["pt-BR"]}, "pt-BR"),
        ({"documentation-language": ["de", "en"]}, None),
        ({"manifest-language": '"><script>'}, None),
        ({}, None),
    ],
)
def test_what_a_designer_wrote_is_in_the_language_that_the_manifest_tells(
    said: dict[str, object], spoken: str | None
) -> None:
    assert spoken_in(said, "manifest-language", "documentation-language") == spoken


def test_a_design_is_described_to_programs(floor: Floor, client: FlaskClient) -> None:
    told = described(client)
    assert told["@context"] == "https://schema.org"
    assert told["license"] == "https://spdx.org/licenses/CERN-OHL-S-2.0.html"
    assert told["author"] == [{"@type": "Person", "name": "Ada Maker"}]
    assert (told["version"], told["identifier"]) == ("1.0.0", floor.release_id)
    assert {file["name"] for file in told["encoding"]} == set(shop.FILES)
    assert "ada@example.org" not in json.dumps(told)


def test_a_shared_link_has_a_card_and_pages_name_their_feeds(
    floor: Floor, client: FlaskClient
) -> None:
    root = html.fromstring(client.get("/designs/shelf-hook").text)
    card = {it.get("property"): it.get("content") for it in root.xpath("//meta[@property]")}
    assert card == {
        "og:type": "website",
        "og:site_name": "Cosmolocal",
        "og:url": f"http://localhost/releases/{floor.release_id}",
        "og:title": "Shelf hook",
        "og:description": "Holds a shelf.",
    }
    for path, feed_path in (
        ("/designs/shelf-hook", "/designs/shelf-hook/feed.atom"),
        ("/?q=hook&process=fdm", "/feed.atom?q=hook&process=fdm"),
    ):
        page = html.fromstring(client.get(path).text)
        assert page.xpath('//link[@type="application/atom+xml"]/@href') == [feed_path]
