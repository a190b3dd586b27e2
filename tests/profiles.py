"""Two machines as a lab would enrol them."""

from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process


def printer(name: str = "Printer", **changes: object) -> MachineProfile:
    values: dict[str, object] = {
        "name": name,
        "process": Process.FDM,
        "driver": Driver.MARLIN,
        "envelope": Envelope(x_max_mm=250, y_max_mm=210, z_max_mm=210),
        "max_feed_mm_s": 200,
        "max_feed_z_mm_s": 12,
        "materials": ("pla", "petg"),
        "rated_power_w": 100,
        "fdm": PrintLimits(),
    }
    return MachineProfile.model_validate(values | changes)


def router(name: str = "Router", **changes: object) -> MachineProfile:
    values: dict[str, object] = {
        "name": name,
        "process": Process.CNC,
        "driver": Driver.GRBL,
        "envelope": Envelope(x_max_mm=600, y_max_mm=400, z_max_mm=60),
        "max_feed_mm_s": 50,
        "max_feed_z_mm_s": 10,
        "materials": ("plywood",),
        "rated_power_w": 800,
        "cnc": MillLimits(),
    }
    return MachineProfile.model_validate(values | changes)
