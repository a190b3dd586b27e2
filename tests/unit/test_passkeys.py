"""Passkeys: what of their rules needs no browser; a device made of memory answers."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest

from commons.errors import Conflict, FabError, InvalidInput, NotFound, NotSignedIn
from fab_agent.panel.operators import MOST_PASSKEYS, Operators, Passkey
from fab_agent.panel.passkeys import ANSWER_WITHIN_S, MOST_ASKED, Challenges, Passkeys, Site
from fab_agent.settings import PanelSettings
from tests.authenticator import Authenticator

ORIGIN = "https://panel.lab.example"
NOW = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass
class Door:
    """The panel's passkeys, and a clock that the test turns."""

    passkeys: Passkeys
    now: list[float]

    def add(self, device: Authenticator, name: str = "Ada", origin: str = ORIGIN) -> Passkey:
        challenge, options = self.passkeys.ask_new(name)
        answer = device.create(options, origin)
        return self.passkeys.add(name, "my key", answer, challenge, now=NOW)

    def sign_in(self, device: Authenticator, origin: str = ORIGIN) -> str:
        challenge, options = self.passkeys.ask_who()
        return self.passkeys.admit(device.get(options, origin), challenge)[0]


@pytest.fixture
def door(tmp_path: Path) -> Door:
    now = [1000.0]
    operators = Operators(tmp_path)
    operators.add("Ada", "271828")
    challenges = Challenges(lambda: now[0])
    return Door(Passkeys(Site(ORIGIN), operators, challenges), now)


def test_a_passkey_lets_its_operator_in_and_each_use_is_counted(door: Door) -> None:
    key = Authenticator()
    kept = door.add(key)
    assert (kept.name, kept.rp_id) == ("my key", "panel.lab.example")
    for count in (1, 2):
        assert door.sign_in(key) == "Ada"
        assert [it.sign_count for it in door.passkeys.operators.passkeys("Ada")] == [count]


def test_a_device_that_does_not_count_is_let_in_each_time(door: Door) -> None:
    synced = Authenticator()
    door.add(synced)
    for _ in range(2):
        synced.count = -1  # and so it says 0
        assert door.sign_in(synced) == "Ada"


@pytest.mark.parametrize("back_to", [0, 6])
def test_a_counter_that_went_back_is_refused_and_told(door: Door, back_to: int) -> None:
    key = Authenticator()
    door.add(key)
    key.count = 6
    door.sign_in(key)
    key.count = back_to - 1
    with pytest.raises(NotSignedIn, match=f"went back, from 7 to {back_to}"):
        door.sign_in(key)
    assert door.passkeys.operators.passkeys("Ada")[0].sign_count == 7


def test_a_challenge_is_answered_once_in_time_and_for_what_it_was_given(door: Door) -> None:
    key = Authenticator()
    door.add(key)
    challenge, options = door.passkeys.ask_who()
    answer = key.get(options, ORIGIN)
    door.passkeys.admit(answer, challenge)
    late, late_options = door.passkeys.ask_who()
    door.now[0] += ANSWER_WITHIN_S + 1
    for again, what in ((answer, challenge), (key.get(late_options, ORIGIN), late)):
        with pytest.raises(Conflict, match="answers once, within 2 minutes"):
            door.passkeys.admit(again, what)
    # Asked to sign in, without a PIN: no way to a new passkey, nor is another person's.
    for given, options in (door.passkeys.ask_who(), door.passkeys.ask_new("Ada")):
        made = Authenticator().create({"rp": {"id": "panel.lab.example"}} | options, ORIGIN)
        with pytest.raises(Conflict):
            door.passkeys.add("Bob", "mine", made, given, now=NOW)
    assert len(door.passkeys.operators.passkeys("Ada")) == 1


def test_no_more_challenges_are_remembered_than_people_could_answer(door: Door) -> None:
    first, _ = door.passkeys.ask_who()
    second, _ = door.passkeys.ask_who()
    for _ in range(MOST_ASKED - 1):
        door.passkeys.ask_who()
    with pytest.raises(Conflict):
        door.passkeys.challenges.take(first, "who")
    door.passkeys.challenges.take(second, "who")


@pytest.mark.parametrize(
    "origin", ["http://panel.lab.example", "https://evil.example", "https://panel.lab.example:8443"]
)
def test_an_answer_that_was_given_on_another_page_is_refused(door: Door, origin: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be kept: unexpected client data origin"):
        door.add(Authenticator(), origin=origin)
    key = Authenticator()
    door.add(key)
    with pytest.raises(NotSignedIn, match="not accepted: unexpected client data origin"):
        door.sign_in(key, origin=origin)


def test_whoever_holds_the_device_has_to_prove_it(door: Door) -> None:
    with pytest.raises(InvalidInput, match="user was not verified"):
        door.add(Authenticator(verifies=False))
    key = Authenticator()
    door.add(key)
    key.verifies = False
    with pytest.raises(NotSignedIn, match="user was not verified"):
        door.sign_in(key)


def test_a_stranger_and_a_forger_are_not_let_in(door: Door) -> None:
    key = Authenticator()
    door.add(key)
    with pytest.raises(NotSignedIn, match="nobody here has this passkey"):
        door.sign_in(Authenticator())
    with pytest.raises(NotSignedIn, match="could not verify authentication signature"):
        door.sign_in(Authenticator(credential=key.credential, count=5))


def test_what_is_no_answer_is_refused_in_a_sentence(door: Door) -> None:
    key = Authenticator()
    door.add(key)
    whole = json.loads(key.get({"rpId": "panel.lab.example", "challenge": "AAAA"}, ORIGIN))
    response = whole["response"]
    wrong = ["", "{", "null", "[]", "é" * 20_000, "[" * 16_000, '{"id": 1}', '{"id": "\\ud800"}']
    wrong += [json.dumps(whole | {"response": response | {name: value}})
              for name in response for value in ("", "AAAA", "====", "é", 7, None, [])]  # fmt: skip
    for answer in wrong:
        challenge, _ = door.passkeys.ask_who()
        with pytest.raises(FabError):
            door.passkeys.admit(answer, challenge)
        challenge, _ = door.passkeys.ask_new("Ada")
        with pytest.raises(InvalidInput):
            door.passkeys.add("Ada", "my key", answer, challenge, now=NOW)


@pytest.mark.parametrize("key", [{}, {1: 2}, {1: 2, 3: -7, -1: 1}, {1: 9, 3: -7}, {1: 2, 3: 0}])
def test_a_key_of_no_known_kind_is_not_kept(door: Door, key: dict[int, int]) -> None:
    with pytest.raises(InvalidInput, match="cannot be kept"):
        door.add(Authenticator(says=cbor2.dumps(key)))
    assert door.passkeys.operators.passkeys("Ada") == ()


def test_a_key_that_is_no_point_lets_nobody_in(door: Door) -> None:
    nowhere = Authenticator(says=cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)}))
    door.add(nowhere)
    with pytest.raises(NotSignedIn, match="no passkey's"):
        door.sign_in(nowhere)


def test_passkeys_stay_with_a_new_pin_and_go_with_their_operator(door: Door) -> None:
    key, operators = Authenticator(), door.passkeys.operators
    kept = door.add(key)
    came_in = operators.mark_of("Ada", kept.id)
    operators.add("Ada", "314159")
    assert door.sign_in(key) == "Ada"
    assert operators.mark_of("Ada", kept.id) != came_in  # whoever was in is out
    with pytest.raises(NotFound, match=f"no passkey 00000000: {kept.id}"):
        operators.remove_passkey("Ada", "00000000")
    operators.remove_passkey("Ada", kept.id)
    assert operators.mark_of("Ada", kept.id) is None
    door.add(key)
    operators.remove("Ada")
    operators.add("Ada", "271828")
    with pytest.raises(NotSignedIn, match="nobody here has this passkey"):
        door.sign_in(key)


def test_a_use_that_comes_after_the_removal_brings_nobody_back(door: Door) -> None:
    kept = door.add(Authenticator())
    door.passkeys.operators.remove_passkey("Ada", kept.id)
    with pytest.raises(NotFound, match="removed meanwhile"):
        door.passkeys.operators.count_use("Ada", kept, 1)
    door.passkeys.operators.remove("Ada")
    with pytest.raises(NotFound, match="no operator is called Ada"):
        door.passkeys.operators.count_use("Ada", kept, 1)
    assert door.passkeys.operators.names() == []


def test_a_passkey_is_one_persons_has_a_name_and_there_are_not_too_many(door: Door) -> None:
    key = Authenticator()
    door.add(key)
    door.passkeys.operators.add("Bob", "314159")
    with pytest.raises(Conflict, match="is here already"):
        door.add(key, "Bob")
    for label in ("", " ", "x" * 41, "two\nlines"):
        with pytest.raises(InvalidInput, match="1 to 40 letters"):
            door.passkeys.add("Ada", label, "{}", b"", now=NOW)
    for _ in range(MOST_PASSKEYS - 1):
        door.add(Authenticator())
    with pytest.raises(Conflict, match="has 10 passkeys already"):
        door.add(Authenticator())


@pytest.mark.parametrize(("origin", "written"), [
    (None, "http://localhost:8090"), ("https://Panel.lab.example/", ORIGIN),
    ("https://panel.lab.example:443", ORIGIN), ("http://localhost", "http://localhost"),
])  # fmt: skip
def test_passkeys_work_at_one_origin(origin: str | None, written: str) -> None:
    assert PanelSettings(origin=origin).passkey_origin == written


@pytest.mark.parametrize(("origin", "words"), [
    ("http://panel.lab.example", "over https alone"), ("https://192.168.1.7", "no IP address"),
    ("https://[::1]", "no origin"), ("panel.lab.example", "no origin"),
    ("https://panel.lab.example/panel", "no path behind"), ("https://a@b", "no origin"),
    ("https://panel.lab.example:99999", "Port out of range"),
])  # fmt: skip
def test_an_origin_where_no_passkey_works_is_refused(origin: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PanelSettings(origin=origin)
