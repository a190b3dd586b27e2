"""The wheel, and each half alone in a fresh environment."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "-w", folder, ROOT)  # fmt: skip
    (built,) = folder.glob("cosmolocal-*.whl")
    return built


def pins(tmp_path: Path) -> Path:
    """The lock file as constraints: the same versions, without the hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    kept = [line.rstrip(" \\") for line in lines if "==" in line and not line.startswith(" ")]
    constraints = tmp_path / "pins.txt"
    constraints.write_text("\n".join(kept))
    return constraints


def installed(tmp_path: Path, wheel: Path, extra: str) -> Path:
    """The bin folder of a fresh environment that holds the wheel with one extra."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
    bin_ = tmp_path / "env" / "bin"
    run(sys.executable, "-m", "pip", "--python", bin_ / "python", "install", "-q", "--no-compile",
        "-c", pins(tmp_path), f"{wheel}[{extra}]")  # fmt: skip
    return bin_


def importable(bin_: Path, module: str) -> bool:
    return subprocess.run([bin_ / "python", "-c", f"import {module}"],
                          capture_output=True).returncode == 0  # fmt: skip


def test_the_agents_half_starts_without_the_servers(tmp_path: Path, wheel: Path) -> None:
    bin_ = installed(tmp_path, wheel, "agent")
    for foreign in ("sqlmodel", "rq", "psycopg"):
        assert not importable(bin_, foreign)
    run(bin_ / "python", "-c",
        "import fab_agent.supervisor, fab_agent.prepare, fab_agent.machines, fab_agent.cam",
        cwd=tmp_path)  # fmt: skip
    missing = subprocess.run([bin_ / "cosmo", "agent", "run", "--config", tmp_path / "none.toml"],
                             capture_output=True, text=True)  # fmt: skip
    assert missing.returncode == 1
    assert "none.toml" in missing.stderr
    assert missing.stderr.count("\n") == 1  # a sentence is not cut at some column
    assert "Traceback" not in missing.stderr


def test_the_servers_half_starts_without_the_agents(tmp_path: Path, wheel: Path) -> None:
    bin_ = installed(tmp_path, wheel, "server")
    assert not importable(bin_, "serial")
    port = free_port()
    process = subprocess.Popen(
        [bin_ / "cosmo", "server", "run", "--port", str(port)], cwd=tmp_path,
        env={"COSMO_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        transport = httpx.HTTPTransport(retries=6)  # pauses between two tries, which leave the core
        with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}") as client:
            assert answers(client, process)
            assert client.get("/").status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=30)


def answers(client: httpx.Client, process: subprocess.Popen[str]) -> bool:
    """Whether the server answers before its process ends; asks until then."""
    while process.poll() is None:
        try:
            return client.get("/api/v1/healthz").status_code == 200
        except httpx.TransportError:
            continue
    return False


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_every_package_of_the_agents_half_has_a_wheel_for_a_raspberry_pi(
    tmp_path: Path, wheel: Path
) -> None:
    run(sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed",
        "--target", tmp_path / "pi", "--only-binary", ":all:", "--python-version", "3.11",
        "--platform", "manylinux_2_17_aarch64", "--platform", "manylinux_2_28_aarch64",
        "--platform", "manylinux2014_aarch64", "-c", pins(tmp_path), f"{wheel}[agent]")  # fmt: skip
