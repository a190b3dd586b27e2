"""`python -m tests.campaign`: every seed of the campaign, or one that failed, once more.

Results are kept, one JSON line a seed, so that a campaign that was interrupted goes on where it
was. The last line is a summary as JSON.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.campaign.crew import Crew
from tests.campaign.schedule import schedule_of
from tests.campaign.story import Result

SEEDS = 1000


def main() -> int:
    asked = _arguments()
    one, first = asked.seed is not None, asked.first
    seeds = [asked.seed] if one else list(range(first, first + asked.count))
    kept = {} if one else _kept(asked.file)
    left = [seed for seed in seeds if seed not in kept]
    with TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True) as scratch:
        folder = asked.keep or Path(scratch)
        for result in _results(left, folder, asked.jobs):
            kept[result.schedule.seed] = line = _line(result)
            if asked.seed is None:
                with asked.file.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            _show(result, verbose=asked.verbose)
    return _summary([kept[seed] for seed in seeds])


def _results(seeds: list[int], folder: Path, jobs: int) -> Iterator[Result]:
    with Crew(folder) as crew, ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(crew.play, schedule_of(seed)) for seed in seeds]
        for done in as_completed(running):
            yield done.result()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one alone, whatever was kept")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--file", type=Path, default=Path("var/campaign.jsonl"))
    parser.add_argument("--keep", type=Path, help="folder for logs and records, which stay there")
    parser.add_argument("-v", "--verbose", action="store_true")
    asked = parser.parse_args()
    asked.file.parent.mkdir(parents=True, exist_ok=True)
    return asked


def _kept(file: Path) -> dict[int, dict[str, object]]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {line["seed"]: line for line in map(json.loads, lines)}


def _line(result: Result) -> dict[str, object]:
    return {
        "seed": result.schedule.seed,
        "schedule": str(result.schedule),
        "machine": str(result.schedule.machine),
        "happened": result.happened,
        "outcomes": result.outcomes,
        "broken": result.broken,
        "took_s": round(result.took_s, 1),
    }


def _show(result: Result, *, verbose: bool) -> None:
    word = "BROKEN" if result.broken else "kept"
    print(f"{word} in {result.took_s:.1f} s: {result.schedule}", flush=True)
    told = [f"happened: {it}" for it in result.happened] + [
        f"ended: {it}" for it in result.outcomes
    ]
    for line in [*(told if verbose else []), *(f"broken: {it}" for it in result.broken)]:
        print(f"    {line}", flush=True)


def _summary(lines: list[dict[str, object]]) -> int:
    broken = [line["seed"] for line in lines if line["broken"]]
    outcomes = Counter(str(o).split(":")[0] for line in lines for o in line["outcomes"])
    print(
        json.dumps(
            {
                "campaign_schedules": len(lines),
                "campaign_faults": sum(len(line["happened"]) for line in lines),
                "campaign_by_machine": Counter(str(line["machine"]) for line in lines),
                "campaign_outcomes": outcomes,
                "campaign_broken": len(broken),
                "broken_seeds": broken,
            }
        )
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
