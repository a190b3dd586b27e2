"""Where pages point to for a stranger's file: to the origin of such files, under its real name."""

from flask import current_app, url_for

from repo_server.downloads import FilesOrigin


def file_url(sha256: str, path: str) -> str:
    """The address at which everybody downloads this published file; a whole one."""
    origin: FilesOrigin | None = current_app.extensions["files_origin"]
    if origin is None:
        return url_for("api_blobs.get_blob", sha256=sha256, _external=True)
    return origin.address(sha256, path)
