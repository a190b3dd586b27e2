"""What a real Moonraker is refused, and what is said when it, or Klipper, goes wrong or goes away.

Compared in November 2026 with Moonraker 0.11.0 (API 1.5.0), which runs here, and with Klipper's
Status_Reference.md, API_Server.md and virtual_sdcard module, which the simulated Klipper follows.
"""

import resource
import threading
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from commons.errors import (
    Conflict,
    MachineFault,
    NotAllowed,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from fab_agent.machines import moonraker_channel
from fab_agent.machines.driver import Control, Evidence, Message, Outcome, Progress
from fab_agent.machines.handed_over import job_name
from fab_agent.machines.moonraker import MoonrakerDriver
from fab_agent.machines.moonraker_client import MoonrakerClient
from fab_agent.machines.transport import HostConnection

pytestmark = pytest.mark.slow
HEAD, HALF = 10, 400


def nobody():
    return None


def nothing(event):
    pass


@pytest.fixture
def client_at():
    """Opens clients, and closes them after the test."""
    with ExitStack() as stack:

        def open_(connection, kind=MoonrakerClient):
            return stack.enter_context(closing(kind(connection)))

        yield open_


@pytest.fixture
def client(client_at, printer):
    return client_at(printer.connection)


@pytest.fixture
def driver(client):
    return MoonrakerDriver(client)


@pytest.fixture
def unprintable(program):
    """A program of 3 MB, too large for the hosts below."""
    return program(["G1 X10.123 Y10.123 F6000"] * 125_000)


def once(act):
    """A report that does `act` at the first sign that the print is hot and moves."""
    left = [act]

    def report(event):
        if isinstance(event, Progress) and event.lines_done > HEAD and left:
            left.pop()()

    return report


# What is refused before anything starts.


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_or_missing_key_is_named(moonraker, client_at, key):
    with pytest.raises(NotAllowed, match="refuses the key"):
        MoonrakerDriver(client_at(HostConnection(moonraker.url, key))).ready()


def test_a_host_that_trusts_this_computer_needs_no_key(new_moonraker, klipper, client_at):
    with new_moonraker(with_key=False) as host, klipper(host) as printer:
        assert printer.connection.key == ""
        MoonrakerDriver(client_at(printer.connection)).ready()


def test_a_host_that_is_not_there_is_named():
    driver = MoonrakerDriver(MoonrakerClient(HostConnection("http://127.0.0.1:9")))
    with pytest.raises(TransportLost, match=r"127\.0\.0\.1:9 does not answer"):
        driver.ready()
    driver.make_safe()
    driver.close()


@pytest.mark.parametrize("answer", [(404, b"<html>"), (200, b"<html>"), (200, b'{"result": {}}')])
def test_another_kind_of_server_is_no_moonraker(client_at, answer):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answer[0])
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        connection = HostConnection(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(Unavailable, match="is not a Moonraker: check the url"):
            MoonrakerDriver(client_at(connection)).ready()
        server.shutdown()


def test_a_klipper_that_is_not_connected_is_named(moonraker, klipper, client_at, until):
    client = client_at(HostConnection(moonraker.url, moonraker.key))
    driver = MoonrakerDriver(client)
    with klipper(moonraker):
        pass
    until(lambda: client.server().klippy_state == "disconnected")
    with pytest.raises(Unavailable, match="Klipper is not connected"):
        driver.ready()
    with pytest.raises(TransportLost, match="cannot be asked now"):
        driver.evidence("never", "0" * 64)


@pytest.mark.parametrize(
    ("state", "knobs", "sentence"),
    [
        ("startup", {"starts_up_s": 1e9}, "is starting: wait"),
        ("error", {"never_ready": "Option 'pin' is not valid"}, "is in error: Option 'pin'"),
        ("ready", {"missing": ("pause_resume",)}, r"lacks \[pause_resume\]: add it to printer.cfg"),
    ],
)
def test_a_klipper_that_is_not_ready_is_told_by_its_state(
    moonraker, klipper, client_at, state, knobs, sentence
):
    with klipper(moonraker, state, **knobs) as printer:
        driver = MoonrakerDriver(client_at(printer.connection))
        with pytest.raises(Unavailable, match=sentence):
            driver.ready()


def test_a_klipper_that_has_shut_down_is_told_with_its_reason(driver, client, until):
    client.emergency_stop()
    until(lambda: client.server().klippy_state != "ready")
    with pytest.raises(Unavailable, match="is in shutdown: Shutdown due to webhooks request"):
        driver.ready()


def test_a_printer_that_is_moved_by_hand_is_left_alone(
    printer, driver, client, lines, program, until
):
    printer.klippy.order("G4 P1000000000", lambda _: None)
    until(lambda: client.printer().idle_timeout.state == "Printing")
    with pytest.raises(Unavailable, match="moved by hand"):
        driver.run(program(lines), attempt="by-hand", report=nothing, controls=nobody)
    assert printer.klippy.executed == []


def test_a_busy_printer_is_left_alone(printer, driver, client, lines, program, until):
    """The other print goes on to its end: it is neither replaced nor cancelled, even paused."""
    mine = program(lines)
    client.upload(mine.path, "someone-elses.gcode", mine.sha256)
    client.start("someone-elses.gcode")
    client.order("pause")
    with pytest.raises(Unavailable, match=r"not free: someone-elses\.gcode is paused"):
        driver.run(mine, attempt="busy", report=nothing, controls=nobody)
    driver.make_safe()
    assert client.printer().print_stats.state == "paused"
    client.order("resume")
    until(lambda: not client.printer().busy)
    assert printer.klippy.executed == lines


def test_a_queue_that_could_start_something_by_itself_is_refused(
    printer, driver, client, lines, program
):
    mine = program(lines)
    client.upload(mine.path, "waiting.gcode", mine.sha256)
    queue = f"{printer.host.url}/server/job_queue/job"
    httpx.post(queue, json={"filenames": ["waiting.gcode"]}, headers=client.headers)
    with pytest.raises(Unavailable, match="1 files wait in the job queue"):
        driver.run(mine, attempt="queue", report=nothing, controls=nobody)
    httpx.delete(queue, params={"all": "true"}, headers=client.headers)
    assert printer.klippy.executed == []


def test_a_full_disk_is_named(new_moonraker, klipper, client_at, unprintable):
    with new_moonraker() as host, klipper(host) as printer:
        driver = MoonrakerDriver(client_at(printer.connection))
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        with pytest.raises(Unavailable, match=r"did not store a program of 3\.1 MB"):
            driver.run(unprintable, attempt="full", report=nothing, controls=nobody)
        assert printer.klippy.executed == []


def test_a_program_that_is_too_large_for_the_host_is_named(
    new_moonraker, klipper, client_at, unprintable
):
    with new_moonraker(max_upload_mb=1) as host, klipper(host) as printer:
        driver = MoonrakerDriver(client_at(printer.connection))
        with pytest.raises(Unavailable, match="raise max_upload_size"):
            driver.run(unprintable, attempt="large", report=nothing, controls=nobody)
        assert printer.klippy.executed == []


def test_bytes_that_are_damaged_on_the_way_are_refused_by_the_host(
    printer, client_at, lines, program
):
    class Damaged(MoonrakerClient):
        def upload(self, path, name, sha256):
            cut = path.with_suffix(".cut")
            cut.write_bytes(path.read_bytes()[:-1])
            super().upload(cut, name, sha256)

    driver = MoonrakerDriver(client_at(printer.connection, Damaged))
    with pytest.raises(ProtocolViolation, match="422"):
        driver.run(program(lines), attempt="cut", report=nothing, controls=nobody)
    assert printer.klippy.executed == []


def test_a_file_that_something_changes_on_the_host_is_not_started(
    printer, client_at, lines, program
):
    class Changed(MoonrakerClient):
        def upload(self, path, name, sha256):
            super().upload(path, name, sha256)
            with (printer.host.files / name).open("a") as stored:
                stored.write("; thumbnail\n")

    driver = MoonrakerDriver(client_at(printer.connection, Changed))
    with pytest.raises(ProtocolViolation, match="nothing was started"):
        driver.run(program(lines), attempt="changed", report=nothing, controls=nobody)
    assert printer.klippy.executed == []


def test_a_print_that_somebody_begins_during_the_upload_is_left_alone(
    printer, client, client_at, lines, program
):
    """Even a paused one, which Klipper would drop for the next start."""

    class SlowUpload(MoonrakerClient):
        def upload(self, path, name, sha256):
            super().upload(path, name, sha256)
            client.upload(path, "someone-elses.gcode", sha256)
            client.start("someone-elses.gcode")
            client.order("pause")

    driver = MoonrakerDriver(client_at(printer.connection, SlowUpload))
    with pytest.raises(Unavailable, match=r"not free: someone-elses\.gcode is paused"):
        driver.run(program(lines), attempt="late", report=nothing, controls=nobody)
    assert client.printer().print_stats.state == "paused"


# Nothing starts twice, and what has been is known.


def test_an_attempt_is_never_started_twice(printer, driver, client, lines, program, until):
    """Neither while Klipper remembers it, nor later, when the history alone does."""
    mine = program(lines)
    driver.run(mine, attempt="once", report=nothing, controls=nobody)
    for forget in ("SDCARD_RESET_FILE", "M105"):
        assert driver.evidence("once", mine.sha256) is Evidence.FINISHED
        with pytest.raises(Conflict, match="has had its start"):
            driver.run(mine, attempt="once", report=nothing, controls=nobody)
        printer.klippy.order(forget, lambda _: None)
        until(lambda: not client.printer().print_stats.filename)
    assert printer.klippy.executed == lines


def test_a_record_that_moonraker_has_not_closed_yet_is_waited_for(
    printer, client, client_at, lines, program, until
):
    """Klipper has forgotten the print; Moonraker, which has much to do, still calls it running."""

    class BusyHost(MoonrakerClient):
        looks = 0

        def record(self, name):
            record = super().record(name)
            self.looks += record is not None
            late = record is not None and 0 < self.looks < 3
            return record.model_copy(update={"status": "in_progress"}) if late else record

    driver, mine = MoonrakerDriver(client_at(printer.connection, BusyHost)), program(lines)
    driver.run(mine, attempt="late-record", report=nothing, controls=nobody)
    printer.klippy.order("SDCARD_RESET_FILE", lambda _: None)
    until(lambda: not client.printer().print_stats.filename)
    assert driver.evidence("late-record", mine.sha256) is Evidence.FINISHED


def test_a_stopped_print_is_cold_and_its_evidence_is_that_it_was_stopped(
    printer, driver, lines, program
):
    def when_it_moves():
        return Control.ABORT if len(printer.klippy.executed) > HEAD else None

    mine = program(lines)
    end = driver.run(mine, attempt="stopped", report=nothing, controls=when_it_moves)
    assert end.outcome is Outcome.ABORTED
    assert driver.evidence("stopped", mine.sha256) is Evidence.STOPPED
    assert len(printer.klippy.executed) < len(lines)
    assert printer.klippy.heaters_off


def test_a_print_that_a_person_cancels_at_klipper_has_been_aborted(
    printer, driver, client, lines, program
):
    end = driver.run(
        program(lines),
        attempt="cancelled",
        report=once(lambda: client.order("cancel")),
        controls=nobody,
    )
    assert end.outcome is Outcome.ABORTED
    assert printer.klippy.heaters_off


def test_a_later_driver_knows_that_it_still_runs_and_can_stop_it(
    printer, driver, client, lines, program
):
    mine = program(lines)
    name = job_name("orphan", mine.sha256)
    client.upload(mine.path, name, mine.sha256)
    client.start(name)
    assert driver.evidence("orphan", mine.sha256) is Evidence.STILL_RUNNING
    driver.make_safe()
    assert driver.evidence("orphan", mine.sha256) is Evidence.STOPPED
    driver.ready()
    assert len(printer.klippy.executed) < len(lines)


def test_a_start_that_is_not_answered_in_time_is_taken_back(
    printer, client, client_at, lines, program, until
):
    """Klipper has a command in hand that nobody saw, and would obey the start after it."""

    class SlowStart(MoonrakerClient):
        def start(self, name):
            printer.klippy.order("G4 P300000", lambda _: None)
            self._http.timeout = httpx.Timeout(10.0, read=0.2)
            super().start(name)

    driver = MoonrakerDriver(client_at(printer.connection, SlowStart))
    with pytest.raises(TransportLost):
        driver.run(program(lines), attempt="slow-start", report=nothing, controls=nobody)
    until(lambda: client.printer().print_stats.state == "cancelled")
    assert printer.klippy.executed == []


# What goes wrong in mid-print.


@pytest.fixture
def fault(moonraker, klipper, client_at, program, lines):
    """Runs a print that a knob fails half way; what was said of it, and the evidence later."""

    def of(**knobs):
        with klipper(moonraker, **knobs) as printer:
            # A busy computer writes its record late; which of its words comes first is not asked.
            driver = MoonrakerDriver(client_at(printer.connection), record_s=60.0)
            mine = program(lines)
            with pytest.raises(MachineFault) as raised:
                driver.run(mine, attempt=f"fails-{knobs}", report=nothing, controls=nobody)
            assert printer.klippy.executed == lines[: HALF - 1]
            assert printer.klippy.heaters_off
            return str(raised.value), driver.evidence(f"fails-{knobs}", mine.sha256)

    return of


def test_a_shutdown_of_klipper_is_a_fault_with_its_reason(fault):
    sentence, evidence = fault(shutdown_at_line=HALF)
    assert "has shut down (MCU 'mcu' shutdown: Timer too close" in sentence
    assert evidence is Evidence.STOPPED


def test_a_command_that_klipper_fails_is_a_fault_with_its_reason(fault):
    sentence, evidence = fault(error_at_line=HALF)
    assert "Klipper failed it (Move out of range" in sentence
    assert evidence is Evidence.STOPPED


def test_a_klipper_that_restarts_is_a_fault_and_nothing_is_started_again(fault):
    sentence, evidence = fault(restart_at_line=HALF)
    assert "Klipper was restarted under it" in sentence
    assert evidence is Evidence.UNKNOWN


def test_a_lost_socket_between_moonraker_and_klipper_loses_no_print(
    moonraker, klipper, client_at, program, lines
):
    with klipper(moonraker, disconnect_at_line=HALF) as printer:
        driver, mine = MoonrakerDriver(client_at(printer.connection)), program(lines)
        end = driver.run(mine, attempt="socket", report=nothing, controls=nobody)
        assert end.outcome is Outcome.FINISHED
        assert printer.klippy.executed == lines
        assert driver.evidence("socket", mine.sha256) is Evidence.FINISHED


def test_a_moonraker_restarted_in_mid_print_is_watched_again(
    new_moonraker, klipper, client_at, program, lines
):
    """Its history calls the print interrupted for ever, at best; Klipper knows better."""
    with ExitStack() as hosts, new_moonraker() as first, klipper(first) as printer:
        client, mine = client_at(printer.connection), program(lines * 3)
        name, driver = job_name("restarted", mine.sha256), MoonrakerDriver(client)

        def restart():
            first.process.kill()
            first.process.wait()
            hosts.enter_context(new_moonraker())

        end = driver.run(mine, attempt="restarted", report=once(restart), controls=nobody)
        assert end.outcome is Outcome.FINISHED
        assert printer.klippy.executed == lines * 3
        record = client.record(name)  # none when it was killed before it had written one
        assert record is None or record.status == "interrupted"
        assert driver.evidence("restarted", mine.sha256) is Evidence.FINISHED


def test_a_moonraker_that_stays_away_leaves_an_unknown_outcome(
    new_moonraker, klipper, client_at, program, lines
):
    with new_moonraker() as host, klipper(host) as printer:
        driver = MoonrakerDriver(client_at(printer.connection), patience_s=1.5, stop_s=0.1)
        with pytest.raises(TransportLost, match="how the print ended is not known"):
            driver.run(
                program(lines), attempt="gone", report=once(host.process.kill), controls=nobody
            )


def test_a_klipper_that_stays_away_leaves_an_unknown_outcome(
    moonraker, klipper, client_at, program, lines
):
    with klipper(moonraker) as printer:
        driver = MoonrakerDriver(client_at(printer.connection), patience_s=1.5, stop_s=0.1)
        with pytest.raises(TransportLost, match="how the print ended is not known"):
            driver.run(
                program(lines), attempt="away", report=once(printer.switch_off), controls=nobody
            )
        assert len(printer.klippy.executed) < len(lines)


def test_an_abort_while_moonraker_is_away_is_never_called_done(
    new_moonraker, klipper, client_at, program, person, lines
):
    with new_moonraker() as host, klipper(host) as printer:
        driver = MoonrakerDriver(client_at(printer.connection), patience_s=1.0, stop_s=0.1)
        somebody = person((Progress, Control.ABORT))

        def report(event):
            host.process.kill()
            somebody.report(event)

        with pytest.raises(TransportLost, match="switch the printer off by hand"):
            driver.run(program(lines), attempt="abort", report=report, controls=somebody.controls)


def test_a_cancel_that_waits_for_a_heating_bed_becomes_an_emergency_stop(
    moonraker, klipper, client_at, program, lines
):
    with klipper(moonraker, heater_stays_cold=True) as printer:

        def when_it_heats():
            return Control.ABORT if printer.klippy.executed == lines[:3] else None

        end = MoonrakerDriver(client_at(printer.connection), stop_s=0.3).run(
            program(lines), attempt="cold", report=nothing, controls=when_it_heats
        )
        assert end.outcome is Outcome.ABORTED
        assert printer.klippy.state == "shutdown"
        assert printer.klippy.heaters_off
        assert printer.klippy.executed == lines[:3]


def test_without_a_push_channel_the_print_is_polled(monkeypatch, printer, driver, lines, program):
    def nowhere(client):
        raise TransportLost("a proxy that knows no WebSocket")

    monkeypatch.setattr(moonraker_channel, "PushChannel", nowhere)
    events = []
    end = driver.run(program(lines), attempt="polled", report=events.append, controls=nobody)
    assert end.outcome is Outcome.FINISHED
    assert printer.klippy.executed == lines
    assert not [event for event in events if isinstance(event, Message)]
