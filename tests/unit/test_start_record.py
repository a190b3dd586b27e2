"""Records of starts: what the agent signed is proved, and nothing can be changed unnoticed."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commons.errors import InvalidInput
from commons.start_record import PERMITS, SYNC, Clearing, SignedMessage, StartRecord, check
from cosmo.record_commands import is_signed, record

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PROGRAM = "ab" * 32
ASKED = {"attempt_id": "a1", "fence": 7, "program_sha256": PROGRAM}
EVENT = {"kind": "started", "machine_id": "m1", "attempt_id": "a1", "fence": 7}


def stated(target: str, said: object, key: Ed25519PrivateKey = KEY) -> SignedMessage:
    """What the agent says, signed."""
    blank = SignedMessage(
        agent_id="agent", public_key=key.public_key().public_bytes_raw().hex(), method="POST",
        target=target, at=1_772_366_400, nonce="n" * 32, body=json.dumps(said),
        signature="0" * 128,
    )  # fmt: skip
    return blank.model_copy(update={"signature": key.sign(blank.text()).hex()})


def kept(*messages: SignedMessage, **changes: object) -> StartRecord:
    fields: dict[str, object] = {
        "lab": "corner", "job_id": "j1", "attempt_id": "a1", "machine_id": "m1",
        "machine": "Printer", "fence": 7, "what": "Shelf hook, hook", "release_id": None,
        "ordered_by": "ada", "program_sha256": PROGRAM, "permitted_at": AT, "started_at": AT,
        "clearing": None, "messages": messages,
    }  # fmt: skip
    return StartRecord.model_validate(fields | changes)


def whole(**asked: object) -> StartRecord:
    return kept(stated(PERMITS, ASKED | asked), stated(SYNC, {"events": [EVENT]}))


def wrong(record: StartRecord, key: str | None = None) -> list[str]:
    return [it.sentence for it in check(record, is_signed, key=key) if it.wrong]


def test_what_the_agent_signed_is_told_from_what_the_server_says() -> None:
    at_server = Clearing(id="w1", by="olu", at=AT, given="at the server")
    found = check(whole().model_copy(update={"clearing": at_server}), is_signed)
    assert [(it.proved, it.wrong) for it in found] == [(True, False), (True, False), (False, False)]
    at_panel = at_server.model_copy(update={"given": "at the machine's panel"})
    brought = whole(clear={"id": "w1", "by": "olu", "age_s": 3.0})
    found = check(brought.model_copy(update={"clearing": at_panel}), is_signed)
    assert [it.proved for it in found] == [True, True, True]
    assert wrong(whole().model_copy(update={"clearing": at_panel}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"program_sha256": "cd" * 32}, "for a permit for this program"),
        ({"machine_id": "m2"}, "says that machine Printer started"),
        ({"fence": 8}, "permit for this program"),
        ({"attempt_id": "a2"}, "permit for this program"),
        ({"messages": ()}, "messages are missing"),
    ],
)
def test_a_record_that_claims_what_was_not_signed_is_wrong(
    changes: dict[str, object], says: str
) -> None:
    assert wrong(whole()) == []
    assert any(says in it for it in wrong(whole().model_copy(update=changes)))


@pytest.mark.parametrize("field", ["body", "at", "nonce", "target", "agent_id"])
def test_every_part_of_a_message_is_signed(field: str) -> None:
    first, second = whole().messages
    value = first.at + 1 if field == "at" else f"{getattr(first, field)} "
    changed = first.model_copy(update={field: value})
    assert any("message 1 was changed" in it for it in wrong(kept(changed, second)))


def test_a_record_by_another_key_is_noticed_by_who_knows_the_key() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    forged = kept(stated(PERMITS, ASKED, other), stated(SYNC, {"events": [EVENT]}, other))
    known = KEY.public_key().public_bytes_raw().hex()
    assert wrong(whole(), known) == wrong(forged) == []
    assert len(wrong(forged, known)) == 2


BEGUN = {"kind": "ordered", "program": {"sha256": PROGRAM},
         "local": {"by": "Ada", "clear": {"id": "w1", "by": "Ada", "age_s": 3.0}}}  # fmt: skip


def test_a_start_that_was_given_without_a_server_is_proved_by_the_agents_word_for_it() -> None:
    word = Clearing(id="w1", by="Ada", at=AT, given="at the machine's panel")
    begun = kept(stated(SYNC, {"events": [EVENT | BEGUN, EVENT]}), begun_by="Ada", clearing=word)
    assert [(it.proved, it.wrong) for it in check(begun, is_signed)] == [(True, False)] * 3
    for changes in ({"begun_by": "Bo"}, {"program_sha256": "cd" * 32}, {"begun_by": None}):
        assert wrong(begun.model_copy(update=changes)), changes


def test_a_start_that_was_permitted_and_never_told_is_not_wrong() -> None:
    asked = kept(stated(PERMITS, ASKED), started_at=None)
    assert wrong(asked) == []
    assert "has not said" in check(asked, is_signed)[1].sentence


def test_a_file_is_checked_without_a_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("records") / "start.json"
    file.write_text(whole().model_dump_json())
    good = CliRunner().invoke(record, ["verify", str(file), "--json"])
    assert good.exit_code == 0
    assert [it["proved"] for it in json.loads(good.stdout)["findings"]] == [True, True, False]
    file.write_text(file.read_text().replace("Printer", "Other").replace('"m1","', '"m2","'))
    bad = CliRunner().invoke(record, ["verify", str(file)])
    assert isinstance(bad.exception, InvalidInput)
    assert "wrong: no message says that machine Other started it" in bad.stdout
    file.write_text("{}")
    assert isinstance(CliRunner().invoke(record, ["verify", str(file)]).exception, InvalidInput)
