"""What a command asks of a machine's own process on this computer, and what that answers."""

import socket
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from commons.errors import InvalidInput, NotAllowed, Unavailable
from fab_agent.controls import Answer, Ask, short_path
from fab_agent.identity import load_identity
from fab_agent.settings import AgentSettings
from fab_agent.workplace import folder_of

# A step by hand is answered when it has been made; one that lasts longer is a machine that hangs.
ANSWER_S = 600.0
# What a machine shows is answered at once, s.
LOOK_S = 2.0


def ask_machine(settings: AgentSettings, machine: str, wanted: Mapping[str, object]) -> str:
    """What the machine of these settings answers; see `ask`. No server is needed.

    Raises:
        InvalidInput: there is no such machine, or the wish makes no sense.
        NotAllowed, Unavailable: as `ask`.
    """
    names = [known.name for known in settings.machines]
    if machine not in names:
        raise InvalidInput(f"there is no machine {machine} in agent.toml: {', '.join(names)}")
    identity = load_identity(settings.agent.data, url=settings.repository.url)
    try:
        asked = Ask.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{first['loc'][0]}: {first['msg'].lower()}") from error
    try:
        return ask(folder_of(settings, identity.machine_id(machine)), asked)
    except Unavailable as problem:
        raise Unavailable(f"{machine}: {problem}") from problem


def ask(folder: Path, wanted: Ask) -> str:
    """What the process of the machine whose folder this is answers, in one sentence.

    Raises:
        Unavailable: it does not run here, or could not do it.
    """
    answer = _exchange(folder, wanted, within_s=ANSWER_S)
    if not answer.done:
        raise Unavailable(answer.sentence)
    return answer.sentence


def look(folder: Path) -> Answer:
    """What the machine shows now. Unavailable when its process does not run here, or hangs."""
    return _exchange(folder, Ask(do="state"), within_s=LOOK_S)


def _exchange(folder: Path, wanted: Ask, *, within_s: float) -> Answer:
    try:
        with short_path(folder) as path, socket.socket(socket.AF_UNIX) as client:
            client.settimeout(within_s)
            client.connect(path)
            client.sendall(wanted.model_dump_json().encode() + b"\n")
            with client.makefile("rb") as lines:
                line = lines.readline()
    except PermissionError as error:
        raise NotAllowed(
            "only the account that runs the agent may do that: use it, or the machine's own switch"
        ) from error
    except (FileNotFoundError, ConnectionError) as error:
        raise Unavailable(
            "the agent does not run here: start it with `cosmo agent run`, or use the machine's "
            "own switch"
        ) from error
    except TimeoutError as error:
        raise Unavailable(
            "the machine's process does not answer: use the machine's own switch"
        ) from error
    if not line:
        raise Unavailable("the agent ended before it answered: look at the machine")
    return Answer.model_validate_json(line)
