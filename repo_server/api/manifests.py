"""A release's manifest in every dialect."""

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from commons.errors import FieldProblem, InvalidInput
from commons.manifest import Dialect
from repo_server import blobs, designs, manifests
from repo_server.api import auth
from repo_server.db import reading

bp = Blueprint("api_manifests", __name__, url_prefix="/api/v1")


@bp.get("/releases/<id>/manifest")
@auth.public
def show_manifest(id: str) -> ResponseReturnValue:
    """200 with the manifest as a file: ?dialect= v1, losh or 2.4; without, as it was written."""
    dialect = _dialect(request.args.get("dialect"))
    store: blobs.BlobStore = current_app.extensions["blobs"]
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
    written = store.path(release.manifest_sha256).read_bytes()
    file = manifests.export_manifest(release, written, dialect)
    answer = Response(file.text, mimetype=file.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _dialect(asked: str | None) -> Dialect | None:
    if asked is None or asked in [*Dialect]:
        return Dialect(asked) if asked else None
    problem = f"'{asked[:20]}' is none of {', '.join(Dialect)}"
    raise InvalidInput(f"dialect: {problem}", [FieldProblem("dialect", problem)])
