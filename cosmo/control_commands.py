"""`cosmo agent hold|resume|stop|state|clear|…`: at the machine, without a server."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from cosmo.access import CONFIG
from cosmo.told import JSON, tell

Function = TypeVar("Function", bound=Callable[..., object])
BY = click.option("--by", default="", help="Who you are: it is kept with what you did.")
TRAINED = click.option(
    "--by", required=True, help="Who you are: one of the machine's operators in the settings."
)
AXES = click.option(
    "--axes", default="XYZ", show_default=True,
    type=click.Choice(["X", "Y", "Z", "XY", "XZ", "YZ", "XYZ"], case_sensitive=False),
    help="Axes whose zero is here.",
)  # fmt: skip


def register(agent: click.Group) -> None:
    """The group has the commands for people beside a machine."""
    for command in (_wish("hold", "Pause what MACHINE runs."),
                    _wish("stop", "Stop what MACHINE does and make it safe. Anybody may."),
                    _step("home", "Let MACHINE find its limit switches."),
                    _step("unlock", "Let MACHINE move again after an alarm that you looked at."),
                    resume, state, clear, jog, zero):  # fmt: skip
        agent.add_command(command)


def _wish(name: str, help_: str) -> click.Command:
    @click.command(name, help=help_)
    @CONFIG
    @BY
    @click.argument("machine")
    @JSON
    def command(config: Path, machine: str, by: str) -> None:
        _say(config, machine, do=name, by=by)

    return command


def _step(name: str, help_: str) -> click.Command:
    @click.command(name, help=help_)
    @CONFIG
    @TRAINED
    @click.argument("machine")
    @JSON
    def command(config: Path, machine: str, by: str) -> None:
        _say(config, machine, do=name, by=by)

    return command


@click.command()
@CONFIG
@BY
@click.option("--same-length", is_flag=True,
              help="The cutter that was changed is exactly as long as the one before.")  # fmt: skip
@click.argument("machine")
@JSON
def resume(config: Path, machine: str, by: str, same_length: bool) -> None:
    """Go on with what MACHINE held."""
    _say(config, machine, do="resume", by=by, same_length=same_length)


@click.command()
@CONFIG
@click.argument("machine")
@JSON
def state(config: Path, machine: str) -> None:
    """Say what MACHINE does."""
    _say(config, machine, do="state")


@click.command()
@CONFIG
@click.option("--by", required=True, help="Who you are: it is your word.")
@click.argument("machine")
@JSON
def clear(config: Path, machine: str, by: str) -> None:
    """Say that nothing lies on MACHINE: one start may use that up."""
    _say(config, machine, do="clear", by=by)


def _distance(axis: str) -> Callable[[Function], Function]:
    return click.option(
        f"--{axis}", f"{axis}_mm", default=0.0, show_default=True, type=float,
        help=f"Along {axis.upper()}, mm.",
    )  # fmt: skip


@click.command()
@CONFIG
@TRAINED
@_distance("x")
@_distance("y")
@_distance("z")
@click.option("--feed", "feed_mm_s", default=10.0, show_default=True, type=float,
              help="How fast, mm/s.")  # fmt: skip
@click.argument("machine")
@JSON
def jog(  # a click command takes its options one by one
    config: Path, machine: str, by: str, x_mm: float, y_mm: float, z_mm: float, feed_mm_s: float
) -> None:
    """Move MACHINE by so much, and stand."""
    _say(config, machine, do="jog", by=by, x_mm=x_mm, y_mm=y_mm, z_mm=z_mm, feed_mm_s=feed_mm_s)


@click.command()
@CONFIG
@TRAINED
@AXES
@click.argument("machine")
@JSON
def zero(config: Path, machine: str, by: str, axes: str) -> None:
    """Make the place where MACHINE stands the zero of the work."""
    _say(config, machine, do="zero", by=by, axes=axes.upper())


def _say(config: Path, machine: str, **wanted: object) -> None:
    from fab_agent.asking import ask_machine
    from fab_agent.settings import read_settings

    said = ask_machine(read_settings(config), machine, wanted)
    tell({"machine": machine, "sentence": said}, f"{machine}: {said}")
