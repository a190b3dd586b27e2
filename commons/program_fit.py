"""Whether a program that a person brought was made for such a machine, as far as it tells."""

from commons.machine import Driver, MachineProfile
from commons.own_programs import ProgramTraits

# What a first line beside the bed, as slicers draw it, may overstep the envelope by is nothing:
# an agent's proof would refuse it. This is for figures that were rounded, mm.
_ROUNDED_MM = 0.05
_MARLIN = ("marlin", "marlin2", "marlin-firmware", "marlin-legacy", "reprap", "reprapsprinter",
           "repetier", "marlin(volumetric)", "reprap(marlin/sprinter)", "no-extrusion")  # fmt: skip
_SPOKEN = {
    Driver.MARLIN: _MARLIN,
    Driver.OCTOPRINT: _MARLIN,
    Driver.MOONRAKER: (*_MARLIN, "klipper"),
}


def other_dialect(traits: ProgramTraits, profile: MachineProfile) -> str | None:
    """Why the machine would not understand the program; None where it may."""
    spoken = _SPOKEN.get(profile.driver)
    if not traits.dialect or spoken is None or traits.dialect.replace(" ", "") in spoken:
        return None
    return (
        f"does not speak the dialect of this program ({traits.dialect}): slice it for this machine"
    )


def beyond(traits: ProgramTraits, profile: MachineProfile) -> str | None:
    """Where the program leaves the machine's envelope; None where it may stay inside."""
    if traits.low is None or traits.high is None:
        return None
    box = profile.envelope
    low = box.x_min_mm, box.y_min_mm, box.z_min_mm
    high = box.x_max_mm, box.y_max_mm, box.z_max_mm
    axes = zip("XYZ", traits.low, traits.high, low, high, strict=True)
    for axis, least, most, from_, to in axes:
        if least < from_ - _ROUNDED_MM or most > to + _ROUNDED_MM:
            made_for = f" for {traits.printer}" if traits.printer else ""
            return (
                f"reaches {axis} {from_:g} … {to:g} mm, this program was made{made_for} and goes "
                f"from {least:g} to {most:g} mm"
            )
    return None


def too_hot(traits: ProgramTraits, profile: MachineProfile) -> str | None:
    """What the program heats more than the machine may be; None where it does not."""
    if profile.fdm is None:
        return None
    for what, asked, most in (
        ("nozzle", traits.hotend_c, profile.fdm.hotend_max_c),
        ("bed", traits.bed_c, profile.fdm.bed_max_c),
    ):
        if asked is not None and asked > most:
            return f"may heat its {what} to {most:g} °C, this program asks for {asked:g} °C"
    return None
