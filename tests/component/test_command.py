"""`cosmo` as people type it: what goes wrong is one clear sentence and exit code 1."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fab_agent.settings import read_settings

ROOT = Path(__file__).parents[2]
DESIGN = ROOT / "designs" / "seed-dibber"
pytestmark = pytest.mark.slow


def cosmo(*words: str | Path, cwd: Path) -> tuple[int, str]:
    """Exit code and everything said, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "cosmo", *map(str, words)],
        cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )  # fmt: skip
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said
    return done.returncode, said


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("cl_something\n")
    return file


def test_a_server_that_is_down_is_named_with_its_address(tmp_path: Path, token: Path) -> None:
    url = unused_address()
    code, said = cosmo("publish", DESIGN, "--server", url, "--token-file", token, cwd=tmp_path)
    assert code == 1
    assert f"the server at {url} does not answer" in said
    assert "is it running?" in said


def test_without_a_token_the_way_to_one_is_told(tmp_path: Path) -> None:
    code, said = cosmo("publish", DESIGN, "--token-file", tmp_path / "none", cwd=tmp_path)
    assert code == 1
    assert "run `cosmo sign-in` first" in said


def test_a_manifest_with_ten_errors_tells_all_ten_before_anything_is_sent(
    tmp_path: Path, token: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "okh.toml").write_text(
        'okhv = "0.9"\nname = ""\nrepo = "nowhere"\nlicense = "CERN"\nlicensor = 7\n'
        'fuction = "x"\nreadme = "../README.md"\n'
        '[[part]]\nmass = -1\nexport = "a.stl"\n'
    )
    code, said = cosmo(
        "publish", folder, "--server", unused_address(), "--token-file", token, cwd=tmp_path
    )
    assert code == 1
    assert "10 fields are wrong" in said
    fields = ("okhv (line 1)", "name (line 2)", "repo (line 3)", "license (line 4)",
              "licensor (line 5)", "readme (line 7)", "version", "function",
              "part[1].name (line 8)", "part[1].mass (line 9)")  # fmt: skip
    assert [field for field in fields if f"{field}: " not in said] == []
    assert "rename 'fuction' to 'function'" in said


def test_the_example_settings_can_be_read_as_they_are(tmp_path: Path) -> None:
    assert cosmo("agent", "init", cwd=tmp_path)[0] == 0
    assert [machine.name for machine in read_settings(tmp_path / "agent.toml").machines]
    code, said = cosmo("agent", "init", cwd=tmp_path)
    assert code == 1
    assert "agent.toml is there already" in said


def test_an_agent_whose_server_is_down_says_so(tmp_path: Path) -> None:
    cosmo("agent", "init", cwd=tmp_path)
    config = tmp_path / "agent.toml"
    url = unused_address()
    config.write_text(config.read_text().replace("https://cosmolocal.example", url))
    code, said = cosmo("agent", "enrol", "ABCD-EFGH", cwd=tmp_path)
    assert code == 1
    assert url in said


def test_an_unknown_setting_of_the_server_names_its_neighbour(tmp_path: Path) -> None:
    os.environ["COSMO_DATABSE_URL"] = "sqlite://"
    try:
        code, said = cosmo("server", "run", cwd=tmp_path)
    finally:
        del os.environ["COSMO_DATABSE_URL"]
    assert code == 1
    assert "did you mean COSMO_DATABASE_URL?" in said


@pytest.mark.parametrize(("shell", "word"), [("bash", "1"), ("zsh", "1"), ("fish", "web")])
def test_a_shell_completes_commands(shell: str, word: str, tmp_path: Path) -> None:
    asked = {"_COSMO_COMPLETE": f"{shell}_complete", "COMP_WORDS": "cosmo web", "COMP_CWORD": word}
    done = subprocess.run(
        [Path(sys.executable).with_name("cosmo")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, **asked, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "webhook" in done.stdout.replace(",", "\n").split()
