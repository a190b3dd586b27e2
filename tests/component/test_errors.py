"""Every kind of error becomes one answer: RFC 9457 for programs, a page for people."""

import errno

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from commons import errors
from commons.errors import FieldProblem
from commons.problems import Problem
from repo_server.settings import Settings

ENOSPC = OSError(errno.ENOSPC, "No space left on device")
KINDS = [
    (errors.InvalidInput("bad"), 422),
    (errors.ManifestInvalid("bad"), 422),
    (errors.MeshInvalid("bad"), 422),
    (errors.ProgramRefused("bad", rule="bounds", line=3), 422),
    (errors.NotFound("gone"), 404),
    (errors.NotAllowed("no"), 403),
    (errors.NotSignedIn("who"), 401),
    (errors.Conflict("late"), 409),
    (errors.IllegalTransition("late"), 409),
    (errors.LeaseLost("late"), 409),
    (errors.NotArmed("late", reason="bed_not_clear"), 409),
    (errors.AlreadyPublished("twice"), 409),
    (errors.UploadBusy("late"), 409),
    (errors.UploadMoved("late"), 409),
    (errors.Changed("late"), 412),
    (errors.TooMany("slowly", retry_s=60), 429),
    (errors.Unavailable("down"), 503),
    (errors.MachineError("broken"), 500),
    (errors.TransportLost("broken"), 500),
    (errors.ProtocolViolation("broken"), 500),
    (errors.MachineFault("broken"), 500),
    (errors.FabError("anything else"), 500),
    (ENOSPC, 507),
    (OSError(errno.EIO, "secret path"), 500),
    (OperationalError("", {}, Exception("database or disk is full")), 507),
    (OperationalError("", {}, Exception("connection refused")), 503),
    (IntegrityError("", {}, Exception("unique")), 409),
    (ZeroDivisionError("secret"), 500),
]


@pytest.fixture
def settings(tmp_path):
    """These answers need no database, so they are not asked for on two of them."""
    return Settings.from_env({"COSMO_DATA": str(tmp_path)})


@pytest.fixture
def answer(app):
    def of(error: Exception, path: str = "/api/v1/x"):
        with app.test_request_context(path, method="POST"):
            return app.make_response(app.handle_user_exception(error))

    return of


def every_kind(kind: type[errors.FabError]) -> set[type[errors.FabError]]:
    return {kind}.union(*(every_kind(sub) for sub in kind.__subclasses__()))


def test_every_kind_of_the_tree_is_tried_here():
    tried = {type(error) for error, _ in KINDS if isinstance(error, errors.FabError)}
    assert tried == {it for it in every_kind(errors.FabError) if it.__module__ == "commons.errors"}


@pytest.mark.parametrize(("error", "status"), KINDS, ids=lambda it: type(it).__name__)
def test_a_program_gets_problem_details(answer, error, status):
    response = answer(error)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert Problem.model_validate(response.json).status == status


@pytest.mark.parametrize(
    "error", [error for error, _ in KINDS if isinstance(error, errors.FabError)]
)
def test_what_we_refuse_is_said_in_its_own_sentence(answer, error):
    assert answer(error).json["detail"] == str(error)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "secret path"), ZeroDivisionError("secret")])
def test_what_nobody_foresaw_tells_a_mark_and_no_secret(answer, error, caplog):
    detail = answer(error).json["detail"]
    mark = detail.split()[-1]
    assert "secret" not in detail
    assert any(mark in record.getMessage() for record in caplog.records)


def test_a_reason_and_every_wrong_field_come_along(answer):
    assert answer(errors.NotArmed("wait", reason="bed_not_clear")).json["reason"] == "bed_not_clear"
    fields = [FieldProblem("a", "is wrong"), FieldProblem("b", "is missing")]
    assert answer(errors.InvalidInput("two", fields)).json["fields"] == [
        {"field": "a", "problem": "is wrong"},
        {"field": "b", "problem": "is missing"},
    ]


def test_a_full_disk_is_a_sentence(answer):
    assert "disk is full" in answer(ENOSPC).json["detail"]


def test_a_person_gets_a_page_with_the_same_sentence(client):
    response = client.get("/nowhere/<script>")
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "<script>" not in response.text.split("<main")[1]


def test_a_body_that_is_too_large_or_not_json_is_refused_in_words(client):
    large = client.post("/api/v1/people", data=b"x" * 5_000_000)
    assert (large.status_code, "larger" in large.json["detail"]) == (413, True)
    garbage = client.post("/api/v1/people", data=b"{")
    assert (garbage.status_code, bool(garbage.json["fields"])) == (422, True)
