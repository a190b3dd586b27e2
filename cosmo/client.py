"""The server's API as a person's program uses it: publish, search, order, look."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from commons.errors import FieldProblem, InvalidInput, Unavailable
from commons.manifest import (
    MANIFEST_NAMES,
    new_manifest,
    open_questions,
    read_manifest,
    texts_to_read,
)
from cosmo.answers import problems_of, require_success
from cosmo.uploads import LARGE, PAUSES_S, LocalFile, Sending, Told, send_large

_CHUNK = 1 << 20
# Small files go together: so much and so many in one request.
BATCH_BYTES = 32 * 1024 * 1024
BATCH_FILES = 200
# Beside a design's files there may be what its author's tools left; that is not published.
NOT_PUBLISHED = ("__pycache__", ".git", ".DS_Store")

# What a person at their own computer may do; a token for a script should have less.
SCOPES = ("read", "design:write", "order:write", "lab:operate", "lab:manage", "city:write",
          "webhook:write", "post:write", "profile:write")  # fmt: skip
TOKEN_DAYS = 90
PER_PAGE = 100  # of a long list

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Published:
    """A release that the server holds; `new` is False when it held it before. `notes` are what
    a strict reader of its manifest minds."""

    slug: str
    release_id: str
    version: str
    new: bool
    notes: tuple[FieldProblem, ...] = ()


def _nobody(_sending: Sending) -> None:
    """Hears it and does nothing."""


class Client:
    """Talks to one server as one person, by token or as nobody."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_s: float = 60.0,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        self._pauses_s = pauses_s
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int | float | tuple[str, ...]) -> Answer:
        """The answer to a GET below /api/v1; a tuple asks for each of its values.

        Raises what the server's problem says.
        """
        return self._ask("GET", path, params=params)

    def pages(self, path: str, **params: str) -> Iterator[Answer]:
        """Each page of a long list below /api/v1, as `Link` leads from one to the next."""
        response = self._send("GET", path, params={**params, "limit": PER_PAGE})
        yield response.json()
        while following := response.links.get("next"):
            response = self._send("GET", following["url"].removeprefix("/api/v1"))
            yield response.json()

    def entries(self, path: str, key: str, **params: str) -> list[Answer]:
        """What all pages of a long list hold under `key`."""
        return [it for page in self.pages(path, **params) for it in page[key]]

    def put(self, path: str, body: Answer) -> Answer:
        """The answer to a PUT, which may be sent twice."""
        return self._ask("PUT", path, json=body)

    def put_bytes(self, path: str, body: bytes) -> Answer:
        """The answer to a PUT of what is JSON already."""
        return self._ask("PUT", path, content=body, headers={"Content-Type": "application/json"})

    def post(self, path: str, body: Answer | None = None, *, key: str | None = None) -> Answer:
        """The answer to a POST; `key` makes it safe to send the same order again."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask("POST", path, json=body or {}, headers=headers)

    def delete(self, path: str) -> None:
        """What stood there is gone."""
        self._ask("DELETE", path)

    def sign_up(self, *, handle: str, name: str, email: str, password: str) -> None:
        """The account exists; InvalidInput lists every wrong field."""
        self.post("/people", {"handle": handle, "name": name, "email": email, "password": password})

    def sign_in(self, handle: str, password: str, *, scopes: Iterable[str] = SCOPES) -> str:
        """A new token for a program that acts as this person, within `scopes`."""
        session = self.post("/session", {"handle": handle, "password": password})
        headers = {"X-CSRF": session["csrf"]}
        wish = {"name": "cosmo command", "scopes": list(scopes), "days": TOKEN_DAYS}
        token: str = self._send("POST", "/tokens", json=wish, headers=headers).json()["token"]
        self._send("DELETE", "/session", headers=headers)
        return token

    def publish(self, folder: Path, *, note: str = "", told: Told = _nobody) -> Published:
        """Publish the design in `folder` under the folder's name, files first.

        Files that the server holds already are not sent again, nor are the parts of a large one
        that it has got. Publishing the same folder twice is the same release. `told` hears how
        far each large file is; `note` says what changed.
        """
        name = next((it for it in MANIFEST_NAMES if (folder / it).is_file()), MANIFEST_NAMES[0])
        text = _read(folder / name)
        manifest = read_manifest(text)
        paths = [path for path in _files_of(folder) if path != name]
        files = self._upload(folder, paths, told)
        slug = folder.resolve().name
        body = {"manifest": text.decode(), "files": files, "note": note}
        response = self._send("POST", f"/designs/{slug}/releases", json=body)
        answer = response.json()
        new, notes = response.status_code == 201, problems_of(answer.get("notes", ()))
        return Published(slug, answer["id"], manifest.version, new, notes)

    def file(self, path: str, **params: str) -> bytes:
        """The bytes that a GET below /api/v1 answers."""
        return self._send("GET", path, params=params).content

    def address_of(self, release_id: str) -> str:
        """Where people see the release."""
        return f"{self._url}/releases/{release_id}"

    def fetch(self, sha256: str, file: Path) -> None:
        """The stored bytes of that hash are in `file`, whose folders are made."""
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Whoever has no token is sent on to the origin of strangers' files, if there is one.
            address = f"/api/v1/blobs/{sha256}"
            with self._http.stream("GET", address, follow_redirects=True) as response:
                if not response.is_success:
                    response.read()
                require_success(response)
                with file.open("xb") as out:
                    for piece in response.iter_bytes(_CHUNK):
                        out.write(piece)
        except httpx.TransportError as error:
            sentence = f"the server at {self._url} broke off ({error}); try again"
            raise Unavailable(sentence) from error
        if _sha256(file) != sha256:
            file.unlink()
            raise InvalidInput(f"{file.name} did not arrive as it is stored; try again")

    def bring(self, slug: str, source: str, *, told: Told = _nobody) -> Answer:
        """The draft that came of a folder, an archive, or a manifest's https address."""
        if source.startswith("https://"):
            return self.post(f"/designs/{slug}/imports/url", {"url": source})
        file = Path(source)
        if file.is_dir():
            return self._bring_folder(slug, file, told)
        if not file.is_file():
            raise InvalidInput(f"{source} is no folder or archive here, and no https address")
        return self._ask("POST", f"/designs/{slug}/imports/archive", content=_chunks(file))

    def _bring_folder(self, slug: str, folder: Path, told: Told) -> Answer:
        paths = list(_files_of(folder))
        name = next((it for it in MANIFEST_NAMES if it in paths), None)
        manifest = _read(folder / name) if name else new_manifest(paths)
        files = self._upload(folder, [path for path in paths if path != name], told)
        body = {"slug": slug, "manifest": manifest.decode(), "files": files}
        draft = self.post("/drafts", body)
        texts = {
            path: _read(folder / path).decode(errors="replace") for path in texts_to_read(files)
        }
        questions = [asdict(it) for it in open_questions(manifest, texts)]
        guessed = [{**it, **(it["guess"] or {"value": None, "why": None})} for it in questions]
        return {"draft": draft["id"], "files": len(files),
                "questions": [{**it, "guess": it["value"]} for it in guessed]}  # fmt: skip

    def order(self, lab: str, body: Answer) -> Answer:
        """A build order; sent again after a lost answer it is still one order."""
        return self.post(f"/labs/{lab}/orders", body, key=secrets.token_hex(16))

    def order_set(self, lab: str, body: Answer) -> Answer:
        """All that is made of an object; sent again after a lost answer it is still one set."""
        return self.post(f"/labs/{lab}/sets", body, key=secrets.token_hex(16))

    def bring_program(self, lab: str, file: Path, **said: Any) -> Answer:
        """An order of the program in `file`; sent again after a lost answer it is still one."""
        answer: Answer = self._send(
            "POST",
            f"/labs/{lab}/programs",
            content=_chunks(file),
            params={"name": file.name, **said},
            headers={"Idempotency-Key": secrets.token_hex(16)},
        ).json()
        return answer

    def _upload(self, folder: Path, paths: Iterable[str], told: Told) -> dict[str, str]:
        """The hash under which the server holds each of these files of the folder now."""
        found = [_read_file(folder, path, told) for path in paths]
        hashes = list({file.sha256 for file in found})
        missing = set(self.post("/blobs/missing", {"sha256": hashes})["missing"])
        todo = {file.sha256: file for file in found if file.sha256 in missing}.values()
        for together in _batches(file for file in todo if file.size < LARGE):
            self._send_together(together)
        for file in todo:
            if file.size >= LARGE:
                send_large(self._http, file, told, pauses_s=self._pauses_s)
        return {file.path: file.sha256 for file in found}

    def _send_together(self, files: Sequence[LocalFile]) -> None:
        with ExitStack() as opened:
            parts = [("file", opened.enter_context(file.place.open("rb"))) for file in files]
            stored = self._send("POST", "/blobs", files=parts).json()["blobs"]
        for file, blob in zip(files, stored, strict=True):
            if blob["sha256"] != file.sha256:
                raise InvalidInput(f"'{file.path}' changed while it was sent; publish again")

    def _ask(self, method: str, path: str, **more: Any) -> Answer:
        response = self._send(method, path, **more)
        answer: Answer = response.json() if response.content else {}
        return answer

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return require_success(self._reach(method, path, **more))

    def _reach(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, f"/api/v1{path}", **more)
        except httpx.TransportError as error:
            raise Unavailable(
                f"the server at {self._url} does not answer ({error}); is it running?"
            ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _files_of(folder: Path) -> Iterator[str]:
    """Every file of a design's folder, as its path inside."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part in NOT_PUBLISHED for part in path.parts):
            yield path.relative_to(folder).as_posix()


def _read_file(folder: Path, path: str, told: Told) -> LocalFile:
    place = folder / path
    size = place.stat().st_size
    if size >= LARGE:
        told(Sending(path, size, waits="is being read"))
    return LocalFile(place, path, size, _sha256(place))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batches(files: Iterable[LocalFile]) -> Iterator[list[LocalFile]]:
    """Small files as the server takes them in one form."""
    batch: list[LocalFile] = []
    for file in files:
        full = sum(it.size for it in batch) + file.size > BATCH_BYTES
        if batch and (full or len(batch) == BATCH_FILES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
