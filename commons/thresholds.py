"""Thresholds that were published, per person and year, each with its source and how it was read.

What has no published figure is not here: of no single material (PLA, copper, gold) is one known.
"""

from decimal import Decimal

from commons.allocations import Measure, Side, Threshold
from commons.errors import NotFound

_AT_SOURCE = "read at the source or in an exact copy of it"
_RESTATED = "read where others restate it"


def _ceiling(
    key: str, label: str, measure: Measure, low: str, high: str, unit: str, source: str, read: str
) -> Threshold:
    return Threshold(
        key=key, label=label, measure=measure, low=Decimal(low), high=Decimal(high), unit=unit,
        side=Side.BELOW, source=source, read=read,
    )  # fmt: skip


_BRINGEZU = "Bringezu 2015, Resources 4(1): 10-2-5"
_LIFESTYLES = "IGES, Aalto University, D-mat 2019: 1.5-Degree Lifestyles"
_FOOTPRINT = "Global Footprint Network, in WWF Living Planet Report"

THRESHOLDS = {
    it.key: it
    for it in (
        _ceiling("raw_material_2050", "raw material consumption in 2050 (corridor; 5 aimed at)",
                 Measure.RAW_MATERIAL_CONSUMPTION, "3", "6", "t", _BRINGEZU, _AT_SOURCE),
        _ceiling("abiotic_material_2050", "total abiotic material in 2050 (corridor; 10 aimed at)",
                 Measure.TOTAL_ABIOTIC_MATERIAL, "6", "12", "t", _BRINGEZU, _AT_SOURCE),
        _ceiling("biotic_material_2050", "total biotic material in 2050",
                 Measure.TOTAL_BIOTIC_MATERIAL, "2", "2", "t", _BRINGEZU, _AT_SOURCE),
        _ceiling("material_use", "material use, as the Fab City Index takes it",
                 Measure.MATERIAL_USE, "6", "8", "t", "UNEP IRP 2011; Bringezu 2015", _RESTATED),
        _ceiling("lifestyle_carbon_2030", "carbon of households in 2030", Measure.LIFESTYLE_CARBON,
                 "2.5", "2.5", "t CO2e", _LIFESTYLES, _AT_SOURCE),
        _ceiling("lifestyle_carbon_2040", "carbon of households in 2040", Measure.LIFESTYLE_CARBON,
                 "1.4", "1.4", "t CO2e", _LIFESTYLES, _AT_SOURCE),
        _ceiling("lifestyle_carbon_2050", "carbon of households in 2050", Measure.LIFESTYLE_CARBON,
                 "0.7", "0.7", "t CO2e", _LIFESTYLES, _AT_SOURCE),
        _ceiling("biocapacity_2008", "biocapacity of 2008", Measure.BIOCAPACITY,
                 "1.8", "1.8", "gha", f"{_FOOTPRINT} 2012", _RESTATED),
        _ceiling("biocapacity_2013", "biocapacity of 2013", Measure.BIOCAPACITY,
                 "1.72", "1.72", "gha", f"{_FOOTPRINT} 2016", _RESTATED),
        _ceiling("cropland", "cropland", Measure.CROPLAND, "0.20", "0.20", "ha",
                 "UNEP 2014, in European Journal of Futures Research 2014, table 1", _RESTATED),
    )
}  # fmt: skip


def threshold(key: str) -> Threshold:
    """The published threshold of that key; NotFound names those that there are."""
    if key not in THRESHOLDS:
        raise NotFound(f"there is no threshold '{key[:60]}'; there are {', '.join(THRESHOLDS)}")
    return THRESHOLDS[key]
