"""One child process for each machine of the lab and one for its panel, started again when it dies.

A child that was killed loses nothing: its journal tells the next one what became of its start.
"""

import logging
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commons.wire import Enrolled, Enrolment
from fab_agent.identity import keep_identity, load_identity
from fab_agent.repository import backoff_s, introduce, new_client
from fab_agent.settings import AgentSettings
from fab_agent.workplace import Assignment

log = logging.getLogger(__name__)
# How often the children are looked at, s.
LOOK_S = 0.5
# A child that lived this long had a good start: its next death is its first, s.
GOOD_LIFE_S = 60.0
# Making a machine safe and telling the last takes up to this long, s.
FAREWELL_S = 45.0
COMMAND = (sys.executable, "-m", "fab_agent.machine_process")
# The panel's process is no machine's: it may die without one noticing.
PANEL = "panel"
PANEL_COMMAND = (sys.executable, "-m", "fab_agent.panel")


def enrol(settings: AgentSettings, code: str) -> Enrolled:
    """The server knows this agent and its machines by a new key of its own.

    An earlier enrolment stays as it is until this one has succeeded.

    Raises:
        FabError: the code is wrong, used or old, or the server does not answer.
    """
    key = Ed25519PrivateKey.generate()
    enrolment = Enrolment(
        code=code,
        name=settings.agent.name,
        public_key=key.public_key().public_bytes_raw().hex(),
        machines=tuple(machine.profile for machine in settings.machines),
    )
    url = settings.repository.url
    with new_client() as http:
        enrolled = introduce(http, url, enrolment)
    keep_identity(settings.agent.data, enrolled, key, url=url)
    return enrolled


def run_agent(settings: AgentSettings, stop: Event) -> None:
    """Every machine has worked until `stop`, and no child is left.

    Raises:
        InvalidInput: the agent or one of its machines is not enrolled.
    """
    identity = load_identity(settings.agent.data, url=settings.repository.url)
    for machine in settings.machines:
        identity.machine_id(machine.name)
    children = [Child(settings, machine.name) for machine in settings.machines]
    if settings.panel.enabled:
        children.append(Child(settings, PANEL, PANEL_COMMAND))
    try:
        while not stop.is_set():
            for child in children:
                child.keep_running()
            stop.wait(LOOK_S)
    finally:
        say_farewell(children)


@dataclass(slots=True)
class Child:
    """One machine's process, or the panel's. Invariant: at most one at a time."""

    settings: AgentSettings
    machine: str
    command: Sequence[str] = COMMAND
    clock: Callable[[], float] = time.monotonic
    process: "subprocess.Popen[bytes] | None" = None
    deaths: int = 0
    started_at: float = 0.0
    next_at: float = 0.0

    def keep_running(self) -> None:
        """The process runs, or will be started when it has been dead long enough."""
        if self.process is not None and self.process.poll() is not None:
            self._bury(self.process.returncode)
        if self.process is None and self.clock() >= self.next_at:
            self._start()

    def _start(self) -> None:
        assignment = Assignment(settings=self.settings, machine=self.machine)
        with tempfile.TemporaryFile() as told:
            told.write(assignment.model_dump_json(by_alias=True).encode())
            told.seek(0)
            # A session of its own: Ctrl-C reaches the supervisor, and the supervisor decides.
            self.process = subprocess.Popen(
                [*self.command, self.machine], stdin=told, start_new_session=True
            )
        self.started_at = self.clock()
        log.info("%s: process %s", self.machine, self.process.pid)

    def _bury(self, code: int) -> None:
        lived_s = self.clock() - self.started_at
        self.deaths = 0 if lived_s > GOOD_LIFE_S else self.deaths + 1
        wait_s = backoff_s(self.deaths, random.random())  # noqa: S311
        log.error(
            "%s: its process ended with code %s after %.0f s; again in %.1f s",
            self.machine,
            code,
            lived_s,
            wait_s,
        )
        self.process, self.next_at = None, self.clock() + wait_s


def say_farewell(children: Sequence[Child]) -> None:
    """Every child was asked to end; whoever does not in time is killed."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    end = time.monotonic() + FAREWELL_S
    for process in running:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("process %s does not end: it is killed", process.pid)
            process.kill()
            process.wait()
