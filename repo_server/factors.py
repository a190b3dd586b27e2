"""The table of factors that is shipped: read once, from factors.csv beside this file."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from commons.footprints import Factor, read_factors


@cache
def shipped() -> Mapping[str, Factor]:
    """Every factor by its id; what nobody published is there and has no value."""
    table = resources.files("repo_server") / "factors.csv"
    return read_factors(table.read_text(encoding="utf-8"))
