"""What GRBL says of itself: build, settings, offsets, states. After gnea/grbl, grbl/report.c, and
doc/markdown/interface.md; grblHAL's as its own simulator says them.
"""

from fab_agent.machines.firmware.grbl_router import SYSTEMS, Point, Router

HELP = "[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]"
_BANNERS = ("Grbl 1.1h ['$' for help]", "GrblHAL 1.1f ['$' or '$HELP' for help]")
_WHOLE = {0, 1, 2, 3, 4, 5, 6, 10, 13, 20, 21, 22, 23, 26, 30, 31, 32}
# How many reports pass between two that tell offsets or overrides: (busy, at rest).
_WCO_EVERY, _OV_EVERY = (30, 10), (20, 10)


def banner(*, grblhal: bool) -> str:
    """What comes after every reset."""
    return f"\r\n{_BANNERS[grblhal]}"


def build_info(router: Router, rx_buffer: int) -> list[str]:
    """The answer to $I."""
    if not router.knobs.grblhal:
        return [
            "[VER:1.1h.20190830:simulated]",
            f"[OPT:V,{router.knobs.planner_blocks},{rx_buffer}]",
        ]
    return [
        "[VER:1.1f.20260817:simulated]",
        f"[OPT:VNML+,{router.knobs.planner_blocks},{rx_buffer},3,0]",
        "[AXS:3:XYZ]",
        "[NEWOPT:ENUMS,RT+,SED]",
        "[FIRMWARE:grblHAL]",
        "[SIGNAL:H]",
        "[DRIVER:Memory]",
        "[BOARD:Memory]",
    ]


def settings(router: Router) -> list[str]:
    """The answer to $$."""
    return [
        f"${number}={value:.0f}" if number in _WHOLE else f"${number}={value:.3f}"
        for number, value in router.settings.items()
    ]


def parameters(router: Router) -> list[str]:
    """The answer to $#."""
    places = [f"[{name}:{_point(router.offsets[name])}]" for name in (*SYSTEMS, "G28", "G30")]
    return [
        *places,
        f"[G92:{_point(router.g92)}]",
        f"[TLO:{router.tool_length:.3f}]",
        "[PRB:0.000,0.000,0.000:0]",
    ]


class Status:
    """The answer to `?`, with offsets and overrides now and then as GRBL does it."""

    def __init__(self) -> None:
        self._wco = self._ov = 0

    def offsets_changed(self) -> None:
        """The next report tells the offsets."""
        self._wco = 0

    def report(self, router: Router, state: str, rx_free: int) -> str:
        """One status report."""
        mask = int(router.settings[10])
        offset = router.work_offset
        place = router.where
        if mask & 1:
            fields = [f"MPos:{_point(place)}"]
        else:
            x, y, z = (a - b for a, b in zip(place, offset, strict=True))
            fields = [f"WPos:{_point((x, y, z))}"]
        if mask & 2:
            fields.append(f"Bf:{router.planner.free},{rx_free}")
        speed = router.modes.speed if router.spindle != "M5" else 0.0
        fields.append(f"FS:{router.planner.feed_mm_s * 60:.0f},{speed:.0f}")
        fields += self._now_and_then(router, offset, busy=state not in ("Idle", "Alarm", "Check"))
        return "<" + "|".join((state, *fields)) + ">"

    def _now_and_then(self, router: Router, offset: Point, *, busy: bool) -> list[str]:
        fields = []
        if self._wco > 0:
            self._wco -= 1
        else:
            self._wco = _WCO_EVERY[not busy] - 1
            self._ov = self._ov or 1  # the overrides come with the next report
            fields.append(f"WCO:{_point(offset)}")
            if router.knobs.grblhal:
                fields.append(f"H:{router.homed:d}")
        if self._ov > 0:
            self._ov -= 1
            return fields
        self._ov = _OV_EVERY[not busy] - 1
        on = {"M3": "S", "M4": "C"}.get(router.spindle, "")
        on += {"M7": "M", "M8": "F"}.get(router.coolant, "")
        return [*fields, "Ov:100,100,100", *([f"A:{on}"] if on else [])]


def _point(point: Point) -> str:
    return ",".join(f"{value:.3f}" for value in point)
