"""How a simulated Marlin tells its settings: M211 and M503, in the form of Marlin 2.1.

Travel, feeds and acceleration are those of a small printer. Feeds are told, not held (M203);
travel is held once `M211 S1` was said, while a Marlin as it is shipped holds it from the start.
"""

STEPS_PER_MM = (80, 80, 400, 93)
TRAVEL_MM = (220.0, 220.0, 250.0)
MAX_FEED_MM_S = (300.0, 300.0, 5.0, 25.0)
MAX_ACCELERATION_MM_S2 = (3000.0, 3000.0, 100.0, 10000.0)


def endstops(*, on: bool) -> str:
    """The answer to M211 (M211_report without headings)."""
    lowest, highest = _words("XYZ", (0.0, 0.0, 0.0)), _words("XYZ", TRAVEL_MM)
    return f"  M211 S{on:d} ; {'ON' if on else 'OFF'}\n  Min:  {lowest}   Max:  {highest}"


def settings(acceleration_mm_s2: float) -> str:
    """The answer to M503: what a sender may want to know; 0 is the acceleration as shipped."""
    most = (acceleration_mm_s2,) * 4 if acceleration_mm_s2 else MAX_ACCELERATION_MM_S2
    said = {
        "Linear Units": "G21 ; (mm)",
        "Temperature Units": "M149 C ; Units in Celsius",
        "Steps per unit": f"M92 {_words('XYZE', STEPS_PER_MM)}",
        "Max feedrates (units/s)": f"M203 {_words('XYZE', MAX_FEED_MM_S)}",
        "Max Acceleration (units/s2)": f"M201 {_words('XYZE', most)}",
    }
    return "\n".join(f"echo:; {heading}:\necho:  {line}" for heading, line in said.items())


def within(position: tuple[float, float, float]) -> tuple[float, float, float]:
    """apply_motion_limits: the nearest place that the axes can reach."""
    x, y, z = (min(max(place, 0.0), most) for place, most in zip(position, TRAVEL_MM, strict=True))
    return x, y, z


def _words(axes: str, values: tuple[float, ...]) -> str:
    return " ".join(f"{axis}{value:.2f}" for axis, value in zip(axes, values, strict=True))
