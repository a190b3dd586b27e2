"""Memory: a machine's process that has nothing to do, and one that streams 2 GB."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.peers.machine import Wire
from bench.peers.programs import PRINTER
from bench.peers.scenarios import Floor
from commons.machine import Process
from commons.wire import Enrolled, EnrolledMachine
from cosmo.demo.machines import agent_settings, serial_printer
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.identity import keep_identity
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.streamer import stream

IDLE_S = 12.0
SYNC_S = 2.0
MB = 1 << 20
GB_2 = 2_000_000_000
LONG_LINE = b"G1 X" + b"0" * 74 + b"1\n"  # 79 characters, GRBL's longest


class Server(BaseHTTPRequestHandler):
    """A server that has no work and has heard everything."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = b""
        if self.path.endswith("/sync"):
            time.sleep(SYNC_S)
            events = asked.get("events") or ()
            body = json.dumps({"acked": max((e["seq"] for e in events), default=0)}).encode()
        self.send_response(200 if body else 204)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def idle_mb(floor: Floor) -> float:
    """Resident memory of a real machine's process, MiB, with a printer, a server, and no job."""
    from fab_agent.settings import read_settings
    from fab_agent.workplace import Assignment

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    machine, port = floor.machine("marlin", floor.program("marlin", 1000), Wire())
    with tempfile.TemporaryDirectory() as folder, machine:
        data = Path(folder) / "agent"
        named = EnrolledMachine(machine_id="m1", name=PRINTER.name)
        enrolled = Enrolled(agent_id="a1", lab_id="l1", fingerprint="", machines=(named,))
        keep_identity(data, enrolled, Ed25519PrivateKey.generate(), url=url)
        config = Path(folder) / "agent.toml"
        config.write_text(agent_settings(url, serial_printer(PRINTER.name, port), name="Bench"))
        told = Assignment(settings=read_settings(config), machine=PRINTER.name)
        command = [sys.executable, "-m", "fab_agent.machine_process", PRINTER.name]
        with (Path(folder) / "log").open("wb") as log:
            agent = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        try:
            assert agent.stdin is not None
            agent.stdin.write(told.model_dump_json(by_alias=True).encode())
            agent.stdin.close()
            time.sleep(IDLE_S)
            if agent.poll() is not None:
                raise RuntimeError((Path(folder) / "log").read_text()[-500:])
            return resident_bytes(agent.pid) / MB
        finally:
            agent.terminate()
            agent.wait()
            server.shutdown()
            server.server_close()


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stream_growth_mb(folder: Path, size: int = GB_2) -> float:
    """How much a process grows (peak, MiB) while it reads and streams a program of `size` bytes.

    In a process of its own: the file is really there, every byte of it is hashed, and every line
    goes through the stream and the loop to a machine that says `ok`.
    """
    command = [sys.executable, "-m", "bench.peers.footprint", str(folder), str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


class Sink:
    """A GRBL machine that takes everything and says `ok`."""

    def __init__(self) -> None:
        self._answers = b""

    name = "sink"

    def discard(self) -> None:
        """Nothing waits."""

    def read(self, timeout: float) -> bytes:
        answers, self._answers = self._answers, b""
        return answers

    def write(self, data: bytes) -> None:
        if b"?" in data:
            self._answers += b"<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0>\r\n"
        self._answers += b"ok\r\n" * data.count(b"\n")

    def close(self) -> None:
        """There is nothing to let go."""


def _big_program(path: Path, size: int) -> GcodeProgram:
    block, count, digest = LONG_LINE * 10_000, 0, hashlib.sha256()
    with path.open("wb") as file:
        while count * len(LONG_LINE) < size:
            file.write(block)
            digest.update(block)
            count += 10_000
    return GcodeProgram(path, digest.hexdigest(), count, Process.CNC, Estimate(1.0, None))


def main(folder: str, size: str) -> None:
    path = Path(folder) / "big.gcode"
    try:
        program = _big_program(path, int(size))
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
        before = peak_bytes()
        with ProgramLines(program, longest=79) as lines:
            stream(
                GrblStream(lines), Sink(), lambda _: None, line_count=lines.count,
                make_safe=lambda: None,
            )  # fmt: skip
        print((peak_bytes() - before) / MB)
    finally:
        path.unlink(missing_ok=True)


def peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
