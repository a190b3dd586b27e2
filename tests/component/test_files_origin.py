"""Strangers' files on an origin of their own: downloads, where nothing of ours is."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from urllib.parse import unquote

import pytest
from werkzeug.test import TestResponse

from repo_server import facts
from repo_server.blobs import Blob
from repo_server.db import transaction
from repo_server.parsing.inspection import Findings
from tests.browsing import page
from tests.component.test_designs_api import FILES, MANIFEST

FILES_URL = "http://files.example:8001"
HARMFUL = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
NAME = sha256(HARMFUL).hexdigest()

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def settings(settings):
    return replace(settings, files_url=FILES_URL)


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def published(ada) -> str:
    """The id of a release with a harmful drawing in it, which its README shows and links to."""
    files = {**FILES, "img/x.svg": HARMFUL}
    files["README.md"] = b"[drawing](img/x.svg) ![drawn](img/x.svg)"
    for data in files.values():
        ada.send("PUT", blob(sha256(data).hexdigest()), data=data)
    hashes = {path: sha256(data).hexdigest() for path, data in files.items()}
    answer = ada.post("/api/v1/designs/lamp/releases", {"manifest": MANIFEST, "files": hashes})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def blob(hash_: str) -> str:
    return f"/api/v1/blobs/{hash_}"


def there(browser, path: str, method: str = "GET", **headers: str) -> TestResponse:
    """What the origin of files answers."""
    return browser.open(path, method=method, base_url=FILES_URL, headers=headers, buffered=True)


def test_a_browser_is_sent_to_the_other_origin_where_it_can_only_download(published, client):
    sent_on = client.get(blob(NAME))
    assert (sent_on.status_code, sent_on.location) == (307, f"{FILES_URL}/{NAME}/x.svg")
    answer = there(client, f"/{NAME}/x.svg")
    assert answer.data == HARMFUL
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=x.svg"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_parts_of_a_file_and_what_a_browser_has_already_are_told_there(published, client):
    path = f"/{NAME}/x.svg"
    part = there(client, path, Range="bytes=1-3")
    assert (part.status_code, part.data) == (206, HARMFUL[1:4])
    assert there(client, path, Range="bytes=9999-").status_code == 416
    assert there(client, path, **{"If-None-Match": f'"{NAME}"'}).status_code == 304
    head = there(client, path, "HEAD")
    assert (head.status_code, head.content_length, head.data) == (200, len(HARMFUL), b"")


@pytest.mark.parametrize("header", ["Authorization", "Cosmo-Agent"])
def test_programs_get_the_bytes_at_once(published, ada, client, header):
    value = f"Bearer {ada.token('read')}" if header == "Authorization" else "an agent"
    answer = client.get(blob(NAME), headers={header: value}, buffered=True)
    assert (answer.status_code, answer.data) == (200, HARMFUL)
    assert header in answer.vary


def test_nothing_else_is_there_and_nobody_is_signed_in(published, ada):
    for path in ("/", "/sign-in", "/designs", "/me", "/api/v1/me", blob(NAME), f"/{NAME}",
                 f"/{NAME}/", f"/{NAME}/a/b", "/static/cosmo.css", f"/{'0' * 64}/x"):  # fmt: skip
        answer = there(ada.browser, path)
        assert (answer.status_code, answer.mimetype) == (404, "text/plain"), path
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "Set-Cookie" not in answer.headers
    assert there(ada.browser, "/sign-out", "POST").status_code == 405
    assert ada.get("/api/v1/me").status_code == 200


def test_pages_point_to_it_by_the_files_names_and_show_only_what_we_drew(published, client):
    address = f"{FILES_URL}/{NAME}/x.svg"
    shown = page(client, f"/releases/{published}")
    assert shown.links.count(address) == 2  # from the README, and from the list of files
    assert not [it for it in shown.loads if NAME in it or "files.example" in it]
    assert "[picture: drawn]" in shown.text


def test_what_our_parsers_made_stays_with_the_pages(published, client, app, engine):
    ours = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    hash_ = sha256(ours).hexdigest()
    app.extensions["blobs"].put(BytesIO(ours))
    findings = Findings({"layers": 1}, None, preview=Blob(hash_, len(ours), new=True))
    with transaction(engine) as session:
        facts.record(session, NAME, "svg", findings, now=datetime.now(UTC))
    answer = client.get(blob(hash_), buffered=True)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/svg+xml", ours)
    assert client.get(blob(NAME)).status_code == 307
    loads = page(client, f"/releases/{published}").loads
    assert blob(hash_) in loads  # in the README, in place of the stranger's


@pytest.fixture
def draft(ada) -> str:
    """Ada's draft; a file of it is the harmful drawing, which nobody published."""
    ada.send("PUT", blob(NAME), data=HARMFUL)
    body = {"slug": "lamp", "manifest": MANIFEST, "files": {"img/x.svg": NAME}}
    return ada.post("/api/v1/drafts", body).json["id"]


def signed(someone) -> str:
    """Where the browser of somebody who may is sent, without the origin."""
    sent_on = someone.get(blob(NAME))
    assert (sent_on.status_code, sent_on.headers["Cache-Control"]) == (307, "private, no-store")
    return sent_on.location.removeprefix(FILES_URL)


def test_a_drafts_file_is_for_its_people_alone(draft, ada, sign_up, client):
    bea, eve = sign_up("bea"), sign_up("eve")
    ada.post(f"/api/v1/drafts/{draft}/editors", {"handle": "bea"})
    for someone in (ada, bea):
        answer = there(client, signed(someone))
        assert (answer.data, answer.headers["Cache-Control"]) == (HARMFUL, "private, no-store")
        assert answer.headers["Content-Disposition"] == "attachment; filename=x.svg"
    bearer = {"Authorization": f"Bearer {eve.token('read')}"}
    refused = (client.get(blob(NAME)), eve.get(blob(NAME)), client.get(blob(NAME), headers=bearer),
               client.get(blob(NAME), headers={"Cosmo-Agent": "x"}),
               there(client, f"/{NAME}/x.svg"), there(ada.browser, f"/{NAME}/x.svg"))  # fmt: skip
    assert [it.status_code for it in refused] == [404] * 6
    wrong = client.get(blob(NAME), headers={"Authorization": "Bearer cl_wrong"})
    assert wrong.status_code == 401


def test_a_signed_address_is_for_one_file_under_one_name_and_for_minutes(draft, ada, client):
    other = b"another one's"
    ada.send("PUT", blob(sha256(other).hexdigest()), data=other)
    address = signed(ada)
    until = re.search(r"until=(\d+)", address)[1]
    spoilt = (
        address.replace(NAME, sha256(other).hexdigest()),
        address.replace("x.svg", "x.html"),
        address.replace(until, str(int(until) + 1)),
        address.replace(until, ""),
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        address.partition("&")[0],
    )
    assert [there(client, it).status_code for it in spoilt] == [404] * len(spoilt)
    assert there(client, address).data == HARMFUL


def test_a_name_of_any_letters_arrives_as_it_is(ada, client):
    ada.send("PUT", blob(NAME), data=HARMFUL)
    body = {"slug": "lamp", "manifest": MANIFEST, "files": {"a/Stütze 50%?.svg": NAME}}
    assert ada.post("/api/v1/drafts", body).status_code == 201
    answer = there(client, signed(ada))
    assert (answer.status_code, answer.data) == (200, HARMFUL)
    name = answer.headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(name) == "Stütze 50%?.svg"
