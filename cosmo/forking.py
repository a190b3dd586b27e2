"""A fork on one's own disk: the newest release of a design, its parent named, its change dated."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from commons.errors import Conflict, InvalidInput
from commons.lineage import (
    NOTICE,
    Parent,
    change_notice,
    name_parents,
    require_change,
)
from commons.manifest import manifest_name
from cosmo.client import Answer, Client


def fork_design(client: Client, design: str, folder: Path, *, by: str, change: str) -> Answer:
    """`folder` holds the newest release of `design`, ready to be changed; the release.

    Raises Conflict when the folder is there already, InvalidInput with the clause when the
    design's licence forbids every fork. A folder that was begun is left when the network breaks.
    """
    require_change(change)
    if folder.exists():
        raise Conflict(f"{folder} is there already; choose a folder that is not")
    release: Answer = client.get(f"/designs/{design}")["head"]
    _require_leave(client, design)
    for file in release["files"]:
        client.fetch(file["sha256"], folder / _inside(file["path"]))
    written = client.file(f"/releases/{release['id']}/manifest")
    manifest, text = folder / manifest_name(written), written.decode()
    manifest.write_text(name_parents(text, (release["id"],)), encoding="utf-8")
    _note_change(folder / NOTICE, client.address_of(release["id"]), release, by=by, change=change)
    return release


def _require_leave(client: Client, design: str) -> None:
    """Pass when the licence lets whoever asks publish a fork, by itself or by a grant."""
    answers = client.get(f"/designs/{design}/licence")["yours"]
    answer = next(it for it in answers if it["event"] == "publish_fork")
    if answer["permission"] not in ("allow", "allow_with_duties"):
        raise InvalidInput(f"{design} cannot be forked: {answer['sentence']}")


def _note_change(file: Path, address: str, release: Answer, *, by: str, change: str) -> None:
    parent = Parent(
        id=release["id"],
        title=release["name"],
        version=release["version"],
        license=release["license"],
        address=address,
    )
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    today = datetime.now(UTC).date()
    text = change_notice(before, parent, by=by, change=change, on=today)
    file.write_text(text, encoding="utf-8")


def _inside(path: str) -> PurePosixPath:
    """A server's path, which must stay in the folder."""
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or "\\" in path or not plain.parts:
        raise InvalidInput(f"the server names a file '{path[:80]}', which is not in the design")
    return plain
