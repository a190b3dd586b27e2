"""Licences as people write them: one meaning becomes SPDX, several are asked, none is said."""

import pytest

from commons.licences.spelling import Spelling, read_spelling, wrong_spelling
from commons.licences.table import TABLE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CERN OHL v1.2", "CERN-OHL-1.2"),
        ("(MIT or Apache 2) and CC BY 4.0", "(MIT OR Apache-2.0) AND CC-BY-4.0"),
        ("CC BY 4.0 and ((MIT or Apache 2))", "CC-BY-4.0 AND ((MIT OR Apache-2.0))"),
        ("CERN-OHL 1.2", "CERN-OHL-1.2"),
        ("CERN Open Hardware Licence v1.1", "CERN-OHL-1.1"),
        ("CERN-OHL-S", "CERN-OHL-S-2.0"),
        ("CERN OHL S v2", "CERN-OHL-S-2.0"),
        ("CERN-OHL-W-2", "CERN-OHL-W-2.0"),
        ("CERN Open Hardware Licence Version 2 - Strongly Reciprocal", "CERN-OHL-S-2.0"),
        ("CERN-OHL-S v2 or any later version", "CERN-OHL-S-2.0+"),
        ("https://ohwr.org/cern_ohl_s_v2.txt", "CERN-OHL-S-2.0"),
        ("TAPR Open Hardware License", "TAPR-OHL-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("CC-BY-SA 4", "CC-BY-SA-4.0"),
        ("CC BY 3.0", "CC-BY-3.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("CC-BY-SA-NC 4.0", "CC-BY-NC-SA-4.0"),
        ("BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution Non-Commercial Share Alike 3.0 Unported", "CC-BY-NC-SA-3.0"),
        ("Creative Commons — Attribution-NoDerivatives 4.0", "CC-BY-ND-4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/legalcode", "CC-BY-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL v3 or later", "GPL-3.0-or-later"),
        ("GNU General Public License version 2 only", "GPL-2.0-only"),
        ("GNU AGPL v3 or any later version", "AGPL-3.0-or-later"),
        ("MIT License", "MIT"),
        ("The MIT licence", "MIT"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("https://spdx.org/licenses/CERN-OHL-P-2.0.html", "CERN-OHL-P-2.0"),
        ("Apache 2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("Peer Production License", "PPL"),
        ("none", "LicenseRef-NONE"),
        ("All rights reserved", "LicenseRef-Proprietary"),
        ("CC BY-SA 4.0 and GPLv3+", "CC-BY-SA-4.0 AND GPL-3.0-or-later"),
        ("CERN OHL v1.2 or MIT License", "CERN-OHL-1.2 OR MIT"),
        ("CERN Open Hardware Licence v2 - Permissive (CERN-OHL-P)", "CERN-OHL-P-2.0"),
        ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
    ],
)
def test_what_has_one_meaning_becomes_spdx(written: str, meant: str) -> None:
    assert read_spelling(written).expression == meant
    assert wrong_spelling(written) == f"'{written}' is written '{meant}' in SPDX"


@pytest.mark.parametrize(
    ("written", "candidates"),
    [
        ("CERN", {"CERN-OHL-1.1", "CERN-OHL-1.2", "CERN-OHL-P-2.0", "CERN-OHL-W-2.0",
                  "CERN-OHL-S-2.0"}),
        ("CERN OHL", {"CERN-OHL-1.1", "CERN-OHL-1.2", "CERN-OHL-P-2.0", "CERN-OHL-W-2.0",
                      "CERN-OHL-S-2.0"}),
        ("CERN OHL v2", {"CERN-OHL-P-2.0", "CERN-OHL-W-2.0", "CERN-OHL-S-2.0"}),
        ("CERN-OHL-1", {"CERN-OHL-1.1", "CERN-OHL-1.2"}),
        ("GPLv3", {"GPL-3.0-only", "GPL-3.0-or-later"}),
        ("GNU GPL", {"GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"}),
        ("CC BY-SA", {"CC-BY-SA-1.0", "CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0",
                      "CC-BY-SA-4.0"}),
        ("Creative Commons", {"CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0",
                              "CC-BY-NC-SA-4.0"}),
        ("BSD", {"BSD-2-Clause", "BSD-3-Clause"}),
        ("Solderpad", {"SHL-0.5", "SHL-0.51"}),
        ("GNU Free Documentation License 1.3", {"GFDL-1.3-only", "GFDL-1.3-or-later"}),
        ("EUPL", {"EUPL-1.1", "EUPL-1.2"}),
        ("public domain", {"CC0-1.0", "CC-PDDC", "Unlicense"}),
        ("MIT and CERN OHL", {"CERN-OHL-1.1", "CERN-OHL-1.2", "CERN-OHL-P-2.0",
                              "CERN-OHL-W-2.0", "CERN-OHL-S-2.0"}),
    ],
)  # fmt: skip
def test_what_may_mean_several_is_asked_and_never_guessed(
    written: str, candidates: set[str]
) -> None:
    found = read_spelling(written)
    assert (found.expression, set(found.candidates)) == (None, candidates)
    problem = wrong_spelling(written) or ""
    assert problem.startswith(f"'{written}' may mean ")
    assert problem.endswith(": write the one that is meant")
    assert all(candidate in problem for candidate in candidates)


@pytest.mark.parametrize("written", ["", "Freeware", "CC BY 9.0", "CERN OHL v7", "see README",
                                     "GPLv9", "[value]", "MIT or my own", "undefined",
                                     "CC BY-SA 4.0 / GPLv3", "CC BY 4.0, MIT", "GPL v2 / v3",
                                     "CERN-OHL-S/W v2", "CC BY 3.0 4.0"])  # fmt: skip
def test_what_means_nothing_is_said_to_be_no_licence(written: str) -> None:
    assert (read_spelling(written).expression, read_spelling(written).candidates) == (None, ())
    assert "is not an SPDX expression" in (wrong_spelling(written) or "")


@pytest.mark.parametrize("id_", TABLE)
def test_an_id_of_the_table_is_left_as_it_is_and_found_in_small_letters(id_: str) -> None:
    assert wrong_spelling(id_) is None
    if not id_.startswith("LicenseRef-"):  # these are their authors' to spell
        assert read_spelling(id_.lower()).expression == id_


def test_what_names_parts_of_licences_that_exclude_each_other_is_no_licence() -> None:
    assert read_spelling("CC BY-ND-SA") == Spelling("CC BY-ND-SA")
    assert read_spelling("CC BY-ND 1.0").expression == "CC-BY-ND-1.0"
