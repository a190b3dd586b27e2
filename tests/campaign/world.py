"""One small world: server, agent and machine as real processes, and what breaks them."""

import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from commons.machine import Driver
from repo_server.db import make_engine
from repo_server.settings import Settings
from tests.campaign.machines import Machine
from tests.campaign.office import Office
from tests.campaign.processes import MachineProcess, Running, pause
from tests.campaign.programs import process_of, profile_of, program_of
from tests.campaign.schedule import AGENT_MOMENTS, Fault, Moment, Schedule, What
from tests.campaign.template import Template

_SETTINGS = """\
[repository]
url = "{url}"
[panel]
enabled = false
[agent]
name = "Agent"
data = "agent"
[[machine]]
name = "Machine"
driver = "{driver}"
simulated = true
{connection}
{profile}
"""
_PROFILE = {
    False: """process = "fdm"
materials = ["pla", "petg"]
max_feed_mm_s = 200
max_feed_z_mm_s = 12
envelope = { x_max_mm = 250, y_max_mm = 210, z_max_mm = 210 }
fdm = {}""",
    True: """process = "cnc"
materials = ["plywood"]
max_feed_mm_s = 50
max_feed_z_mm_s = 10
envelope = { x_max_mm = 600, y_max_mm = 400, z_min_mm = -5, z_max_mm = 60 }
cnc = {}""",
}
AGENT_POINTS = frozenset({*AGENT_MOMENTS, Moment.SETTLING})
# How long something stays frozen (s), unless it is mended late.
FROZEN_S = 1.0
# An end waits for a question at a server that is silent (15 s), and then for the last report.
END_S = 45.0


class World:
    """Invariant: whatever is broken here can be mended by `mend`, and nothing else is broken."""

    def __init__(
        self, schedule: Schedule, folder: Path, machine: Machine, template: Template
    ) -> None:
        self.schedule, self.folder, self.machine = schedule, folder, machine
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        template.copy_to(folder, url=self.url)
        self._write_program()
        environment = {"COSMO_DATA": str(folder / "server"), "COSMO_BASE_URL": self.url}
        settings = Settings.from_env(environment)
        self.engine = make_engine(settings.database_url)
        self.office = Office(self.engine, template)
        web = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
               "--threads", "8", "--no-control-socket", "--log-level", "warning",
               "repo_server.wsgi:app"]  # fmt: skip
        self.server = Running("server", web, folder, settings.environment())
        child = ["-m", "tests.campaign.agent_child", folder / "agent.toml", folder]
        self.agent = Running("agent", child, folder)
        self.second = Running("second-agent", child, folder)
        self.working = MachineProcess(folder)

    def _write_program(self) -> None:
        schedule = self.schedule
        self.program = program_of(process_of(schedule.machine), schedule.line_count)
        text = "".join(f"{line}\n" for line in self.program)
        (self.folder / "program.gcode").write_text(text)
        for name in ("freeze", "frozen"):
            (self.folder / name).mkdir()

    def open(self) -> None:
        """Everything runs; the agent is about to find its order."""
        self.machine.start()
        driver = self.schedule.machine
        text = _SETTINGS.format(
            url=self.url,
            driver=driver,
            connection=self.machine.settings(),
            profile=_PROFILE[driver is Driver.GRBL],
        )
        (self.folder / "agent.toml").write_text(text)
        self.server.start()
        self.agent.start()

    def close(self) -> None:
        """No process is left."""
        for process in (self.second, self.agent):
            process.kill()
        self.working.kill()
        self.server.kill()
        self.machine.close()
        self.engine.dispose()

    # When

    def expect(self, fault: Fault) -> None:
        """Whoever is to stand still at the fault's moment knows of it."""
        if fault.when in AGENT_POINTS:
            (self.folder / "freeze" / fault.when.name).touch()
        elif fault.when in (Moment.LINE, Moment.HELD):
            self.machine.freeze_at(line=fault.at)
        elif fault.when is Moment.RESENDING:
            self.machine.freeze_at(resend=fault.at)

    def has_come(self, fault: Fault) -> bool:
        """The fault's moment is now."""
        if fault.when in AGENT_POINTS:
            return (self.folder / "frozen" / fault.when.name).exists()
        if fault.when is Moment.STAGED:
            return self.office.waits_for_clear_bed()
        return self.machine.is_there(line=fault.at)

    def forget(self, fault: Fault) -> None:
        """The fault's moment is over, or will not come: whoever stood still goes on."""
        if fault.when in AGENT_POINTS:
            (self.folder / "freeze" / fault.when.name).unlink(missing_ok=True)
            (self.folder / "frozen" / fault.when.name).unlink(missing_ok=True)
            self.working.signal(signal.SIGCONT)
        elif fault.when in (Moment.LINE, Moment.HELD, Moment.RESENDING):
            self.machine.freeze_at(line=10**9)
            self.machine.go_on()

    # What

    def break_by(self, fault: Fault) -> None:
        """It happens; without `late` what was killed is started again at once."""
        if fault.what in (What.FREEZE_AGENT, What.FREEZE_SERVER):
            self._freeze(fault)
            return
        acts: dict[What, tuple[Callable[[], None], ...]] = {
            What.KILL_AGENT: (self._kill_agent,),
            What.KILL_MACHINE_PROCESS: (self.working.kill,),
            What.KILL_SUPERVISOR: (self.agent.kill,),
            What.END_AGENT: (self._end_agent,),
            What.KILL_SERVER: (self.server.kill,),
            What.KILL_BOTH: (self._kill_agent, self.server.kill),
            What.PULL_CABLE: (self.machine.pull_cable,),
            What.PULL_PLUG: (self.machine.power_off,),
            What.PULL_PLUG_AND_KILL: (self._kill_agent, self.machine.power_off),
            What.KILL_HOST: (self.machine.power_off,),
            What.HOUR_PASSES: (self.office.an_hour_passes,),
            What.CANCEL: (self.office.cancel,),
            What.SECOND_AGENT: (self.second.start,),
        }
        for act in acts[fault.what]:
            act()

    def _kill_agent(self) -> None:
        self.agent.kill()
        self.working.kill()

    def _end_agent(self) -> None:
        """As Ctrl-C does; a machine's process that stands still for us goes on for it."""
        self.agent.signal(signal.SIGTERM)
        self.machine.go_on()
        self.working.signal(signal.SIGCONT)
        if not self.agent.wait(END_S):
            raise AssertionError(f"the agent did not end within {END_S:.0f} s")

    def _freeze(self, fault: Fault) -> None:
        agent = fault.what is What.FREEZE_AGENT
        frozen = self.working if agent else self.server
        frozen.signal(signal.SIGSTOP)
        if fault.late:
            return
        self.machine.go_on()
        pause(FROZEN_S)
        frozen.signal(signal.SIGCONT)

    def mend(self) -> None:
        """Everything has current, is plugged in and runs."""
        self.server.signal(signal.SIGCONT)
        self.server.start()
        self.machine.plug_in()
        self.working.signal(signal.SIGCONT)
        self.agent.start()

    def look_after_machine(self) -> bool:
        """A machine that shows an alarm is switched off and on by somebody; whether one was."""
        if not self.machine.needs_a_person():
            return False
        self.machine.power_off()
        self.machine.plug_in()
        return True

    def server_answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/api/v1/healthz", timeout=5).status_code == 200
        return False

    @property
    def profile_name(self) -> str:
        return profile_of(self.schedule.machine).name
