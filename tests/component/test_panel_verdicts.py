"""Verdicts that were given at an agent's panel, as the server takes them."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.flows import Action, State
from commons.job import JobState
from commons.verdict import PanelVerdict, VerdictReceipt
from commons.wire import EventKind, JobOffer, RunFacts
from repo_server import panel_verdicts
from repo_server.blobs import BlobStore
from tests.floor import Floor, fresh_engine, furnish
from tests.profiles import printer

RUN = RunFacts(lines_sent=1000, lines_done=1000, line_count=1000, ran_s=60.0)
JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    engine = fresh_engine(tmp_path / "floor.sqlite")
    floor = furnish(engine, printer())
    floor.order()
    yield floor
    engine.dispose()


def told(floor: Floor, folder: Path, offer: JobOffer, **more: object) -> VerdictReceipt:
    wanted = {"id": "v1", "attempt_id": offer.attempt_id, "good_copies": 1, "by": "Ada",
              "age_s": 3600.0}  # fmt: skip
    verdict = PanelVerdict.model_validate(wanted | more)
    with floor.session() as session:
        return panel_verdicts.take(
            session, verdict, agent_id=floor.agent_id, store=BlobStore(folder), now=floor.now
        )


def test_it_counts_once_with_its_name_its_time_its_mass_and_its_photo(
    floor: Floor, tmp_path: Path
) -> None:
    offer = floor.running()
    with pytest.raises(Conflict, match="end of this attempt"):
        told(floor, tmp_path, offer)
    floor.tell(EventKind.FINISHED, offer, run=RUN)
    floor.later(hours=2)
    given = {"good_copies": 0, "weighed_g": 12.4, "photo": b64encode(JPEG).decode()}
    assert told(floor, tmp_path, offer, **given).taken
    assert told(floor, tmp_path, offer, **given).taken  # its answer was lost
    other = told(floor, tmp_path, offer, by="Bob")
    assert (other.taken, other.sentence) == (False, "it has its verdict already")
    attempt = floor.attempt(offer.attempt_id)
    assert (attempt.said_by, attempt.verdict_by) == ("Ada", None)
    assert attempt.verdict_at == floor.now - timedelta(hours=1)
    assert floor.state(offer.job_id) is JobState.REJECTED
    (scrap,) = [it for it in floor.ledger() if it.resource == "scrap:mixed"]
    assert (scrap.action, scrap.quantity, scrap.state) == (Action.PRODUCE, 12.4, State.MEASURED)
    with floor.session() as session:
        kept = panel_verdicts.photo_of(session, offer.attempt_id, to=floor.manager)
    assert BlobStore(tmp_path).path(kept).read_bytes() == JPEG
    with floor.session() as session, pytest.raises(NotFound):
        panel_verdicts.photo_of(session, offer.attempt_id, to="a stranger")


def test_what_is_no_photo_and_what_waits_for_no_verdict_changes_nothing(
    floor: Floor, tmp_path: Path
) -> None:
    offer = floor.running()
    floor.tell(EventKind.FAILED, offer, run=RUN)
    receipt = told(floor, tmp_path, offer)
    assert (receipt.taken, receipt.sentence) == (False, "a failed job waits for no verdict")
    floor.order()
    offer = floor.running()
    floor.tell(EventKind.FINISHED, offer, run=RUN)
    for photo in ("<svg>", b64encode(b"<svg>").decode()):
        with pytest.raises(InvalidInput, match="the photo is no"):
            told(floor, tmp_path, offer, photo=photo)
    with pytest.raises(InvalidInput, match="2 good copies cannot be"):
        told(floor, tmp_path, offer, good_copies=2)
    assert floor.state(offer.job_id) is JobState.FINISHED
    floor.agent_id = "another"
    with pytest.raises(NotAllowed):
        told(floor, tmp_path, offer)
