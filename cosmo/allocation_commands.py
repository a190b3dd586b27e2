"""`cosmo allocation …`: a use beside what people allotted to it of a limit. Needs no server."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from commons.allocations import Allocation, Ends, Side, Threshold, Use, Weighed, weigh
from commons.quantities import Value
from commons.thresholds import THRESHOLDS, threshold
from cosmo.told import JSON, tell
from cosmo.toml_files import read_as

_SIDES = {Side.BELOW: "not to exceed", Side.ABOVE: "not to fall below"}


class _File(Value):
    """A decision and a use; `threshold` where it is of none that was published."""

    allocation: Allocation
    use: Use
    threshold: Threshold | None = None


@click.group()
def allocation() -> None:
    """Hold what was used against what people allotted to it of a limit."""


@allocation.command()
@JSON
def thresholds() -> None:
    """List the published thresholds, per person and year, with their sources."""
    rows = [it.model_dump(mode="json") for it in THRESHOLDS.values()]
    tell(rows, *(line for it in THRESHOLDS.values() for line in _limit(it)))


@allocation.command("weigh")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
def weigh_command(file: Path) -> None:
    """Weigh the use in FILE against the decision there, and print what both stand on."""
    told = read_as(_File, file)
    today = datetime.now(UTC).date()
    limit = told.threshold or threshold(told.allocation.threshold)
    weighed = weigh(limit, told.allocation, told.use, on=today)
    words = [*_limit(limit), *_decision(told.allocation), *_used(told.use)]
    judged = _judged(weighed, limit, told.use) if weighed else [_no_judgement(told, today)]
    tell(_document(limit, told, weighed), *words, *judged)


def _limit(it: Threshold) -> list[str]:
    ends = _ends(Ends(it.low, it.high), it.unit)
    return [
        f"{it.key}: {it.label}, {ends} per person and year, {_SIDES[it.side]}",
        f"  source: {it.source} ({it.read})",
    ]


def _decision(it: Allocation) -> list[str]:
    parts = "".join(f" × {share.share} ({share.of})" for share in it.shares)
    return [
        f"allotted to {it.whose}: that × {it.persons} persons{parts}, by {_said(it.rule)}",
        f"  proposed by {it.proposed_by}, decided by {it.decided_by} on {it.decided_on}, to be "
        f"looked at again on {it.review_on}: {it.discussion}",
    ]


def _used(it: Use) -> list[str]:
    return [f"used in {it.year}: {_ends(Ends(it.low, it.high), it.unit)} ({_said(it.measure)})"]


def _judged(it: Weighed, limit: Threshold, use: Use) -> list[str]:
    floor = (
        f"  a floor: {_said(use.measure)} is the least of {_said(limit.measure)}, and how much "
        "more there was is not known"
    )
    return [
        *([floor] if it.is_floor else []),
        f"allotted: {_ends(it.allotted, limit.unit)}",
        f"left: {_ends(it.balance, limit.unit)}",
        f"used by allotted: {_ends(it.quotient, '')}",
        _said(it.verdict),
    ]


def _no_judgement(told: _File, today: date) -> str:
    held = f"from {told.allocation.decided_on} to before {told.allocation.review_on}"
    return f"no judgement: the decision holds {held}, and today is {today}"


def _ends(it: Ends, unit: str) -> str:
    if it.low is not None and it.low == it.high:
        amount = _number(it.low)
    elif it.low is None or it.high is None:
        known, word = (it.high, "at most") if it.low is None else (it.low, "at least")
        amount = "unknown" if known is None else f"{word} {_number(known)}"
    else:
        amount = f"{_number(it.low)} to {_number(it.high)}"
    return f"{amount} {unit}".rstrip()


def _number(it: Decimal) -> str:
    return f"{it:,.4g}" if abs(it) < 1 else f"{it:,.2f}".rstrip("0").rstrip(".")


def _said(word: str) -> str:
    return word.replace("_", " ")


def _document(limit: Threshold, told: _File, weighed: Weighed | None) -> dict[str, Any]:
    """Amounts are texts, so that they stay exact; `weighed` is null without a judgement."""
    return {
        "threshold": limit.model_dump(mode="json"),
        "allocation": told.allocation.model_dump(mode="json"),
        "use": told.use.model_dump(mode="json"),
        "weighed": _texts(asdict(weighed)) if weighed else None,
    }


def _texts(it: Any) -> Any:
    if isinstance(it, dict):
        return {key: _texts(value) for key, value in it.items()}
    return str(it) if isinstance(it, Decimal) else it
