"""`cosmo agent operator …`: who may sign in at the agent's panel."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmo.access import CONFIG
from cosmo.told import JSON, tell

if TYPE_CHECKING:
    from fab_agent.panel.operators import Passkey


@click.group()
def operator() -> None:
    """Who may sign in at the panel, with a PIN of their own."""


@operator.command("add")
@CONFIG
@click.argument("name")
@click.option("--pin", prompt="PIN (6 to 12 digits)", hide_input=True, confirmation_prompt=True,
              help="Without it you are asked, and nobody reads it over your shoulder.")  # fmt: skip
@JSON
def add(config: Path, name: str, pin: str) -> None:
    """Let NAME sign in at the panel; an earlier PIN of theirs counts no longer, passkeys stay."""
    from fab_agent.panel.operators import Operators
    from fab_agent.settings import read_settings

    Operators(read_settings(config).agent.data).add(name, pin)
    tell({"operator": name}, f"{name} may sign in at the panel")


@operator.command("remove")
@CONFIG
@click.argument("name")
@JSON
def remove(config: Path, name: str) -> None:
    """Let NAME sign in no longer; where they are signed in they are so no more."""
    from fab_agent.panel.operators import Operators
    from fab_agent.settings import read_settings

    Operators(read_settings(config).agent.data).remove(name)
    tell({"operator": name}, f"{name} may no longer sign in at the panel")


@operator.command("list")
@CONFIG
@JSON
def list_(config: Path) -> None:
    """Who may sign in at the panel."""
    from fab_agent.panel.operators import Operators
    from fab_agent.settings import read_settings

    names = Operators(read_settings(config).agent.data).names()
    tell({"operators": names}, "\n".join(names) or "nobody has a PIN yet")


@operator.command("passkeys")
@CONFIG
@click.argument("name")
@JSON
def passkeys(config: Path, name: str) -> None:
    """The passkeys with which NAME may sign in, too."""
    from fab_agent.panel.operators import Operators
    from fab_agent.settings import read_settings

    kept = Operators(read_settings(config).agent.data).passkeys(name)
    tell(
        {"passkeys": [_told(key) for key in kept]},
        "\n".join(f"{key.id}  {key.name}, since {key.made_at:%Y-%m-%d}" for key in kept)
        or f"{name} has no passkey",
    )


@operator.command("remove-passkey")
@CONFIG
@click.argument("name")
@click.argument("id")
@JSON
def remove_passkey(config: Path, name: str, id: str) -> None:
    """Let NAME sign in with the passkey ID no longer; whoever came in by it is out."""
    from fab_agent.panel.operators import Operators
    from fab_agent.settings import read_settings

    gone = Operators(read_settings(config).agent.data).remove_passkey(name, id)
    tell({"removed": _told(gone)}, f"{name}'s passkey {gone.name} lets nobody in any more")


def _told(key: "Passkey") -> dict[str, str]:
    return {"id": key.id, "name": key.name, "host": key.rp_id, "made_at": key.made_at.isoformat()}
