"""One print of Klipper's, told in messages.

The messages are as Moonraker 0.11.0 passed them on in November 2026; the states and their meaning
are those of Klipper's Status_Reference.md (print_stats, webhooks).
"""

import json

import pytest

from commons.errors import MachineFault, TransportLost, Unavailable
from fab_agent.machines.driver import Held, Outcome, Progress, Resumed, Temperatures
from fab_agent.machines.moonraker_channel import changes_in
from fab_agent.machines.moonraker_client import Printer, Record, ServerInfo, check_version
from fab_agent.machines.moonraker_watch import KlipperWatch

NAME = "aone-01234567.gcode"
READY = {"webhooks": {"state": "ready", "state_message": "Printer is ready"}}


@pytest.fixture
def watch():
    """A print of ten lines, ten bytes each, which Klipper has begun."""
    begun = KlipperWatch(NAME, line_count=10, lines_at=lambda position: position // 10)
    begun.hear({**READY, **stats("printing")})
    return begun


def stats(state, name=NAME, **fields):
    return {"print_stats": {"filename": name, "state": state, **fields}}


def at(position):
    return {"virtual_sdcard": {"file_position": position}}


def test_progress_counts_the_lines_that_are_behind_klipper(watch):
    assert watch.hear(at(35)) == [Progress(3, 3, 10)]
    assert watch.hear(at(39)) == []
    assert watch.hear(at(0)) == []  # a cancel sets the position back
    assert watch.end().lines_done == 3


def test_the_position_of_another_file_is_not_ours():
    watch = KlipperWatch(NAME, line_count=10, lines_at=lambda position: position // 10)
    assert watch.hear({**READY, **stats("printing", "other.gcode"), **at(50)}) == []
    assert watch.idle
    assert not watch.seen_busy


def test_a_pause_and_a_resume_are_told_once(watch):
    kinds = [type(e) for word in ("paused", "paused", "printing") for e in watch.hear(stats(word))]
    assert kinds == [Held, Resumed]


def test_temperatures_are_told_when_they_change(watch):
    heat = {"extruder": {"temperature": 60.0, "target": 210.0}, "heater_bed": {"target": 60.0}}
    assert watch.hear(heat) == [Temperatures(60.0, 210.0, None, 60.0)]
    assert watch.hear(heat) == []


@pytest.mark.parametrize(
    ("state", "outcome", "lines"),
    [("complete", Outcome.FINISHED, 10), ("cancelled", Outcome.ABORTED, 4)],
)
def test_what_klipper_says_of_the_end_is_the_end(watch, state, outcome, lines):
    watch.hear(at(40))
    watch.hear(stats(state))
    watch.close()
    assert (watch.end().outcome, watch.end().lines_done) == (outcome, lines)


@pytest.mark.parametrize(
    ("news", "sentence"),
    [
        (stats("error", message="Extrude below\nminimum temp"), r"Extrude below minimum temp\)"),
        ({"webhooks": {"state": "shutdown", "state_message": "Lost it\nRestart"}}, "Lost it"),
        ({"webhooks": {"state": "error", "state_message": "bad pin"}}, r"shut down \(bad pin\)"),
    ],
)
def test_what_klipper_fails_is_a_fault_with_its_words(watch, news, sentence):
    with pytest.raises(MachineFault, match=f"{NAME} ended near line 0.*{sentence}"):
        watch.hear(news)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("completed", Outcome.FINISHED),
        ("cancelled", Outcome.ABORTED),
        # These say only how Moonraker lost sight of it.
        ("in_progress", None),
        ("interrupted", None),
        ("server_exit", None),
    ],
)
def test_the_history_settles_what_it_knows(watch, status, outcome):
    watch.hear(stats("standby", ""))
    watch.look_up(Record(filename=NAME, status=status))
    assert watch.outcome is outcome


@pytest.mark.parametrize("status", ["error", "klippy_shutdown", "klippy_disconnect"])
def test_a_print_that_klipper_has_forgotten_and_the_history_calls_failed_is_a_fault(watch, status):
    watch.hear(stats("standby", ""))
    with pytest.raises(MachineFault, match="look at the printer"):
        watch.look_up(Record(filename=NAME, status=status))


def test_a_record_of_a_lost_klipper_settles_nothing_before_klipper_is_back(watch):
    watch.see(Printer())
    watch.look_up(Record(filename=NAME, status="klippy_disconnect"))
    assert watch.outcome is None


def test_a_subscription_and_its_updates_are_news():
    objects = {"print_stats": {"state": "printing"}}
    update = {"method": "notify_status_update", "params": [objects, 12.5]}
    answer = {"id": 2, "result": {"status": objects, "eventtime": 12.5}}
    assert changes_in(json.dumps(update)) == changes_in(json.dumps(answer)) == objects


@pytest.mark.parametrize(
    "text",
    ['{"method": "notify_proc_stat_update", "params": [{}]}', '{"id": 1, "result": {}}', "no json",
     "[]", '{"method": "notify_status_update", "params": []}'],
)  # fmt: skip
def test_other_messages_are_no_news(text):
    assert changes_in(text) is None


@pytest.mark.parametrize(
    "message",
    [
        {"method": "notify_klippy_disconnected"},
        {"id": 2, "error": {"code": 503, "message": "Klippy Host not connected"}},
    ],
)
def test_when_klipper_has_gone_the_channel_counts_as_lost(message):
    with pytest.raises(TransportLost):
        changes_in(json.dumps(message))


@pytest.mark.parametrize(
    ("api", "sentence"),
    [((), r"Moonraker v0\.7 at http://p is too old"), ((2, 0, 0), "speaks API 2.0.0.*update the")],
)
def test_a_moonraker_of_another_age_is_refused_by_its_version(api, sentence):
    with pytest.raises(Unavailable, match=sentence):
        check_version(ServerInfo(moonraker_version="v0.7", api_version=api), "http://p")
    check_version(ServerInfo(moonraker_version="0.11.0", api_version=(1, 5, 0)), "http://p")
