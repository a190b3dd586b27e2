"""Goes and looks at everything that an agent needs: files, server, sandbox, slicer, machines.

Findings come one by one, so that a person sees them while the slow ones are looked at. A machine
that an agent's process drives is left alone: whoever holds its journal's lock owns it, and here
it is held while the machine is looked at.
"""

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from commons.errors import FabError, InvalidInput, Unavailable
from commons.machine import Driver
from fab_agent.doctor import (
    Finding,
    fine,
    judge_clock,
    judge_enrolment,
    judge_grbl,
    judge_guard,
    judge_host,
    judge_room,
    judge_server,
    judge_simulated,
    problem,
    warning,
    wrong_settings,
)
from fab_agent.finding import LIKELY_BAUD_RATES, probe_serial
from fab_agent.hosts import guard_behind, look_at, report_of
from fab_agent.identity import Identity, load_identity
from fab_agent.machines import DRIVERS
from fab_agent.machines.ports import require_usable
from fab_agent.machines.transport import SerialConnection
from fab_agent.repository import API, new_client
from fab_agent.sandbox import Limits, run_limited
from fab_agent.settings import AgentSettings, MachineSettings, read_settings
from fab_agent.slicing.slicers import find_slicer
from fab_agent.workplace import folder_of, read_key

TOLD = "enrolled.json"
_LOCK = "lock"
_LOOKING = Limits(memory_bytes=2**30, cpu_s=10, wall_s=20, file_bytes=2**20)

# Asked before ports are opened, with the names of their machines.
MayOpen = Callable[[list[str]], bool]


def examine(config: Path, *, may_open: MayOpen) -> Iterator[tuple[str, Finding]]:
    """Everything that was found, each with the name of the machine it is about, or "".

    Opening a port restarts most boards: `may_open` is asked once, before the first.
    """
    try:
        settings = read_settings(config)
    except InvalidInput as error:
        yield from (("", finding) for finding in wrong_settings(error))
        return
    names = ", ".join(machine.name for machine in settings.machines)
    yield "", fine(f"{config} is right; its machines: {names}")
    for look in (_data, _server, _sandbox):
        yield from (("", finding) for finding in look(settings))
    identity = None
    with suppress(InvalidInput):
        identity = load_identity(settings.agent.data, url=settings.repository.url)
    yield from (("", finding) for finding in _enrolment(settings))
    if any(machine.process == "fdm" for machine in settings.machines):
        yield "", _slicer()
    yield from _machines(settings, identity, may_open)


def keep_told(settings: AgentSettings) -> None:
    """What the server was told of the machines is kept, so that later changes can be seen."""
    told = {m.name: m.profile.model_dump(mode="json") for m in settings.machines}
    (settings.agent.data / TOLD).write_text(json.dumps(told, indent=1))


def _data(settings: AgentSettings) -> Iterator[Finding]:
    folder = settings.agent.data
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield problem(f"nothing can be written to {folder}", "give the agent's account that folder")
        return
    yield judge_room(str(folder), shutil.disk_usage(there).free, settings.agent.cache_gb)


def _server(settings: AgentSettings) -> Iterator[Finding]:
    url = settings.repository.url
    try:
        with closing(new_client()) as http:
            answer = http.get(f"{url}{API}/healthz")
    except httpx.HTTPError as error:
        advice = "is it running, and this computer online? Machines go on without it"
        yield problem(f"the server at {url} does not answer ({type(error).__name__})", advice)
        return
    with suppress(KeyError, ValueError):
        there = parsedate_to_datetime(answer.headers["Date"])
        yield judge_clock(datetime.now(UTC), there)
    try:
        health = answer.json() if answer.is_success else {}
    except ValueError:
        health = {}
    yield judge_server(url, health if isinstance(health, dict) else {})


def _sandbox(settings: AgentSettings) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as out:
        try:
            done = run_limited(["/usr/bin/true"], out_dir=Path(out), limits=_LOOKING)
        except Unavailable as error:
            yield problem("strangers' files cannot be opened safely here", str(error))
            return
    if done.exit_code:
        yield problem(f"the sandbox {done.why}", done.stderr.strip()[-200:])
    else:
        yield fine("the sandbox for strangers' files works")


def _slicer() -> Finding:
    try:
        identity = find_slicer().identity()
    except Unavailable as error:
        return problem("nothing can be sliced here", str(error))
    return fine(f"{identity.name} {identity.version} is installed")


def _enrolment(settings: AgentSettings) -> Iterator[Finding]:
    data = settings.agent.data
    try:
        identity = load_identity(data, url=settings.repository.url)
    except InvalidInput as error:
        yield problem(str(error))
        return
    told = {}
    with suppress(OSError, ValueError):
        told = json.loads((data / TOLD).read_text())
    profiles = [machine.profile for machine in settings.machines]
    yield from judge_enrolment(profiles, identity.machines, told)


def _machines(
    settings: AgentSettings, identity: Identity | None, may_open: MayOpen
) -> Iterator[tuple[str, Finding]]:
    asked: bool | None = None
    for machine in settings.machines:
        with _owned(settings, machine, identity) as owned:
            if not owned:
                yield machine.name, fine("the agent is running and drives it: it is left alone")
                continue
            if machine.driver.hosted:
                yield from ((machine.name, finding) for finding in _host(machine))
                continue
            if asked is None:
                asked = may_open([m.name for m in settings.machines if not m.driver.hosted])
            yield from ((machine.name, f) for f in _board(machine, may_open=asked))


@contextmanager
def _owned(
    settings: AgentSettings, machine: MachineSettings, identity: Identity | None
) -> Iterator[bool]:
    """True when no agent's process drives the machine, and none can begin meanwhile."""
    machine_id = identity.machines.get(machine.name) if identity else None
    lock = folder_of(settings, machine_id) / _LOCK if machine_id else None
    if lock is None or not lock.exists():
        yield True
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(descriptor)


def _board(machine: MachineSettings, *, may_open: bool) -> Iterator[Finding]:
    port = machine.port or ""
    try:
        require_usable(port)
        if not may_open:
            yield warning(f"port {port} is there and free; it was not opened",
                          "say yes, or run this with --yes, when nothing runs on it")  # fmt: skip
            return
        others = [baud for baud in LIKELY_BAUD_RATES if baud != machine.baud]
        board = probe_serial(port, [machine.baud, *others])
    except FabError as error:
        yield problem(str(error))
        return
    baud, firmware = board.connection.baudrate, board.firmware
    if baud != machine.baud:
        yield problem(f"it answers at {baud} baud, and agent.toml says {machine.baud}",
                      f"set baud = {baud}")  # fmt: skip
        return
    if firmware.driver is not machine.driver:
        yield problem(f'it is {firmware.name}, and agent.toml says driver = "{machine.driver}"',
                      f'set driver = "{firmware.driver}", or name its own port')  # fmt: skip
        return
    yield fine(f"{firmware.name} answers on {port} at {baud} baud")
    yield from judge_simulated(machine.profile, simulated=firmware.simulated)
    if machine.driver is Driver.GRBL:
        found = list(judge_grbl(machine.profile, board.settings, board.state))
        yield from found or [fine("its controller is set up as a router's should be, and is idle")]
        return
    yield judge_guard(machine.profile, firmware.guarded)
    yield from _readiness(machine)


def _readiness(machine: MachineSettings) -> Iterator[Finding]:
    """What its driver says to a start now."""
    connection = SerialConnection(machine.port or "", machine.baud)
    try:
        with closing(DRIVERS[machine.driver](connection, machine.profile)) as driver:
            driver.ready()
    except FabError as error:
        yield warning("it could not start now", str(error))
        return
    yield fine("it could start now")


def _host(machine: MachineSettings) -> Iterator[Finding]:
    try:
        yield from _key_file(machine)
        key = read_key(machine)
        host = look_at(machine.url or "", key=key)
        if host.driver is not machine.driver:
            yield problem(f"{host.title} answers at {machine.url}",
                          f'set driver = "{host.driver}", or is this another host?')  # fmt: skip
            return
        report = report_of(host, key)
        yield fine(f"{report.version} answers at {machine.url}")
        yield from judge_host(machine.profile, report)
        guarded = report.guarded if report.guarded is not None else guard_behind(host, key)
        yield judge_guard(machine.profile, guarded)
    except FabError as error:
        yield problem(str(error))


def _key_file(machine: MachineSettings) -> Iterator[Finding]:
    path = machine.key_file
    if path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warning(f"others can read the key in {path}", f"run 'chmod 600 {path}'")
