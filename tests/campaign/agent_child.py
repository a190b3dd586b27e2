"""The agent as it is, but for two things: nothing is sliced, and it can be frozen anywhere.

Arguments: agent.toml, folder. The supervisor is the real one and starts the machine's process
from here too. At each of its moments that process looks for a file `<folder>/freeze/<moment>`;
if it is there it becomes `<folder>/frozen/<moment>`, and the process stops itself (SIGSTOP) exactly
there, until somebody lets it go on or kills it.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

from commons.errors import NotArmed
from commons.machine import MachineProfile
from commons.wire import JobOffer, ProgramFacts
from cosmo.agent_commands import stop_on_signals
from fab_agent import machine_process, supervisor
from fab_agent.bench import Prepared
from fab_agent.cache import Cache
from fab_agent.gcode.proof import proved_program
from fab_agent.machines.driver import MachineDriver
from fab_agent.repository import Repository
from fab_agent.settings import read_settings
from fab_agent.workplace import Assignment, Workplace, workplace
from tests.campaign.schedule import Moment


def reach(folder: Path, moment: Moment) -> None:
    """Go on, or be frozen here if somebody wants it."""
    wanted, reached = folder / "freeze" / moment.name, folder / "frozen" / moment.name
    try:
        wanted.rename(reached)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def between(
    act: Callable[..., Any],
    folder: Path,
    *,
    before: Moment | None = None,
    after: Moment | None = None,
) -> Callable[..., Any]:
    """`act`, with a moment before it and one after it has ended, well or not."""

    @wraps(act)
    def done(*words: Any, **more: Any) -> Any:
        if before:
            reach(folder, before)
        try:
            answer = act(*words, **more)
        except NotArmed:
            raise  # asked too early: the moment has not come
        except Exception:
            if after:
                reach(folder, after)
            raise
        if after:
            reach(folder, after)
        return answer

    return done


def prepare(
    offer: JobOffer,
    files: Sequence[Path],
    cache: Cache,
    say: Callable[[str], None],
    *,
    path: Path,
    profile: MachineProfile,
) -> Prepared:
    """The program that lies at `path`, proved."""
    program = proved_program(path, profile)
    facts = ProgramFacts(
        sha256=program.sha256,
        line_count=program.line_count,
        duration_s=program.estimate.duration_s,
        material_g=1.0,
        prepared_with="campaign",
        profile_sha256="ef" * 32,
    )
    return Prepared(program, facts)


def watched(assignment: Assignment, folder: Path) -> Workplace:
    """The workplace of the assignment, with moments in it."""
    place = workplace(assignment)

    def open_driver() -> MachineDriver:
        driver: Any = place.open_driver()
        driver.run = between(driver.run, folder, before=Moment.INTENDED, after=Moment.ENDED)
        driver.evidence = between(driver.evidence, folder, before=Moment.SETTLING)
        return driver  # type: ignore[no-any-return]

    profile = assignment.settings.machines[0].profile
    by_hand = partial(prepare, path=folder / "program.gcode", profile=profile)
    fetch: Any = between(Repository.fetch, folder, before=Moment.FETCHING)
    arm: Any = between(Repository.arm, folder, before=Moment.ARMING, after=Moment.PERMITTED)
    Repository.fetch, Repository.arm = fetch, arm  # type: ignore[method-assign]
    return replace(
        place,
        open_driver=open_driver,
        prepare=between(by_hand, folder, before=Moment.PREPARING, after=Moment.PREPARED),
    )


def supervise(config: Path, folder: Path) -> None:
    """What `cosmo agent run` does, with this module as the machine's process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    command = (sys.executable, "-m", "tests.campaign.agent_child", "machine", str(folder))
    supervisor.Child = partial(supervisor.Child, command=command)  # type: ignore[misc, assignment]
    supervisor.run_agent(read_settings(config), stop_on_signals())


def work(folder: Path) -> int:
    """What `python -m fab_agent.machine_process` does."""
    machine_process.workplace = partial(watched, folder=folder)
    return machine_process.main()


if __name__ == "__main__":
    if sys.argv[1] == "machine":
        sys.exit(work(Path(sys.argv[2])))
    supervise(Path(sys.argv[1]), Path(sys.argv[2]))
