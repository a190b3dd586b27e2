"""Who answers on a printer's port, from its own words: Marlin, or what else."""

import re
from collections.abc import Sequence

from commons.errors import Unavailable
from commons.machine import MachineProfile
from fab_agent.firmware_facts import recognise
from fab_agent.machines.driver import MachineIdentity

# A Marlin printer says none of these; `error:20` is how GRBL answers M115.
_GRBL = re.compile(rb"Grbl|\[VER:|error:\d+$|ALARM:\d")
_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\r\n\t")
_SHOWN = 60


def is_grbl(line: bytes) -> bool:
    """Only GRBL and its kin speak so."""
    return _GRBL.match(line) is not None


def identity_of(lines: Sequence[bytes]) -> MachineIdentity:
    """Firmware, capabilities, and whether it watches its heaters by itself (answer to M115).

    Raises:
        Unavailable: it is no Marlin, and what to do about that.
    """
    if any(is_grbl(line) for line in lines):
        raise Unavailable('this is GRBL, no Marlin printer: write driver = "grbl" for this machine')
    texts = [line.decode("ascii", "replace") for line in lines]
    firmware = recognise(texts)
    name = firmware.name if firmware else "Marlin"
    details = [text for text in texts if text.startswith("Cap:")]
    if capability(details, "EMERGENCY_PARSER") is False:
        details.append("no emergency parser: a stop waits for the command under way")
    return MachineIdentity(name, tuple(details), firmware.guarded if firmware else None)


def capability(details: Sequence[str], name: str) -> bool | None:
    """What M115 says of a capability; None when it does not mention it."""
    for value in ("0", "1"):
        if f"Cap:{name}:{value}" in details:
            return value == "1"
    return None


def require_guarded(identity: MachineIdentity, profile: MachineProfile) -> None:
    """Unavailable, unless the firmware guards its heaters or somebody is always there."""
    if not identity.guarded and not profile.attended_only:
        raise Unavailable(
            f"{identity.firmware} does not say that it guards its heaters (THERMAL_PROTECTION): "
            f"set attended_only = true for {profile.name}, or switch the protection on in its "
            "firmware"
        )


def stranger(data: bytes, port: str) -> str:
    """One sentence about a port that does not answer M115 as a printer does."""
    if not data.strip():
        return (
            f"the printer on {port} does not answer M115: is it switched on (after an emergency "
            "stop: off and on again), is it Marlin, and is the baud rate right?"
        )
    if sum(byte not in _TEXT for byte in data) * 10 > len(data):
        return (
            f"what answers on {port} is no text: the baud rate is wrong; printers mostly have "
            "115200 or 250000"
        )
    shown = data.decode("ascii", "replace").split("\n")[0].strip()[:_SHOWN]
    return f"something on {port} answers '{shown}', but not to M115: is it a Marlin printer?"
