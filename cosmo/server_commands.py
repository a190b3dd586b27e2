"""`cosmo server …`: run the repository and let the first people in."""

import click

from cosmo.told import JSON, tell


@click.group()
def server() -> None:
    """Run the repository server."""


@server.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65534))
@click.option(
    "--files-port",
    type=click.IntRange(1, 65535),
    help="Port of strangers' files; without it, the one after --port.",
)
def run(host: str, port: int, files_port: int | None) -> None:
    """Serve web, API and worker until Ctrl-C. Settings come from COSMO_* variables."""
    from repo_server.server import serve
    from repo_server.settings import Settings

    serve(Settings.from_env(), host=host, port=port, files_port=files_port)


@server.command("add-admin")
@click.argument("handle")
@click.option("--name", prompt=True)
@click.option("--email", prompt=True)
@click.password_option()
@JSON
def add_admin(handle: str, name: str, email: str, password: str) -> None:
    """Make an account that may add cities."""
    from repo_server.server import add_admin as make
    from repo_server.settings import Settings

    make(Settings.from_env(), handle=handle, name=name, email=email, password=password)
    tell({"handle": handle}, f"{handle} may now add cities")


@server.command()
@JSON
def reindex() -> None:
    """Make what designs are found by anew, from their releases. The server may run."""
    from repo_server.server import reindex as make
    from repo_server.settings import Settings

    count = make(Settings.from_env())
    tell({"designs": count}, f"{count} designs can be found")
