"""A design may have one licence for its hardware, others for its words, its software and a part."""

import pytest

from commons.licences.answers import ask_licence
from commons.licences.scopes import Scope, licences_of, wrong_licences
from commons.licences.terms import Actor, Event, LegalForm, Permission

MIXED: dict[str, object] = {
    "license": "CERN-OHL-S-2.0",
    "part": [
        {"name": "frame"},
        {"name": "logo", "cosmolocal": {"license": "CC-BY-NC-4.0 OR PPL"}},
    ],
    "cosmolocal": {"license": {"documentation": "CC-BY-SA-4.0", "software": "GPL-3.0-or-later"}},
}


def test_the_licence_of_the_whole_counts_where_no_other_is_named() -> None:
    licences = licences_of({"license": "MIT"})
    assert {licences.of(scope) for scope in Scope} == {"MIT"}
    assert {licences.for_event(event, "frame") for event in Event} == {"MIT"}


def test_a_scope_and_a_part_have_the_licences_that_are_named_for_them() -> None:
    licences = licences_of(MIXED)
    assert licences.of(Scope.HARDWARE, "frame") == "CERN-OHL-S-2.0"
    assert licences.of(Scope.HARDWARE, "logo") == "CC-BY-NC-4.0 OR PPL"
    assert licences.of(Scope.DOCUMENTATION, "logo") == "CC-BY-SA-4.0"
    assert licences.of(Scope.SOFTWARE) == "GPL-3.0-or-later"


def test_to_sell_a_part_asks_the_licence_of_its_hardware_alone() -> None:
    licences, person = licences_of(MIXED), Actor(LegalForm.INDIVIDUAL)
    sold = {
        part: ask_licence(licences.for_event(Event.SELL_PRODUCT, part), Event.SELL_PRODUCT,
                          actor=person).permission
        for part in ("frame", "logo")
    }  # fmt: skip
    assert sold == {"frame": Permission.ALLOW_WITH_DUTIES, "logo": Permission.ASK}


def test_to_hand_files_on_asks_the_licences_of_all_of_them() -> None:
    expression = licences_of(MIXED).for_event(Event.FEDERATE)
    assert expression == (
        "(CERN-OHL-S-2.0) AND (CC-BY-SA-4.0) AND (GPL-3.0-or-later) AND (CC-BY-NC-4.0 OR PPL)"
    )
    business = Actor(LegalForm.BUSINESS)
    assert ask_licence(expression, Event.FEDERATE, actor=business).permission is Permission.ASK


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"license": "CERN OHL"}, "license", "may mean"),
        ({"license": "MIT", "cosmolocal": {"license": {"software": "GPLv3"}}},
         "cosmolocal.license.software", "may mean GPL-3.0-only or"),
        ({"license": "MIT", "cosmolocal": {"license": {"firmware": "MIT"}}},
         "cosmolocal.license.firmware", "is none of hardware, documentation, software"),
        ({"license": "MIT", "part": [{"name": "a"}, {"name": "b", "cosmolocal":
          {"license": "CC BY 4.0"}}]}, "part[2].cosmolocal.license", "is written 'CC-BY-4.0'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_licence_is_said_where_it_stands(
    data: dict[str, object], field: str, said: str
) -> None:
    (problem,) = wrong_licences(data)
    assert problem.field == field
    assert said in problem.problem


def test_a_design_that_names_no_licence_has_none() -> None:
    assert licences_of({"license": 3}).whole == "LicenseRef-NONE"
    assert wrong_licences(MIXED) == []
