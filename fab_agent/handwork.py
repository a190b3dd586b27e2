"""What people beside the machine ask while no program runs: steps by hand, and to stop it."""

import logging
import secrets

from commons.errors import Conflict, FabError
from commons.wire import CLEARS_NO_LONGER, MachineState, Wish
from fab_agent.bench import Bench
from fab_agent.machines.driver import Home, Jog, SetZero, Step, Unlock
from fab_agent.orders import ClearBed, LocalOrder, Make, StartNow, Stop

log = logging.getLogger(__name__)


def attend(order: LocalOrder, bench: Bench) -> None:
    """The order is answered: a step was carried out, or the machine was told to stop.

    Only for a machine that runs nothing of ours and for which no permit can exist.
    """
    step = order.wants
    if isinstance(step, ClearBed):
        note_clear(order, step, bench)
    elif isinstance(step, Make | StartNow):
        order.refuse(Conflict("nothing is to be started here now: look at the page once more"))
    elif isinstance(step, Wish):
        only_stop(order, bench, Conflict("nothing runs: there is nothing to hold or to go on with"))
    else:
        order.carry_out(lambda: _carry_out(step, order.by, bench))


def note_clear(order: LocalOrder, word: ClearBed, bench: Bench) -> None:
    """The order is answered: somebody's word about the bed is held for the next start.

    Only where no permit can exist: what one start was asked for with is used up with it.
    """

    def hold() -> str:
        earlier = bench.display.word()
        bench.display.clear(word.by, word_id=secrets.token_hex(16))
        if earlier is None:
            return "its bed is clear: the next start may use that up"
        return f"{earlier.by} said so {earlier.age_s:.0f} s ago: it counts once"

    if bench.display.state in CLEARS_NO_LONGER:
        state = bench.display.state
        order.refuse(Conflict(f"it is in state '{state}': set it right, and confirm its bed then"))
    else:
        order.carry_out(hold)


def only_stop(order: LocalOrder, bench: Bench, otherwise: FabError) -> None:
    """The order is answered: a stop was obeyed, anything else refused with `otherwise`."""
    if order.wants is Wish.CANCEL:
        order.carry_out(lambda: _stop(bench))
    else:
        order.refuse(otherwise)


def _stop(bench: Bench) -> str:
    """Whatever moves there is not our run: it is told to stop all the same."""
    bench.display.touch()
    bench.link.make_safe()
    return "it was told to stop, and to switch off heat and spindle"


def _carry_out(step: Step, by: str, bench: Bench) -> str:
    log.info("%s at the machine by %s", step, by)
    bench.display.touch()
    bench.display.show(MachineState.MANUAL, f"{by} {in_words(step)}")
    try:
        return bench.link.operate(step, wants_stop=lambda: _stop_is_wanted(bench))
    finally:
        bench.display.touch()


def _stop_is_wanted(bench: Bench) -> bool:
    """Whether somebody, or the agent's end, stops the step under way. Any other wish is refused."""
    while (order := bench.inbox.take()) is not None:
        match order:
            case Stop():
                return True
            case LocalOrder(wants=Wish.CANCEL):
                if order.carry_out(lambda: "it is told to stop"):
                    return True
            case LocalOrder():
                order.refuse(Conflict("somebody works at it by hand: wait, or stop it"))
    return False


def in_words(step: Step) -> str:
    """What the person does, as the board says it behind their name."""
    match step:
        case Home():
            return "homes it"
        case Unlock():
            return "unlocks it"
        case Jog():
            return f"moves it by x {step.x_mm:g}, y {step.y_mm:g}, z {step.z_mm:g} mm"
        case SetZero():
            return f"sets the zero of {step.axes}"
