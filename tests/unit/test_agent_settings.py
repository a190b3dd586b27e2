"""agent.toml: what is right is read, and everything that is wrong is named at once."""

from pathlib import Path

import pytest

from commons.errors import InvalidInput
from commons.machine import Driver, MachineProfile, Process
from fab_agent.settings import EXAMPLE, AgentSettings, parse_settings

FOLDER = Path("/lab")
HEAD = """
[repository]
url = "https://cosmolocal.example/"
[agent]
name = "Bench"
data = "agent"
"""
PRINTER = """
[[machine]]
name = "Ender"
process = "fdm"
driver = "marlin"
port = "/dev/ttyUSB0"
materials = ["pla"]
max_feed_mm_s = 150
max_feed_z_mm_s = 10
envelope = { x_max_mm = 220, y_max_mm = 220, z_max_mm = 250 }
fdm = { nozzle_mm = 0.4 }
"""


def problems(text: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_settings(text, folder=FOLDER)
    return {problem.field: problem.problem for problem in caught.value.fields}


def test_the_example_is_right() -> None:
    settings = parse_settings(EXAMPLE, folder=FOLDER)
    assert [(m.name, m.process, m.driver) for m in settings.machines] == [
        ("ender-1", Process.FDM, Driver.MARLIN),
        ("router-1", Process.CNC, Driver.GRBL),
    ]


def test_paths_are_relative_to_the_file_and_the_address_has_no_slash_at_its_end() -> None:
    settings = parse_settings(HEAD + PRINTER, folder=FOLDER)
    assert settings.agent.data == FOLDER / "agent"
    assert settings.repository.url == "https://cosmolocal.example"


def test_the_server_learns_what_a_machine_can_do_and_not_where_it_is_plugged_in() -> None:
    profile = parse_settings(HEAD + PRINTER, folder=FOLDER).machines[0].profile
    assert type(profile) is MachineProfile
    assert "port" not in profile.model_dump()
    assert profile.envelope.x_max_mm == 220


def test_settings_cross_to_the_machine_process_unchanged() -> None:
    settings = parse_settings(HEAD + PRINTER, folder=FOLDER)
    assert AgentSettings.model_validate_json(settings.model_dump_json(by_alias=True)) == settings


@pytest.mark.parametrize(
    ("wrong", "field", "near"),
    [
        (PRINTER + "max_fed_mm_s = 3", "machine.1.max_fed_mm_s", "did you mean max_feed_mm_s?"),
        (PRINTER.replace("nozzle_mm", "nozle_mm"), "machine.1.fdm.nozle_mm", "mean nozzle_mm?"),
        (PRINTER.replace("x_max_mm", "x_max"), "machine.1.envelope.x_max", "mean x_max_mm?"),
        (PRINTER + "\n[agnet]\n", "agnet", "did you mean agent?"),
        (PRINTER + "zzz = 1", "machine.1.zzz", "known are name, process, driver"),
    ],
)
def test_an_unknown_key_is_named_with_its_neighbour(wrong: str, field: str, near: str) -> None:
    assert near in problems(HEAD + wrong)[field]


def test_every_problem_is_told_at_once() -> None:
    text = HEAD.replace("https", "ftp") + PRINTER.replace("150", "-1").replace("port", "prot")
    assert set(problems(text)) == {
        "repository.url",
        "machine.1.max_feed_mm_s",
        "machine.1.prot",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + PRINTER.replace("port =", "# port ="), "needs its port"),
        (HEAD + PRINTER.replace("marlin", "octoprint"), "needs the url of its host"),
        (HEAD + PRINTER.replace("fdm = ", "cnc = ").replace("nozzle", "cutter"), "limits of 'fdm'"),
        (HEAD + PRINTER + PRINTER, "two machines are called Ender"),
        (HEAD, "field required"),
        ("machine = []" + HEAD, "there is no machine"),
    ],
)
def test_what_does_not_fit_together_is_refused(text: str, sentence: str) -> None:
    assert any(sentence in problem for problem in problems(text).values())


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"agent.toml is not TOML: .*line 2"):
        parse_settings("\n[agent\nname", folder=FOLDER)
