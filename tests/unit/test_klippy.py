"""The simulated Klipper does what Klipper's documents say.

Compared in November 2026 with Klipper's G-Codes.md, Status_Reference.md and API_Server.md, and
with its virtual_sdcard, print_stats and pause_resume modules.
"""

import pytest

from fab_agent.machines.firmware.klippy import KlippyKnobs, SimulatedKlippy

LINES = ["G28", "M190 S40", "M109 S60", *[f"G1 X{i} F600" for i in range(1, 11)], "M104 S0"]


@pytest.fixture
def klippy(tmp_path):
    def of(**knobs):
        (tmp_path / "part.gcode").write_text("".join(f"{line}\n" for line in LINES))
        machine = SimulatedKlippy(tmp_path, KlippyKnobs(**knobs))
        machine.tick(0.0)
        return machine

    return of


def ask(machine, script):
    answers = []
    machine.order(script, answers.append)
    return answers


def start(machine):
    assert ask(machine, 'SDCARD_PRINT_FILE FILENAME="part.gcode"') == []
    machine.tick(0.0)


def state_of(machine):
    return machine.status()["print_stats"]["state"]


def test_the_lines_of_a_file_are_carried_out_in_order_as_time_allows(klippy):
    machine = klippy()
    start(machine)
    machine.tick(4.0)
    assert machine.executed == ["G28"]
    for _ in range(100):
        machine.tick(1.0)
    assert machine.executed == LINES
    assert state_of(machine) == "complete"
    assert machine.status()["virtual_sdcard"]["file_position"] == sum(len(x) + 1 for x in LINES)


def test_an_order_waits_for_the_line_in_hand(klippy):
    machine = klippy(heater_stays_cold=True)
    start(machine)
    machine.tick(10.0)
    cancelled = ask(machine, "CANCEL_PRINT")
    machine.tick(1000.0)
    assert cancelled == []
    assert machine.executed == LINES[:2]
    machine.shut_down("Shutdown due to webhooks request")
    assert "Shutdown due to webhooks request" in cancelled[0]
    assert machine.heaters_off


def test_a_cancel_leaves_the_heaters_on_and_an_order_switches_them_off(klippy):
    machine = klippy()
    start(machine)
    machine.tick(10.0)
    machine.tick(10.0)
    ask(machine, "CANCEL_PRINT")
    machine.tick(10.0)
    assert (state_of(machine), machine.heaters_off) == ("cancelled", False)
    ask(machine, "TURN_OFF_HEATERS")
    machine.tick(0.0)
    assert machine.heaters_off


def test_a_paused_print_goes_on_where_it_was(klippy):
    machine = klippy()
    start(machine)
    ask(machine, "PAUSE")
    for _ in range(100):
        machine.tick(1.0)
    assert (machine.executed, state_of(machine)) == (["G28"], "paused")
    ask(machine, "RESUME")
    for _ in range(100):
        machine.tick(1.0)
    assert machine.executed == LINES


def test_a_second_start_is_refused_while_it_prints_and_a_missing_file_always(klippy):
    machine = klippy()
    missing = ask(machine, "SDCARD_PRINT_FILE FILENAME=none.gcode")
    start(machine)
    second = ask(machine, "SDCARD_PRINT_FILE FILENAME=part.gcode")
    machine.tick(20.0)
    assert (missing, second) == (["Unable to open file"], ["SD busy"])


def test_an_unknown_command_is_skipped_with_a_message(klippy):
    machine = klippy()
    assert ask(machine, "G2 X10 I5") == []
    machine.tick(0.0)
    assert list(machine.said) == ['// Unknown command:"G2"']


@pytest.mark.parametrize(
    ("knobs", "state", "stats"),
    [
        ({"shutdown_at_line": 3}, "shutdown", "paused"),
        ({"error_at_line": 3}, "ready", "error"),
        ({"restart_at_line": 3}, "ready", "standby"),
    ],
)
def test_after_a_failure_nothing_more_is_carried_out(klippy, knobs, state, stats):
    machine = klippy(**knobs)
    start(machine)
    for _ in range(100):
        machine.tick(1.0)
    assert machine.executed == LINES[:2]
    assert (machine.state, state_of(machine)) == (state, stats)
    assert machine.heaters_off


def test_a_restarted_process_is_not_ready_at_once(klippy):
    machine = klippy(starts_up_s=5.0)
    refused = ask(machine, "G28")
    machine.tick(1.0)
    assert refused == ["Printer is not ready"]
    machine.tick(5.0)
    assert machine.state == "ready"
