"""Every licence that this program understands, by its SPDX id."""

import re

from commons.licences.copyfair_licences import COPYFAIR, COPYFAIR_PREFIX, copyfair_agreement
from commons.licences.open_licences import PERMISSIVE, RECIPROCAL
from commons.licences.project_licences import PROJECTS
from commons.licences.reserved_licences import ETHICAL, NO_DERIVATIVES, NON_COMMERCIAL, NOTHING
from commons.licences.software_licences import SOFTWARE
from commons.licences.terms import Licence
from commons.licences.text_and_data_licences import TEXTS_AND_DATA

_ALL = (
    *PERMISSIVE, *RECIPROCAL, *SOFTWARE, *PROJECTS, *TEXTS_AND_DATA, *NON_COMMERCIAL,
    *NO_DERIVATIVES, *COPYFAIR, *ETHICAL, *NOTHING,
)  # fmt: skip
TABLE: dict[str, Licence] = {licence.id: licence for licence in _ALL}

# Ids that SPDX has given up for clearer ones, a + among them.
_CLEARER = {
    "GPL-2.0": "GPL-2.0-only",
    "GPL-2.0+": "GPL-2.0-or-later",
    "GPL-3.0": "GPL-3.0-only",
    "GPL-3.0+": "GPL-3.0-or-later",
    "AGPL-3.0": "AGPL-3.0-only",
    "AGPL-3.0+": "AGPL-3.0-or-later",
    "LGPL-2.0": "LGPL-2.0-only",
    "LGPL-2.0+": "LGPL-2.0-or-later",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "LGPL-3.0": "LGPL-3.0-only",
    "LGPL-3.0+": "LGPL-3.0-or-later",
    "GFDL-1.2": "GFDL-1.2-only",
    "GFDL-1.3": "GFDL-1.3-only",
    # What the plain id leaves open.
    "GFDL-1.2-invariants-only": "GFDL-1.2-only",
    "GFDL-1.2-invariants-or-later": "GFDL-1.2-or-later",
    "GFDL-1.3-invariants-only": "GFDL-1.3-only",
    "GFDL-1.3-invariants-or-later": "GFDL-1.3-or-later",
}
# A national port or the IGO's form of a Creative Commons licence grants what the licence grants.
_PORT = re.compile(r"(CC-BY(?:-SA|-NC|-ND)*-[23]\.[05])-[A-Z]{2,3}")
_BY_LOWER = {id_.lower(): id_ for id_ in TABLE}


def licence_of(id: str) -> Licence | None:
    """The licence of this SPDX id; None when the program does not know it."""
    written = id.split(" WITH ")[0]  # an exception only ever adds permissions
    ported = _PORT.fullmatch(written)
    plain = ported[1] if ported else _CLEARER.get(written, written).removesuffix("+")
    if known := TABLE.get(_BY_LOWER.get(plain.lower(), plain)):
        return known
    if plain.lower().startswith(COPYFAIR_PREFIX.lower()):
        return copyfair_agreement(plain)
    return None
