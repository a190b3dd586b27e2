"""Requests that were made to harm, and how each is refused."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.attack_files import ARCHIVES

MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "{name}"
version = "1"
license = "MIT"
repo = "https://example.org/harm"
licensor = "Mallory"
function = "Harms whoever reads it"
"""
_NOTHING = hashlib.sha256().hexdigest()
_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request below /api/v1, with the status and a word of the sentence that it is answered."""

    method: str
    path: str
    status: int
    sentence: str
    body: bytes | dict[str, object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def _release(
    files: Mapping[str, str], sentence: str, manifest: str = MANIFEST.format(name="Harm")
) -> Ask:
    body: dict[str, object] = {"manifest": manifest, "files": dict(files)}
    return Ask("POST", "/designs/harm/releases", 422, sentence, body)


def _address(url: str, sentence: str) -> Ask:
    return Ask("POST", "/designs/harm/imports/url", 422, sentence, {"url": url})


REQUESTS: dict[str, Ask] = {
    "a file's name that leads out": _release(
        {"../../etc/passwd": _NOTHING}, "not a plain relative path"),
    "a file's name from the root": _release(
        {"/etc/passwd": _NOTHING}, "not a plain relative path"),
    "a file's name sixty folders deep": _release(
        {"a/" * 60 + "x": _NOTHING}, "not a plain relative path"),
    "five thousand files": _release(
        {f"{number}.md": _NOTHING for number in range(5000)}, "at most 2000"),
    "a manifest that laughs": _release({}, "points to another place", _LAUGHS),
    "a manifest ten thousand brackets deep": _release({}, "deeper than 32", "a = " + "[" * 10_000),
    "a message a hundred thousand brackets deep": Ask(
        "POST", "/designs/harm/releases", 422, "recursion limit", b"[" * 100_000,
        {"Content-Type": "application/json"}),
    "a message of five megabytes": Ask(
        "POST", "/designs/harm/releases", 413, "larger than the server takes",
        {"manifest": "x" * 5_000_000, "files": {}}),
    "a file under another one's hash": Ask(
        "PUT", f"/blobs/{_NOTHING}", 422, _NOTHING, b"something else"),
    "a terabyte announced": Ask(
        "POST", "/uploads", 422, "are taken here",
        headers={"Upload-Length": str(10**12), "Tus-Resumable": "1.0.0",
                 "Upload-Metadata": f"sha256 {b64encode(_NOTHING.encode()).decode()}"}),
    "an address of the server itself": _address("https://localhost/okh.toml", "not a public"),
    "an address of its network": _address("https://10.0.0.1/okh.toml", "not a public server"),
    "an address of its cloud": _address("https://169.254.169.254/okh.toml", "not a public server"),
    "an address without encryption": _address("http://example.org/okh.toml", "https"),
    **{
        f"brought as an archive: {title}": Ask(
            "POST", "/designs/harm/imports/archive", 422, sentence, made(),
            {"Content-Type": "application/zip"})
        for title, (made, sentence) in ARCHIVES.items()
        if "another archive" not in title  # it is kept as a file, and nobody opens it
    },
}  # fmt: skip
