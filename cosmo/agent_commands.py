"""`cosmo agent …`: let a lab's machines in, run them, or simulate some."""

import signal
from pathlib import Path
from threading import Event

import click

from cosmo.access import CONFIG
from cosmo.agent_doctor import doctor
from cosmo.agent_setup import add
from cosmo.control_commands import register
from cosmo.key_commands import key
from cosmo.operator_commands import operator
from cosmo.told import JSON, tell


@click.group()
def agent() -> None:
    """Run a lab's machines."""


@agent.command()
@CONFIG
@JSON
def init(config: Path) -> None:
    """Write commented settings to start from."""
    from fab_agent.settings_text import write_example

    write_example(config)
    said = f"wrote {config}; name your machines there, then run `cosmo agent enrol CODE`"
    tell({"config": str(config)}, said)


@agent.command()
@CONFIG
@click.argument("code")
@JSON
def enrol(config: Path, code: str) -> None:
    """Introduce this agent to the server with the one-use CODE from the lab's page."""
    from fab_agent.examination import keep_told
    from fab_agent.settings import read_settings
    from fab_agent.supervisor import enrol as introduce

    settings = read_settings(config)
    enrolled = introduce(settings, code)
    keep_told(settings)
    said = f"enrolled; compare on the lab's page: {enrolled.fingerprint}"
    tell(enrolled.model_dump(mode="json"), said)


@agent.command()
@CONFIG
def run(config: Path) -> None:
    """Run every machine in the settings until Ctrl-C."""
    import logging

    from fab_agent.settings import read_settings
    from fab_agent.supervisor import run_agent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run_agent(read_settings(config), stop_on_signals())


@agent.command()
@click.argument("kind", type=click.Choice(["marlin", "grbl"]))
@click.option("--link", type=click.Path(path_type=Path), required=True,
              help="Path at which the simulated machine's port appears.")  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path),
              help="File that gets every executed line.")  # fmt: skip
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 1e6),
              help="How many times faster than a real machine it heats and moves.")  # fmt: skip
@click.option("--baud", default=0, show_default=True, type=click.IntRange(min=0),
              help="Bits a second on its cable; 0 for no limit.")  # fmt: skip
@click.option("--noise", default=0.0, show_default=True, type=click.FloatRange(0, 1),
              help="Share of lines (marlin) or bytes (grbl) that arrive damaged.")  # fmt: skip
@click.option("--seed", default=1, show_default=True, type=int,
              help="Another seed damages others; the same seed the same ones.")  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="KIND[@LINE]",
              help="What goes wrong, at which line of the program; repeatable.")  # fmt: skip
def simulate(
    kind: str,
    link: Path,
    record: Path | None,
    speed: float,
    baud: int,
    noise: float,
    seed: int,
    faults: tuple[str, ...],
) -> None:
    """Serve a machine made of memory on a port of its own until Ctrl-C."""
    from fab_agent.machines.firmware.faults import knobs_of
    from fab_agent.machines.firmware.pty import simulate as serve

    knobs = knobs_of(kind, baud=baud, noise=noise, seed=seed, faults=faults)
    serve(kind, link=link, record=record, speed=speed, knobs=knobs, stop=stop_on_signals())


agent.add_command(add)
agent.add_command(doctor)
agent.add_command(key)
agent.add_command(operator)
register(agent)


def stop_on_signals() -> Event:
    """An event that SIGINT and SIGTERM set."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
