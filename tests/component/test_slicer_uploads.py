"""Slicers that take the panel for OctoPrint: what they send, byte by byte, and what becomes of it.

The requests of PrusaSlicer were taken off the wire: its Http.cpp and OctoPrint.cpp say which calls
of libcurl they make, and the libcurl that Debian's PrusaSlicer 2.5.0 is linked with made them.
OrcaSlicer's OctoPrint.cpp makes the same calls in the same order, so these are its requests, too.
Cura's come from its plug-in's source, which hands them to Qt.
"""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from commons.errors import Conflict, NotAllowed, Unavailable
from commons.own_programs import BroughtProgram
from cosmo.demo.serving import free_port
from fab_agent.identity import Identity
from fab_agent.panel.app import create_panel
from fab_agent.panel.desk import Desk
from fab_agent.panel.drops import Drops
from fab_agent.panel.floor import Watch
from fab_agent.panel.operators import Doorkeeper, Operators
from fab_agent.panel.passkeys import Challenges, Passkeys, Site
from fab_agent.panel.serving import serve
from fab_agent.panel.slicer_keys import SlicerKeys
from fab_agent.panel.verdicts import Verdicts
from fab_agent.panel.waiting import Queue
from fab_agent.settings import PanelSettings
from tests.browsing import fill, page
from tests.own_programs import PRUSA, reaching
from tests.shop import Shop, Someone, open_shop

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LINE = b"------------------------5c7c5fd05bea5396"


def prusas_upload(host: str, key: str, program: bytes, *, waits: bool = False) -> tuple[bytes, ...]:
    """What PrusaSlicer sends of an upload with "Upload and print": its head, then its body."""
    parts = (
        b'Content-Disposition: form-data; name="print"\r\n\r\ntrue',
        b'Content-Disposition: form-data; name="path"\r\n\r\n',
        b'Content-Disposition: form-data; name="file"; filename="bracket.gcode"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + program,
    )
    body = b"".join(b"--" + LINE + b"\r\n" + part + b"\r\n" for part in parts)
    body += b"--" + LINE + b"--\r\n"
    head = (
        f"POST /api/files/local HTTP/1.1\r\nHost: {host}\r\nUser-Agent: PrusaSlicer/2.5.0\r\n"
        f"Accept: */*\r\nX-Api-Key: {key}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={LINE.decode()}\r\n"
        f"{'Expect: 100-continue' + chr(13) + chr(10) if waits else ''}\r\n"
    )
    return head.encode(), body


def prusas_test(host: str, key: str) -> bytes:
    """What its button "Test" sends."""
    return (
        f"GET /api/version HTTP/1.1\r\nHost: {host}\r\nUser-Agent: PrusaSlicer/2.5.0\r\n"
        f"Accept: */*\r\nX-Api-Key: {key}\r\n\r\n"
    ).encode()


def talk(port: int, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """The status and the rest of the answer, as a client that waits for 100 where it said so."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        link.sendall(head)
        if b"Expect: 100-continue" in head:
            assert link.recv(100).startswith(b"HTTP/1.1 100")
        link.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            if not (piece := link.recv(65536)):
                break
            answer += piece
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def desk_in(folder: Path, identity: Identity, now: Callable[[], datetime] = lambda: NOW) -> Desk:
    operators = Operators(folder)
    return Desk(
        folder=folder, identity=identity, secret=bytes(32), names=(), stations=(),
        watch=Watch(()), doorkeeper=Doorkeeper(operators, lambda: 0.0),
        passkeys=Passkeys(Site("http://localhost"), operators, Challenges(lambda: 0.0)),
        verdicts=Verdicts(folder, now=now), queue=Queue(folder, now=now), now=now,
    )  # fmt: skip


@contextmanager
def behind(app: Flask) -> Iterator[str]:
    """The address at which the app answers meanwhile."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(desk: Desk, port: int = 0) -> Iterator[int]:
    """The port at which the panel answers meanwhile, as it is served in labs."""
    port = port or free_port()
    ended = Event()
    where = PanelSettings(port=port)
    thread = Thread(target=serve, args=(desk, where), kwargs={"ended": ended.is_set})
    thread.start()
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            ended.wait(0.05)
        yield port
    finally:
        ended.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_prusaslicer_and_curl_upload_waits_in_the_labs_queue(
    shop: Shop, app: Flask, tmp_path: Path
) -> None:
    agent = shop.agent
    with behind(app) as url:
        identity = Identity(url, agent.agent_id, shop.floor.lab_id, agent.machines, agent.key)
        desk = desk_in(tmp_path, identity)
        _, key = SlicerKeys(tmp_path).add("mem", now=NOW)
        with served(desk) as port:
            host = f"127.0.0.1:{port}"
            status, said = talk(port, prusas_test(host, key))
            assert (status, b'"text":"OctoPrint' in said.replace(b" ", b"")) == (200, True)
            status, said = talk(port, *prusas_upload(host, key, PRUSA))
            assert status == 403, "nobody gave mem the right"
            assert b"gave the right" in said

            shop.manager.send("PUT", shop.at_lab("/programmers/mem"))
            status, said = talk(port, *prusas_upload(host, key, PRUSA))
            assert (status, b'"effectivePrint":true' in said.replace(b" ", b"")) == (201, True)
            long = PRUSA + b"; padding as in a long program\n" * 40_000
            assert talk(port, *prusas_upload(host, key, long, waits=True))[0] == 201
            assert talk(port, *prusas_upload(host, key, reaching(400)))[0] == 409
            file = tmp_path / "plate.gcode"
            file.write_bytes(PRUSA)
            form = ("-F", "select=true", "-F", "print=true", "-F", f"file=@{file}")
            curl = (
                "curl",
                "-s",
                "-H",
                f"X-Api-Key: {key}",
                *form,
                f"http://{host}/api/files/local",
            )
            assert b'"done"' in subprocess.run(curl, capture_output=True, check=True).stdout
    jobs = shop.member.get(shop.at_lab("/board")).json["jobs"]
    titles = [(job["title"], job["state"]) for job in jobs]
    assert titles == [("bracket.gcode", "queued")] * 2 + [("plate.gcode", "queued")]


def qt_upload(host: str, key: str, program: bytes, *, prints: bool) -> tuple[bytes, bytes]:
    """What Cura's plug-in for OctoPrint (3.5) hands to Qt: `select`, `print` only where the queue
    is not forced, then the file under its project's name, with spaces; Qt writes no `Accept`."""
    fields = [("select", b"true"), *([("print", b"true")] if prints else [])]
    line = b"boundary_.oOo._MjI0Mw=="
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (line, name.encode(), value)
        for name, value in fields
    ]
    named = b'name="file"; filename="CE3 my part.gcode"'
    parts.append(b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n" % (line, named))
    body = b"".join(parts) + program + b"\r\n--%s--\r\n" % line
    head = (
        f"POST /api/files/local HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {key}\r\n"
        "User-Agent: Cura/4.13 OctoPrintPlugin/3.5.18\r\nConnection: Keep-Alive\r\n"
        f'Content-Type: multipart/form-data; boundary="{line.decode()}"\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


@pytest.fixture
def panel(tmp_path: Path) -> Desk:
    """A panel whose server does not answer."""
    nowhere = Identity("http://127.0.0.1:9", "a1", "l1", {}, Ed25519PrivateKey.generate())
    return desk_in(tmp_path, nowhere)


def drop(
    browser: FlaskClient, key: str, program: bytes = PRUSA, name: str = "a.gcode", **more: str
) -> TestResponse:
    form = {"print": "true", **more, "file": (BytesIO(program), name)}
    return browser.post("/api/files/local", data=form, headers={"X-Api-Key": key})


class Taker:
    """A server that takes programs, or answers what it is told to."""

    def __init__(self, *answers: Exception) -> None:
        self.answers, self.keys = list(answers), list[str]()

    def bring_program(self, program: Path, *, name: str, by: str, key: str) -> BroughtProgram:
        if self.answers:
            raise self.answers.pop(0)
        self.keys.append(key)
        return BroughtProgram(order_id=f"order-{len(self.keys)}")


def test_what_is_dropped_while_the_server_is_away_is_kept_and_told_once(panel: Desk) -> None:
    browser = create_panel(panel).test_client()
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    for _ in range(2):
        answer = drop(browser, key)
        assert (answer.status_code, answer.json["effectivePrint"]) == (201, False)
    drops = Drops(panel.folder / "programs")
    (kept,) = drops.all()
    assert (kept.by, kept.waits) == ("mem", True), "the same bytes within a minute are one wish"
    with pytest.raises(Unavailable):
        drops.tell_all(Taker(Unavailable("still away")))
    server = Taker()
    drops.tell_all(server)
    drops.tell_all(server)
    assert server.keys == [kept.id]
    assert Drops(panel.folder / "programs").get(kept.id).order_id == "order-1"

    later = desk_in(panel.folder, panel.identity, lambda: NOW + timedelta(seconds=61))
    assert drop(create_panel(later).test_client(), key).status_code == 201
    assert len([it for it in drops.all() if it.waits]) == 1, "a second wish is a second order"


@pytest.mark.parametrize("why", [NotAllowed("no right"), Conflict("no machine could run it")])
def test_what_the_server_refuses_later_says_so_and_is_not_told_again(
    panel: Desk, why: Exception
) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    drop(create_panel(panel).test_client(), key)
    drops, server = Drops(panel.folder / "programs"), Taker(why)
    drops.tell_all(server)
    drops.tell_all(server)
    (kept,) = drops.all()
    assert (kept.refused, kept.waits, server.keys) == (str(why), False, [])


def test_without_print_it_is_kept_and_not_told(panel: Desk) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    browser = create_panel(panel).test_client()
    assert drop(browser, key, print="false").json["effectivePrint"] is False
    (listed,) = browser.get("/api/files", headers={"X-Api-Key": key}).json["files"]
    assert (listed["name"], listed["cosmolocal"]["order_id"]) == ("a.gcode", None)
    server, drops = Taker(), panel.drops
    drops.tell_all(server)
    assert server.keys == []
    queue = f"/programs/{listed['cosmolocal']['id']}/queue"
    assert browser.post(queue, data={"token": "guessed"}).status_code == 403
    panel.doorkeeper.operators.add("Ada", "271828")
    somebody = SimpleNamespace(browser=browser)
    form = fill(somebody, "/sign-in", "/sign-in", name="Ada", pin="271828")
    browser.post("/sign-in", data=form)
    assert "kept, and not queued" in page(browser, "/programs").text
    assert browser.post(queue, data=fill(somebody, "/programs", queue)).status_code == 303
    assert "waits until the server is back" in page(browser, "/programs").text
    drops.tell_all(server)
    assert len(server.keys) == 1


def test_cura_connects_uploads_and_finds_its_program_under_its_name(panel: Desk) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    browser = create_panel(panel).test_client()
    asked = {
        path: browser.get(f"/api/{path}", headers={"X-Api-Key": key})
        for path in ("version", "settings", "printer", "job")
    }
    assert {answer.status_code for answer in asked.values()} == {200}
    assert asked["settings"].json["feature"] == {"sdSupport": False}
    assert asked["printer"].json["state"]["flags"]["operational"]
    assert asked["job"].json["progress"]["printTime"] is None
    with served(panel) as port:
        status, said = talk(port, *qt_upload(f"127.0.0.1:{port}", key, PRUSA, prints=True))
        assert (status, json.loads(said)["effectivePrint"]) == (201, False)  # its server is away
        status, said = talk(port, *qt_upload(f"127.0.0.1:{port}", key, reaching(30), prints=False))
    assert status == 201
    there = json.loads(said)["files"]["local"]["refs"]["resource"]
    found = browser.get(there[there.index("/api") :], headers={"X-Api-Key": key})
    assert (found.status_code, found.json["display"]) == (200, "CE3 my part.gcode")
    assert sorted(drop.wanted for drop in panel.drops.all()) == [False, True]


def test_only_a_key_that_stands_lets_a_slicer_in(panel: Desk) -> None:
    browser, keys = create_panel(panel).test_client(), SlicerKeys(panel.folder)
    made, key = keys.add("Mem", now=NOW)
    assert key not in (panel.folder / "slicer_keys.json").read_text()
    for wrong in ("", "cs_guessed", key[:-1]):
        assert drop(browser, wrong).status_code == 403
        assert browser.get("/api/version", headers={"X-Api-Key": wrong}).status_code == 403
    for path in ("version", "server", "printer", "job", "files"):
        assert browser.get(f"/api/{path}", headers={"X-Api-Key": key}).status_code == 200
    keys.remove(made.id)
    assert drop(browser, key).status_code == 403
    assert Drops(panel.folder / "programs").all() == []


@pytest.mark.parametrize(
    ("program", "name", "status"),
    [
        (b"solid cube\n", "a.gcode", 415),
        (b"GCDE\x01\0", "a.bgcode", 415),
        (PRUSA, "a.stl", 415),
        (PRUSA, "", 400),
    ],
)
def test_what_is_no_program_leaves_nothing(
    panel: Desk, program: bytes, name: str, status: int
) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    answer = drop(create_panel(panel).test_client(), key, program, name)
    assert (answer.status_code, bool(answer.json["error"])) == (status, True)
    assert list((panel.folder / "programs").glob("*")) == []


def test_too_large_an_upload_is_refused_before_it_is_kept(panel: Desk) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)
    headers = {"X-Api-Key": key, "Content-Type": "multipart/form-data; boundary=x"}
    answer = create_panel(panel).test_client().post(
        "/api/files/local", headers=headers, environ_overrides={"CONTENT_LENGTH": str(2 * 2**30)}
    )  # fmt: skip
    assert (answer.status_code, answer.json["error"]) == (413, "a program has at most 64 MB")
    assert not (panel.folder / "programs").exists()


def test_a_full_disk_keeps_nothing_half(panel: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, key = SlicerKeys(panel.folder).add("mem", now=NOW)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = drop(create_panel(panel).test_client(), key)
    assert (answer.status_code, "is the disk full?" in answer.json["error"]) == (503, True)
    assert list((panel.folder / "programs").glob("*")) == []
