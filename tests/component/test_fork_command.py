"""`cosmo fork` against a running server: from a design to a published fork, on one's own disk."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from commons.errors import Conflict, InvalidInput
from commons.lineage import NOTICE
from cosmo.__main__ import cli
from repo_server.people import Scope
from tests.component.test_forks import publish
from tests.component.test_lab_commands import address, settings  # noqa: F401  (fixtures)

MANIFEST = (Path(__file__).parents[2] / "designs" / "twist-jar" / "okh.toml").read_text()
FILES = {
    path: path.encode()
    for path in ("README.md", "LICENSE", "bom.csv", "export/jar.stl", "export/lid.stl",
                 "images/twist-jar.png", "images/jar.png", "images/lid.png", "source/make.py")
}  # fmt: skip


@pytest.fixture
def say(address, sign_up, tmp_path):  # noqa: F811
    """What `cosmo` answers to bea."""
    token = tmp_path / "token"
    token.write_text(sign_up("bea").token(*Scope))

    def run(*words):
        end = ["--server", address, "--token-file", str(token)]
        done = CliRunner().invoke(cli, [*map(str, words), *end])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return " ".join(done.output.split())

    return run


@pytest.mark.slow
def test_a_fork_is_fetched_changed_and_published(say, sign_up, tmp_path, client):
    ada = sign_up("ada")
    answer = publish(ada, "twist-jar", MANIFEST, FILES)
    assert answer.status_code == 201, answer.text
    folder = tmp_path / "spice-jar"
    said = say("fork", "twist-jar", folder, "--change", "A wider neck.")
    assert "forked Twist jar" in said
    there = {it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file()}
    assert there == {*FILES, "okh.toml", NOTICE}
    assert all((folder / path).read_bytes() == data for path, data in FILES.items())
    manifest = tomllib.loads((folder / "okh.toml").read_text())
    assert manifest["cosmolocal"]["parents"] == [answer.json["id"]]
    assert "Bea changed Twist jar" in (folder / NOTICE).read_text()
    assert "published" in say("publish", folder, "--note", "Wider.")
    lineage = client.get("/api/v1/designs/spice-jar/lineage").json
    assert lineage["forks"][0][0] == answer.json["id"]
    with pytest.raises(Conflict, match="is there already"):
        say("fork", "twist-jar", folder, "--change", "Again.")
    assert say("notices", "--design", "spice-jar") == "nothing to know"
    assert publish(ada, "twist-jar", MANIFEST.replace('"1.0.0"', '"1.1.0"'), FILES).json
    told = say("notices", "--design", "spice-jar", "--dismiss-all")
    assert "twist-jar 1.0.0 newer 1.1.0" in told and "1 dismissed" in told
    assert say("notices", "--design", "spice-jar") == "nothing to know"
    assert "name a --design to dismiss" in say("notices", "--dismiss-all")


@pytest.mark.slow
def test_what_may_not_be_forked_leaves_no_folder(say, sign_up, tmp_path):
    publish(sign_up("ada"), "vase", MANIFEST.replace("CERN-OHL-S-2.0", "CC-BY-ND-4.0"), FILES)
    with pytest.raises(InvalidInput, match=r"CC-BY-ND-4\.0"):
        say("fork", "vase", tmp_path / "mine", "--change", "Red.")
    assert not (tmp_path / "mine").exists()
