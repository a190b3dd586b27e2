"""Quantities that cross the wire, each held to what there is: in mm, mm/s, mm/s², °C, W, rpm."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def plausible(low: float, high: float, unit: str, *, hint: str = "") -> AfterValidator:
    """Holds a limit to what machines have. Generous: it catches wrong units and slips of a key."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{value:g} {unit} cannot be: write {low:g} to {high:g} {unit}{hint}")
        return value

    return AfterValidator(check)


# The longest gantries of workshops have some 12 m; the quickest printers some 1000 mm/s.
Coordinate = Annotated[Finite, plausible(-20_000, 20_000, "mm")]
Feed = Annotated[
    float, plausible(0.1, 3000, "mm/s", hint=" (per second: 6000 mm/min are 100 mm/s)")
]
Diameter = Annotated[float, plausible(0.05, 100, "mm")]
Nozzle = Annotated[float, plausible(0.05, 5, "mm")]
Temperature = Annotated[float, plausible(20, 600, "°C")]
BedTemperature = Annotated[float, plausible(0, 300, "°C")]
SpindleSpeed = Annotated[float, plausible(0, 200_000, "rpm")]
Acceleration = Annotated[float, plausible(1, 50_000, "mm/s²")]
Power = Annotated[float, plausible(1, 100_000, "W")]


class Value(BaseModel):
    """A frozen value that crosses the wire; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
