"""How well programs are streamed, against every peer in the same run.

`make bench-peers` installs the peers; `python -m bench.streaming` takes some 12 minutes, with
`--quick` two (one round, a check that all of it works; its figures mean little). Everybody streams
the same files to the same simulated machine (bench/peers/firmware.c), which measures at its end of
the wire. Absolute rates drift with the computer: only ratios of one run say anything, and only
while nothing else keeps its processors busy. The last line is JSON; see bench/README.md.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.peers import programs
from bench.peers.cncjs import Cncjs
from bench.peers.footprint import GB_2, idle_mb, stream_growth_mb
from bench.peers.machine import Wire, compiled
from bench.peers.octoprint import OctoPrint
from bench.peers.scenarios import SCENARIOS, Floor, Result, Run, Scenario
from bench.peers.sender import Child, PeerMissing, Sender
from bench.peers.taps import holds_ms, stops_ms

ROUNDS = 5
PEERS = ("octoprint", "printcore", "cncjs", "grbl-streamer")
OCTOPRINT = Path(".venv-octoprint/bin/octoprint")
PEERS_PYTHON = Path("var/peers/venv/bin/python")
CNCJS = Path("var/peers/node/node_modules/cncjs/bin/cncjs")
# Of the wire's own pace: how densely the moves of 0.1 mm come that no planner may wait for.
# Two that fill the same wire differ by so much from run to run.
SAME_SHARE = 0.005
PLANNER_SHARES, SEGMENT_MM, STARVED_MOVES = (0.5, 0.8, 0.95), 0.1, 2000
AVR = "AVR, 115200 baud"
HERE = Path(__file__).parent / "peers"

Results = dict[tuple[str, str, str], Result]  # kind, scenario, sender


@contextmanager
def senders(folder: Path, firmware_folder: Path) -> Iterator[dict[tuple[str, str], Sender]]:
    """All senders by name and kind of machine; whoever cannot be started is told and left out."""
    pingpong = str(compiled(firmware_folder, "pingpong.c"))
    peers_python = str(PEERS_PYTHON.absolute())
    found: dict[tuple[str, str], Sender] = {}
    for kind in ("marlin", "grbl"):
        found["ours", kind] = ours(kind)
        found["pyserial ping-pong", kind] = Child(
            "pyserial ping-pong", [sys.executable, str(HERE / "pyserial_pingpong.py"), kind]
        )
        found["C ping-pong", kind] = Child("C ping-pong", [pingpong, kind])
    found["printcore", "marlin"] = Child(
        "printcore", [peers_python, str(HERE / "printcore_sender.py")]
    )
    found["grbl-streamer", "grbl"] = Child(
        "grbl-streamer", [peers_python, str(HERE / "grbl_streamer_sender.py")]
    )
    with ExitStack() as stack:
        ports = folder / "ports"
        servers = {
            ("octoprint", "marlin"): lambda: OctoPrint(
                OCTOPRINT.absolute(), folder, ports=ports, http_port=_free_port()
            ),
            ("cncjs", "marlin"): lambda: _cncjs(folder, "marlin"),
            ("cncjs", "grbl"): lambda: _cncjs(folder, "grbl"),
        }
        for key, start in servers.items():
            try:
                found[key] = server = start()
            except (PeerMissing, OSError) as problem:
                print(f"MISSING {key[0]} ({key[1]}): {problem}", flush=True)
            else:
                stack.callback(server.stop)
        yield found


def ours(kind: str) -> Child:
    """Our own sender for such a machine."""
    return Child("ours", [sys.executable, "-m", "bench.peers.ours", kind])


def measure(floor: Floor, scenario: Scenario, rounds: int) -> Results:
    """Everybody in turn, `rounds` times. Failures are told; who never ends well has no result."""
    runs: dict[str, list[Run]] = {name: [] for name in scenario.moves}
    for number in range(rounds):
        for name in scenario.moves:
            if number and not runs[name]:  # it would only fail again
                continue
            try:
                runs[name].append(floor.run(scenario, name, seed=number + 1))
            except PeerMissing as problem:
                print(f"FAILED {name}, {scenario.kind}, {scenario.name}: {problem}", flush=True)
    return {(scenario.kind, scenario.name, n): Result(tuple(r)) for n, r in runs.items() if r}


def show(scenario: Scenario, results: Results) -> None:
    """The scenario's rows."""
    print(f"\n{scenario.kind}, {scenario.name}")
    print(f"  {'':20}{'lines/s':>9}{'B/s':>9}{'CPU/100k':>10}{'p99 ms':>8}{'max ms':>8}  notes")
    for (_, _, name), it in results.items():
        first = it.runs[0].measured
        notes = [] if it.once_in_order else ["NOT ONCE IN ORDER"]
        if scenario.wire.baud:
            share = it.median(lambda run: run.measured.wire_share(scenario.wire.baud))
            notes.append(f"{share:.1%} of the wire")
        if first.resends:
            notes.append(f"{first.resends} resends")
        print(
            f"  {name:20}{it.lines_per_s:9,.0f}{it.bytes_per_s:9,.0f}{it.cpu_s_per_100k:10.2f}"
            f"{it.median(lambda run: run.measured.gap_p99_ms):8.2f}"
            f"{it.median(lambda run: run.measured.gap_max_ms):8.2f}  {', '.join(notes)}",
            flush=True,
        )


def starved(floor: Floor, rounds: int) -> tuple[int, int]:
    """How often the planner ran dry on 0.1 mm moves, and the most bytes outstanding meanwhile."""
    dry = most = 0
    for share in PLANNER_SHARES:
        wire = Wire(baud=115_200, block_us=17 * 10 / 115_200 * 1e6 / share)
        feed_mm_s = SEGMENT_MM / (wire.block_us / 1e6)
        lines = programs.milled(STARVED_MOVES, segment_mm=SEGMENT_MM, feed_mm_s=feed_mm_s)
        path = programs.write(floor.ports.parent / "segments.gcode", lines)
        for _ in range(rounds):
            machine, port = floor.machine("grbl", path, wire)
            sender = ours("grbl")
            with machine:
                try:
                    sender.open(port, wire.baud, path)
                    sender.go()
                    if not machine.wait_done(60):
                        raise PeerMissing("our own stream of short segments did not end")
                finally:
                    sender.close()
                seen = machine.stop()
            dry, most = dry + seen.starved, max(most, seen.outstanding)
    print(f"\n0.1 mm segments at {PLANNER_SHARES} of the wire: planner dry {dry} times", flush=True)
    return dry, most


def wire_figures(results: Results) -> dict[str, float]:
    """Everything that compares lines and bytes."""

    def lines(kind: str, scenario: str, name: str) -> float:
        return results[kind, scenario, name].lines_per_s

    def share(kind: str, baud: int) -> float:
        it = results[kind, f"{baud} baud", "ours"]
        return round(it.median(lambda run: run.measured.wire_share(baud)), 4)

    def ratio(kind: str, scenario: str, peer: str, theirs: str | None = None) -> float:
        mine = results[kind, scenario, "ours"].bytes_per_s
        return round(mine / results[kind, theirs or scenario, peer].bytes_per_s, 2)

    fast = results["marlin", "250000 baud", "ours"]
    return {
        "marlin_wire_share_115200": share("marlin", 115_200),
        "marlin_wire_share_250000": share("marlin", 250_000),
        "marlin_vs_octoprint_unlimited": ratio("marlin", "no limit", "octoprint"),
        "marlin_vs_octoprint_1ms": ratio("marlin", "1 ms later", "octoprint"),
        "marlin_share_of_pingpong": ratio("marlin", "no limit", "C ping-pong"),
        "marlin_gap_p99_ms_250000": fast.median(lambda run: run.measured.gap_p99_ms),
        "marlin_gap_max_ms_250000": fast.median(lambda run: run.measured.gap_max_ms),
        "marlin_vs_octoprint_avr": ratio("marlin", AVR, "octoprint"),
        "marlin_1pct_vs_clean_octoprint": ratio("marlin", f"{AVR[:-5]}, 1 % bad", "octoprint", AVR),
        "marlin_5pct_vs_clean_octoprint": ratio("marlin", f"{AVR[:-5]}, 5 % bad", "octoprint", AVR),
        "marlin_1pct_vs_clean_octoprint_no_avr": ratio(
            "marlin", "115200, 1 % bad", "octoprint", "115200 baud"
        ),
        "marlin_lines_per_s": round(lines("marlin", "no limit", "ours")),
        "grbl_wire_share_115200": share("grbl", 115_200),
        "grbl_vs_cncjs_unlimited": ratio("grbl", "no limit", "cncjs"),
        "grbl_lines_per_s": round(lines("grbl", "no limit", "ours")),
    }


def cost_figures(results: Results) -> dict[str, float]:
    """What it costs, and how much is on its way at most."""
    mine = results["marlin", "115200 baud", "ours"].cpu_s_per_100k
    theirs = results["marlin", "115200 baud", "octoprint"].cpu_s_per_100k
    grbl = [run for (kind, _, who), it in results.items() if (kind, who) == ("grbl", "ours")
            for run in it.runs]  # fmt: skip
    return {
        "marlin_cpu_s_per_100k": round(results["marlin", "no limit", "ours"].cpu_s_per_100k, 2),
        "cpu_share_of_octoprint_115200": round(mine / theirs, 3),
        "grbl_cpu_s_per_100k": round(results["grbl", "no limit", "ours"].cpu_s_per_100k, 2),
        "grbl_max_outstanding": max(run.measured.outstanding for run in grbl),
    }


def behind(results: Results) -> list[str]:
    """Where a peer executed more of its program per second than we did, and who is not there."""
    found = []
    for scenario in SCENARIOS:
        mine = results.get((scenario.kind, scenario.name, "ours"))
        for peer in (name for name in scenario.moves if name in PEERS):
            theirs = results.get((scenario.kind, scenario.name, peer))
            where = f"{scenario.kind}, {scenario.name}"
            if mine is None or theirs is None:
                found.append(f"{where}: no figure against {peer}")
            elif mine.bytes_per_s < (1 - SAME_SHARE) * theirs.bytes_per_s:
                share = mine.bytes_per_s / theirs.bytes_per_s
                found.append(f"{where}: {share:.3f} of {peer}")
    return found


def tap_figures(floor: Floor, rounds: int) -> dict[str, float]:
    """How late a person's hold and stop reach the wire, ms; the worse of both kinds of machine."""
    figures: dict[str, float] = {}
    for word, taps, wait in (("hold", 6 * rounds, holds_ms), ("stop", 2 * rounds, stops_ms)):
        for kind in ("grbl", "marlin"):
            late = sorted(wait(floor, kind, ours(kind), taps))
            worst, key = late[int(0.99 * len(late))], f"{word}_ms_p99"
            print(
                f"{word} on {kind}: median {late[len(late) // 2]:.1f} ms, worst {late[-1]:.1f} ms"
            )
            figures[key] = round(max(figures.get(key, 0.0), worst), 1)
    return figures


def not_right(results: Results) -> list[str]:
    """Where our own stream did not deliver its program once and in order, or overran a buffer."""
    return [
        f"{kind}, {scenario}"
        for (kind, scenario, name), it in results.items()
        if name == "ours"
        and not (it.once_in_order and not any(run.measured.overflowed for run in it.runs))
    ]


def measured(folder: Path, *, rounds: int, memory_bytes: int) -> tuple[dict[str, object], bool]:
    """All figures, and whether every peer was there and our own streams were right."""
    results: Results = {}
    firmware = compiled(folder, "firmware.c")
    with senders(folder, folder) as found:
        floor = Floor(folder, firmware, found)
        for scenario in SCENARIOS:
            rows = measure(floor, scenario, rounds)
            show(scenario, rows)
            results |= rows
    dry, most = starved(floor, max(1, rounds // 3))
    taps = tap_figures(floor, rounds)
    late, wrong = behind(results), not_right(results)
    for place in late:
        print(f"BEHIND {place}")
    for place in wrong:
        print(f"WRONG {place}: not every line once and in order")
    costs = cost_figures(results)
    costs["grbl_max_outstanding"] = max(costs["grbl_max_outstanding"], most)
    idle, growth = idle_mb(floor), stream_growth_mb(folder, memory_bytes)
    memory = {"agent_idle_mb": round(idle, 1), "stream_2gb_growth_mb": round(growth, 1)}
    figures: dict[str, object] = {**wire_figures(results), **costs, "grbl_planner_starved": dry}
    figures |= {**taps, **memory, "ahead_of_all_peers": not late, "rounds": rounds}
    figures["load"] = round(os.getloadavg()[1], 1)
    return figures, not wrong and not _missing(results)


def _missing(results: Mapping[tuple[str, str, str], Result]) -> bool:
    return any(
        (scenario.kind, scenario.name, name) not in results
        for scenario in SCENARIOS
        for name in scenario.moves
    )


def _cncjs(folder: Path, kind: str) -> Cncjs:
    return Cncjs(CNCJS.absolute(), folder / "cncjs", kind=kind, http_port=_free_port())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Print the tables and, as the last line, one JSON object; 1 when something is missing."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="one round, to see that all works")
    quick = words.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="streaming-") as name:
        figures, complete = measured(
            Path(name),
            rounds=1 if quick else ROUNDS,
            memory_bytes=GB_2 // 20 if quick else GB_2,
        )
    print(json.dumps(figures))
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
