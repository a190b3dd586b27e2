"""What a real OctoPrint is refused, and what is said when it goes wrong or goes away.

Seen on OctoPrint 1.11.8 with its own virtual printer, 2026-11-22.
"""

import httpx
import pytest

from commons.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from commons.machine import Driver, Process
from fab_agent.machines import DRIVERS, octoprint_channel
from fab_agent.machines.driver import Control, Evidence, Message, Outcome, Progress
from fab_agent.machines.handed_over import job_name
from fab_agent.machines.octoprint import OctoPrintDriver
from fab_agent.machines.octoprint_channel import PushChannel
from fab_agent.machines.octoprint_client import OctoPrintClient, Version, check_version
from fab_agent.machines.transport import HostConnection, SerialConnection

pytestmark = pytest.mark.slow


def nobody():
    return None


@pytest.fixture
def client(octoprint):
    host, _ = octoprint
    opened = OctoPrintClient(HostConnection(host.url, host.key))
    yield opened
    opened.close()


def test_a_wrong_key_is_named(octoprint):
    host, _ = octoprint
    driver = OctoPrintDriver(OctoPrintClient(HostConnection(host.url, "wrong")))
    with pytest.raises(NotAllowed, match="refuses the key"):
        driver.ready()
    driver.close()


def test_a_host_that_is_not_there_is_named():
    driver = OctoPrintDriver(OctoPrintClient(HostConnection("http://127.0.0.1:9", "key")))
    with pytest.raises(TransportLost, match=r"127\.0\.0\.1:9 does not answer"):
        driver.ready()
    driver.make_safe()
    driver.close()


def test_a_busy_printer_is_left_alone(octoprint_rig, client, program, person):
    """The other print goes on to its end: it is neither replaced nor cancelled."""
    mine = program(octoprint_rig.lines)
    client.upload(mine.path, "someone-elses.gcode")
    client.start("someone-elses.gcode")
    driver = OctoPrintDriver(client)
    with pytest.raises(Unavailable, match="not free"):
        driver.run(mine, attempt="busy", report=lambda _: None, controls=nobody)
    driver.make_safe()
    assert client.job().job.file.path == "someone-elses.gcode"
    assert client.printer().state.flags.busy
    client.cancel()
    while client.printer().state.flags.busy:
        pass


class TakenMeanwhile(OctoPrintClient):
    """A host at which somebody starts a print of her own while ours is uploaded."""

    def upload(self, path, name):
        super().upload(path, name)
        super().upload(path, "hers.gcode")
        self.start("hers.gcode")


def test_a_printer_that_was_taken_during_the_upload_is_left_to_the_other_print(
    octoprint_rig, octoprint, program
):
    host, _ = octoprint
    client = TakenMeanwhile(HostConnection(host.url, host.key))
    driver, mine = OctoPrintDriver(client), program(octoprint_rig.lines)
    with pytest.raises(Unavailable, match="is printing; look at its page"):
        driver.run(mine, attempt="too late", report=lambda _: None, controls=nobody)
    assert client.job().job.file.path == "hers.gcode"
    assert client.printer().state.flags.busy
    client.cancel()
    while client.printer().state.flags.busy:
        pass
    driver.close()


def test_an_upload_that_asks_for_a_print_at_a_busy_printer_prints_nothing(
    octoprint_rig, client, program
):
    """Why nothing here asks for that: OctoPrint 1.11.8 answers 201, and says no in a field."""
    mine = program(octoprint_rig.lines)
    client.upload(mine.path, "under-way.gcode")
    client.start("under-way.gcode")
    with mine.path.open("rb") as opened:
        answer = client._request(
            "POST",
            "/api/files/local",
            files={"file": ("asked.gcode", opened)},
            data={"print": "true"},
        )
    assert (answer.status_code, answer.json()["effectivePrint"]) == (201, False)
    client.cancel()
    while client.printer().state.flags.busy:
        pass


def test_an_attempt_is_never_started_twice(octoprint_rig, client, program):
    driver, written = OctoPrintDriver(client), program(octoprint_rig.lines)
    end = driver.run(written, attempt="once", report=lambda _: None, controls=nobody)
    assert end.outcome is Outcome.FINISHED
    assert driver.evidence("once", written.sha256) is Evidence.FINISHED
    with pytest.raises(Conflict, match="has had its start"):
        driver.run(written, attempt="once", report=lambda _: None, controls=nobody)
    assert octoprint_rig.executed() == octoprint_rig.lines


def test_evidence_of_a_stopped_print_is_that_it_was_stopped(octoprint_rig, client, program, person):
    driver, written = OctoPrintDriver(client), program(octoprint_rig.lines)
    somebody = person((Progress, Control.ABORT))
    driver.run(written, attempt="stopped", report=somebody.report, controls=somebody.controls)
    assert driver.evidence("stopped", written.sha256) is Evidence.STOPPED


def test_a_print_that_a_person_cancels_at_octoprint_has_been_aborted(
    octoprint_rig, client, program
):
    def cancel(event):
        if isinstance(event, Progress) and 0 < event.lines_done < event.line_count:
            client.cancel()

    driver = OctoPrintDriver(client)
    written = program(octoprint_rig.lines)
    end = driver.run(written, attempt="cancelled", report=cancel, controls=nobody)
    assert end.outcome is Outcome.ABORTED


class DeafToCancel(OctoPrintClient):
    """A host that accepts a cancel and prints on."""

    def cancel(self):
        pass


def test_an_abort_that_has_no_effect_is_not_called_one(
    octoprint_rig, octoprint, client, program, person, monkeypatch
):
    monkeypatch.setattr("fab_agent.machines.octoprint.STOP_S", 0.5)
    host, _ = octoprint
    deaf, somebody = (
        DeafToCancel(HostConnection(host.url, host.key)),
        person((Progress, Control.ABORT)),
    )
    with pytest.raises(TransportLost, match="stop the printer by its own switch"):
        OctoPrintDriver(deaf).run(
            program(octoprint_rig.lines),
            attempt="deaf",
            report=somebody.report,
            controls=somebody.controls,
        )
    deaf.close()
    client.cancel()
    while client.printer().state.flags.busy:
        pass


def test_a_print_that_is_found_again_after_a_restart_of_the_agent_can_be_stopped(
    octoprint_rig, client, program
):
    mine = program(octoprint_rig.lines)
    client.upload(mine.path, job_name("found", mine.sha256))
    client.start(job_name("found", mine.sha256))
    driver = OctoPrintDriver(client)
    assert driver.evidence("found", mine.sha256) is Evidence.STILL_RUNNING
    driver.make_safe()
    assert not client.printer().state.flags.busy
    assert driver.evidence("found", mine.sha256) is Evidence.STOPPED


class OtherBytes(OctoPrintClient):
    """A host whose disk keeps less than it was given."""

    def upload(self, path, name):
        cut = path.with_suffix(".cut")
        cut.write_bytes(path.read_bytes()[:-1])
        super().upload(cut, name)


def test_a_file_that_arrived_damaged_is_not_started(octoprint_rig, octoprint, program):
    host, _ = octoprint
    client = OtherBytes(HostConnection(host.url, host.key))
    with pytest.raises(ProtocolViolation, match="nothing was started"):
        OctoPrintDriver(client).run(
            program(octoprint_rig.lines), attempt="cut", report=lambda _: None, controls=nobody
        )
    client.close()
    assert octoprint_rig.executed() == []


class WithoutPush(OctoPrintClient):
    """A host whose push channel cannot be had, behind a proxy that knows no WebSocket."""

    def session(self):
        raise TransportLost("no WebSocket here")


def test_without_a_push_channel_the_job_is_polled(octoprint_rig, octoprint, program):
    host, _ = octoprint
    client, events = WithoutPush(HostConnection(host.url, host.key)), []
    end = OctoPrintDriver(client).run(
        program(octoprint_rig.lines), attempt="polled", report=events.append, controls=nobody
    )
    client.close()
    assert end.outcome is Outcome.FINISHED
    assert octoprint_rig.executed() == octoprint_rig.lines
    assert not [event for event in events if isinstance(event, Message)]


def test_a_push_channel_that_breaks_is_opened_again(octoprint, octoprint_rig, program, monkeypatch):
    host, _ = octoprint
    opened = []

    class Breaking(PushChannel):
        """The first one breaks after three messages, as one behind a restarted proxy."""

        def receive(self, timeout):
            opened.append(self) if self not in opened else None
            self.heard = getattr(self, "heard", 0) + 1
            if self is opened[0] and self.heard > 3:
                raise TransportLost("the proxy was restarted")
            return super().receive(timeout)

    monkeypatch.setattr(octoprint_channel, "PushChannel", Breaking)
    monkeypatch.setattr(octoprint_channel, "REOPEN_S", 0.0)
    client = OctoPrintClient(HostConnection(host.url, host.key))
    end = OctoPrintDriver(client).run(
        program(octoprint_rig.lines), attempt="reopened", report=lambda _: None, controls=nobody
    )
    client.close()
    assert end.outcome is Outcome.FINISHED
    assert len(opened) == 2
    assert opened[1].heard > 3


def test_the_firmware_behind_the_host_is_named_and_one_that_says_no_guard_is_attended(client):
    identity = OctoPrintDriver(client).identify()
    assert identity.firmware == "OctoPrint 1.11.8"
    assert "FIRMWARE_NAME:Virtual Marlin 1.0" in identity.details[0]
    assert identity.guarded is None
    with pytest.raises(Unavailable, match="set attended_only = true"):
        OctoPrintDriver(client, unattended=True).ready()


def test_what_the_host_asks_by_itself_is_no_part_of_the_firmwares_answer():
    answer = ["FIRMWARE_NAME:Marlin 2.1", "Cap:EEPROM:1"]
    said = ["Not SD printing", "ok", *answer]
    assert octoprint_channel.answer_to_m115(said) == []
    assert octoprint_channel.answer_to_m115([*said, "ok P15", "T:20 /0", "ok"]) == answer


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (Version(server="1.3.12", text="OctoPrint 1.3.12"), r"is too old: update it to 1\.4"),
        (Version(server="?", text="OctoPrint ?"), "is too old"),
        (Version(server="2.1.2", text="PrusaLink"), "is 'PrusaLink', not an OctoPrint"),
        (Version(), "is 'nameless', not an OctoPrint"),
        (
            Version(server="1.5.0", text="OctoPrint (Moonraker v0.9.3)"),
            'set driver = "moonraker"',
        ),
    ],
)
def test_another_version_or_another_host_is_named(told, sentence):
    with pytest.raises(Unavailable, match=sentence):
        check_version(told, "http://octopi.local")


@pytest.mark.parametrize("status", [400, 413])
def test_a_program_that_is_too_large_for_the_host_is_named(program, status):
    client = OctoPrintClient(HostConnection("http://octopi.local", "key"))
    refusing = httpx.MockTransport(lambda _: httpx.Response(status))
    client._http = httpx.Client(transport=refusing, base_url="http://octopi.local")
    with pytest.raises(Unavailable, match=r"program of 0 MB: raise its server\.uploads\.maxSize"):
        client.upload(program(["G28"]).path, "large.gcode")


def test_a_host_killed_in_mid_print_leaves_an_unknown_outcome(new_host, octoprint_rig, program):
    host = new_host()
    client = OctoPrintClient(HostConnection(host.url, host.key))
    driver, written = OctoPrintDriver(client, patience_s=1.5), program(octoprint_rig.lines)

    def kill(event):
        if isinstance(event, Progress) and event.lines_done:
            host.process.kill()

    with host, pytest.raises(TransportLost, match="how the print ended is not known"):
        driver.run(written, attempt="killed", report=kill, controls=nobody)
    driver.make_safe()
    driver.close()


def test_a_host_restarted_in_mid_print_is_not_started_a_second_time(
    new_host, octoprint_rig, program
):
    hosts = [new_host()]
    client = OctoPrintClient(HostConnection(hosts[0].url, hosts[0].key))
    driver, written = OctoPrintDriver(client, record_s=1.0), program(octoprint_rig.lines)

    def restart(event):
        if isinstance(event, Progress) and event.lines_done and len(hosts) == 1:
            hosts[0].process.kill()
            hosts[0].process.wait()
            hosts.append(new_host())

    with pytest.raises(TransportLost, match="no record of its end: was it restarted"):
        driver.run(written, attempt="restarted", report=restart, controls=nobody)
    assert client.job().job.file.path is None
    assert driver.evidence("restarted", written.sha256) is Evidence.UNKNOWN
    driver.close()
    for host in hosts:
        host.stop()


@pytest.mark.parametrize("kind", list(Driver))
def test_a_connection_of_the_wrong_kind_is_refused_by_name(kind, profile):
    serial, hosted = SerialConnection("/dev/null"), HostConnection("http://127.0.0.1:9", "")
    wrong = serial if kind.hosted else hosted
    with pytest.raises(InvalidInput, match="machine bench needs"):
        DRIVERS[kind](wrong, profile(kind, Process.FDM))


def test_a_file_name_says_which_attempt_and_which_program():
    assert job_name("lab/7 b", "0123456789abcdef") == "alab-7-b-01234567.gcode"
