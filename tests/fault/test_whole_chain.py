"""Server, agent and a printer on a pty, all real processes; one of them is killed in mid-run.

Whatever dies, the printer executes a program at most once, and the board tells the truth.
"""

import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select

import httpx
import pytest

from commons.errors import FabError
from cosmo.client import Answer, Client
from cosmo.demo.building import times_executed
from cosmo.demo.machines import PRINTER, agent_settings, serial_printer
from cosmo.demo.processes import cosmo, ends_with_parent
from cosmo.demo.serving import free_port
from cosmo.demo.town import LAB, LOTS, found_town

ROOT = Path(__file__).parents[2]
DESIGN, PART = ROOT / "designs" / "seed-dibber", "Seed dibber"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class Chain:
    """A town in a folder. Each process can be killed with all of its children, and started anew."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.record = folder / "executed"
        self.operator = ""
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *words: str | Path) -> None:
        env = {"COSMO_DATA": str(self.folder / "server"), "COSMO_BASE_URL": self.url}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                ends_with_parent(cosmo(*words)), start_new_session=True, cwd=ROOT,
                env={**os.environ, **env}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def start_server(self) -> None:
        self.start("server", "server", "run", "--port", str(self.port))
        with Client(self.url) as client:
            until(lambda: answers(client))

    def start_agent(self) -> None:
        self.start("agent", "agent", "run", "--config", self.folder / "agent.toml")

    def kill(self, name: str) -> None:
        """SIGKILL to the process and to every child, so that none can tidy up."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_machine_process(self) -> None:
        """SIGKILL to what drives the printer: it outlives its supervisor on purpose."""
        mine = f"COSMO_DATA={self.folder / 'server'}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = (process / "cmdline").read_bytes()
                if b"fab_agent" in told and mine in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            process.terminate()
            process.wait()

    def executed(self) -> list[str]:
        return self.record.read_text().splitlines()

    def program(self, job: Answer) -> list[str]:
        (file,) = (self.folder / "agent" / "cache").glob("programs/*/program.gcode")
        return file.read_text().splitlines()


def answers(client: Client) -> bool:
    try:
        return bool(client.get("/healthz"))
    except FabError:
        return False


def until(true: Callable[[], object]) -> None:
    """Look again until it is so; the test's own time limit is the end of patience."""
    while not true():
        select([], [], [], 0.1)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    chain = Chain(tmp_path)
    try:
        password = secrets.token_urlsafe(16)
        chain.start("admin", "server", "add-admin", "admin", "--name", "Admin",
                    "--email", "a@demo.invalid", "--password", password)  # fmt: skip
        assert chain.running.pop("admin").wait() == 0
        chain.start_server()
        town = found_town(chain.url, admin="admin", admin_password=password)
        with Client(chain.url, town.designer) as designer:
            designer.publish(DESIGN)
        port = tmp_path / "port"
        chain.start("printer", "agent", "simulate", "marlin", "--link", port,
                    "--record", chain.record, "--speed", "250")  # fmt: skip
        config = tmp_path / "agent.toml"
        settings = agent_settings(chain.url, serial_printer(PRINTER, port), name="Killed")
        config.write_text(f"{settings}\n[panel]\nenabled = false\n")
        until(port.exists)
        chain.start("enrol", "agent", "enrol", "--config", config, town.enrolment_code)
        assert chain.running.pop("enrol").wait() == 0
        chain.start_agent()
        chain.operator = town.operator
        yield chain
    finally:
        chain.stop()


class Operator:
    """The person at the printer, by the public API."""

    def __init__(self, client: Client, chain: Chain) -> None:
        self.client, self.url, self.token = client, chain.url, chain.operator

    def order(self) -> str:
        (machine,) = self.client.get(f"/labs/{LAB}/board")["machines"]
        lot = self.client.post(f"/labs/{LAB}/lots", LOTS[PRINTER])
        self.client.post(f"/labs/{LAB}/machines/{machine['id']}/lot", {"lot_id": lot["id"]})
        release = self.client.get(f"/designs/{DESIGN.name}")["head"]["id"]
        wish = {"release_id": release, "part": PART, "copies": 1, "material": "pla"}
        job: str = self.client.order(LAB, wish)["jobs"][0]["id"]
        return job

    def job(self, job_id: str) -> Answer:
        board = self.client.get(f"/labs/{LAB}/board")
        return next(job for job in [*board["jobs"], *board["past"]] if job["id"] == job_id)

    def wait(self, job_id: str, *states: str) -> Answer:
        until(lambda: self.job(job_id)["state"] in states)
        return self.job(job_id)

    def sees_program(self, attempt_id: str) -> list[str]:
        """The lines of an attempt's program as the server shows them; none before it has it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.url}/api/v1/attempts/{attempt_id}/program", headers=headers)
        return answer.text.splitlines() if answer.is_success else []

    def print_until_halfway(self, chain: Chain, job_id: str) -> Answer:
        """The bed is cleared and the printer is somewhere in the middle of the program."""
        staged = self.wait(job_id, "staged")
        self.client.post(f"/labs/{LAB}/machines/{staged['machine_id']}/clear")
        half = len(chain.program(staged)) // 2
        until(lambda: chain.record.exists() and len(chain.executed()) > half)
        return self.job(job_id)


@pytest.fixture
def operator(chain: Chain) -> Iterator[Operator]:
    with Client(chain.url, chain.operator) as client:
        yield Operator(client, chain)


def test_a_server_that_is_killed_in_mid_run_stops_no_machine_and_starts_none_twice(
    chain: Chain, operator: Operator
) -> None:
    job_id = operator.order()
    operator.print_until_halfway(chain, job_id)
    chain.kill("server")
    chain.start_server()
    done = operator.wait(job_id, "finished", "failed", "unconfirmed")
    assert done["state"] == "finished"
    assert times_executed(chain.program(done), chain.executed()) == 1
    passport = operator.client.get(f"/things/{done['attempt_id']}")["entries"]
    assert passport["lines_sent"]["value"] == len(chain.program(done))
    until(lambda: operator.sees_program(done["attempt_id"]) == chain.program(done))


def test_a_supervisor_that_is_killed_in_mid_run_leaves_the_machine_its_process(
    chain: Chain, operator: Operator
) -> None:
    job_id = operator.order()
    operator.print_until_halfway(chain, job_id)
    chain.kill("agent")
    chain.start_agent()
    done = operator.wait(job_id, "finished", "failed", "unconfirmed")
    assert done["state"] == "finished"
    assert times_executed(chain.program(done), chain.executed()) == 1


def test_a_machine_process_that_is_killed_in_mid_run_leaves_a_question_and_no_second_start(
    chain: Chain, operator: Operator
) -> None:
    job_id = operator.order()
    halfway = operator.print_until_halfway(chain, job_id)
    chain.kill("agent")
    chain.kill_machine_process()
    chain.start_agent()
    unclear = operator.wait(job_id, "unconfirmed", "finished", "failed")
    assert unclear["state"] == "unconfirmed"
    assert unclear["attempt_id"] == halfway["attempt_id"]
    until(lambda: "attest" in operator.job(job_id)["acts"])
    path = f"/labs/{LAB}/jobs/{job_id}/attest"
    operator.client.post(path, {"nothing_ran": False, "note": "half a dibber on the bed"})
    assert operator.wait(job_id, "failed")
    program, executed = chain.program(unclear), chain.executed()
    assert times_executed(program, executed) == 0
    assert times_executed(program[:20], executed) == 1
    assert executed.count("G28") == 1
