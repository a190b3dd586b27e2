"""docs/configuration.md tells every variable and every key, with the default that it has."""

from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from commons.cutters import MillCutter
from commons.machine import Envelope, KeepOut, Macro, MillLimits, Park, PrintLimits
from cosmo.__main__ import cli
from fab_agent.printers.kinds import OWN, kinds
from fab_agent.settings import (
    AgentSettings,
    LabSettings,
    MachineSettings,
    PanelSettings,
    RepositorySettings,
    parse_settings,
)
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import print_profile
from repo_server.settings import VARIABLES, Settings
from tests.docs.pages import Block, blocks, code, rows, sections
from tests.profiles import printer

PAGE = "docs/configuration.md"
TABLES: dict[str, type[BaseModel]] = {
    "`[repository]`": RepositorySettings,
    "`[agent]`": LabSettings,
    "`[panel]`": PanelSettings,
    "`[[machine]]`": MachineSettings,
    "`[machine.envelope]`": Envelope,
    "`[[machine.envelope.keep_out]]`": KeepOut,
    "`[machine.fdm]`": PrintLimits,
    "`[machine.fdm.park]`": Park,
    "`[[machine.fdm.macros]]`": Macro,
    "`[machine.cnc]`": MillLimits,
    "`[[machine.cnc.more_cutters]]`": MillCutter,
}
SETTINGS = [block for block in blocks(PAGE, "toml") if block.label != "printer"]
OWN_KINDS = [block for block in blocks(PAGE, "toml") if block.label == "printer"]


def told(section: str) -> dict[str, str]:
    """Names and second cells of the table in a section."""
    return {code(row[0]): row[1] for row in rows(sections(PAGE)[section])}


def default(field: FieldInfo) -> str:
    """A key's default as the page writes it."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def test_every_variable_of_the_server_is_told_and_no_other() -> None:
    assert told("The server").keys() == VARIABLES.keys()


def test_the_servers_defaults_are_those_that_are_told(tmp_path: Path) -> None:
    absent = told("The server")
    settings = Settings.from_env({})
    assert settings.data == Path(code(absent["COSMO_DATA"])).resolve()
    assert settings.base_url == code(absent["COSMO_BASE_URL"])
    assert settings.upload_quota_gb == float(code(absent["COSMO_UPLOAD_QUOTA_GB"]))
    assert settings.upload_days == float(code(absent["COSMO_UPLOAD_DAYS"]))
    moved = Settings.from_env({"COSMO_DATA": str(tmp_path)})
    assert moved.secret_file == tmp_path / code(absent["COSMO_SECRET_FILE"])
    assert moved.database_url.startswith(f"sqlite:///{tmp_path}")
    assert moved.redis_url is None


def test_every_variable_of_the_command_is_told_with_its_default() -> None:
    known = {
        str(option.envvar): str(option.default)
        for command in cli.commands.values()
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    assert {name: code(cell) for name, cell in told("The command").items()} == known


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_agent_toml_is_told_with_its_default(table: str) -> None:
    fields = TABLES[table].model_fields.items()
    assert told(table) == {field.alias or name: default(field) for name, field in fields}


def test_every_table_of_agent_toml_is_told() -> None:
    tables = {field.alias or name for name, field in AgentSettings.model_fields.items()}
    assert {table.strip("`[]") for table in TABLES if "." not in table} == tables


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.page)
def test_every_agent_toml_on_the_pages_can_be_used(block: Block, tmp_path: Path) -> None:
    assert block.label == "agent.toml"
    settings = parse_settings(block.text, folder=tmp_path)
    assert settings.agent.data == tmp_path / "agent"


def test_every_kind_of_printer_is_told_and_no_other() -> None:
    assert set(told("Kinds of printers")) == set(kinds())


def test_the_own_kind_on_the_page_is_one_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / OWN).mkdir(parents=True)
    (tmp_path / OWN / "big.toml").write_text(OWN_KINDS[0].text)
    settings = print_profile(
        printer(model="big"), material="pla", quality="draft", options=PrintOptions()
    ).settings
    assert settings["retract_length"] == "4"
    assert settings["end_gcode"].endswith("M84")
