"""In which unit a file that names none was drawn, by the size of what is in it."""

# A part whose longest edge is within is one that people make with the machines of a lab.
_LEAST_MM, _MOST_MM = 3.0, 2000.0
# In the order in which they are believed; a part of an inch is far more common than one of a metre.
_UNITS_MM = {"mm": 1.0, "in": 25.4, "m": 1000.0, "µm": 0.001}
# Something of less than half an inch is drawn in inches by nobody.
_LEAST_INCHES = 0.5


def guess(longest: float) -> str | None:
    """The unit in which the longest edge makes a part that people make: mm when it can be, None
    when none does. Nothing is ever scaled by it: it is told, and a person decides."""
    for unit, mm in _UNITS_MM.items():
        if unit == "in" and longest < _LEAST_INCHES:
            continue
        if _LEAST_MM <= longest * mm <= _MOST_MM:
            return unit
    return None
