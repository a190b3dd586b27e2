"""Files by their hash: whole and on disk, or not there; served so that they can do no harm."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from commons.errors import InvalidInput
from repo_server.blobs import BlobStore

BYTES = bytes(range(256)) * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def client(ada):
    """The browser of who sends the files: none is published."""
    return ada.browser


@pytest.fixture
def put(ada):
    """Sends bytes as a person who may; answers with the response."""
    return lambda data, name=None: ada.send("PUT", address(name or sha256(data)), data=data)


def address(hash_: str) -> str:
    return f"/api/v1/blobs/{hash_}"


def fetch(client, hash_, **more):
    """The whole answer, with the file behind it closed."""
    return client.open(address(hash_), buffered=True, **more)


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_stored_once_and_told_so_when_it_comes_again(put, settings):
    first, second = put(BYTES), put(BYTES)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json == {"sha256": sha256(BYTES), "size": len(BYTES)}
    assert len(files_in(settings.data / "blobs")) == 1


def test_the_same_file_from_many_at_once_is_stored_for_all_of_them(app, sign_up, settings):
    token = sign_up("ada").token("design:write")
    bearer, together = {"Authorization": f"Bearer {token}"}, threading.Barrier(6)

    def send(_number: int) -> int:
        browser = app.test_client()
        together.wait()
        return browser.put(address(sha256(BYTES)), data=BYTES, headers=bearer).status_code

    with ThreadPoolExecutor(together.parties) as pool:
        assert set(pool.map(send, range(together.parties))) <= {200, 201}
    assert len(files_in(settings.data / "blobs")) == 1


def test_a_file_comes_back_as_it_was_and_can_do_no_harm(put, client):
    hash_ = put(b"<script>alert(1)</script>").json["sha256"]
    answer = fetch(client, hash_)
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["ETag"] == f'"{hash_}"'


def test_a_part_of_a_file_can_be_asked_for_and_an_unchanged_one_is_not_sent(put, client):
    hash_ = put(BYTES).json["sha256"]
    part = fetch(client, hash_, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, BYTES[100:200])
    unchanged = fetch(client, hash_, headers={"If-None-Match": f'"{hash_}"'})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


def test_asking_whether_a_file_is_there_sends_nothing(put, client):
    hash_ = put(BYTES).json["sha256"]
    there, absent = (fetch(client, h, method="HEAD") for h in (hash_, "0" * 64))
    assert (there.status_code, there.content_length, there.data) == (200, len(BYTES), b"")
    assert absent.status_code == 404


def test_bytes_with_another_hash_are_refused_and_leave_nothing(put, client, settings):
    announced = sha256(b"something else")
    answer = put(BYTES, announced)
    assert answer.status_code == 422
    assert announced in answer.json["detail"] and sha256(BYTES) in answer.json["detail"]
    assert fetch(client, announced).status_code == 404
    assert files_in(settings.data / "blobs") == []


@pytest.mark.parametrize("name", ["abc", "A" * 64, "..%2f..%2fetc%2fpasswd"])
def test_what_is_no_hash_is_no_name_of_a_file(put, client, name):
    assert put(BYTES, name).status_code in (404, 422)
    assert fetch(client, name).status_code in (404, 422)


def test_a_file_that_the_database_does_not_know_is_not_there_and_can_be_sent(app, put, client):
    stored = app.extensions["blobs"].put(BytesIO(BYTES))  # the server died before it was recorded
    assert fetch(client, stored.sha256, method="HEAD").status_code == 404
    assert put(BYTES).status_code == 200
    assert fetch(client, stored.sha256).data == BYTES


def test_a_file_that_is_too_large_is_refused_before_it_is_whole(tmp_path):
    store = BlobStore(tmp_path)
    with pytest.raises(InvalidInput, match="more than 1000 bytes"):
        store.put(BytesIO(BYTES), max_bytes=1000)
    assert files_in(tmp_path) == []


def test_a_stream_that_breaks_off_leaves_nothing(tmp_path):
    class Broken(BytesIO):
        def read(self, size: int = -1, /) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        BlobStore(tmp_path).put(Broken(bytes(3_000_000)))
    assert files_in(tmp_path) == []


def test_what_interrupted_uploads_left_behind_is_swept_and_nothing_else(tmp_path):
    store = BlobStore(tmp_path)
    kept = store.put(BytesIO(BYTES))
    (tmp_path / "incoming" / "left").write_bytes(b"half a file")
    assert store.sweep() == 1
    assert files_in(tmp_path) == [store.path(kept.sha256)]


def test_a_file_is_claimed_by_one_at_a_time(tmp_path):
    store = BlobStore(tmp_path)
    sha = store.put(BytesIO(BYTES)).sha256
    with store.claimed(sha) as first, store.claimed(sha) as second:
        assert (first, second) == (True, False)
    with store.claimed(sha) as again:
        assert again


def test_many_small_files_are_stored_together_and_what_is_missing_is_told(ada, client):
    files = [BYTES, b"", b"two\r\n--lines", BYTES]
    asked = {"sha256": [sha256(data) for data in (*files, b"absent")]}
    missing = ada.post("/api/v1/blobs/missing", asked).json["missing"]
    assert missing == list(dict.fromkeys(asked["sha256"]))
    form = {"file": [(BytesIO(data), "x.stl") for data in files]}
    answer = ada.send("POST", "/api/v1/blobs", data=form, content_type="multipart/form-data")
    assert answer.json == {"blobs": [{"sha256": sha256(it), "size": len(it)} for it in files]}
    assert [fetch(client, sha256(data)).data for data in files] == files
    assert ada.post("/api/v1/blobs/missing", asked).json["missing"] == [sha256(b"absent")]


def test_more_hashes_than_a_release_has_files_are_refused(sign_up):
    refused = sign_up("ada").post("/api/v1/blobs/missing", {"sha256": ["0" * 64] * 2001})
    assert refused.status_code == 422
