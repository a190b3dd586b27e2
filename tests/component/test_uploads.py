"""Files that arrive in parts: what came is kept, what is whole is stored, nothing is mixed up."""

import fcntl
import hashlib
import os
import random
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from sqlmodel import select
from werkzeug.http import parse_date

from commons.errors import Conflict, InvalidInput, Unavailable, UploadBusy
from repo_server import tasks, uploads
from repo_server.arrivals import Arrivals
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.tables import UploadRow
from repo_server.uploads import Upload

BYTES = random.Random(1).randbytes(1_000_000)
NAME = hashlib.sha256(BYTES).hexdigest()
HERE = f"/api/v1/uploads/{NAME}"


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


class Sender:
    """A person's program that sends `BYTES` as tus 1.0 tells."""

    def __init__(self, someone):
        self._someone = someone

    def begin(self, size=1_000_000, sha256=NAME):
        metadata = f"filename {b64encode(b'part.stl').decode()},sha256 "
        headers = {
            "Upload-Length": str(size),
            "Upload-Metadata": metadata + b64encode(sha256.encode()).decode(),
        }
        return self._someone.send("POST", "/api/v1/uploads", headers=headers)

    def add(self, at, data, address=HERE, **headers):
        return self._someone.send(
            "PATCH",
            address,
            data=data,
            headers={"Upload-Offset": str(at), "Tus-Resumable": "1.0.0", **headers},
            content_type="application/offset+octet-stream",
        )

    def ask(self, method="HEAD", address=HERE):
        return self._someone.send(method, address)

    def file(self, method="GET", sha256=NAME):
        return self._someone.browser.open(f"/api/v1/blobs/{sha256}", method=method, buffered=True)


@pytest.fixture
def ada(sign_up):
    return Sender(sign_up("ada"))


def offset(answer):
    return int(answer.headers["Upload-Offset"])


def test_a_file_in_three_parts_is_stored_as_one(ada, settings):
    begun = ada.begin()
    assert (begun.status_code, begun.headers["Location"], offset(begun)) == (201, HERE, 0)
    for start, end in ((0, 300_000), (300_000, 300_001), (300_001, len(BYTES))):
        assert ada.file("HEAD").status_code == 404
        added = ada.add(start, BYTES[start:end])
        assert (added.status_code, offset(added), added.data) == (204, end, b"")
    assert ada.file().data == BYTES
    assert [path.name for path in files_in(settings.data / "blobs")] == [NAME]


def test_how_much_is_here_is_told_and_until_when(ada, settings):
    ada.begin()
    ada.add(0, BYTES[:1000])
    told = ada.ask()
    assert (told.status_code, offset(told)) == (200, 1000)
    assert told.headers["Upload-Length"] == str(len(BYTES))
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Tus-Resumable"] == "1.0.0"
    left = parse_date(told.headers["Upload-Expires"]) - datetime.now(UTC)
    assert timedelta(days=6.9) < left <= timedelta(days=7)


def test_begun_again_it_is_found_again_where_it_was(ada):
    ada.begin()
    ada.add(0, BYTES[:5000])
    again = ada.begin()
    assert (again.status_code, again.headers["Location"], offset(again)) == (201, HERE, 5000)


@pytest.mark.parametrize("at", [0, 999, 1001])
def test_bytes_for_another_place_are_refused_and_the_right_place_is_told(ada, at):
    ada.begin()
    ada.add(0, BYTES[:1000])
    refused = ada.add(at, BYTES[at:2000])
    assert (refused.status_code, refused.json["reason"]) == (409, "upload_moved")
    assert "1000 bytes of this file are here" in refused.json["detail"]
    assert offset(ada.ask()) == 1000


def test_more_bytes_than_announced_are_refused_as_a_whole(ada):
    ada.begin()
    ada.add(0, BYTES[:1000])
    assert ada.add(1000, BYTES[1000:] + b"!").status_code == 422
    assert offset(ada.ask()) == 1000
    assert ada.add(1000, BYTES[1000:]).status_code == 204


def test_a_file_with_another_hash_is_refused_and_can_be_sent_again(ada, settings):
    ada.begin()
    refused = ada.add(0, bytes(len(BYTES)))
    assert refused.status_code == 422
    assert NAME in refused.json["detail"]
    assert files_in(settings.data / "blobs") == []
    assert offset(ada.begin()) == 0
    assert ada.add(0, BYTES).status_code == 204
    assert ada.file().data == BYTES


def test_what_is_stored_already_has_arrived(ada, sign_up, settings):
    ada.begin()
    ada.add(0, BYTES[:10])
    oba = sign_up("oba")
    oba.send("PUT", f"/api/v1/blobs/{NAME}", data=BYTES)
    assert offset(ada.ask()) == 10  # what she began she may end,
    assert offset(ada.begin()) == len(BYTES)  # or hear that there is no need to
    assert "Upload-Expires" not in ada.begin().headers
    assert offset(ada.ask()) == len(BYTES)
    assert ada.add(len(BYTES), b"").status_code == 204
    assert [path.name for path in files_in(settings.data / "blobs")] == [NAME]
    assert ada.ask("GET", "/api/v1/uploads").json["uploads"] == []


def test_an_empty_file_has_arrived_when_it_is_announced(ada):
    nothing = hashlib.sha256().hexdigest()
    assert offset(ada.begin(0, nothing)) == 0
    assert ada.file(sha256=nothing).data == b""


def test_everybody_sends_their_own(ada, sign_up):
    oba = Sender(sign_up("oba"))
    ada.begin()
    ada.add(0, BYTES[:1000])
    assert oba.ask().status_code == 404
    assert offset(oba.begin()) == 0
    assert oba.add(0, BYTES).status_code == 204


def test_a_second_sender_of_the_same_file_is_told(ada, app, settings):
    ada.begin()
    ada.add(0, BYTES[:1000])
    (here,) = files_in(settings.data / "blobs")
    with here.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)  # as another thread or process does it
        answers = [ada.begin(), ada.add(1000, BYTES[1000:]), ada.ask("DELETE")]
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json["reason"] for answer in answers} == {"upload_busy"}
    assert "is sending this very file right now" in answers[0].json["detail"]
    assert ada.add(1000, BYTES[1000:]).status_code == 204


def test_what_was_begun_is_listed_and_can_be_deleted(ada, settings):
    ada.begin()
    ada.add(0, BYTES[:1000])
    told = ada.ask("GET", "/api/v1/uploads").json
    assert told["quota"] == 10 * 1024**3
    (line,) = told["uploads"]
    assert (line["sha256"], line["size"], line["arrived"]) == (NAME, len(BYTES), 1000)
    assert ada.ask("DELETE").status_code == 204
    assert files_in(settings.data / "blobs") == []
    assert ada.ask().status_code == 404
    assert ada.ask("GET", "/api/v1/uploads").json["uploads"] == []


@pytest.mark.parametrize("size", [-1, "many", "", 4 * 1024**3 + 1, "9" * 30])
def test_a_size_that_cannot_be_is_refused(ada, size):
    assert ada.begin(size).status_code == 422


def test_a_hash_that_is_missing_or_none_is_refused(ada, sign_up):
    assert ada.begin(sha256="abc").status_code == 422
    for metadata in ("", "sha256", "sha256 ???", "filename cGFydA=="):
        headers = {"Upload-Length": "1", "Upload-Metadata": metadata}
        refused = ada._someone.send("POST", "/api/v1/uploads", headers=headers)
        assert refused.status_code == 422
        assert "sha256" in refused.json["detail"]


def test_the_same_hash_with_another_size_is_refused(ada):
    ada.begin()
    refused = ada.begin(len(BYTES) + 1)
    assert (refused.status_code, "was begun with 1000000" in refused.json["detail"]) == (409, True)


def test_what_is_no_part_of_an_upload_is_refused(ada):
    assert ada.add(0, BYTES).status_code == 404
    ada.begin()
    assert ada.add("", BYTES).status_code == 422
    untyped = ada._someone.send("PATCH", HERE, data=BYTES, headers={"Upload-Offset": "0"})
    assert untyped.status_code == 415
    assert ada.add(0, BYTES, **{"Tus-Resumable": "0.2.2"}).status_code == 412
    assert offset(ada.ask()) == 0


def test_a_client_can_ask_what_is_spoken_here(client):
    told = client.options("/api/v1/uploads")
    assert told.status_code == 204
    assert told.headers["Tus-Version"] == "1.0.0"
    assert told.headers["Tus-Max-Size"] == str(4 * 1024**3)
    assert told.headers["Tus-Extension"] == "creation,expiration,termination"


def test_a_persons_unfinished_uploads_have_a_limit_together(engine, sign_up):
    ada, oba = sign_up("ada"), sign_up("oba")
    now = datetime.now(UTC)

    def begin(someone, letter, size):
        with transaction(engine) as session:
            uploads.begin(session, person_id=someone.id, sha256=letter * 64, size=size,
                          quota=5_000_000, now=now)  # fmt: skip

    begin(ada, "a", 3_000_000)
    begin(oba, "b", 5_000_000)
    with pytest.raises(Conflict, match=r"your 1 unfinished uploads would be 6000000 bytes"):
        begin(ada, "c", 3_000_000)
    begin(ada, "a", 3_000_000)  # the same again is no other
    begin(ada, "d", 0)  # and an empty one counts a MiB, so that they end
    with pytest.raises(Conflict, match="unfinished uploads"):
        begin(ada, "e", 0)


def test_a_disk_without_room_is_told_before_anything_is_sent(ada, engine, sign_up, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: FreeBytes(len(BYTES) - 1))
    refused = ada.begin()
    assert (refused.status_code, "disk is full" in refused.json["detail"]) == (507, True)
    assert ada.ask("GET", "/api/v1/uploads").json["uploads"] == []
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: FreeBytes(len(BYTES)))
    assert ada.begin().status_code == 201


class FreeBytes:
    def __init__(self, free):
        self.free = free


def test_abandoned_uploads_go_and_others_stay(ada, app, engine, sign_up, settings):
    ada.begin()
    ada.add(0, BYTES[:1000])
    long_ago = datetime.now(UTC) - timedelta(days=6.9)
    move_back(engine, settings, long_ago)
    with app.app_context():
        tasks.drop_abandoned_uploads()
    assert offset(ada.ask()) == 1000
    move_back(engine, settings, long_ago - timedelta(days=0.2))
    with app.app_context():
        tasks.drop_abandoned_uploads()
    assert ada.ask().status_code == 404
    assert files_in(settings.data / "blobs") == []


def move_back(engine, settings, when):
    """The upload and its file were last touched `when`."""
    for path in files_in(settings.data / "blobs" / "arriving"):
        os.utime(path, (when.timestamp(), when.timestamp()))
    with transaction(engine) as session:
        for row in session.exec(select(UploadRow)):
            row.touched_at = when
            session.add(row)


def test_one_that_is_being_sent_is_not_abandoned(tmp_path):
    arrivals, upload = arriving(tmp_path)
    with pytest.raises(Unavailable):
        arrivals.append(upload, Broken(5000), at=0)
    (here,) = files_in(tmp_path / "arriving")
    with here.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        assert arrivals.drop_abandoned(datetime.now(UTC) + timedelta(days=1)) == 0
        with pytest.raises(UploadBusy):
            arrivals.drop(upload)
    assert arrivals.drop_abandoned(datetime.now(UTC) + timedelta(days=1)) == 1


def arriving(tmp_path):
    store = BlobStore(tmp_path)
    upload = Upload("ada", NAME, len(BYTES), datetime.now(UTC))
    return Arrivals(tmp_path / "arriving", store), upload


class Broken(BytesIO):
    """Gives that many of the bytes in small pieces, then the link is gone."""

    def __init__(self, length, start=0):
        super().__init__(BYTES[start : start + length])

    def read(self, size=-1, /):
        if not (piece := super().read(700)):
            raise Unavailable("the link broke off")
        return piece


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "after a restart"])
def test_a_stream_that_breaks_off_leaves_what_came(tmp_path, restarted):
    arrivals, upload = arriving(tmp_path)
    with pytest.raises(Unavailable):
        arrivals.append(upload, Broken(5001), at=0)
    assert arrivals.arrived(upload) == 5001
    if restarted:
        arrivals, _ = arriving(tmp_path)
    with pytest.raises(Unavailable):
        arrivals.append(upload, Broken(44, 5001), at=5001)
    assert arrivals.arrived(upload) == 5045
    size, blob = arrivals.append(upload, BytesIO(BYTES[5045:]), at=5045)
    assert (size, blob.sha256, blob.new) == (len(BYTES), NAME, True)
    assert [path.read_bytes() for path in files_in(tmp_path)] == [BYTES]


def test_bytes_that_changed_on_the_disk_are_found_out(tmp_path):
    arrivals, upload = arriving(tmp_path)
    arrivals.append(upload, BytesIO(BYTES[:5000]), at=0)
    (here,) = files_in(tmp_path)
    here.write_bytes(bytes(5000))
    with pytest.raises(InvalidInput, match="send the file again"):
        arrivals.append(upload, BytesIO(BYTES[5000:]), at=5000)
    assert arrivals.arrived(upload) == 0


def test_one_that_arrived_when_the_server_died_is_finished_by_whoever_asks(ada, app):
    ada.begin()
    folder = app.extensions["settings"].data / "blobs" / "arriving"
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.{ada._someone.id}").write_bytes(BYTES)  # killed before the rename
    assert offset(ada.ask()) == len(BYTES)
    assert ada.file().data == BYTES


def test_one_that_was_named_when_the_server_died_is_recorded_by_whoever_begins_again(ada, app):
    ada.begin()
    app.extensions["blobs"].put(BytesIO(BYTES))  # killed before it was recorded
    assert ada.file("HEAD").status_code == 404
    assert offset(ada.begin()) == len(BYTES)
    assert ada.file().data == BYTES
    with reading(app.extensions["engine"]) as session:
        assert uploads.unfinished(session, ada._someone.id).entries == []
