"""An income shared by an agreement that stands in a file: without a server, with the arithmetic."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import Field

from commons.agreements.lineage import Parents
from commons.agreements.payouts import Contribution, Income, Payout, Statement, share_out
from commons.agreements.terms import Kind, Terms
from commons.errors import InvalidInput
from commons.quantities import Value
from cosmo.told import JSON, tell
from cosmo.toml_files import read_as

_Name = Annotated[str, Field(min_length=1, max_length=80)]
_Minor = Annotated[int, Field(ge=0, le=10**15)]


class _Income(Value):
    release: _Name
    gross_minor: _Minor
    costs_minor: _Minor
    taxes_minor: _Minor


class _Contribution(Value):
    id: _Name
    person: _Name
    release: _Name
    kind: Kind
    quantity: Annotated[Decimal, Field(gt=0, le=10**9)]
    accepted_by: frozenset[_Name] = frozenset()
    gift: bool = False
    paid_in: frozenset[str] = frozenset()


class _File(Value):
    terms: Terms
    income: _Income
    contribution: tuple[_Contribution, ...]
    parents: Annotated[dict[_Name, dict[_Name, str]], Field(default_factory=dict)]


@click.command("share-out")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
def share_out_command(file: Path) -> None:
    """Share the income in FILE by its agreement, and print the arithmetic of every line.

    Nothing is paid and nothing is sent anywhere.
    """
    told = read_as(_File, file)
    terms = told.terms.checked(adopted_on=datetime.now(UTC).date())
    work = [Contribution(**it.model_dump()) for it in told.contribution]
    income = Income(**told.income.model_dump())
    statement = share_out(terms, income, work, _parents(told))
    tell(_document(statement, terms), *_lines(statement, terms))


def _parents(told: _File) -> Parents:
    try:
        return {
            release: {parent: Fraction(share) for parent, share in of.items()}
            for release, of in told.parents.items()
        }
    except (ValueError, InvalidOperation, ZeroDivisionError) as error:
        raise InvalidInput('parents: give each share as a text, such as "7/10" or "0.7"') from error


def _money(minor: int, terms: Terms) -> str:
    return f"{Decimal(minor).scaleb(-terms.digits):,f} {terms.currency}"


def _lines(statement: Statement, terms: Terms) -> list[str]:
    took = [
        f"{_money(statement.gross_minor, terms)} came in",
        f"- {_money(statement.costs_minor, terms)} costs",
        f"- {_money(statement.taxes_minor, terms)} taxes",
        f"- {_money(statement.reserve_minor, terms)} reserve ({terms.reserve})",
        f"= {_money(statement.shared_minor, terms)} to share by '{terms.name}'",
    ]
    return [
        *took,
        *(_line(payout, terms) for payout in statement.payouts),
        *(f"{person}: {_money(minor, terms)} in all" for person, minor in _totals(statement)),
    ]


def _totals(statement: Statement) -> list[tuple[str, int]]:
    """By name: whoever has more does not stand above the others."""
    return sorted(statement.by_person.items())


def _line(it: Payout, terms: Terms) -> str:
    bucket = _money(round(it.bucket_minor), terms)
    if not it.contributions:
        return f"  {it.release}, {it.bucket}: nobody gave, so {bucket} belong to the commons"
    share = f"{float(it.points):g} of {float(it.of_points):g} points"
    return (
        f"  {it.release}, {it.bucket}: {it.person} has {share} of {bucket}: "
        f"{_money(it.minor, terms)} (from {', '.join(it.contributions)})"
    )


def _document(statement: Statement, terms: Terms) -> dict[str, Any]:
    return {
        "agreement": terms.model_dump(mode="json"),
        "gross_minor": statement.gross_minor,
        "costs_minor": statement.costs_minor,
        "taxes_minor": statement.taxes_minor,
        "reserve_minor": statement.reserve_minor,
        "shared_minor": statement.shared_minor,
        "payouts": [_payout(it) for it in statement.payouts],
        "by_person": dict(_totals(statement)),
    }


def _payout(it: Payout) -> dict[str, Any]:
    return {
        "person": it.person,
        "release": it.release,
        "bucket": it.bucket,
        "minor": it.minor,
        "points": str(it.points),
        "of_points": str(it.of_points),
        "bucket_minor": str(it.bucket_minor),
        "contributions": list(it.contributions),
    }
