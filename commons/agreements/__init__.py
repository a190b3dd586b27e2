"""Value agreements: how an income is shared among those who gave to what earned it.

An agreement is adopted by people and never assumed: nothing here has a default share or weight, and
nothing is reckoned by a formula that somebody typed. Money is whole minor units of one currency,
shares are exact fractions, and what is paid out is what there was, to the last unit.
"""
