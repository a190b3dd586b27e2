"""The agreement on the page is shared out as the page says."""

from pathlib import Path

from click.testing import CliRunner

from cosmo.__main__ import cli
from tests.docs.pages import blocks

PAGE = "docs/for_coalitions.md"


def test_the_example_comes_out_as_it_is_printed(tmp_path: Path) -> None:
    (file,), (printed,) = blocks(PAGE, "toml"), blocks(PAGE, "text")
    example = tmp_path / "lamp.toml"
    example.write_text(file.text)
    answer = CliRunner().invoke(cli, ["share-out", str(example)])
    assert answer.output.strip() == printed.text.strip()


def test_what_is_wrong_in_a_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    (file,) = blocks(PAGE, "toml")
    example = tmp_path / "lamp.toml"
    for wrong, sentence in (
        (file.text.replace("share = 0.8", "share = 0.7"), "are 0.9 together and have to be 1"),
        (file.text.replace('"1" }', '"half" }'), 'give each share as a text, such as "7/10"'),
        (file.text.replace("gross_minor = 100_000", "gross_minor = -5"), "income.gross_minor"),
        ("[terms", "is no TOML"),
    ):
        example.write_text(wrong)
        answer = CliRunner().invoke(cli, ["share-out", str(example)])
        assert sentence in str(answer.exception)
