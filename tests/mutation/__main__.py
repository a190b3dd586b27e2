"""`make mutate`: thousands of spoilt files, each read, refused or survived.

FAMILY=step takes one kind, COUNT=20 fewer, SEED=7 one mutant alone. The last line is JSON.
"""

import argparse
import json
import sys

from tests.mutation.families import FAMILIES
from tests.mutation.trial import try_all


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.mutation")
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=list(FAMILIES))
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args(arguments)
    told, bad = {}, {}
    for name in asked.family:
        family = FAMILIES[name]()
        seeds = range(asked.count or family.count)
        seeds = seeds if asked.seed is None else range(asked.seed, asked.seed + 1)
        counts, wrong, worst = try_all(family, seeds)
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        print(f"{name:10} {len(seeds):5}: {said}; {worst.cpu_s:.1f} s, {worst.memory_kb >> 10} MB")
        if wrong:
            print(f"  not fine: seeds {wrong}")
        told[name] = {**counts, "cpu_s": round(worst.cpu_s, 2), "memory_mb": worst.memory_kb >> 10}
        bad |= {name: wrong} if wrong else {}
    print(json.dumps({"families": told, "not_fine": bad}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
