"""One spoilt file is read in a forked child with the sandbox's limits; what came of it."""

import importlib
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from commons.errors import InvalidInput
from repo_server.parsing.child import limit
from tests.mutation.families import Family
from tests.mutation.mutants import spoilt

MOST_CPU_S = 5.0
MOST_MEMORY_KB = 1024**2


class Outcome(StrEnum):
    READ = "read"
    REFUSED = "refused"  # in a sentence of its reader's
    NETTED = "netted"  # the child made a sentence of what a library raised
    CRASHED = "crashed"
    WRONG = "wrong"  # an error that its reader should have known


_BY_CODE = {0: Outcome.READ, 10: Outcome.REFUSED, 11: Outcome.NETTED, 12: Outcome.WRONG}
_CODES = {outcome: code for code, outcome in _BY_CODE.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """`cpu_s` and `memory_kb` are the whole child's."""

    outcome: Outcome
    cpu_s: float
    memory_kb: int

    def is_fine(self, family: Family) -> bool:
        """Whether the server goes on, and has an answer in time."""
        allowed = {Outcome.READ, Outcome.REFUSED}
        allowed |= {Outcome.NETTED} if family.any_error else set()
        allowed |= {Outcome.CRASHED} if family.crashes else set()
        in_time = self.cpu_s <= MOST_CPU_S and self.memory_kb <= MOST_MEMORY_KB
        return self.outcome in allowed and in_time


def try_one(family: Family, seed: int) -> Trial:
    """The trial of this family's mutant by this number, the same every time."""
    chance = random.Random(seed)
    data = spoilt(chance.choice(family.good), chance)
    with TemporaryDirectory() as folder:
        path, out = Path(folder, "file"), Path(folder, "out")
        path.write_bytes(data)
        out.mkdir()
        child = os.fork()
        if child == 0:
            os._exit(_CODES[_read(family, path, out)])
        _, status, used = os.wait4(child, 0)
    outcome = _BY_CODE.get(os.waitstatus_to_exitcode(status), Outcome.CRASHED)
    return Trial(outcome, used.ru_utime + used.ru_stime, used.ru_maxrss)


def load_for(family: Family) -> None:
    """What reading this family's good files imports is imported here, so that not every child
    does it again. Found out in a child: reading itself may leave threads behind, and a process
    that has some must not fork."""
    with TemporaryDirectory() as folder:
        told = Path(folder, "modules")
        told.touch()
        child = os.fork()
        if child == 0:
            for number, good in enumerate(family.good):
                path, out = Path(folder, f"file{number}"), Path(folder, f"out{number}")
                path.write_bytes(good)
                out.mkdir()
                _read(family, path, out)
            # Cython puts a module of its own there, which nobody can import by its name.
            real = (name for name, it in sys.modules.items() if getattr(it, "__spec__", None))
            told.write_text("\n".join(real))
            os._exit(0)
        os.waitpid(child, 0)
        for name in told.read_text().split():
            importlib.import_module(name)


def _read(family: Family, path: Path, out: Path) -> Outcome:
    """In the child, which says nothing and never returns to what its parent was doing."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        limit()
        family.read(path, out)
    except InvalidInput:
        return Outcome.REFUSED
    except (AssertionError, MemoryError):
        return Outcome.WRONG
    except Exception:
        return Outcome.NETTED
    return Outcome.READ


def try_all(family: Family, seeds: range) -> tuple[Counter[Outcome], list[int], Trial]:
    """How often each outcome was, the seeds of those that are not fine, and the worst of each
    figure."""
    counts: Counter[Outcome] = Counter()
    load_for(family)
    bad, cpu_s, memory_kb = [], 0.0, 0
    for seed in seeds:
        trial = try_one(family, seed)
        counts[trial.outcome] += 1
        cpu_s, memory_kb = max(cpu_s, trial.cpu_s), max(memory_kb, trial.memory_kb)
        if not trial.is_fine(family):
            bad.append(seed)
    return counts, bad, Trial(Outcome.READ, cpu_s, memory_kb)
