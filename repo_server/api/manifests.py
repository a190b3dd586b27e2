"""A release's manifest in every dialect."""

from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.manifest import Dialect
from commons.wire import Asked
from repo_server import blobs, designs, manifests
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.db import reading

bp = Blueprint("api_manifests", __name__, url_prefix="/api/v1")


class WantedDialect(Asked):
    """Which dialect; none is the one that it was written in."""

    dialect: Annotated[Dialect | None, Field(description="v1, losh or 2.4")] = None


@bp.get("/releases/<id>/manifest")
@auth.public
@answers({200: Raw("application/toml", "application/yaml")})
def show_manifest(id: str, query: WantedDialect) -> ResponseReturnValue:
    """200 with the manifest as a file: ?dialect= v1, losh or 2.4; without, as it was written."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
    written = store.path(release.manifest_sha256).read_bytes()
    file = manifests.export_manifest(release, written, query.dialect)
    answer = Response(file.text, mimetype=file.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
