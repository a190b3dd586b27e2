"""`cosmo agent add`: find a machine, ask what cannot be seen of it, and write it down."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commons.errors import InvalidInput, NotAllowed
from commons.machine import Driver
from cosmo.access import CONFIG

if TYPE_CHECKING:
    from fab_agent.firmware_facts import Firmware
    from fab_agent.hosts import Host
    from fab_agent.settings import AgentSettings
    from fab_agent.settings_text import Entry, Setting


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says. `yes`: nothing is asked."""

    config: Path
    port: str | None
    baud: int | None
    url: str | None
    key_file: Path | None
    driver: str | None
    given: Mapping[str, str]
    yes: bool
    server: str


@dataclass(frozen=True, slots=True)
class Found:
    """A machine, where it is, and a key of its host that is in no file yet."""

    firmware: "Firmware"
    where: "tuple[Entry, ...]"
    key: str = ""


@click.command()
@CONFIG
@click.option("--port", help="Serial port of the machine; without it, all are looked at.")
@click.option("--baud", type=int, help="Its speed; without it, the usual ones are tried.")
@click.option("--url", help="Address of its print host; without it, the usual ones are tried.")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="File that holds the print host's key.")  # fmt: skip
@click.option("--driver", type=click.Choice([d.value for d in Driver]),
              help="Add it only if it is one of these.")  # fmt: skip
@click.option("--set", "answers", multiple=True, metavar="KEY=VALUE",
              help="Answer a question beforehand, such as envelope.x_max_mm=235.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Ask nothing: open the port, write what is known.")
@click.option("--server", envvar="COSMOLOCAL_SERVER", default="http://127.0.0.1:8000",
              show_default=True, help="Address of the repository, for new settings.")  # fmt: skip
def add(answers: tuple[str, ...], **options: object) -> None:
    """Find a machine, ask what cannot be seen of it, and write it into the settings.

    Nothing moves and nothing heats.
    """
    given = dict(_split(answer) for answer in answers)
    add_machine(Wishes(given=given, **options))  # type: ignore[arg-type]


def add_machine(wishes: Wishes) -> None:
    """The settings have one machine more, or nothing has changed and the error says why."""
    from fab_agent.settings_text import head_text

    settings = _settings_so_far(wishes.config)
    machine = _find(wishes, settings)
    _introduce(machine.firmware)
    head = ""
    if not wishes.config.exists():
        url = _ask(wishes, "Address of the repository", wishes.server)
        head = head_text(url=url, name=_ask(wishes, "What people call this agent", platform.node()))
    taken = [known.name for known in settings.machines] if settings else []
    _settle(wishes, machine, taken, head)
    click.echo(
        f"written into {wishes.config}. Next: cosmo agent doctor, then cosmo agent enrol CODE "
        "with a code from the lab's page"
    )


def _settings_so_far(config: Path) -> "AgentSettings | None":
    """What stands in the file; None when there is none, or one without machines.

    Raises:
        InvalidInput: it is wrong, and must be mended first.
    """
    from fab_agent.settings import read_settings

    if not config.exists():
        return None
    try:
        return read_settings(config)
    except InvalidInput as error:
        if [problem.field for problem in error.fields] == ["machine"]:
            return None
        raise


def _find(wishes: Wishes, settings: "AgentSettings | None") -> Found:
    from cosmo.agent_search import choose

    place = choose(wishes.port, wishes.url, settings, yes=wishes.yes)
    found = _at_port(wishes, place) if isinstance(place, str) else _behind_host(wishes, place)
    driver = found.firmware.driver.value
    if wishes.driver not in (None, driver):
        raise InvalidInput(f"this is a {driver} machine ({found.firmware.name}), and --driver says "
                           f"{wishes.driver}: leave it out, or name the right port")  # fmt: skip
    return found


def _at_port(wishes: Wishes, port: str) -> Found:
    from fab_agent.finding import LIKELY_BAUD_RATES, probe_serial
    from fab_agent.machines.ports import require_usable
    from fab_agent.settings_text import Entry

    require_usable(port)
    if not wishes.yes:
        _say("Opening a port restarts most boards: what is printing or moving there would stop.")
        if not click.confirm(f"Is the machine at rest, and may {port} be opened?"):
            raise NotAllowed("nothing was opened; run this again when the machine is free")
    board = probe_serial(port, (wishes.baud,) if wishes.baud else LIKELY_BAUD_RATES, tell=_say)
    where = (Entry("port", port), Entry("baud", board.connection.baudrate))
    return Found(board.firmware, where)


def _behind_host(wishes: Wishes, host: "Host") -> Found:
    from fab_agent.firmware_facts import Firmware
    from fab_agent.hosts import SOURCES, guard_behind, report_of
    from fab_agent.settings_text import Entry

    key = _key_in(wishes.key_file) if wishes.key_file else _key_for(wishes, host)
    report = report_of(host, key)
    if report.lacking:
        raise NotAllowed(f"the key of {host.url} does not allow {', '.join(report.lacking)}: take "
                         "one of a user who may print")  # fmt: skip
    if not report.connected:
        _say(f"its printer is not connected now ({report.says}): less can be seen of it")
    guarded = report.guarded if report.guarded is not None else guard_behind(host, key)
    firmware = Firmware(
        host.driver, report.version, guarded, report.simulated, report.facts, SOURCES[host.driver]
    )
    where = [Entry("url", host.url)]
    if wishes.key_file:
        where.append(Entry("key_file", _relative(wishes.key_file, wishes.config)))
    return Found(firmware, tuple(where), "" if wishes.key_file else key)


def _key_in(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} holds no key: it is to hold one alone, as text") from error


def _key_for(wishes: Wishes, host: "Host") -> str:
    """A key that a person allows at the host, or types; "" for one that wants none."""
    from fab_agent.hosts import ask_for_key, await_key, wants_key

    if not wants_key(host):
        return ""
    if wishes.yes:
        raise InvalidInput(f"{host.title} at {host.url} wants a key: give a file with one by "
                           "--key-file, or run this without --yes")  # fmt: skip
    if host.has_workflow and click.confirm("Ask OctoPrint for a key?", default=True):
        pairing = ask_for_key(host.url)
        _say(f"open {pairing.dialog} in a browser, sign in there and click Allow; waiting …")
        return await_key(pairing)
    typed: str = click.prompt("Its key", hide_input=True)
    return typed.strip()


def _settle(wishes: Wishes, machine: Found, taken: list[str], head: str) -> None:
    """All is asked, and written with the key beside it; asked again while it is wrong."""
    from fab_agent.new_machine import attended, suggestions, table
    from fab_agent.settings_text import Entry, append, keep_key, machine_text

    firmware, answers = machine.firmware, suggestions(machine.firmware, taken=taken)
    title = f"Added by 'cosmo agent add': {firmware.name}"
    while True:
        answers = _interview(wishes, firmware, answers)
        alone = not wishes.yes and firmware.guarded and not click.confirm(
            "Its firmware guards against thermal runaway. Must a person stay all the same?",
            default=True,
        )  # fmt: skip
        name = str(answers["name"].value)
        key_file = wishes.config.parent / f"{_slug(name)}.key"
        where = [*machine.where, *([Entry("key_file", key_file.name)] if machine.key else [])]
        entries = table(firmware, where, answers, attended_only=not alone)
        text = machine_text(entries, title=title, notes={"attended_only": attended(firmware)})
        try:
            with keep_key(key_file, machine.key):
                append(wishes.config, text, head=head)
            return
        except InvalidInput as error:
            if wishes.yes:
                raise
            _say(f"{error}\nPlease look at your answers again:")


def _interview(
    wishes: Wishes, firmware: "Firmware", best: "Mapping[str, Entry]"
) -> "dict[str, Entry]":
    """An answer to each question: given beforehand, typed now, or the best known."""
    from fab_agent.new_machine import (
        GIVEN,
        as_its_kind,
        process_of,
        questions,
        read_answer,
        unknowable,
    )
    from fab_agent.settings_text import Entry

    process, answers = process_of(firmware.driver), dict(best)
    for key, text in wishes.given.items():
        answers[key] = Entry(key, read_answer(key, text, process=process), GIVEN)
    if "model" in wishes.given:
        answers = as_its_kind(answers)
    if wishes.yes:
        missing = [] if firmware.simulated else unknowable(answers, process)
        if missing:
            raise InvalidInput(f"nobody but you knows {', '.join(missing)} of this machine: give "
                               "them by --set KEY=VALUE, or run this without --yes")  # fmt: skip
        return answers
    _say("\nNow what cannot be seen. Enter takes what stands in [brackets].")
    for question in questions(process):
        if question.key not in wishes.given:
            answers |= _answer(question.key, question.text, answers.get(question.key), process)
            if question.key == "model":
                answers = as_its_kind(answers)
    return answers


def _answer(key: str, text: str, best: "Entry | None", process: object) -> "dict[str, Entry]":
    """What a person typed for one question; {} for one that stays open."""
    from fab_agent.new_machine import GIVEN, read_answer, shown
    from fab_agent.settings_text import Entry

    def read(typed: str) -> "Setting | None":
        try:
            return read_answer(key, typed, process=process) if typed else None  # type: ignore[arg-type]
        except InvalidInput as error:
            raise click.BadParameter(str(error)) from error

    default = shown(best.value) if best else ""
    origin = f" ({best.origin})" if best and best.origin else ""
    value = click.prompt(
        f"{text}{origin}", default=default, value_proc=read, show_default=bool(best)
    )
    if value is None:
        return {}
    kept = best and value == read(default)
    return {key: best if best and kept else Entry(key, value, GIVEN)}


def _introduce(firmware: "Firmware") -> None:
    guard = {True: "yes", False: "no", None: "it does not say"}[firmware.guarded]
    _say(f"found {firmware.name}, for the driver '{firmware.driver}'")
    if firmware.driver is not Driver.GRBL:
        _say(f"guards against thermal runaway: {guard}")
    if firmware.simulated:
        _say("it is a simulated machine: its figures are shown apart")


def _ask(wishes: Wishes, text: str, guess: str) -> str:
    return guess if wishes.yes else str(click.prompt(text, default=guess))


def _split(answer: str) -> tuple[str, str]:
    key, sign, value = answer.partition("=")
    if not sign:
        raise InvalidInput(f"--set {answer} has no value: write --set KEY=VALUE")
    return key.strip(), value


def _relative(path: Path, config: Path) -> str:
    """The path as the settings name it: beside them by its name alone."""
    folder, full = config.resolve().parent, path.resolve()
    return str(full.relative_to(folder)) if full.is_relative_to(folder) else str(full)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") or "machine"


def _say(sentence: str) -> None:
    click.echo(sentence)
