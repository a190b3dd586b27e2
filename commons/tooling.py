"""What a material and an order ask of a machine's nozzle or cutter, its heat, and its plate.

Each rule answers with what is wrong, to go on from the machine's name, and what to do; None when
nothing is. A material that is not known asks for nothing.
"""

from commons.machine import MATERIALS, MachineProfile, Material, MillLimits, PlateType, PrintLimits

# Nozzles are sold in steps of a tenth or less; nobody measures them.
_SAME_NOZZLE_MM = 0.02
_PLATES = {
    PlateType.SMOOTH_PEI: "a smooth PEI plate",
    PlateType.TEXTURED_PEI: "a textured PEI plate",
    PlateType.SATIN_PEI: "a satin PEI plate",
    PlateType.GLASS: "a glass plate",
    PlateType.OTHER: "another plate",
}


def wrong_tool(
    profile: MachineProfile, material: str, *, nozzle_mm: float | None, carved: bool | None
) -> str | None:
    """The nozzle is not the one asked for, too narrow, or worn out by the material; or a part is
    to be cut out of a sheet, and there are only ball cutters."""
    if profile.cnc is not None:
        return _wrong_cutter(profile.cnc, carved)
    if profile.fdm is None:
        return None
    return _wrong_nozzle(profile.fdm, MATERIALS.get(material), nozzle_mm)


def _wrong_nozzle(
    printer: PrintLimits, material: Material | None, nozzle_mm: float | None
) -> str | None:
    has = f"has a {printer.nozzle_mm:g} mm nozzle"
    if nozzle_mm is not None and abs(nozzle_mm - printer.nozzle_mm) > _SAME_NOZZLE_MM:
        asked = f"this is to be printed with {nozzle_mm:g} mm"
        return f"{has}, {asked}: change it or order {printer.nozzle_mm:g} mm"
    if material is None:
        return None
    if printer.nozzle_mm < material.nozzle_min_mm:
        least = f"{material.nozzle_min_mm:g} mm"
        return f"{has}, which {material.name} clogs: put one of at least {least} in"
    if material.abrasive and not printer.hardened_nozzle:
        return f"has a nozzle that {material.name} wears out: put a hardened one in"
    return None


def _wrong_cutter(mill: MillLimits, carved: bool | None) -> str | None:
    if carved is not False or any(it.shape == "flat" for it in mill.cutters):
        return None
    return (
        "has only ball cutters, which leave an edge under what they cut out: put a flat one in, "
        "or order it carved as a surface"
    )


def wrong_temperature(profile: MachineProfile, material: str) -> str | None:
    """The hot end or the bed cannot be as hot as the material needs, or not as cool."""
    known, printer = MATERIALS.get(material), profile.fdm
    if known is None or printer is None:
        return None
    if known.nozzle_c is not None and known.nozzle_c > printer.hotend_max_c:
        return _too_cold("hot end", printer.hotend_max_c, known.name, known.nozzle_c)
    if known.nozzle_max_c is not None and known.nozzle_max_c < printer.extrude_min_c:
        return (
            f"extrudes nothing below {printer.extrude_min_c:g} °C, and {known.name} burns above "
            f"{known.nozzle_max_c:g} °C: choose another machine or material"
        )
    if known.bed_min_c > printer.bed_max_c:
        return _too_cold("bed", printer.bed_max_c, known.name, known.bed_min_c)
    return None


def _too_cold(what: str, most_c: float, material: str, needs_c: float) -> str:
    return (
        f"has a {what} of up to {most_c:g} °C, and {material} needs {needs_c:g} °C: "
        "choose another machine or material"
    )


def wrong_plate(profile: MachineProfile, material: str) -> str | None:
    """The material needs walls round the printer that there are not, or would tear the plate."""
    known, printer = MATERIALS.get(material), profile.fdm
    if known is None or printer is None:
        return None
    if known.enclosure and not printer.enclosed:
        return f"is open, and {known.name} needs walls and a lid: choose an enclosed printer"
    if printer.plate in known.tears:
        return (
            f"has {_PLATES[printer.plate]}, which {known.name} tears: put a textured one on, and "
            "say so in agent.toml"
        )
    return None


def changes(profile: MachineProfile, *, carved: bool | None) -> int:
    """How many things somebody has to change at a mill before, or while, it makes a part.

    What is cut out needs a flat cutter; a surface is roughed with a flat one and finished with a
    ball, where there are both. A printer needs no change: what would is refused.
    """
    if profile.cnc is None or carved is None:
        return 0
    shapes = {it.shape for it in profile.cnc.cutters}
    wanted = {"flat", "ball"} & shapes if carved else {"flat"}
    return len(wanted - {profile.cnc.cutter_shape})
