"""Which server a command talks to, and as whom: options that commands share, and the kept token."""

from pathlib import Path

import click

from commons.errors import InvalidInput

SERVER = click.option(
    "--server", "url", envvar="COSMOLOCAL_SERVER", default="http://127.0.0.1:8000",
    show_default=True, help="Address of the repository.",
)  # fmt: skip
TOKEN = click.option(
    "--token-file", envvar="COSMOLOCAL_TOKEN_FILE", type=click.Path(path_type=Path),
    default=Path("~/.config/cosmolocal/token"), show_default=True,
    help="Where `cosmo sign-in` keeps your token.",
)  # fmt: skip

CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), default=Path("agent.toml"), show_default=True,
    help="The agent's settings.",
)  # fmt: skip


def keep_secret(path: Path, secret: str) -> None:
    """`secret` is in `path`, which only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(secret + "\n")


def read_secret(path: Path) -> str:
    """The token in `path`; InvalidInput says how to get one."""
    try:
        return path.expanduser().read_text().strip()
    except OSError as error:
        raise InvalidInput(f"there is no token in {path}; run `cosmo sign-in` first") from error
