"""The client against real HTTP: signatures, answers and errors, and transfers that break."""

import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from commons.dispatch import FENCE_STEP
from commons.errors import Conflict, InvalidInput, NotArmed, NotFound, Unavailable
from commons.job import JobState
from commons.machine import Driver, Envelope, MachineProfile, PrintLimits, Process
from commons.wire import ArmRequest, Enrolment, SyncRequest
from fab_agent.cache import Cache
from fab_agent.identity import load_identity
from fab_agent.repository import Repository, introduce, new_client
from fab_agent.settings import parse_settings
from fab_agent.settings_text import write_example
from fab_agent.supervisor import enrol
from tests.fake_repository import CODE, MACHINE, FakeRepository, enrolled, served

PROGRAM = "ab" * 32
DATA = bytes(range(256)) * 4096
PROFILE = MachineProfile(
    name="Ender",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
    max_feed_mm_s=150,
    max_feed_z_mm_s=10,
    materials=("pla",),
    fdm=PrintLimits(),
)


class Waits(list[float]):
    """A sleep that only takes note."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def server() -> FakeRepository:
    return FakeRepository(file=DATA)


@pytest.fixture
def url(server: FakeRepository) -> Iterator[str]:
    with served(server) as address:
        yield address


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(server: FakeRepository, url: str, waits: Waits, tmp_path: Path) -> Iterator[Repository]:
    with closing(new_client()) as http:
        yield Repository(enrolled(server, tmp_path, url), http, sleep=waits)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache", max_bytes=10**9) as cache:
        yield cache


def fetch(client: Repository, cache: Cache, data: bytes = DATA) -> Path:
    return client.fetch(
        sha256(data).hexdigest(), len(data), cache=cache, progress=lambda done, total: None
    )


def test_a_lease_asked_for_twice_is_the_same(client: Repository) -> None:
    first, second = client.lease(MACHINE), client.lease(MACHINE)
    assert first is not None
    assert second is not None
    assert (
        (first.attempt_id, first.fence) == (second.attempt_id, second.fence) == ("a1", FENCE_STEP)
    )


def test_no_work_is_none(client: Repository, server: FakeRepository) -> None:
    server.jobs_left = 0
    assert client.lease(MACHINE) is None


def test_refusals_have_their_own_types(client: Repository, server: FakeRepository) -> None:
    client.lease(MACHINE)
    server.job = replace(server.job, state=JobState.STAGED)
    ask = ArmRequest(attempt_id="a1", fence=FENCE_STEP, program_sha256=PROGRAM)
    with pytest.raises(NotArmed, match="confirm that its bed is clear") as caught:
        client.arm(ask)
    assert caught.value.reason == "bed_not_clear"
    with pytest.raises(Conflict, match="no longer holds this job"):
        client.arm(ArmRequest(attempt_id="a0", fence=FENCE_STEP, program_sha256=PROGRAM))


def test_a_server_that_is_down_is_one_clear_sentence_after_three_tries(
    client: Repository, server: FakeRepository, waits: Waits
) -> None:
    server.set_down(True)
    with pytest.raises(Unavailable, match=r"does not answer .*is the server running"):
        client.lease(MACHINE)
    assert len(waits) == 2
    assert waits[0] < waits[1]


def test_a_heartbeat_and_a_permit_are_tried_once_by_those_who_watch_the_clock(
    client: Repository, server: FakeRepository, waits: Waits
) -> None:
    server.set_down(True)
    with pytest.raises(Unavailable):
        client.sync(SyncRequest(boot="b"))
    with pytest.raises(Unavailable):
        client.arm(ArmRequest(attempt_id="a1", fence=1, program_sha256=PROGRAM))
    assert waits == []


def test_an_address_that_is_no_repository_is_named(url: str) -> None:
    with closing(new_client()) as http, pytest.raises(Unavailable, match="address of a repository"):
        introduce(http, f"{url}/elsewhere", enrolment(CODE))


def enrolment(code: str) -> Enrolment:
    return Enrolment(code=code, name="Bench", public_key="ab" * 32, machines=(PROFILE,))


def test_a_file_comes_once_and_is_then_at_hand(
    client: Repository, cache: Cache, server: FakeRepository
) -> None:
    assert fetch(client, cache).read_bytes() == DATA
    assert fetch(client, cache).read_bytes() == DATA
    assert server.ranges == [None]


def test_a_broken_transfer_goes_on_where_it_stopped(
    client: Repository, cache: Cache, server: FakeRepository
) -> None:
    server.blob_cuts = [600_000, 400_000]
    assert fetch(client, cache).read_bytes() == DATA
    assert [r for r in server.ranges if r] == sorted({r for r in server.ranges if r})
    assert len(server.ranges) == 3


def test_a_transfer_that_never_moves_is_given_up(
    client: Repository, cache: Cache, server: FakeRepository
) -> None:
    server.blob_cuts = [0] * 10
    with pytest.raises(Unavailable, match="does not answer"):
        fetch(client, cache)
    assert len(server.ranges) == 3


def test_a_file_that_arrives_altered_is_refused(
    client: Repository, cache: Cache, server: FakeRepository
) -> None:
    server.file = DATA[:-1] + b"!"
    with pytest.raises(Unavailable, match="arrived damaged"):
        fetch(client, cache)


def test_a_file_larger_than_was_said_is_stopped(
    client: Repository, cache: Cache, server: FakeRepository
) -> None:
    server.file = DATA + b"more"
    with pytest.raises(Unavailable, match="is larger than its"):
        fetch(client, cache)


AGENT_TOML = """
[repository]
url = "{url}"
[agent]
name = "Bench"
data = "agent"
[[machine]]
name = "Ender"
process = "fdm"
driver = "marlin"
port = "/dev/ttyUSB0"
materials = ["pla"]
max_feed_mm_s = 150
max_feed_z_mm_s = 10
envelope = {{ x_max_mm = 220, y_max_mm = 220, z_max_mm = 250 }}
fdm = {{}}
"""


def test_enrolling_leaves_a_key_that_only_its_owner_can_read(url: str, tmp_path: Path) -> None:
    settings = parse_settings(AGENT_TOML.format(url=url), folder=tmp_path)
    told = enrol(settings, CODE)
    assert told.fingerprint == "0000-1111"
    path = tmp_path / "agent" / "identity.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    identity = load_identity(tmp_path / "agent", url=url)
    with closing(new_client()) as http:
        assert Repository(identity, http).lease(identity.machine_id("Ender")) is not None


def test_a_wrong_code_leaves_an_earlier_enrolment_as_it_was(url: str, tmp_path: Path) -> None:
    settings = parse_settings(AGENT_TOML.format(url=url), folder=tmp_path)
    enrol(settings, CODE)
    before = (tmp_path / "agent" / "identity.json").read_bytes()
    with pytest.raises(NotFound, match="this code is wrong or over"):
        enrol(settings, "WRONGCODE")
    assert (tmp_path / "agent" / "identity.json").read_bytes() == before


@pytest.mark.parametrize("damage", ["others can read", "elsewhere", "damaged", "absent"])
def test_an_identity_that_cannot_be_used_says_why(url: str, tmp_path: Path, damage: str) -> None:
    enrolled(FakeRepository(), tmp_path, url)
    path = tmp_path / "identity.json"
    sentences = {
        "others can read": "chmod 600",
        "elsewhere": "is enrolled with http",
        "damaged": "enrol this agent again",
        "absent": "is not enrolled",
    }
    if damage == "others can read":
        path.chmod(0o644)
    elif damage == "damaged":
        path.write_text("{")
    elif damage == "absent":
        path.unlink()
    with pytest.raises(InvalidInput, match=sentences[damage]):
        load_identity(tmp_path, url="http://other" if damage == "elsewhere" else url)


def test_a_machine_that_was_added_later_must_be_enrolled(url: str, tmp_path: Path) -> None:
    identity = enrolled(FakeRepository(), tmp_path, url)
    with pytest.raises(InvalidInput, match=r"machine Router .* not enrolled: ask a manager"):
        identity.machine_id("Router")


def test_an_example_is_written_once(tmp_path: Path) -> None:
    write_example(tmp_path / "agent.toml")
    with pytest.raises(InvalidInput, match="is there already"):
        write_example(tmp_path / "agent.toml")
