"""`python -m tests.fuzzing.hunt NAME SECONDS [SEED]`: one target, with atheris, to a finding.

What reaches something new is kept in var/fuzzing/NAME, and is where the next hunt goes on. Ends
with 0 when nothing was found; a finding is a file in var/fuzzing/findings.
"""

import random
import re
import sys
import time
import warnings
from pathlib import Path
from tempfile import mkdtemp

VAR = Path("var/fuzzing")
FINDINGS = VAR / "findings"
# Of processor time; whoever has no answer after so long by the clock hangs.
MOST_CPU_S, HANGS_S, MOST_MB, MOST_BYTES = 5.0, 60, 1024, 8192
OURS = ["commons", "repo_server", "fab_agent"]
_WORD = re.compile(rb"[A-Za-z_$%<#][\w.#:/-]{1,30}")

from tests.fuzzing.target import CORPUS, kept  # noqa: E402
from tests.fuzzing.target import target as target_of  # noqa: E402

sys.path.append(str(VAR / "site"))
import atheris  # noqa: E402  (it is where scripts/fuzzer.sh has put it)


def main(name: str, seconds: str, seed: str = "0") -> None:
    """Never returns: libFuzzer ends the process."""
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=OURS):
        target = target_of(name)
    corpus = [str(CORPUS / name)] if kept(name) else []
    found, good = VAR / name, VAR / f"{name}.good"
    for folder in (found, good, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.good):
        (good / str(number)).write_bytes(data)
    words = VAR / f"{name}.dict"
    words.write_text("\n".join(sorted(_words(target.good))))
    folder = Path(mkdtemp())

    def look(data: bytes) -> None:
        start = time.process_time()
        target.holds(data, folder)
        if time.process_time() - start > MOST_CPU_S:
            raise TimeoutError(f"no answer in {MOST_CPU_S:.0f} s of processor time")

    for data in target.good:  # what is imported by the first is no time of a reader's
        target.holds(data, folder)
    options = (
        f"-max_total_time={seconds} -timeout={HANGS_S} -report_slow_units={HANGS_S} "
        f"-rss_limit_mb={MOST_MB} -seed={seed} "
        f"-max_len={MOST_BYTES} -dict={words} -artifact_prefix={FINDINGS}/{name}- "
        "-print_final_stats=1 -verbosity=1"
    )
    atheris.Setup(
        [name, *options.split(), str(found), str(good), *corpus],
        look,
        custom_mutator=mutated,
    )
    atheris.Fuzz()


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """As libFuzzer changes bytes, or as `make mutate` spoils numbers and lines."""
    from tests.mutation.mutants import spoilt

    chance = random.Random(seed)
    if chance.random() < 0.5:
        return atheris.Mutate(data, most)
    return spoilt(data, chance)[:most]


def _words(good: tuple[bytes, ...]) -> set[str]:
    """Words of the good files as libFuzzer takes them, to be put elsewhere."""
    found = {word for data in good for word in _WORD.findall(data)}
    return {'"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in found}


if __name__ == "__main__":
    main(*sys.argv[1:])
