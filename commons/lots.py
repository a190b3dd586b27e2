"""How much is left of a spool or sheet, how well that is known, and what can be made of it.

Masses are g, edges mm. A mass that nobody knows is None, and never zero.
"""

from commons.errors import FieldProblem, InvalidInput
from commons.flows import Measure, State, Unit
from commons.texts import Filled, filled, later

# Nobody knows a spool to the gram, and a print that runs dry is lost whole.
MASS_RESERVE = 1.1
# A kitchen scale, on each of the two weighings that a net mass is the difference of.
SCALE_G = 2.0
# What a maker's label, or a person from memory, may be off: our convention.
SAID_SHARE = 0.05
# A difference that a scale cannot tell from none.
SAME_G = 2 * SCALE_G


def _grams(central: float, state: State, off: float) -> Measure:
    return Measure(central, Unit.GRAM, state, max(0.0, central - off), central + off)


def as_said(net_g: float) -> Measure:
    """What somebody says is left, or a label: declared."""
    return _grams(net_g, State.DECLARED, net_g * SAID_SHARE)


def as_weighed(gross_g: float, tare_g: float) -> Measure:
    """What a scale says is left, without the spool: measured."""
    return _grams(max(0.0, gross_g - tare_g), State.MEASURED, SAME_G)


def as_sized(size_mm: tuple[float, float, float], density_g_cm3: float) -> Measure:
    """What a sheet of this size has, by the density of its material: modelled."""
    x, y, z = size_mm
    mass_g = x * y * z / 1000 * density_g_cm3
    return _grams(mass_g, State.MODELLED, 0.2 * mass_g)


def none_left() -> Measure:
    """A person has looked, and nothing is left."""
    return Measure(0.0, Unit.GRAM, State.CHECKED_EMPTY, 0.0, 0.0)


def after_use(left: Measure | None, used: Measure) -> Measure | None:
    """What is left once `used` is taken off: estimated from then on, and never less than nothing.

    What was not known stays so.
    """
    if left is None:
        return None
    return Measure(
        max(0.0, left.central - used.central),
        Unit.GRAM,
        State.MODELLED,
        max(0.0, left.low - used.high),
        max(0.0, left.high - used.low),
    )


def after_unseen(left: Measure | None, most_g: float) -> Measure | None:
    """What is left after a run of which nobody saw how far it came, of a program of `most_g`.

    It may have used nothing, or all: only the low end of what is left goes down.
    """
    if left is None:
        return None
    low = max(0.0, left.low - most_g)
    return Measure(left.central, Unit.GRAM, State.MODELLED, low, left.high)


def require_believable(gross_g: float, tare_g: float, *, new_g: float | None) -> None:
    """Pass for a weighing that can be true; InvalidInput says which figure cannot, and why.

    `new_g` is what the lot held when it was new.
    """
    net_g = gross_g - tare_g
    if net_g < -SAME_G:
        _refuse(
            "gross_g",
            filled(
                "%(gross)s g is less than the empty spool alone (%(tare)s g): "
                "was the spool on the scale?",
                gross=f"{gross_g:g}",
                tare=f"{tare_g:g}",
            ),
        )
    if new_g is not None and net_g > new_g * (1 + SAID_SHARE) + SAME_G:
        _refuse(
            "gross_g",
            filled(
                "%(gross)s g less %(tare)s g for the empty spool is %(net)s g, and it held "
                "%(new)s g when it was new: is this the right spool, and its empty weight?",
                gross=f"{gross_g:g}",
                tare=f"{tare_g:g}",
                net=f"{net_g:g}",
                new=f"{new_g:g}",
            ),
        )


def _refuse(field: str, sentence: str) -> None:
    problem = FieldProblem(field, sentence)
    raise InvalidInput(str(problem), [problem])


def difference(before: Measure | None, now: Measure) -> str:
    """In a sentence, how far a weighing is from what was reckoned."""
    if before is None:
        return filled("%(now)s g are left; nobody knew before", now=f"{now.central:.0f}")
    off = now.central - before.central
    if abs(off) <= SAME_G:
        return filled("%(now)s g are left, as reckoned", now=f"{now.central:.0f}")
    places = {"now": f"{now.central:.0f}", "off": f"{abs(off):.0f}"}
    if off < 0:
        return Filled(later("%(now)s g are left, %(off)s g less than reckoned"), places)
    return Filled(later("%(now)s g are left, %(off)s g more than reckoned"), places)


def too_little(left_g: float, needs_g: float) -> str | None:
    """What a lot lacks for something of `needs_g`, with the reserve; None where it has enough."""
    wanted = needs_g * MASS_RESERVE
    if left_g >= wanted:
        return None
    return f"has {left_g:.0f} g left, this part needs {wanted:.0f} g with reserve"


def copies_from(left_g: float, each_g: float) -> int:
    """How many copies of `each_g` a lot is good for, with the reserve."""
    return int(left_g / (each_g * MASS_RESERVE))


def shared_out(copies: int, at_once: int, leftovers: list[int]) -> list[int]:
    """The plates of an order: how many copies each makes, `copies` in all.

    First a smaller plate for each spool that is to be used up (`leftovers`: how many copies it
    is still good for), then plates of `at_once`.
    """
    plates: list[int] = []
    for size in [it for it in leftovers if 0 < it < at_once]:
        if copies - sum(plates) > size:
            plates.append(size)
    left = copies - sum(plates)
    return [*plates, *[at_once] * (left // at_once), *([left % at_once] if left % at_once else [])]
