"""agent.toml: what is right is read, and everything that is wrong is named at once."""

from pathlib import Path

import pytest

from commons.errors import InvalidInput
from commons.machine import Driver, MachineProfile, Process
from fab_agent.settings import AgentSettings, parse_settings
from fab_agent.settings_text import EXAMPLE

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


ROUTER = """
[[machine]]
name = "Router"
process = "cnc"
driver = "grbl"
port = "/dev/ttyACM0"
materials = ["plywood"]
max_feed_mm_s = 40
max_feed_z_mm_s = 10
envelope = { x_max_mm = 600, y_max_mm = 400, z_min_mm = -20, z_max_mm = 40 }
cnc = { cutter_mm = 3, spindle_max_rpm = 24000, spindle_min_rpm = 8000 }
"""


def problems(text: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_settings(text, folder=FOLDER)
    return {problem.field: problem.problem for problem in caught.value.fields}


def test_a_routers_cutters_are_told_by_diameter_or_with_end_and_edges() -> None:
    more = 'more_cutters = [1.5, { diameter_mm = 3, shape = "ball", edges = 4 }]'
    for key in (more, more.replace("more_cutters", "more_cutters_mm")):  # its name until 0.1
        text = HEAD + ROUTER.replace("cutter_mm = 3,", f"cutter_mm = 3, {key},")
        (machine,) = parse_settings(text, folder=FOLDER).machines
        limits = machine.profile.cnc
        assert limits is not None
        assert [(it.name, it.edges) for it in limits.cutters] == [
            ("3 mm", 2), ("1.5 mm", 2), ("3 mm ball", 4),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("[1.5, 3.0]", "machine.1.cnc", "the 3 mm cutter is named twice"),
        ('[{ diameter_mm = 3, shape = "vee" }]', "machine.1.cnc.more_cutters.1.shape", "'ball'"),
        ("[{ diameter_mm = 300 }]", "machine.1.cnc.more_cutters.1.diameter_mm", "0.05 to 100"),
        ("[{ diameter_mm = 1, edges = 9 }]", "machine.1.cnc.more_cutters.1.edges", "6"),
        ("[{ diameter_mm = 1, egdes = 1 }]", "machine.1.cnc.more_cutters.1.egdes", "edges"),
    ],
)
def test_a_cutter_that_cannot_be_is_named(more: str, field: str, words: str) -> None:
    cnc = f"cutter_mm = 3, more_cutters = {more},"
    wrong = problems(HEAD + ROUTER.replace("cutter_mm = 3,", cnc))
    assert list(wrong) == [field]
    assert words in wrong[field]


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


@pytest.mark.parametrize(
    ("right", "wrong", "field", "sentence"),
    [
        ("nozzle_mm = 0.4", "nozzle_mm = 40", "fdm.nozzle_mm",
         "40 mm cannot be: write 0.05 to 5 mm"),
        ("nozzle_mm = 0.4", "hotend_max_c = 2600", "fdm.hotend_max_c",
         "2600 °C cannot be: write 20 to 600 °C"),
        ("nozzle_mm = 0.4", "bed_max_c = 1000", "fdm.bed_max_c",
         "1000 °C cannot be: write 0 to 300 °C"),
        ("nozzle_mm = 0.4", "hotend_max_c = 150", "fdm",
         "hotend_max_c (150) must be above extrude_min_c (170): nothing could ever be printed"),
        ("x_max_mm = 220", "x_max_mm = 10000000", "envelope.x_max_mm",
         "1e+07 mm cannot be: write -20000 to 20000 mm"),
        ("x_max_mm = 220", "x_max_mm = 220, x_min_mm = 230", "envelope",
         "x_min_mm must be less than x_max_mm"),
        ("max_feed_mm_s = 150", "max_feed_mm_s = 0", "max_feed_mm_s",
         "0 mm/s cannot be: write 0.1 to 3000 mm/s (per second: 6000 mm/min are 100 mm/s)"),
        ("max_feed_mm_s = 150", "max_feed_mm_s = nan", "max_feed_mm_s",
         "nan mm/s cannot be: write 0.1 to 3000 mm/s (per second: 6000 mm/min are 100 mm/s)"),
        ("max_feed_z_mm_s = 10", "max_feed_z_mm_s = 10\nbaud = 115201", "baud",
         "115201 is no baud rate of any board: did you mean 115200?"),
        ("max_feed_z_mm_s = 10", "max_feed_z_mm_s = 10\nrated_power_w = 0.4", "rated_power_w",
         "0.4 W cannot be: write 1 to 100000 W"),
        ("max_feed_z_mm_s = 10", "max_feed_z_mm_s = 10\nurl = 'octopi.local'", "url",
         "is not a web address: write it as in the browser, with http:// before"),
        ('["pla"]', '["pla", "plaa"]', "materials",
         "'plaa' is no known material; did you mean pla?"),
        ('["pla"]', '["plywood"]', "", "plywood is no material for 'fdm': leave it out"),
        ("nozzle_mm = 0.4", "park = { x_mm = 500, y_mm = 10 }", "",
         "park lies outside the envelope (x 500, y 10 mm): "
         "choose a place beside the part that the hot end can reach"),
        ('"marlin"', '"grbl"', "",
         "grbl and process 'fdm' do not go together: GRBL mills (cnc), the other drivers print "
         "(fdm)"),
    ],
)  # fmt: skip
def test_a_printers_impossible_limit_is_one_sentence(
    right: str, wrong: str, field: str, sentence: str
) -> None:
    assert right in PRINTER
    where = ".".join(part for part in ("machine.1", field) if part)
    assert problems(HEAD + PRINTER.replace(right, wrong)) == {where: sentence}


@pytest.mark.parametrize(
    ("right", "wrong", "field", "sentence"),
    [
        ("spindle_min_rpm = 8000", "spindle_min_rpm = 30000", "cnc",
         "spindle_min_rpm (30000) must not be above spindle_max_rpm (24000): are they exchanged?"),
        ("spindle_max_rpm = 24000", "spindle_max_rpm = 0", "cnc.spindle_max_rpm",
         "input should be greater than 0"),
        ("cutter_mm = 3", "cutter_mm = 300", "cnc.cutter_mm",
         "300 mm cannot be: write 0.05 to 100 mm"),
        ("x_max_mm = 600", "x_max_mm = 3", "",
         "a cutter of 3 mm does not fit into an envelope of 3 x 400 mm: "
         "check cutter_mm and the envelope"),
    ],
)  # fmt: skip
def test_a_routers_impossible_limit_is_one_sentence(
    right: str, wrong: str, field: str, sentence: str
) -> None:
    assert right in ROUTER
    where = ".".join(part for part in ("machine.1", field) if part)
    assert problems(HEAD + ROUTER.replace(right, wrong)) == {where: sentence}


def test_limits_that_machines_have_are_taken() -> None:
    large = PRINTER.replace("220", "1800").replace("150", "1000").replace("0.4", "1.8")
    small = ROUTER.replace("600", "80").replace("= 400", "= 60").replace("= 3,", "= 0.1,")
    settings = parse_settings(HEAD + large + small, folder=FOLDER)
    assert [m.envelope.x_max_mm for m in settings.machines] == [1800, 80]
