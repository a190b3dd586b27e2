"""`cosmo agent key …`: whose slicer may drop programs at the agent's panel."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cosmo.access import CONFIG
from cosmo.told import JSON, tell


@click.group()
def key() -> None:
    """Keys by which people's slicers drop programs into the lab's queue."""


@key.command("add")
@CONFIG
@click.argument("handle")
@JSON
def add(config: Path, handle: str) -> None:
    """Make a key for the person with this HANDLE on the server; it is shown this once."""
    from fab_agent.panel.slicer_keys import SlicerKeys
    from fab_agent.settings import read_settings

    settings = read_settings(config)
    made, secret = SlicerKeys(settings.agent.data / "panel").add(handle, now=datetime.now(UTC))
    tell(
        {"id": made.id, "handle": made.handle, "key": secret},
        f"in the slicer, as a printer of the kind OctoPrint, for {made.handle} alone:",
        f"  address  http://{settings.panel.host}:{settings.panel.port}",
        f"  API key  {secret}",
        f"it is shown this once; `cosmo agent key remove {made.id}` ends it",
    )


@key.command("remove")
@CONFIG
@click.argument("id")
@JSON
def remove(config: Path, id: str) -> None:
    """The key ID lets nobody in any more; `list` tells the ids."""
    from fab_agent.panel.slicer_keys import SlicerKeys
    from fab_agent.settings import read_settings

    gone = SlicerKeys(read_settings(config).agent.data / "panel").remove(id)
    tell({"id": gone.id, "handle": gone.handle}, f"the key {gone.id} of {gone.handle} has ended")


@key.command("list")
@CONFIG
@JSON
def list_(config: Path) -> None:
    """Which keys there are, and whose they are."""
    from fab_agent.panel.slicer_keys import SlicerKeys
    from fab_agent.settings import read_settings

    keys = SlicerKeys(read_settings(config).agent.data / "panel").all()
    told = [it.model_dump(mode="json", exclude={"sha256"}) for it in keys]
    lines = [f"{it.id}  {it.handle}  since {it.made_at:%Y-%m-%d}" for it in keys]
    tell(told, "\n".join(lines) or "there is no key yet")
