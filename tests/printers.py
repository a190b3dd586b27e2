"""A machine of each kind of printer, as a lab would describe it."""

from commons.machine import MATERIALS, Driver, MachineProfile, PrintLimits, Process
from fab_agent.printers.kinds import Firmware, PrinterKind, kinds

# The generic kinds suggest no machine: this one stands for them.
_BOX = {"x_max_mm": 200, "y_max_mm": 200, "z_max_mm": 200}
_FILAMENTS = [m for m in MATERIALS.values() if m.process is Process.FDM]


def machine_of(key: str, *, nozzle_mm: float = 0.4) -> MachineProfile:
    """A printer of this kind in an enclosure and with a hard nozzle: it takes what it can."""
    kind = kinds()[key]
    said = {"max_feed_mm_s": 150, "max_feed_z_mm_s": 8, "envelope": _BOX, **kind.machine}
    more = {"nozzle_mm": nozzle_mm, "enclosed": True, "hardened_nozzle": True}
    limits = PrintLimits(**{**said.pop("fdm", {}), **more})
    takes = [
        m.key
        for m in _FILAMENTS
        if not m.lacking(limits) and (m.nozzle_c or 0) <= limits.hotend_max_c
    ]
    return MachineProfile(
        name=f"{key} {nozzle_mm:g}",
        process=Process.FDM,
        driver=driver_of(kind),
        model=key,
        materials=takes,
        fdm=limits,
        **said,
    )


def driver_of(kind: PrinterKind) -> Driver:
    """How most of its labs drive it."""
    return Driver.MOONRAKER if kind.firmware is Firmware.KLIPPER else kind.drivers[0]
