"""`make fuzz`: each target is hunted for SECONDS and goes on where the last hunt ended.

TARGET=stl takes one. Told is how many inputs were tried, how many branches of our
code they reached, in how much processor time, and what was found. The last line is JSON.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
from pathlib import Path

from tests.fuzzing.target import TARGETS

FINDINGS = Path("var/fuzzing/findings")


def main(arguments: list[str]) -> int:
    """Every target was hunted; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="tests.fuzzing")
    parser.add_argument("--target", choices=TARGETS, nargs="+", default=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    told: dict[str, dict[str, object]] = {}
    for name in asked.target:
        told[name] = _hunt(name, asked.seconds, asked.seed)
        print(f"{name:16}" + ", ".join(f"{value} {key}" for key, value in told[name].items()))
    found = sorted(map(str, FINDINGS.glob("*")))
    print(json.dumps({"targets": told, "findings": found}))
    return int(bool(found) or any(it["ended"] for it in told.values()))


def _hunt(name: str, seconds: int, seed: int) -> dict[str, object]:
    """Inputs tried, MB at most, branches of ours that they reached, CPU seconds, and how it ended:
    0, or what libFuzzer says of a finding, of which the end is shown."""
    before = _cpu_s()
    command = [sys.executable, "-m", "tests.fuzzing.hunt", name, str(seconds), str(seed)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = ended.stdout.decode(errors="replace")
    if ended.returncode:
        print(said[-3000:], file=sys.stderr)
    figures = {
        what: int((re.findall(rf"{told}: +(\d+)", said) or [0])[-1])
        for what, told in (
            ("inputs", "stat::number_of_executed_units"),
            ("MB", "stat::peak_rss_mb"),
            ("branches", "cov"),
        )
    }
    return figures | {"cpu_s": round(_cpu_s() - before, 1), "ended": ended.returncode}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
