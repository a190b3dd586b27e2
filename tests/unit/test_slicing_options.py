"""What may be chosen for a print."""

import pytest

from commons.errors import InvalidInput
from fab_agent.slicing.options import PrintOptions


def test_every_value_out_of_range_is_named_at_once():
    with pytest.raises(InvalidInput) as refused:
        PrintOptions(copies=0, infill=1.5, brim_mm=-1, scale=float("nan"))
    assert [p.field for p in refused.value.fields] == ["copies", "infill", "brim_mm", "scale"]
    assert "infill: is 1.5: choose 0 to 1" in str(refused.value)


def test_the_limits_themselves_are_allowed():
    PrintOptions(copies=1, infill=0, brim_mm=0, scale=0.05)
    PrintOptions(copies=50, infill=1, brim_mm=20, scale=20)
