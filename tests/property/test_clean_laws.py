"""What is done to many lines at once is what would be done to each alone."""

from hypothesis import given
from hypothesis import strategies as st

from commons.errors import ProgramRefused
from fab_agent.gcode.clean import bare_lines
from fab_agent.gcode.proof import prove
from fab_agent.slicing.dust import without_dust
from tests.profiles import printer

PIECES = [b"G1", b"X1.5", b"E-.2", b" ", b"  ", b"\t", b"\r", b";", b"; (x)", b"(", b"(a b)", b")",
          b"@", b"//", b"M117", b"M1170", b"N1", b"*5", b"g1", b"BED=60", b"\xe9"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join)
PLAIN = [b"G1 X1 Y2 E.03\n", b";TYPE:Perimeter\n", b"\n"]


def stripped(lines):
    """The commands and, where the last of them is refused, its line and rule."""
    found = []
    try:
        found.extend(bare_lines(lines))
    except ProgramRefused as refused:
        return [refused.line, refused.rule]
    return found


def one_by_one(lines):
    found = []
    for number, line in enumerate(lines, 1):
        alone = stripped([line])
        if isinstance(next(iter(alone), None), int):
            return [number, alone[1]]
        found += alone
    return found


@given(st.lists(TEXTS.map(lambda text: text + b"\n") | st.sampled_from(PLAIN), max_size=8))
def test_lines_are_stripped_together_as_each_alone(lines):
    assert stripped(lines) == one_by_one(lines)


@given(st.lists(TEXTS, max_size=4))
def test_comments_and_space_around_a_line_change_nothing(texts):
    texts = [text for text in texts if stripped([text]) == [text]]
    assert stripped([b"  " + text + b" ;(x\n" for text in texts]) == texts


HERE, THERE = b"G1 X85.84 Y108.227 E.23387", b"G1 X85.84 Y108.228 E.1"
CRUMBS = [b"G1 X85.84 Y108.227 E.00002", b"G1 X85.84 Y108.228 E0", b"G1 X85.84 Y108.227 E0.0009"]
STILL = [b"G1 F3600", b"M106 S255", b"G92 E0", b"G1 E2 F2100"]
AWAY = [b"G1 X99 F7200", b"G1 X85.84 Y108.227 E.00002 F7200", b"G28", b"G1 X1 Y1 Z1 E.00001"]


@given(
    st.lists(st.sampled_from([HERE, THERE, *CRUMBS, *STILL, *AWAY]), max_size=12),
    st.integers(240, 260),
)
def test_a_crumb_is_found_however_far_before_the_nozzle_came_there(lines, apart):
    """As if each line between were none: so long a stretch of them is looked at in pieces."""
    stretched = [*lines[:6], *[STILL[0]] * apart, *lines[6:]]
    kept = list(without_dust(stretched))
    assert [line for line in kept if line != STILL[0]] == [
        line for line in without_dust(lines) if line != STILL[0]
    ]


PLACES = st.integers(0, 60_000).map(lambda n: n / 1000)
STROKES = st.lists(st.tuples(PLACES, PLACES, st.integers(0, 2000).map(lambda n: n / 1e4)))


@given(STROKES)
def test_strokes_followed_at_once_are_proved_as_each_by_its_words(strokes):
    head = ["G28", "M104 S210", "M109 S210", "G90", "M83", "G1 Z.2 F600"]
    head += ["G1 X0 Y0 F6000", "G1 X50 Y50 F1200", "G1 E1"]
    told = [[], []]
    proofs = [
        verdict([*head, *(f"{g1} X{x} Y{y} E{e:.4f}" for x, y, e in strokes), "M104 S0"], seen)
        for g1, seen in zip(("G1", "G01"), told, strict=True)
    ]
    assert proofs[0] == proofs[1]
    assert timed_rows(told[0]) == timed_rows(told[1])


def timed_rows(numbers):
    """What takes time: a stroke to where it is takes none, and may be told."""
    rows = zip(*[iter(numbers)] * 5, strict=True)
    return [row for row in rows if row[4] > 0]


def verdict(lines, seen):
    try:
        proof = prove(lines, printer(), watch=seen.extend)
    except ProgramRefused as refused:
        return refused.rule, refused.line, refused.place
    figures = round(proof.duration_s, 6), round(proof.extruded_mm3 or 0, 6)
    return "proved", proof.line_count, proof.low, proof.high, figures
