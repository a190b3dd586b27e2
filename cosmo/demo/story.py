"""The main job from nothing: publish, order, prepare, stream, judge, count."""

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from commons.errors import Conflict, FabError, Unavailable
from cosmo.client import Client
from cosmo.demo.building import build_all, order_all
from cosmo.demo.machines import SPEED, Machines, start_machines
from cosmo.demo.processes import Processes, cosmo
from cosmo.demo.screen import Screen
from cosmo.demo.serving import free_port, start_server
from cosmo.demo.town import CITY, LAB, found_town, load_machines

PORT, OCTOPRINT_PORT = 8000, 5711


def run_demo(data: Path, *, once: bool, console: Console) -> None:
    """The chain has run once in the folder `data`; with `once` everything is stopped again.

    Raises a FabError with the reason when any step fails.
    """
    screen = Screen(console)
    # Being told to stop ends everything in order, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        folder = stack.enter_context(_fresh(data))
        processes = stack.enter_context(Processes(folder / "logs"))
        url = f"http://127.0.0.1:{free_port(PORT)}"
        try:
            _chain(stack, processes, folder, url=url, screen=screen)
        except FabError as error:
            raise Unavailable(f"{error} (logs are in {folder / 'logs'})") from error
        if not once:
            screen.step("Everything stays up; open the pages above, or press Ctrl-C to stop")
            _wait_for_ctrl_c(processes)
        screen.step("Stopping")
    screen.detail("nothing is left running")


def _chain(
    stack: ExitStack, processes: Processes, folder: Path, *, url: str, screen: Screen
) -> None:
    screen.step(f"Repository server at {url}")
    admin_password = start_server(processes, folder, url)
    town = found_town(url, admin="admin", admin_password=admin_password)
    screen.step(f"Three machines: two simulated, {SPEED:g} times faster; one behind OctoPrint")
    machines = start_machines(processes, folder, url=url, octoprint_port=free_port(OCTOPRINT_PORT))
    stack.callback(machines.host.stop)
    screen.step("The lab's agent introduces itself with a one-use code")
    _start_agent(processes, machines, town.enrolment_code)
    load_machines(url, town.operator)
    screen.step("Publishing every design in designs/")
    _publish_all(url, town.designer, screen)
    with Client(url, town.operator) as client:
        screen.step("Ordering three builds; matching picks the machines")
        orders = order_all(client, screen)
        screen.step("Building (a script plays the operator who clears beds and judges)")
        rows = build_all(client, orders, machines, watch=processes.require_all, screen=screen)
    screen.table(rows)
    screen.detail("kWh from rated power where there is no meter; the router states none: unknown")
    screen.step("Look at")
    for row, order in zip(rows, orders, strict=True):
        screen.detail(f"{row.design:<16} {url}/designs/{order.slug}")
        screen.detail(f"{'its passport':<16} {url}/things/{row.attempt_id}")
    screen.detail(f"{'the lab':<16} {url}/labs/{LAB}")
    screen.detail(f"{'the city':<16} {url}/cities/{CITY}")


def _start_agent(processes: Processes, machines: Machines, code: str) -> None:
    config = ("--config", machines.settings)
    processes.run("enrol", cosmo("agent", "enrol", *config, code))
    processes.start("agent", cosmo("agent", "run", *config))


def _publish_all(url: str, designer: str, screen: Screen) -> None:
    with Client(url, designer) as client:
        for manifest in sorted(Path("designs").glob("*/okh.toml")):
            published = client.publish(manifest.parent)
            screen.detail(f"{published.slug} {published.version}  {published.release_id[:12]}…")


def _wait_for_ctrl_c(processes: Processes) -> None:
    try:
        while True:
            processes.require_all()
            time.sleep(1)
    except KeyboardInterrupt:
        return


@contextmanager
def _fresh(data: Path) -> Iterator[Path]:
    """An empty folder of our own; Conflict while another demo uses it."""
    data.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(data.with_name(f".{data.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"a demo is already running in {data}; stop it with Ctrl-C") from error
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        yield data
    finally:
        os.close(lock)
