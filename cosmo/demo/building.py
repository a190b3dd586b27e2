"""Three orders, watched until each thing is made and judged; the lab's operator is this script."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from commons.errors import MachineFault, Unavailable
from cosmo.client import Answer, Client
from cosmo.demo.machines import Machines
from cosmo.demo.screen import Bars, Made, Screen
from cosmo.demo.town import LAB

BUILD_S = 240.0
LOOK_S = 0.25
HOST_QUESTIONS = {"M105", "M110", "M155"}
ENDED_BADLY = {"failed", "refused", "rejected", "cancelled", "unconfirmed"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is ordered: which part of which design, of what."""

    slug: str
    part: str
    material: str


@dataclass(frozen=True, slots=True)
class Order:
    slug: str
    design: str
    job_id: str


# One for each machine: the materials that are loaded tell them apart.
WISHES = (
    Wish("seed-dibber", "Seed dibber", "pla"),
    Wish("twist-jar", "Lid", "petg"),
    Wish("tool-caddy", "End", "plywood"),
)


def order_all(client: Client, screen: Screen) -> list[Order]:
    """One job for each wish; the screen says why each machine can or cannot."""
    orders = []
    for wish in WISHES:
        head = client.get(f"/designs/{wish.slug}")["head"]
        placed = client.order(
            LAB,
            {"release_id": head["id"], "part": wish.part, "copies": 1, "material": wish.material},
        )
        screen.detail(f"{head['name']} · {wish.part} in {wish.material}")
        for answer in placed["answers"]:
            screen.detail(f"    {'✗' if answer['refusal'] else '✓'} {answer['sentence']}")
        orders.append(Order(wish.slug, head["name"], placed["jobs"][0]["id"]))
    return orders


@dataclass(slots=True)
class _Watch:
    """What has been done for which job so far."""

    cleared: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)


def build_all(
    client: Client,
    orders: list[Order],
    machines: Machines,
    *,
    watch: Callable[[], None],
    screen: Screen,
) -> list[Made]:
    """Every ordered thing is made and judged good; one row each.

    `watch` raises when a process of the demo has died. MachineFault when an attempt ends badly,
    or when a machine executed other lines than the proved program has.
    """
    done, end = _Watch(), time.monotonic() + BUILD_S
    with screen.bars() as bars:
        while len(done.judged) < len(orders):
            watch()
            if time.monotonic() > end:
                raise Unavailable(f"the builds did not end within {BUILD_S:.0f} s")
            board = client.get(f"/labs/{LAB}/board")
            _show(board, bars)
            for order in orders:
                _attend(client, board, order.job_id, done, bars)
            time.sleep(LOOK_S)
    return [_made(client, order, machines) for order in orders]


def _show(board: Answer, bars: Bars) -> None:
    for machine in board["machines"]:
        if machine["progress"]:
            bars.update(machine["name"], machine["progress"])


def _attend(client: Client, board: Answer, job_id: str, done: _Watch, bars: Bars) -> None:
    """Do what the lab's operator would do for this job now."""
    job = next(job for job in [*board["jobs"], *board["past"]] if job["id"] == job_id)
    if job["state"] in ENDED_BADLY:
        raise MachineFault(f"{job['title']} · {job['part']} is {job['state']}: {job['sentence']}")
    if job["state"] == "staged" and job["attempt_id"] not in done.cleared:
        done.cleared.add(job["attempt_id"])
        client.post(f"/labs/{LAB}/machines/{job['machine_id']}/clear")
    if job["state"] == "finished" and job_id not in done.judged:
        client.post(f"/labs/{LAB}/jobs/{job_id}/verdict", {"good": True, "note": "demo"})
        done.judged.add(job_id)
        bars.finish(job["machine"], "made, good")


def _made(client: Client, order: Order, machines: Machines) -> Made:
    """The finished thing's row; MachineFault when other lines were executed than proved."""
    attempt_id = client.get(f"/jobs/{order.job_id}")["attempt_id"]
    known = client.get(f"/things/{attempt_id}")["entries"]
    machine = known["machine"]["value"]
    program = machines.program(known["program"]["value"])
    times = times_executed(program, machines.executed(machine))
    if times != 1:
        raise MachineFault(
            f"{machine} executed the {len(program)} lines of attempt {attempt_id} {times} times "
            "in one piece; it should be once"
        )
    return Made(
        design=order.design,
        attempt_id=attempt_id,
        machine=machine,
        lines_sent=known["lines_sent"]["value"],
        lines_executed=len(program),
        grams=known["mass"]["value"],
        minutes=known["planned_min"]["value"],
        kwh=known["energy"]["value"],
        credited=", ".join(known["licensors"]["value"]),
    )


def times_executed(program: list[str], executed: list[str]) -> int:
    """How often `program` stands in `executed`, every line in order and in one piece.

    What hosts ask between the lines (temperatures, line numbers, status) is not looked at.
    """
    done = [line for line in executed if line.split(" ")[0] not in HOST_QUESTIONS]
    length = len(program)
    return sum(
        done[at : at + length] == program
        for at, line in enumerate(done)
        if line == program[0] and len(done) - at >= length
    )
