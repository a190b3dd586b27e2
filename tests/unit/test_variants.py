"""What may be chosen of a parametric source, how it is read, and what is said of what is wrong."""

import pytest
from click.testing import CliRunner

from commons.errors import InvalidInput
from commons.variants import Choice, Parameter, check, told
from cosmo import order_command

PARAMETERS = (
    Parameter(name="width", value=20, min=10, step=0.5, max=40),
    Parameter(name="holes", value=True),
    Parameter(name="label", value="hook", max_letters=8),
    Parameter(name="box", value=(1, 2), min=0, max=9),
    Parameter(name="style", value="round", choices=(Choice(value="round", label="Round"),
                                                    Choice(value="square", label="Square"))),
    Parameter(name="teeth", value=8, choices=(Choice(value=8, label="few"),
                                              Choice(value=16, label="many"))),
)  # fmt: skip


def test_texts_and_typed_values_are_one_variant_and_what_is_usual_is_none() -> None:
    typed = {"width": 18.0, "holes": False, "label": "A", "box": (3.0, 4), "teeth": 16}
    texts = {"teeth": "16", "box": "[3, 4]", "label": " A ", "holes": "no", "width": "18"}
    assert check(typed, PARAMETERS) == check(texts, PARAMETERS)
    assert told(check(typed, PARAMETERS)) == (
        "box = [3, 4], holes = false, label = A, teeth = 16, width = 18"
    )
    assert check({"width": "20", "style": "round", "box": (1, 2)}, PARAMETERS) == {}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    said = {"width": 41, "depth": 3, "holes": "maybe", "style": "oval", "box": (1,)}
    with pytest.raises(InvalidInput) as refused:
        check(said, PARAMETERS)
    assert {it.field: it.problem for it in refused.value.fields} == {
        "variant.box": "is a list of 2 numbers, such as [1, 1]",
        "variant.depth": "is no parameter of its source; those are "
        "width, holes, label, box, style, teeth",
        "variant.holes": "is either true or false",
        "variant.style": "'oval' is none of round, square",
        "variant.width": "41 is not 10 to 40",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [("width", "nan"), ("width", "1e999"), ("width", "18.3"), ("width", True), ("width", ""),
     ("width", "18);cube(1"), ("box", "1,x"), ("box", (1, 10)), ("label", "ninetimes"),
     ("label", "a\nb"), ("teeth", 9), ("holes", 1)],
)  # fmt: skip
def test_a_value_that_its_parameter_cannot_have_is_refused(name: str, said: object) -> None:
    with pytest.raises(InvalidInput, match=rf"^variant\.{name}: "):
        check({name: said}, PARAMETERS)  # type: ignore[dict-item]


def test_the_command_takes_values_by_name_and_says_what_is_none() -> None:
    wish = order_command._wish({"variant": order_command._values(("width=18", " word =a=b"))})
    assert wish == {"variant": {"width": "18", "word": "a=b"}}
    refused = CliRunner().invoke(order_command.order, ["d", "p", "--lab", "l", "--set", "width"])
    assert refused.exit_code == 2
    assert "'width' is not NAME=VALUE" in refused.output
