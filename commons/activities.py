"""What is done in a lab beside making: the process specifications that its events are based on."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of activities; what machines make is an attempt, and none of them."""

    WORK = "work"
    CARE = "care"
    REVIEW = "review"
    TEACHING = "teaching"
    DELIVERY = "delivery"
    TRANSPORT = "transport"
    PURCHASE = "purchase"
    ENERGY = "energy"
    SCRAP = "scrap"
    REPAIR = "repair"
    REUSE = "reuse"
    IMPORTED = "imported"
