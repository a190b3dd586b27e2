"""Builds: counted by themselves, told with words and a photo, and stated ones kept apart."""

from io import BytesIO

import pytest
from PIL import Image

from commons.wire import EventKind
from repo_server import decisions
from repo_server.db import transaction
from repo_server.labs import set_role
from repo_server.people import Person
from repo_server.tables.people import LabRole
from tests.browsing import fill, page
from tests.floor import furnish, printer, run

API = "/api/v1"
BUILDS = f"{API}/designs/shelf-hook/builds"
GPS = 0x8825


@pytest.fixture
def olga(sign_up):
    return sign_up("olga")


@pytest.fixture
def floor(engine, olga):
    return furnish(engine, manager=Person(olga.id, "olga", "Olga", False))


def judge(floor, job_id, good):
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=good, note="", by=floor.manager, now=floor.now)


def made(floor, good):
    """A hook was made and looked at; its attempt."""
    (job_id,) = floor.order()
    offer = floor.running()
    floor.tell(EventKind.FINISHED, offer, run=run())
    if good is not None:
        judge(floor, job_id, good)
    return offer.attempt_id


def failed(floor):
    floor.order()
    offer = floor.running()
    floor.tell(EventKind.FAILED, offer, run=run(done=200))
    return offer.attempt_id


def photo(kind="JPEG", size=(40, 30), exif=None):
    out = BytesIO()
    Image.new("RGB", size, "orange").save(out, kind, **({"exif": exif} if exif else {}))
    return out.getvalue()


def tell(olga, **build):
    return olga.post(f"{API}/labs/corner/builds", build)


def test_jobs_count_by_themselves_once_somebody_has_looked(floor, client):
    for good in (1, 1, 0, None):
        made(floor, good)
    failed(floor)
    (tally,) = client.get(BUILDS).json["tallies"]
    assert (tally["version"], tally["lab"]) == ("1.0.0", "Corner Lab")
    assert (tally["made"], tally["failed"], tally["waiting"]) == (2, 2, 1)
    shown = page(client, "/designs/shelf-hook").text
    assert "was made 2 times, 2 failed" in shown


def test_simulated_machines_count_nowhere(engine, olga, client):
    floor = furnish(engine, printer(simulated=True), manager=Person(olga.id, "olga", "Olga", False))
    made(floor, 1)
    assert client.get(BUILDS).json == {"tallies": [], "reports": []}
    assert "No lab here has made release 1.0.0 yet" in page(client, "/designs/shelf-hook").text


def test_what_is_built_outside_the_queue_is_stated_and_kept_apart(floor, olga, client):
    made(floor, 1)
    answer = tell(olga, release_id=floor.release_id, part="hook", good=14, failed=1,
                  material="PETG", machine="an old Ultimaker", words="Holds well.")  # fmt: skip
    assert answer.status_code == 201
    found = client.get(BUILDS).json
    (tally,) = found["tallies"]
    assert (tally["made"], tally["failed"]) == (1, 0)
    assert (tally["stated_made"], tally["stated_failed"]) == (14, 1)
    (told,) = found["reports"]
    assert (told["is_stated"], told["by"], told["words"]) == (True, "Olga", "Holds well.")
    assert (
        "made it 14 times, 1 failed outside the queue" in page(client, "/designs/shelf-hook").text
    )
    assert [row for row in floor.ledger() if row.quantity == 14] == []


def test_words_and_a_photo_are_added_to_a_job_that_tells_the_rest_itself(floor, olga, client):
    attempt = made(floor, 1)
    id_ = tell(olga, attempt_id=attempt, words="Needs a brim.", good=99).json["id"]
    path = f"{API}/labs/corner/builds/{id_}/photo"
    exif = Image.Exif()
    exif[GPS] = {1: "N", 2: (53.0, 33.0, 1.0)}
    assert olga.send("PUT", path, data=photo(exif=exif)).status_code == 204
    (told,) = client.get(BUILDS).json["reports"]
    assert (told["good"], told["failed"], told["is_stated"]) == (1, 0, False)
    assert (told["machine"], told["material"]) == ("Printer", "pla")
    shown = client.get(f"{API}/builds/{id_}/photo", buffered=True)
    picture = Image.open(BytesIO(shown.data))
    assert (shown.mimetype, picture.format, picture.size) == ("image/png", "PNG", (40, 30))
    assert not picture.getexif()
    again = tell(olga, attempt_id=attempt, words="Twice.")
    assert (again.status_code, "has its report" in again.json["detail"]) == (409, True)


def test_the_form_tells_with_a_photo_in_one_go_and_keeps_the_words_when_it_is_refused(
    floor, olga, client
):
    made(floor, 1)
    path, where = f"/labs/corner/builds/new?release={floor.release_id}", "/labs/corner/builds"
    form = fill(olga, path, where, good="2", words="As planned.")
    broken = form | {"photo": (BytesIO(b"\xff\xd8 no picture"), "hook.jpg")}
    refused = olga.browser.post(where, data=broken)
    assert (refused.status_code, "As planned." in refused.text) == (422, True)
    assert "photo: this cannot be read" in refused.text
    assert client.get(BUILDS).json["reports"] == []
    good = form | {"photo": (BytesIO(photo("WEBP")), "hook.webp")}
    assert olga.browser.post(where, data=good).location == "/designs/shelf-hook/builds"
    shown = page(client, "/designs/shelf-hook/builds")
    assert "As planned." in shown.text
    assert shown.wrong == []
    assert [it for it in shown.loads if it.endswith("/photo")]


def test_a_job_that_nobody_judged_or_of_another_lab_has_no_report(floor, olga, engine):
    waiting = made(floor, None)
    assert tell(olga, attempt_id=waiting).status_code == 409
    assert tell(olga, attempt_id="nothing").status_code == 404
    assert tell(olga, attempt_id=failed(floor), words="The belt was loose.").status_code == 201


@pytest.mark.parametrize(
    ("build", "status"),
    [
        ({}, 422),
        ({"good": 1, "release_id": "x"}, 404),
        ({"good": 0, "failed": 0, "release_id": "here"}, 422),
        ({"good": 1001, "release_id": "here"}, 422),
        ({"good": 1, "release_id": "here", "part": "wheel"}, 404),
        ({"good": 1, "release_id": "here", "attempt_id": "x"}, 422),
    ],
)
def test_what_is_no_report_is_one_sentence(floor, olga, build, status):
    if build.get("release_id") == "here":
        build = build | {"release_id": floor.release_id}
    assert tell(olga, **build).status_code == status


def test_only_people_of_the_lab_speak_for_it(floor, olga, sign_up, engine):
    bea = sign_up("bea")
    build = {"release_id": floor.release_id, "good": 1}
    assert bea.post(f"{API}/labs/corner/builds", build).status_code == 403
    with transaction(engine) as session:
        set_role(session, lab_id=floor.lab_id, handle="bea", role=LabRole.MEMBER)
    id_ = bea.post(f"{API}/labs/corner/builds", build).json["id"]
    missing = f"{API}/labs/corner/builds/{id_}x/photo"
    assert bea.send("PUT", missing, data=photo()).status_code == 404
    assert bea.get(f"{API}/builds/{id_}/photo").status_code == 404
