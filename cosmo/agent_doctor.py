"""`cosmo agent doctor`: what is wrong with a lab's agent, and what to do about it."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from cosmo.access import CONFIG
from cosmo.told import JSON, tell, wants_json

# How each kind of finding begins.
MARKS = {
    "ok": ("ok     ", "green"),
    "warning": ("warning", "yellow"),
    "problem": ("problem", "red"),
}


@click.command()
@CONFIG
@click.option("--yes", is_flag=True, help="Open the serial ports without asking.")
@JSON
def doctor(config: Path, *, yes: bool) -> None:
    """Look at everything that the agent needs: one line each, and what to do.

    Machines that a running agent drives are left alone. Ends with 1 when there is a problem.
    """
    from fab_agent.examination import examine

    console, counts = Console(highlight=False, soft_wrap=True), dict.fromkeys(MARKS, 0)
    found: list[dict[str, str | None]] = []
    for machine, finding in examine(config, may_open=lambda names: yes or _may_open(names)):
        mark, style = MARKS[finding.level]
        counts[finding.level] += 1
        found.append({"machine": machine, "level": finding.level, "sentence": str(finding)})
        if not wants_json():
            about = f"{machine}: " if machine else ""
            console.print(Text.assemble((mark, style), f"  {about}{finding}"))
    problems, warnings = counts["problem"], counts["warning"]
    said = [
        f"{n} {word}{'s' * (n != 1)}" for n, word in ((problems, "problem"), (warnings, "warning"))
    ]
    tell(found, ", ".join(said) if problems or warnings else "all is well")
    if problems:
        raise SystemExit(1)


def _may_open(names: list[str]) -> bool:
    """A person at a terminal allows it; nobody else is there to say that the machines are free."""
    if not sys.stdin.isatty():
        return False
    click.echo("Opening a port restarts most boards: what is printing or moving there would stop.")
    return click.confirm(f"Are {', '.join(names)} at rest, and may their ports be opened?")
