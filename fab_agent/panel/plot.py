"""Temperatures over half an hour as an SVG's paths. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fab_agent.panel.floor import KEPT_S, Warmth

WIDTH, HEIGHT = 600, 150
# The top of the plot is the next of these above the hottest that was measured, °C.
_TOPS = (50, 100, 150, 200, 250, 300, 400, 500)
# Where nothing was measured for this long (s), the line is broken: nobody knows what was between.
_GAP_S = 10.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Path data in a box of WIDTH by HEIGHT; `top_c` is what its upper edge stands for."""

    hotend: str
    bed: str
    top_c: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured."""
        return not (self.hotend or self.bed)


def plot_of(warmth: Sequence[Warmth], now_s: float) -> Plot:
    """The last half hour up to `now_s`: the right edge is now."""
    measured = [c for it in warmth for c in (it.hotend_c, it.bed_c) if c is not None]
    hottest = max(measured, default=0.0)
    top = next((top for top in _TOPS if top > hottest), _TOPS[-1])
    return Plot(
        hotend=_path(warmth, now_s, top, lambda it: it.hotend_c),
        bed=_path(warmth, now_s, top, lambda it: it.bed_c),
        top_c=top,
    )


def _path(
    warmth: Sequence[Warmth], now_s: float, top: int, of: Callable[[Warmth], float | None]
) -> str:
    parts: list[str] = []
    before: Warmth | None = None
    for it in warmth:
        value = of(it)
        if value is None or it.at_s < now_s - KEPT_S:
            continue
        goes_on = before is not None and it.at_s - before.at_s <= _GAP_S
        x = WIDTH * (1 - (now_s - it.at_s) / KEPT_S)
        y = HEIGHT * (1 - min(max(value / top, 0.0), 1.0))
        parts.append(f"{'L' if goes_on else 'M'}{x:.1f} {y:.1f}")
        before = it
    return "".join(parts)
