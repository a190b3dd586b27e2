"""What somebody hands in to be published, and everything that is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlmodel import Session

from commons.content import release_id
from commons.errors import FieldProblem, InvalidInput, ManifestInvalid
from commons.manifest import Finding, Manifest, manifest_name, missing_files, read_with_notes
from commons.texts import filled, later
from commons.versions import require_version
from repo_server import blobs, components, lineage
from repo_server.paths import wrong_paths
from repo_server.people import Person

MOST_NOTE = 10_000
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){1,62}")


@dataclass(frozen=True)
class Upload:
    """What somebody wants to publish: the manifest as written, each path's hash, what changed."""

    slug: str
    manifest: bytes
    files: Mapping[str, str]
    note: str = ""

    @cached_property
    def read(self) -> tuple[Manifest, tuple[Finding, ...]]:
        """The manifest, and what strict readers mind; read once. ManifestInvalid as it is read."""
        return read_with_notes(self.manifest)

    @cached_property
    def release_id(self) -> str:
        """The id of the release that this is once it is published. ManifestInvalid as `read`."""
        return release_id(self.read[0].data, self.files)


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload that may be published: its manifest, and what its bill means by other designs."""

    manifest: Manifest
    settled: components.Settled


def check(
    session: Session, upload: Upload, *, bom: bytes | None, by: Person, now: datetime
) -> Checked:
    """The upload as it may be published; ManifestInvalid names all its problems at once."""
    problems: list[FieldProblem] = []
    if not SLUG.fullmatch(upload.slug):
        problems.append(
            FieldProblem(
                "slug", later("must be 2 to 63 lower-case letters, digits or single hyphens")
            )
        )
    if len(upload.note) > MOST_NOTE:
        problems.append(
            FieldProblem("note", filled("has more than %(most)s characters", most=MOST_NOTE))
        )
    problems += wrong_paths(upload.files, manifest_name(upload.manifest))
    problems += _not_stored(session, upload.files)
    checked: Checked | None = None
    try:
        manifest, _ = upload.read
        problems += missing_files(manifest, upload.files.__contains__)
        problems += _wrong_version(manifest)
        problems += lineage.wrong_parents(session, manifest, upload.files, by=by, now=now)
        checked = Checked(manifest, components.settle(session, upload.slug, bom))
        problems += checked.settled.problems
    except ManifestInvalid as error:
        problems += error.fields or [FieldProblem(manifest_name(upload.manifest), str(error))]
    if problems or checked is None:
        listed = "; ".join(str(problem) for problem in problems)
        raise ManifestInvalid(f"this release cannot be published: {listed}", problems)
    return checked


def _wrong_version(manifest: Manifest) -> list[FieldProblem]:
    try:
        require_version(manifest.version)
    except InvalidInput as error:
        return [FieldProblem("version", error.sentence)]
    return []


def _not_stored(session: Session, files: Mapping[str, str]) -> list[FieldProblem]:
    missing = set(blobs.missing(session, list(files.values())))
    return [
        FieldProblem(
            "files",
            filled(
                "'%(path)s': no file with the hash %(sha256)s is stored; send it",
                path=path,
                sha256=sha256[:64],
            ),
        )
        for path, sha256 in files.items()
        if sha256 in missing
    ]
