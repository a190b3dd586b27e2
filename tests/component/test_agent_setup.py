"""`cosmo agent add` and `doctor` as a technician types them, with machines made of memory."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from serial.tools.list_ports_common import ListPortInfo

from commons.errors import Unavailable
from commons.machine import Driver
from commons.wire import Enrolled, EnrolledMachine
from cosmo.__main__ import cli
from fab_agent.examination import keep_told
from fab_agent.finding import FoundBoard
from fab_agent.firmware_facts import Firmware
from fab_agent.hosts import Host
from fab_agent.identity import keep_identity
from fab_agent.journal import Journal
from fab_agent.machines import ports
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import served
from fab_agent.machines.transport import SerialConnection
from fab_agent.settings import MachineSettings, read_settings

pytestmark = pytest.mark.slow
NOWHERE = "http://127.0.0.1:9"
Answer = tuple[int, str]


def agent(*words: str | Path, typed: str = "") -> Answer:
    """Exit code, and what was said or raised, in one line."""
    done = CliRunner().invoke(cli, ["agent", *map(str, words)], input=typed)
    raised = "" if isinstance(done.exception, SystemExit | None) else str(done.exception)
    return done.exit_code, " ".join((done.output + raised).split())


@contextmanager
def printer(**knobs: bool) -> Iterator[tuple[str, SimulatedMarlin]]:
    machine = SimulatedMarlin(MarlinKnobs(**knobs))
    with served(machine) as (port, _):
        yield port, machine


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "agent.toml"


def added(config: Path, *words: str) -> MachineSettings:
    """The last machine, after adding it without a question."""
    code, said = agent("add", "--config", config, "--yes", *words)
    assert code == 0, said
    return read_settings(config).machines[-1]


def test_a_simulated_printer_is_added_without_a_question(config: Path) -> None:
    with printer() as (port, machine):
        found = added(config, "--port", port, "--server", "https://cosmo.example")
        assert machine.executed == []
    assert (found.name, found.driver, found.port, found.baud) == (
        "printer-1",
        "marlin",
        port,
        115200,
    )
    assert found.simulated
    assert found.attended_only
    assert read_settings(config).repository.url == "https://cosmo.example"
    text = config.read_text()
    assert "# Added by 'cosmo agent add': Marlin 2.1.2 (simulated)\n[[machine]]" in text
    assert "nozzle_mm = 0.4  # a guess: check it" in text


def test_a_printer_whose_kind_is_named_is_added_as_that_kind_is(config: Path) -> None:
    with printer() as (port, _):
        found = added(config, "--port", port, "--set", "model=prusa-mk3s")
    assert (found.model, found.envelope.y_min_mm, found.materials) == (
        "prusa-mk3s",
        -4,
        ("pla", "petg", "tpu"),
    )
    assert found.fdm is not None
    assert found.fdm.hotend_max_c == 300
    assert "hotend_max_c = 300  # usual for its kind: check it" in config.read_text()


def test_a_simulated_router_is_added_with_what_its_controller_tells(config: Path) -> None:
    with served(SimulatedGrbl(GrblKnobs())) as (port, _):
        found = added(config, "--port", port)
    assert (found.name, found.driver, found.simulated) == ("router-1", "grbl", True)
    assert found.cnc is not None
    assert "# A router is never left alone.\nattended_only = true" in config.read_text()


@pytest.mark.parametrize("ending", [b"\n", b"", b"\r\n# the end, as somebody left it"])
def test_what_stood_in_the_settings_stays_byte_for_byte(config: Path, ending: bytes) -> None:
    with printer() as (first, _), printer() as (second, _):
        added(config, "--port", first)
        before = config.read_bytes() + b"# \xc3\xa4rger\t " + ending
        config.write_bytes(before)
        config.chmod(0o640)
        assert added(config, "--port", second).name == "printer-2"
    assert config.read_bytes().startswith(before)
    assert config.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in config.parent.iterdir()] == ["agent.toml"]


def test_what_a_person_types_is_written_and_what_cannot_be_is_asked_again(config: Path) -> None:
    typed = ["y", "https://cosmo.example", "Corner", "Ender", "", "235", "", "", "40", "0.6", "260",
             "", "pla, plywood", "pla", "", "", "350", "n"]  # fmt: skip
    with printer() as (port, _):
        code, said = agent("add", "--config", config, "--port", port, typed="\n".join(typed) + "\n")
    assert code == 0, said
    assert "Opening a port restarts most boards" in said
    assert "40 mm cannot be: write 0.05 to 5 mm" in said
    assert "'plywood' is no material for it; known are pla, petg" in said
    (found,) = read_settings(config).machines
    assert read_settings(config).agent.name == "Corner"
    assert (found.name, found.envelope.x_max_mm, found.materials) == ("Ender", 235, ("pla",))
    assert (found.fdm and found.fdm.nozzle_mm, found.rated_power_w) == (0.6, 350)
    assert not found.attended_only
    assert "x_max_mm = 235\n" in config.read_text()


def test_a_printer_that_does_not_guard_its_heaters_is_attended_and_nobody_is_asked(
    config: Path,
) -> None:
    with printer(thermal_protection=False) as (port, _):
        typed = "y\n" + "\n" * 14
        code, said = agent("add", "--config", config, "--port", port, typed=typed)
    assert code == 0, said
    assert "guards against thermal runaway: no" in said
    assert "Must a person stay" not in said
    wanted = "# Its firmware does not guard against thermal runaway: a person stays.\n"
    assert f"{wanted}attended_only = true" in config.read_text()


def test_a_port_is_not_opened_before_a_person_says_so(config: Path) -> None:
    with printer() as (port, machine):
        heard: list[bytes] = []
        machine.feed = lambda data: heard.append(data) or b""  # type: ignore[method-assign,func-returns-value]
        code, said = agent("add", "--config", config, "--port", port, typed="n\n")
    assert (code, heard, config.exists()) == (1, [], False)
    assert said.endswith("nothing was opened; run this again when the machine is free")


@pytest.fixture
def held_by() -> Iterator[list[subprocess.Popen[bytes]]]:
    holders: list[subprocess.Popen[bytes]] = []
    yield holders
    for holder in holders:
        holder.kill()
        holder.communicate()


def hold(port: str, holders: "list[subprocess.Popen[bytes]]") -> int:
    """Another program has the port open; its process id."""
    script = f"import os; os.open({port!r}, os.O_RDWR | os.O_NOCTTY); print(flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holders.append(holder)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder.pid


def test_a_port_that_another_program_holds_is_named_with_that_program(
    config: Path, held_by: "list[subprocess.Popen[bytes]]"
) -> None:
    with printer() as (port, machine):
        pid = hold(port, held_by)
        code, said = agent("add", "--config", config, "--port", port)
        assert machine.executed == []
    assert code == 1
    assert "may be opened?" not in said
    assert f"port {port} is held by python" in said
    assert f"(process {pid}): close that program first" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "/dev/ttyNONE"],
         "there is no port /dev/ttyNONE: is the machine plugged in and switched on?"),
        (["--port", "/etc/passwd"],
         "/etc/passwd is no serial port: name one of /dev/serial/by-id"),
        (["--port", "/dev/x", "--url", "http://x"], "give --port or --url, not both"),
        (["--url", NOWHERE], f"{NOWHERE} does not answer (ConnectError): is the host switched on"),
        (["--url", "octopi"], "does not answer"),
        (["--set", "name"], "--set name has no value: write --set KEY=VALUE"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_one_sentence(
    config: Path, words: list[str], sentence: str
) -> None:
    code, said = agent("add", "--config", config, "--yes", *words)
    assert (code, config.exists()) == (1, False)
    assert sentence in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--driver", "grbl"],
         "this is a marlin machine (Marlin 2.1.2 (simulated)), and --driver says grbl"),
        (["--set", "nozle_mm=1"],
         "a machine has no 'nozle_mm' to be asked for; did you mean fdm.nozzle_mm?"),
        (["--set", "fdm.nozzle_mm=40"], "fdm.nozzle_mm: 40 mm cannot be: write 0.05 to 5 mm"),
        (["--set", "fdm.hotend_max_c=150"], "hotend_max_c (150) must be above extrude_min_c"),
    ],
)  # fmt: skip
def test_a_wrong_wish_writes_nothing(config: Path, words: list[str], sentence: str) -> None:
    with printer() as (port, _):
        code, said = agent("add", "--config", config, "--yes", "--port", port, *words)
    assert (code, config.exists()) == (1, False)
    assert sentence in said


def test_settings_that_are_wrong_are_mended_first_and_no_port_is_opened(config: Path) -> None:
    config.write_text("[repository]\nurl = 'https://x'\n[agent]\nname = 'A'\ndta = 'agent'\n")
    code, said = agent("add", "--config", config, "--port", "/dev/ttyNONE", "--yes")
    assert code == 1
    assert "agent.dta: unknown key; did you mean data?" in said


def test_settings_without_a_machine_get_their_first_one(config: Path) -> None:
    head = "[repository]\nurl = 'https://x.example'\n[agent]\nname = 'A'\ndata = 'agent'"
    config.write_text(head)
    with printer() as (port, _):
        added(config, "--port", port, "--set", "name=First")
    assert [machine.name for machine in read_settings(config).machines] == ["First"]


def test_a_machine_is_not_added_twice(config: Path, tmp_path: Path) -> None:
    with printer() as (port, _):
        added(config, "--port", port)
        other_name = tmp_path / "by-id"
        other_name.symlink_to(port)
        code, said = agent("add", "--config", config, "--yes", "--port", other_name)
    assert code == 1
    assert f"{other_name} belongs to machine printer-1 already: change it there" in said


PORTS = [
    ports.Port("/dev/serial/by-id/usb-Creality-if00", "/dev/ttyUSB0", "USB Serial"),
    ports.Port("/dev/ttyNONE0", "/dev/ttyNONE0", "Arduino Uno"),
]
HOSTS = [Host("http://octopi.local", Driver.OCTOPRINT, "", has_workflow=True)]


def around(monkeypatch: pytest.MonkeyPatch, found: list[ports.Port], hosts: list[Host]) -> None:
    """This computer has these ports, and these hosts answer; its own are none of the test's."""
    monkeypatch.setattr("fab_agent.machines.ports.list_serial_ports", lambda: found)
    monkeypatch.setattr("fab_agent.hosts.find_hosts", lambda: hosts)


def test_ports_and_hosts_are_listed_and_one_that_is_taken_cannot_be_chosen(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with printer() as (port, _):
        mine = ports.Port(port, port, "practice")
        added(config, "--port", port, "--set", "name=Practice")
        around(monkeypatch, [mine, *PORTS], HOSTS)
        code, said = agent("add", "--config", config, typed="2\n")
    assert code == 1
    assert f"- {port} practice (belongs to Practice)" in said
    assert "1 /dev/serial/by-id/usb-Creality-if00 USB Serial" in said
    assert "2 /dev/ttyNONE0 Arduino Uno" in said
    assert "3 http://octopi.local OctoPrint" in said
    assert "there is no port /dev/ttyNONE0" in said


@pytest.mark.parametrize(
    ("found", "hosts", "sentence"),
    [
        (PORTS, HOSTS, "several could be meant: name one by --port or --url"),
        ([], [], "no free machine was found: is it plugged in and switched on?"),
    ],
)
def test_without_questions_nothing_is_chosen_that_could_be_another(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    found: list[ports.Port],
    hosts: list[Host],
    sentence: str,
) -> None:
    around(monkeypatch, found, hosts)
    code, said = agent("add", "--config", config, "--yes")
    assert (code, config.exists()) == (1, False)
    assert sentence in said


def test_a_port_that_this_account_may_not_use_says_how_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Tests may run as root, who may open everything.
    monkeypatch.setattr("fab_agent.machines.ports.os.access", lambda *_: False)
    with printer() as (port, _), pytest.raises(Unavailable) as caught:
        ports.require_usable(port)
    assert str(caught.value).startswith(f"this account may not use {port}: ")
    assert ports.way_in("dialout", "oba", is_member=False) == (
        "run 'sudo usermod -aG dialout oba', then log out and in again"
    )
    assert "log out and in again" in ports.way_in("dialout", "oba", is_member=True)


def test_a_port_goes_by_the_name_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with printer() as (port, _):
        (tmp_path / "usb-Creality-if00").symlink_to(port)
        monkeypatch.setattr(ports, "BY_ID", tmp_path)
        plugged, bare = ListPortInfo(port), ListPortInfo("/dev/ttyS0")
        plugged.hwid, plugged.description = "USB VID:PID=1A86:7523", "USB Serial"
        monkeypatch.setattr(ports.list_ports, "comports", lambda: [bare, plugged])
        assert ports.list_serial_ports() == [
            ports.Port(str(tmp_path / "usb-Creality-if00"), port, "USB Serial")
        ]


# The doctor.


def enrolled(config: Path) -> Path:
    """As if the agent had enrolled; the folder of its first machine."""
    settings = read_settings(config)
    names = [machine.name for machine in settings.machines]
    ids = [EnrolledMachine(machine_id=f"m{i}", name=name) for i, name in enumerate(names)]
    answer = Enrolled(agent_id="a1", lab_id="l1", fingerprint="0", machines=tuple(ids))
    key = Ed25519PrivateKey.generate()
    keep_identity(settings.agent.data, answer, key, url=settings.repository.url)
    keep_told(settings)
    return settings.agent.data / "machines" / "m0"


def test_the_doctor_finds_a_printer_in_order_and_a_server_that_is_not_there(config: Path) -> None:
    with printer() as (port, machine):
        added(config, "--port", port, "--server", NOWHERE)
        enrolled(config)
        code, said = agent("doctor", "--config", config, "--yes")
        assert machine.executed == []
    assert code == 1
    assert f"problem the server at {NOWHERE} does not answer (ConnectError)" in said
    assert "ok printer-1 is enrolled" in said
    assert f"ok printer-1: Marlin 2.1.2 (simulated) answers on {port} at 115200 baud" in said
    assert "ok printer-1: its firmware guards against thermal runaway" in said
    assert "ok printer-1: it could start now" in said
    assert said.endswith("1 problem, 0 warnings")


def test_the_doctor_finds_a_router_in_order(config: Path) -> None:
    with served(SimulatedGrbl(GrblKnobs())) as (port, _):
        added(config, "--port", port)
        _, said = agent("doctor", "--config", config, "--yes")
    assert "problem router-1" not in said
    assert "warning router-1" not in said
    assert "ok router-1: its controller is set up as a router's should be, and is idle" in said


def test_the_doctor_says_what_is_set_up_wrongly_in_a_router(config: Path) -> None:
    with served(SimulatedGrbl(GrblKnobs(soft_limits=False, starts_locked=True))) as (port, _):
        added(config, "--port", port)
        code, said = agent("doctor", "--config", config, "--yes")
    assert code == 1
    assert "problem router-1: it does not guard its travel ($20=0): switch soft limits on" in said
    assert "warning router-1: it is in alarm, as after every restart: look at it, then home" in said


def test_the_doctor_names_what_was_changed_after_the_enrolment(config: Path) -> None:
    with printer() as (port, _):
        added(config, "--port", port)
        enrolled(config)
        config.write_text(re.sub(r"max_feed_mm_s = \d+", "max_feed_mm_s = 90", config.read_text()))
        _, said = agent("doctor", "--config", config)
    assert "warning printer-1 was changed after it was enrolled (max_feed_mm_s)" in said


def test_the_doctor_leaves_a_machine_alone_that_a_running_agent_drives(config: Path) -> None:
    with printer() as (port, machine):
        added(config, "--port", port)
        folder = enrolled(config)
        heard: list[bytes] = []
        machine.feed = lambda data: heard.append(data) or b""  # type: ignore[method-assign,func-returns-value]
        with closing(Journal(folder, machine_id="m0")):
            _, said = agent("doctor", "--config", config, "--yes")
    assert "ok printer-1: the agent is running and drives it: it is left alone" in said
    assert heard == []


def test_the_doctor_opens_no_port_when_nobody_is_there_to_allow_it(config: Path) -> None:
    with printer() as (port, machine):
        added(config, "--port", port)
        heard: list[bytes] = []
        machine.feed = lambda data: heard.append(data) or b""  # type: ignore[method-assign,func-returns-value]
        _, said = agent("doctor", "--config", config)
    assert f"warning printer-1: port {port} is there and free; it was not opened" in said
    assert heard == []


def test_the_doctor_says_that_another_machine_is_plugged_in_there(config: Path) -> None:
    with printer() as (port, _):
        added(config, "--port", port)
    with served(SimulatedGrbl(GrblKnobs())) as (other, _):
        config.write_text(config.read_text().replace(f'"{port}"', f'"{other}"'))
        code, said = agent("doctor", "--config", config, "--yes")
    assert code == 1
    assert (
        'and agent.toml says driver = "marlin": set driver = "grbl", or name its own port' in said
    )


def test_the_doctor_says_that_a_lonely_printer_does_not_guard_its_heaters(config: Path) -> None:
    with printer(thermal_protection=False) as (port, _):
        added(config, "--port", port)
        text = config.read_text()
        config.write_text(text.replace("attended_only = true", "attended_only = false"))
        code, said = agent("doctor", "--config", config, "--yes")
    assert code == 1
    assert (
        "printer-1: its firmware does not guard against thermal runaway, and attended_only" in said
    )


def test_the_doctor_names_who_holds_the_port(
    config: Path, held_by: "list[subprocess.Popen[bytes]]"
) -> None:
    with printer() as (port, _):
        added(config, "--port", port)
        pid = hold(port, held_by)
        code, said = agent("doctor", "--config", config, "--yes")
    assert code == 1
    assert f"problem printer-1: port {port} is held by" in said
    assert f"(process {pid})" in said


def test_the_doctor_says_that_a_machine_is_gone(config: Path) -> None:
    with printer() as (port, _):
        added(config, "--port", port)
    config.write_text(config.read_text().replace(f'"{port}"', '"/dev/ttyNONE"'))
    code, said = agent("doctor", "--config", config, "--yes")
    assert code == 1
    assert "problem printer-1: there is no port /dev/ttyNONE" in said


def test_the_doctor_lists_every_wrong_key_and_looks_no_further(config: Path) -> None:
    config.write_text("[repository]\nurl = 'x'\n[agent]\nname = 'A'\ndta = 'agent'\n")
    code, said = agent("doctor", "--config", config)
    assert code == 1
    assert "problem agent.toml, agent.dta: unknown key; did you mean data?" in said
    assert "problem agent.toml, repository.url: is not a web address" in said
    assert said.endswith("4 problems, 0 warnings")


def test_the_doctor_says_how_to_begin_where_there_are_no_settings(config: Path) -> None:
    code, said = agent("doctor", "--config", config)
    assert code == 1
    assert "write one with 'cosmo agent add'" in said


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (FoundBoard(SerialConnection("x", 250000), Firmware(Driver.MARLIN, "Marlin 2.1.2")),
         "it answers at 250000 baud, and agent.toml says 115200: set baud = 250000"),
        (FoundBoard(SerialConnection("x", 115200), Firmware(Driver.MARLIN, "Marlin", True)),
         "it is a real machine, for all that can be seen: remove simulated = true"),
        (FoundBoard(SerialConnection("x", 115200),
                    Firmware(Driver.MARLIN, "Marlin", True, simulated=True)),
         "it could start now"),
    ],
)  # fmt: skip
def test_the_doctor_compares_what_it_finds_with_the_settings(
    config: Path, monkeypatch: pytest.MonkeyPatch, found: FoundBoard, sentence: str
) -> None:
    # A pseudo-terminal has no speed, and what is behind it always says that it is simulated.
    monkeypatch.setattr("fab_agent.examination.probe_serial", lambda port, bauds: found)
    with printer() as (port, _):
        added(config, "--port", port)
        _, said = agent("doctor", "--config", config, "--yes")
    assert f"printer-1: {sentence}" in said
