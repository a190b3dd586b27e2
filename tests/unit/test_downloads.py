"""Addresses of files that are not everybody's: signed by this server, and soon over."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from repo_server.downloads import SIGNED_FOR, Download, FilesOrigin

FILES_URL, NAME = "https://files.example", "0" * 64


def test_a_signed_address_is_over_when_it_says_so():
    origin, now = FilesOrigin.of(FILES_URL, b"secret"), datetime.now(UTC)
    query = parse_qs(urlsplit(origin.signed_address(Download(NAME, "a b"), now=now)).query)
    said = {key: values[0] for key, values in query.items()}
    assert origin.admits(NAME, "a b", **said, now=now)
    assert not origin.admits(NAME, "a b", **said, now=now + SIGNED_FOR)
    assert not FilesOrigin.of(FILES_URL, b"other").admits(NAME, "a b", **said, now=now)
