"""What an order is for, and so what its design's licence is asked and about whom."""

from enum import StrEnum

from commons.licences.terms import Event


class Purpose(StrEnum):
    """What the things that somebody orders are for."""

    OWN_USE = "own_use"
    GIFT = "gift"
    FOR_PAY = "for_pay"  # the lab makes them for a client, and is paid for it
    SALE = "sale"  # whoever orders them sells them


EVENTS: dict[Purpose, Event] = {
    Purpose.OWN_USE: Event.MAKE_OWN_USE,
    Purpose.GIFT: Event.MAKE_GIFT,
    Purpose.FOR_PAY: Event.MAKE_FOR_PAY,
    Purpose.SALE: Event.SELL_PRODUCT,
}


def lab_acts(purpose: Purpose) -> bool:
    """Whether it is the lab whose legal form counts, and not that of who orders."""
    return purpose is Purpose.FOR_PAY
