"""What is reckoned on the page comes out as the page says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmo.__main__ import cli
from tests.docs.pages import blocks

PAGE = "docs/for_coalitions.md"
COMMANDS = (["share-out"], ["allocation", "weigh"])


@pytest.mark.parametrize("at", range(len(COMMANDS)))
def test_each_example_comes_out_as_it_is_printed(at: int, tmp_path: Path) -> None:
    file, printed = blocks(PAGE, "toml")[at], blocks(PAGE, "text")[at]
    example = tmp_path / "example.toml"
    example.write_text(file.text)
    answer = CliRunner().invoke(cli, [*COMMANDS[at], str(example)])
    assert answer.output.strip() == printed.text.strip()


@pytest.mark.parametrize(
    ("at", "right", "wrong", "sentence"),
    [
        (0, "share = 0.8", "share = 0.7", "are 0.9 together and have to be 1"),
        (0, '"1" }', '"half" }', 'give each share as a text, such as "7/10"'),
        (0, "gross_minor = 100_000", "gross_minor = -5", "income.gross_minor"),
        (0, 'accepted_by = ["ada"]', 'accepted_by = ["bea"]', "c2 is accepted by bea, who gave it"),
        (0, "[terms]", "[terms", "is no TOML"),
        (1, "raw_material_2050", "copper", "there is no threshold 'copper'"),
        (1, 'unit = "t"', 'unit = "kg"', "give the use in t, not in kg"),
        (1, "persons = 20_000\n", "", "allocation.persons: Field required"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_one_sentence(
    at: int, right: str, wrong: str, sentence: str, tmp_path: Path
) -> None:
    example = tmp_path / "example.toml"
    example.write_text(blocks(PAGE, "toml")[at].text.replace(right, wrong))
    answer = CliRunner().invoke(cli, [*COMMANDS[at], str(example)])
    assert sentence in str(answer.exception)


def test_a_decision_that_is_to_be_looked_at_again_judges_nothing(tmp_path: Path) -> None:
    example = tmp_path / "example.toml"
    example.write_text(blocks(PAGE, "toml")[1].text.replace("2090-01-01", "2026-01-02"))
    answer = CliRunner().invoke(cli, ["allocation", "weigh", str(example)])
    assert "no judgement: the decision holds from 2026-01-01 to before 2026-01-02" in answer.output
    assert "allotted: " not in answer.output


def test_a_currency_without_smaller_units_is_told_without_a_point(tmp_path: Path) -> None:
    text = blocks(PAGE, "toml")[0].text
    example = tmp_path / "example.toml"
    example.write_text(text.replace('"EUR"', '"CLP"').replace("digits = 2", "digits = 0"))
    answer = CliRunner().invoke(cli, ["share-out", str(example)])
    assert answer.output.startswith("100,000 CLP came in\n")
