"""docs/cli.md tells every command, argument and option; the pages type only what exists."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from flask import Flask

from cosmo.__main__ import cli
from tests.docs.pages import PAGES, ROOT, code, commands, prose, rows, sections

PAGE = "docs/cli.md"
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
TYPED = [(page, line) for page in PAGE_NAMES for line in commands(page)]


def leaves(group: click.Group, words: str = "cosmo") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


COMMANDS = dict(leaves(cli))
FOR_PROGRAMS = "--json"


def documented() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Arguments, and options with their second cell, of each command on the page."""
    found = {}
    for heading, text in sections(PAGE).items():
        if match := re.fullmatch(r"`(cosmo [a-z -]+?)((?: [A-Z]+)*)`", heading):
            options = {code(row[0]): row[1] for row in rows(text)}
            found[match[1]] = (match[2].split(), options)
    return found


def test_every_command_is_told_and_no_other() -> None:
    assert documented().keys() == COMMANDS.keys()


@pytest.mark.parametrize("words", COMMANDS)
def test_its_arguments_and_options_are_told_and_no_others(words: str) -> None:
    arguments, options = documented()[words]
    params = COMMANDS[words].params
    assert arguments == [str(p.name).upper() for p in params if isinstance(p, click.Argument)]
    known = {p.opts[0] for p in params if isinstance(p, click.Option)}
    assert options.keys() == known - {FOR_PROGRAMS}


@pytest.mark.parametrize("words", COMMANDS)
def test_its_defaults_are_those_that_are_told(words: str) -> None:
    _, options = documented()[words]
    for param in COMMANDS[words].params:
        if param.opts[0] == FOR_PROGRAMS:
            continue  # told once, for all of them
        if isinstance(param, click.Option) and param.show_default:
            assert code(options[param.opts[0]]) == str(param.default)
        elif isinstance(param, click.Option) and param.required and not param.prompt:
            assert options[param.opts[0]] == "required"


def test_every_command_prints_json_but_those_that_the_page_excepts() -> None:
    (told,) = re.findall(r"All have it but those([^.]*)\.", prose(PAGE))
    without = {
        words
        for words, command in COMMANDS.items()
        if FOR_PROGRAMS not in [option for param in command.params for option in param.opts]
    }
    assert without == set(re.findall(r"`([^`]+)`", told.replace("\n", " ")))


def known(line: str) -> None:
    """Pass when `cosmo` has this command and these options."""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    parser = command.make_parser(click.Context(command))
    parser.parse_args(args=words)


@pytest.mark.parametrize(("page", "line"), TYPED, ids=lambda value: value[:60])
def test_what_the_pages_type_exists(page: str, line: str, app: Flask) -> None:
    if line.startswith("cosmo "):
        known(line)
    if line.startswith("make "):
        assert re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if path := re.search(r"/api/v1(/[^\s\"$?]+)", line):
        sends = re.search(r"-X (\w+)", line)
        method = sends[1] if sends else "POST" if " -d " in line else "GET"
        app.url_map.bind("localhost").match(f"/api/v1{path[1]}", method=method)


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_a_command_within_a_sentence_exists(page: str) -> None:
    for typed in re.findall(r"`(cosmo [^`…]+)`", prose(page)):
        known(re.sub(r" [A-Z]+(?= |$)", " X", typed))
