"""From sums over economic events, and from statistics, to figures that a city can show.

Absence is not zero: what nobody measured is `not_measured` and has no value. What is unknown in
part becomes an interval, or "at least". Percentages are made from sums, never from percentages;
there is no score and no ranking.
"""

from commons.indicators.figure import METHOD, Figure
from commons.indicators.runs import Totals, compute
from commons.indicators.sums import Sum, together, weakest

__all__ = ["METHOD", "Figure", "Sum", "Totals", "compute", "together", "weakest"]
