"""`cosmo agent add` and `doctor` against a real OctoPrint (1.11.8) and Moonraker (0.11.0)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cosmo.__main__ import cli
from cosmo.octoprint_host import OctoPrintHost
from fab_agent.hosts import look_at, report_of
from fab_agent.settings import MachineSettings, read_settings

pytestmark = pytest.mark.slow
NOTHING_MORE = "\n" * 13


def agent(*words: str | Path, typed: str = "") -> tuple[int, str]:
    """Exit code, and what was said or raised, in one line."""
    done = CliRunner().invoke(cli, ["agent", *map(str, words)], input=typed)
    raised = "" if isinstance(done.exception, SystemExit | None) else str(done.exception)
    return done.exit_code, " ".join((done.output + raised).split())


@contextmanager
def somebody_decides(host: OctoPrintHost, *, allow: bool) -> Iterator[None]:
    """A person at OctoPrint's page, who answers the first request for a key."""
    over = threading.Event()

    def decide() -> None:
        with httpx.Client(base_url=host.url, headers={"X-Api-Key": host.key}) as client:
            while not over.wait(0.1):
                for token in client.get("/api/plugin/appkeys").json()["pending"]:
                    client.post(f"/plugin/appkeys/decision/{token}", json={"decision": allow})
                    return

    person = threading.Thread(target=decide)
    person.start()
    try:
        yield
    finally:
        over.set()
        person.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "agent.toml"


@pytest.fixture
def host(octoprint: tuple[OctoPrintHost, Path]) -> OctoPrintHost:
    return octoprint[0]


def only_machine(config: Path) -> MachineSettings:
    (machine,) = read_settings(config).machines
    return machine


def test_an_octoprint_gives_a_key_of_its_own_when_somebody_allows_it(
    host: OctoPrintHost, config: Path
) -> None:
    with somebody_decides(host, allow=True):
        typed = "y\nhttps://cosmo.example\nBench\nCorner printer" + NOTHING_MORE
        code, said = agent("add", "--config", config, "--url", host.url, typed=typed)
    assert code == 0, said
    assert f"open {host.url}/plugin/appkeys/auth/" in said
    machine = only_machine(config)
    assert (machine.name, machine.driver, machine.url) == ("Corner printer", "octoprint", host.url)
    assert machine.simulated  # its own virtual printer
    assert machine.attended_only
    key_file = config.parent / "corner-printer.key"
    assert machine.key_file == key_file
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert 'key_file = "corner-printer.key"' in config.read_text()
    assert key_file.read_text().strip() != host.key
    assert key_file.read_text().strip() not in said
    code, said = agent("doctor", "--config", config)
    assert f"ok Corner printer: OctoPrint 1.11.8 answers at {host.url}" in said
    assert "ok Corner printer: its key is accepted and may print" in said
    assert "ok Corner printer: its printer is connected (Operational)" in said


def test_a_key_that_somebody_refuses_writes_nothing(host: OctoPrintHost, config: Path) -> None:
    with somebody_decides(host, allow=False):
        code, said = agent("add", "--config", config, "--url", host.url, typed="y\n")
    assert code == 1
    assert "gave no key: somebody refused it there" in said
    assert list(config.parent.iterdir()) == []


def test_without_questions_an_octoprint_needs_a_key_file(host: OctoPrintHost, config: Path) -> None:
    code, said = agent("add", "--config", config, "--url", host.url, "--yes")
    assert code == 1
    assert "wants a key: give a file with one by --key-file, or run this without --yes" in said
    key_file = config.parent / "given.key"
    key_file.write_text(host.key)
    words = ["--url", host.url, "--yes", "--key-file", key_file]
    code, said = agent("add", "--config", config, *words)
    assert code == 0, said
    assert only_machine(config).key_file == key_file
    assert only_machine(config).envelope.x_max_mm == 200


def test_a_wrong_key_is_said_before_anything_is_asked(host: OctoPrintHost, config: Path) -> None:
    key_file = config.parent / "given.key"
    key_file.write_text("wrong")
    words = ["--url", host.url, "--yes", "--key-file", key_file]
    code, said = agent("add", "--config", config, *words)
    assert (code, config.exists()) == (1, False)
    assert f"{host.url} refuses the key: it is wrong or was revoked" in said


def test_a_moonraker_is_added_with_what_klipper_knows(printer: Any, config: Path) -> None:
    host = printer.host
    code, said = agent("add", "--config", config, "--url", host.url, "--yes")
    assert code == 1
    assert f"Moonraker at {host.url} wants a key: give a file with one by --key-file" in said
    code, said = agent(
        "add", "--config", config, "--url", host.url, typed=f"{host.key}\n\n\nK" + NOTHING_MORE
    )
    assert code == 0, said
    assert host.key not in said
    machine = only_machine(config)
    assert (machine.name, machine.driver, machine.url) == ("K", "moonraker", host.url)
    assert machine.key_file == config.parent / "k.key"
    assert machine.simulated
    assert "x_max_mm" in config.read_text()
    assert "# from Klipper's printer.cfg" in config.read_text()
    code, said = agent("doctor", "--config", config)
    assert "Moonraker 0.11.0" in said
    assert f"answers at {host.url}" in said
    assert "ok K: its key is accepted and may print" in said
    assert "ok K: its printer is connected (Klipper is ready)" in said


def test_both_hosts_tell_how_much_room_they_have(host: OctoPrintHost, printer: Any) -> None:
    octoprint = report_of(look_at(host.url), host.key)
    assert octoprint.room_bytes
    moonraker = report_of(look_at(printer.host.url), printer.host.key)
    assert moonraker.room_bytes
    assert moonraker.upload_bytes
