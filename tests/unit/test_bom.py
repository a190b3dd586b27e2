"""Bills of materials: read as people write them, and added up over a whole assembly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.bom import Bill, BomLine, How, Need, Origin, add_up, lines_of_parts, read_bom
from commons.compare import BomChange, Sign, compare_boms
from commons.machine import Process
from commons.manifest import read_manifest

DESIGNS = Path(__file__).parents[2] / "designs"
TABLE = """\
item,quantity,made,material,source,note
Foot,4,yes,PLA,export/foot.stl,
Crate,2,no,,design:stacking-crate@1.0.0,stacked
Hook,1,,,design:gusset-hook,
Board,"0,5 m²",no,plywood 6 mm,stock:Plywood,
Screw 3 x 12 mm,8,no,steel,https://example.org/screws,
Glue,some,no,,any ironmonger,
"""


def line(number, item, quantity=1.0, origin=Origin.SHOP, target="", **more):
    return BomLine(number, item, quantity, more.pop("unit", ""), origin, target, **more)


def test_each_kind_of_source_is_told_apart():
    assert read_bom(TABLE.encode()) == (
        line(1, "Foot", 4.0, Origin.OWN, "export/foot.stl", material="PLA"),
        line(2, "Crate", 2.0, Origin.DESIGN, "stacking-crate", version="1.0.0", note="stacked"),
        line(3, "Hook", 1.0, Origin.DESIGN, "gusset-hook"),
        line(4, "Board", 0.5, Origin.STOCK, "plywood", material="plywood 6 mm", unit="m²"),
        line(5, "Screw 3 x 12 mm", 8.0, target="https://example.org/screws", material="steel"),
        line(6, "Glue", None, target="any ironmonger", unit="some"),
    )


@pytest.mark.parametrize("path", sorted(DESIGNS.glob("*/bom.csv")), ids=lambda it: it.parent.name)
def test_the_bills_of_our_own_designs_are_read_whole(path):
    lines = read_bom(path.read_bytes())
    manifest = read_manifest((path.parent / "okh.toml").read_bytes())
    assert all(it.quantity for it in lines)
    made = {it.item: it.quantity for it in lines if it.origin is Origin.OWN}
    assert made == {part.name: part.quantity for part in manifest.parts}
    assert {it.item: it.quantity for it in lines_of_parts(manifest.parts)} == made


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"part;count\nFoot;4", b"item,price\nFoot,4", b"# A list\n\n- four feet",
     b"item,quantity\n" + b"a,1\n" * 1000, b"item,quantity\n" + b"a" * 200_000, b"x" * 262_145],
    ids=len,
)  # fmt: skip
def test_what_is_no_such_table_is_not_read(data):
    assert read_bom(data) is None


def test_an_assembly_is_added_up_with_what_its_components_need():
    crate = Bill(
        "Crate",
        (line(1, "Wall", 4.0, Origin.OWN, "wall.dxf"), line(2, "Screw", 8.0), line(3, "Oil", None)),
        {"Wall": Process.CNC},
        {},
    )
    shelf = Bill(
        "Shelf",
        (line(1, "Crate", 3.0, Origin.DESIGN, "crate"), line(2, "Lid", 1.0, Origin.OWN, "lid.stl"),
         line(3, "Screw", 2.0), line(4, "Board", 2.0, Origin.STOCK, "plywood"),
         line(5, "Knob", 1.0, Origin.OWN)),
        {"Lid": Process.FDM},
        {1: "crate-id"},
    )  # fmt: skip
    needs = add_up("shelf-id", {"shelf-id": shelf, "crate-id": crate})
    assert {(it.how, it.item): it.quantity for it in needs} == {
        (How.PRINTED, "Lid"): 1.0,
        (How.BOUGHT, "Screw"): 3 * 8 + 2,
        (How.STOCK, "Board"): 2.0,
        (How.BY_HAND, "Knob"): 1.0,
        (How.MILLED, "Wall"): 12.0,
        (How.BOUGHT, "Oil"): None,  # nobody said how much: that is not nothing
    }


def test_parts_of_one_name_stay_apart_by_their_design():
    bills = {
        "a": Bill("A", (line(1, "Lid", 1.0, Origin.OWN), line(2, "B", 2.0, Origin.DESIGN, "b")),
                  {}, {2: "b"}),
        "b": Bill("B", (line(1, "Lid", 1.0, Origin.OWN),), {}, {}),
    }  # fmt: skip
    assert add_up("a", bills) == [
        Need(How.BY_HAND, "Lid", "", 1.0, "", "", "A"),
        Need(How.BY_HAND, "Lid", "", 2.0, "", "", "B"),
    ]


@given(st.lists(st.lists(st.integers(1, 3), max_size=3), min_size=1, max_size=7))
def test_any_tree_adds_up_to_what_walking_down_every_way_counts(shape):
    """Release n needs of n+1, n+2, … as many as its numbers say, and one nut."""
    bills = {}
    for n, counts in enumerate(shape):
        below = [(n + 1 + i, count) for i, count in enumerate(counts) if n + 1 + i < len(shape)]
        lines = [line(1, "Nut")]
        lines += [line(2 + i, f"{it}", float(c), Origin.DESIGN) for i, (it, c) in enumerate(below)]
        bills[str(n)] = Bill(
            f"{n}", tuple(lines), {}, {2 + i: str(it) for i, (it, _) in enumerate(below)}
        )

    def nuts(id_):
        bill = bills[id_]
        counted = {it.number: it.quantity for it in bill.lines}
        return 1 + sum(counted[n] * nuts(below) for n, below in bill.components.items())

    (need,) = add_up("0", bills)
    assert need.quantity == nuts("0")


def test_bills_are_compared_by_item_wherever_it_stands():
    before = read_bom(TABLE.encode())
    after = read_bom(
        TABLE.replace("Foot,4", "Cap,1\nFoot,6").replace("Glue,some", "Wax,1").encode()
    )
    assert [(it.item, it.sign) for it in compare_boms(before, after)] == [
        ("Foot", Sign.CHANGED),
        ("Glue", Sign.REMOVED),
        ("Cap", Sign.ADDED),
        ("Wax", Sign.ADDED),
    ]
    assert compare_boms(before, before) == []
    twice = (line(1, "Nut"), line(2, "Nut"))
    assert compare_boms(twice[:1], twice) == [BomChange("Nut", Sign.ADDED, None, twice[1])]
