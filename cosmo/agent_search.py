"""Which machine is meant: the ports and print hosts that there are, and the one that is chosen."""

from typing import TYPE_CHECKING

import click

from commons.errors import InvalidInput

if TYPE_CHECKING:
    from fab_agent.hosts import Host
    from fab_agent.machines.ports import Port
    from fab_agent.settings import AgentSettings


def choose(
    port: str | None, url: str | None, settings: "AgentSettings | None", *, yes: bool
) -> "str | Host":
    """The port or host of the new machine.

    Raises:
        InvalidInput: there is none, several could be meant, or it is another machine's already.
        FabError: the host that was named does not answer as one.
    """
    from fab_agent.hosts import look_at

    if port is not None and url is not None:
        raise InvalidInput(
            "a machine is at a port or behind a host: give --port or --url, not both"
        )
    if (named := port or url) is not None:
        if (owner := _owner(named, settings)) is not None:
            raise InvalidInput(f"{named} belongs to machine {owner} already: change it there")
        return port if port is not None else look_at(named.rstrip("/"))
    return _pick(settings, yes=yes)


def _pick(settings: "AgentSettings | None", *, yes: bool) -> "str | Host":
    from fab_agent.hosts import find_hosts
    from fab_agent.machines.ports import list_serial_ports

    click.echo("looking for serial ports and print hosts …")
    free: list[str | Host] = []
    for port in list_serial_ports():
        note = _note(port, settings)
        free += [] if note else [port.name]
        click.echo(_line(len(free), f"{port.name}  {port.description}", note))
    for host in find_hosts():
        owner = _owner(host.url, settings)
        free += [] if owner else [host]
        note = f"belongs to {owner}" if owner else ""
        click.echo(_line(len(free), f"{host.url}  {host.title}", note))
    if not free:
        raise InvalidInput("no free machine was found: is it plugged in and switched on? One that "
                           "is elsewhere is named by --port or --url")  # fmt: skip
    if yes and len(free) > 1:
        raise InvalidInput("several could be meant: name one by --port or --url")
    if yes:
        return free[0]
    number = click.prompt("Which one is the new machine?", default=1,
                          type=click.IntRange(1, len(free)))  # fmt: skip
    return free[number - 1]


def _note(port: "Port", settings: "AgentSettings | None") -> str:
    """Why this port cannot be chosen; "" when it can."""
    from fab_agent.machines.ports import holder_of

    if (owner := _owner(port.name, settings)) is not None:
        return f"belongs to {owner}"
    holder = holder_of(port.device)
    return f"held by {holder}" if holder else ""


def _owner(place: str, settings: "AgentSettings | None") -> str | None:
    """The machine that is there already."""
    from fab_agent.machines.ports import same_port

    for machine in settings.machines if settings else ():
        if (
            machine.port is not None
            and not machine.driver.hosted
            and same_port(machine.port, place)
        ):
            return machine.name
        if machine.driver.hosted and machine.url == place.rstrip("/"):
            return machine.name
    return None


def _line(number: int, what: str, note: str) -> str:
    return f"   -  {what}  ({note})" if note else f"  {number:2}  {what}"
