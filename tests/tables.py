"""A design whose one part is a STEP file: one Top on four Legs, 100 × 60 × 75 mm."""

from datetime import datetime
from io import BytesIO

from sqlmodel import Session

from repo_server.blobs import BlobStore, record
from repo_server.designs import publish_release
from repo_server.ids import new_id
from repo_server.people import Person
from repo_server.submissions import Upload
from tests.step_files import table

MANIFEST = b"""
okhv = "OKH-LOSHv1.0"
name = "Table"
version = "1.0.0"
repo = "https://example.org/table"
license = "CC0-1.0"
licensor = "Olga"
function = "Carries a lamp."
documentation-language = "en"

[[part]]
name = "Whole table"
export = ["table.step"]
tsdc = ["3DP"]
material = "PLA"
"""


def publish_table(session: Session, store: BlobStore, *, by: Person, now: datetime) -> str:
    """The release; its STEP file has not been inspected yet."""
    files = {"LICENSE": store.put(BytesIO(b"CC0")), "table.step": store.put(BytesIO(table()))}
    record(session, store.put(BytesIO(MANIFEST)), *files.values(), now=now)
    upload = Upload("table", MANIFEST, {path: it.sha256 for path, it in files.items()})
    id_, _ = publish_release(session, upload, by=by, design_id=new_id(), now=now)
    return id_
