"""A lab with one machine, one order and one enrolled agent, made once and then copied."""

import io
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session, select

from commons.content import content_id
from commons.machine import Driver
from commons.wire import Enrolled, EnrolledMachine
from fab_agent.identity import keep_identity
from repo_server.blobs import BlobStore
from repo_server.db import make_engine, transaction, upgrade
from repo_server.settings import Settings, read_secret
from repo_server.tables import BlobRow, LabRow
from tests.campaign.programs import profile_of
from tests.floor import FILES, MANIFEST, Floor, furnish

PARTS = {Driver.GRBL: "board"}


@dataclass(frozen=True)
class Template:
    """The folder of a server that nobody has run yet, and the key of its lab's agent."""

    folder: Path
    key: Ed25519PrivateKey
    agent_id: str
    machine_id: str
    lab_id: str
    manager: str
    job_id: str

    def copy_to(self, folder: Path, *, url: str) -> None:
        """`folder` holds such a server and an agent that is enrolled with it at `url`."""
        shutil.copytree(self.folder, folder / "server")
        machine = EnrolledMachine(machine_id=self.machine_id, name="Machine")
        enrolled = Enrolled(
            agent_id=self.agent_id, lab_id=self.lab_id, fingerprint="-", machines=(machine,)
        )
        keep_identity(folder / "agent", enrolled, self.key, url=url)


def make_template(machine: Driver, folder: Path) -> Template:
    """A template for this kind of machine in an empty folder."""
    key = Ed25519PrivateKey.generate()
    settings = Settings.from_env({"COSMO_DATA": str(folder)})
    read_secret(settings.secret_file)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    public_key = key.public_key().public_bytes_raw().hex()
    floor = furnish(engine, profile_of(machine), public_key=public_key)
    floor.now = datetime.now(UTC)
    (job_id,) = floor.order(PARTS.get(machine, "hook"))
    with transaction(engine) as session:
        _store_files(session, BlobStore(folder / "blobs"))
        lab = session.exec(select(LabRow)).one()
    engine.dispose()
    return _template(folder, key, floor, lab.id, job_id)


def _template(
    folder: Path, key: Ed25519PrivateKey, floor: Floor, lab_id: str, job_id: str
) -> Template:
    (machine_id,) = floor.machines.values()
    return Template(folder, key, floor.agent_id, machine_id, lab_id, floor.manager, job_id)


def _store_files(session: Session, blobs: BlobStore) -> None:
    """The floor's files, which it only pretends to have, are there: each holds its own name."""
    for content in (MANIFEST, *(path.encode() for path in FILES)):
        blobs.put(io.BytesIO(content), expected=content_id(content))
        row = session.get_one(BlobRow, content_id(content))
        row.size = len(content)
        session.add(row)
