"""A release's manifest as a file: as it was written, or in the words of another dialect."""

from dataclasses import dataclass

from commons.manifest import (
    Dialect,
    Syntax,
    manifest_name,
    parse_manifest,
    write_manifest,
)
from repo_server.designs import Release

_MEDIA_TYPES = {Syntax.TOML: "application/toml", Syntax.YAML: "application/yaml"}


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The bytes of a manifest, and what to call them."""

    name: str
    media_type: str
    text: bytes


def export_manifest(release: Release, written: bytes, dialect: Dialect | None) -> ManifestFile:
    """The release's manifest in this dialect; None: as it was `written`, to the byte.

    What the dialect has no word for stands in it under `cosmolocal`.
    """
    text = written
    if dialect is not None:
        text = write_manifest(release.manifest.data, dialect, like=written)
    syntax = parse_manifest(text).syntax
    return ManifestFile(manifest_name(text), _MEDIA_TYPES[syntax], text)
