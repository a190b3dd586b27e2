"""Conversions and rounding: inside the house everything is mm, mm/s, g, °C, s and kWh."""

from math import pi

MM_PER_INCH = 25.4
FILAMENT_MM = 1.75
SECONDS_PER_MINUTE = 60.0
JOULES_PER_KWH = 3.6e6


def mm_per_min(speed_mm_s: float) -> float:
    """The feed word F of G-code (mm/min) for a speed in mm/s."""
    return speed_mm_s * SECONDS_PER_MINUTE


def mm_per_s(feed_mm_min: float) -> float:
    """The speed in mm/s that a feed word F (mm/min) asks for."""
    return feed_mm_min / SECONDS_PER_MINUTE


def kwh(power_w: float, duration_s: float) -> float:
    """Energy in kWh of `power_w` watts over `duration_s` seconds."""
    return power_w * duration_s / JOULES_PER_KWH


def filament_m(mass_g: float, density_g_cm3: float) -> float:
    """Length in m of that much filament of 1.75 mm."""
    return mass_g / density_g_cm3 / (pi * (FILAMENT_MM / 2) ** 2)


def grams(volume_mm3: float, density_g_cm3: float) -> float:
    """Mass in g of a volume in mm³."""
    return volume_mm3 * density_g_cm3 / 1000.0
