"""Time from a person's "clear" to the first byte of the program at the machine.

A real server, agent and serial line; the printer is made of memory and notes when the first line
of a program arrives. In between lie the server's answer to the waiting agent, the look at the
machine, the permit, the hash of the program, INTENT on the disk, and the greeting of the printer.
"""

import json
import re
import statistics
import tempfile
import threading
import time
from pathlib import Path

from cosmo.client import Answer, Client
from cosmo.demo.machines import PRINTER, agent_settings, serial_printer
from cosmo.demo.processes import Processes, cosmo
from cosmo.demo.serving import free_port, start_server
from cosmo.demo.town import LAB, LOTS, found_town
from fab_agent.machines.firmware.marlin import SimulatedMarlin
from fab_agent.machines.firmware.pty import served

ROUNDS = 10
DESIGN, PART = Path("designs/seed-dibber"), "Seed dibber"
WAIT_S, LOOK_S, SPEED = 120.0, 0.05, 400.0
_FIRST_LINE = re.compile(rb"N1(?!\d)")


class WatchedMarlin(SimulatedMarlin):
    """A printer that notes when the first numbered line of each program reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.first_at, self.arrived = 0.0, threading.Event()

    def feed(self, data: bytes) -> bytes:
        if _FIRST_LINE.search(data) and not self.arrived.is_set():
            self.first_at = time.perf_counter()
            self.arrived.set()
        return super().feed(data)


class Operator:
    """The person at the printer, by the public API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def wait_for(self, state: str, *, not_in: set[str]) -> Answer:
        """The first job that is in this state and was not met before."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            board = self._client.get(f"/labs/{LAB}/board")
            for job in [*board["jobs"], *board["past"]]:
                if job["state"] == state and job["id"] not in not_in:
                    return job
            time.sleep(LOOK_S)
        raise RuntimeError(f"no job was {state} within {WAIT_S:.0f} s: {board}")

    def clear_to_first_byte_s(self, printer: WatchedMarlin, made: set[str]) -> float:
        """One more thing is made; how long the printer waited after the bed was cleared."""
        job = self.wait_for("staged", not_in=made)
        time.sleep(1.0)  # a person is slower than the agent's next question
        printer.arrived.clear()
        cleared_at = time.perf_counter()
        self._client.post(f"/labs/{LAB}/machines/{job['machine_id']}/clear")
        if not printer.arrived.wait(WAIT_S):
            raise RuntimeError("nothing came to the printer")
        self.wait_for("finished", not_in=made)
        self._client.post(f"/labs/{LAB}/jobs/{job['id']}/verdict", {"good": True})
        made.add(job["id"])
        return printer.first_at - cleared_at

    def order(self, copies: int) -> None:
        """So many copies are ordered of what the printer has material for."""
        (machine,) = self._client.get(f"/labs/{LAB}/board")["machines"]
        lot = self._client.post(f"/labs/{LAB}/lots", LOTS[PRINTER])
        self._client.post(f"/labs/{LAB}/machines/{machine['id']}/lot", {"lot_id": lot["id"]})
        release = self._client.get(f"/designs/{DESIGN.name}")["head"]["id"]
        wish = {"release_id": release, "part": PART, "copies": copies, "material": "pla"}
        self._client.order(LAB, wish)


def measured(folder: Path, processes: Processes) -> list[float]:
    """Seconds from clear to first byte, one for each round."""
    url = f"http://127.0.0.1:{free_port()}"
    password = start_server(processes, folder, url)
    town = found_town(url, admin="admin", admin_password=password)
    with Client(url, town.designer) as designer:
        designer.publish(DESIGN)
    printer, made = WatchedMarlin(), set[str]()
    with (
        served(printer, speed=SPEED) as (pty, _),
        Client(url, town.operator) as client,
    ):
        config = folder / "agent.toml"
        config.write_text(agent_settings(url, serial_printer(PRINTER, pty), name="Bench"))
        processes.run("enrol", cosmo("agent", "enrol", "--config", config, town.enrolment_code))
        operator = Operator(client)
        operator.order(ROUNDS)
        processes.start("agent", cosmo("agent", "run", "--config", config))
        try:
            return [operator.clear_to_first_byte_s(printer, made) for _ in range(ROUNDS)]
        finally:
            processes.stop()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, Processes(Path(name) / "logs") as processes:
        ms = sorted(1000 * s for s in measured(Path(name), processes))
    print(f"clear to first byte, {len(ms)} rounds (ms): {', '.join(f'{x:.0f}' for x in ms)}")
    result = {
        "clear_to_first_byte_ms": round(statistics.median(ms), 1),
        "worst_ms": round(ms[-1], 1),
        "best_ms": round(ms[0], 1),
        "rounds": len(ms),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
