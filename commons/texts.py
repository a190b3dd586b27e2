"""Marks for translators: sentences of the core that people read on pages."""

from collections.abc import Mapping
from typing import Self


class Filled(str):
    """A sentence with values in it, in English. A page says it in its own language by `template`,
    whose places `%(name)s` the `values` of these names take."""

    template: str
    values: Mapping[str, object]

    def __new__(
        cls, template: str, values: Mapping[str, object], english: str | None = None
    ) -> Self:
        """`english` is the sentence where it is no plain filling of the template."""
        made = super().__new__(cls, template % values if english is None else english)
        made.template, made.values = template, values
        return made


def capitalise(sentence: str) -> str:
    """The sentence with its first letter large and all others as they are."""
    return sentence[:1].upper() + sentence[1:]


def later(text: str) -> str:
    """`text` as it is, marked for the translators: who shows it translates it."""
    return text


def filled(template: str, /, **values: object) -> Filled:
    """The template with its values, marked for the translators: who shows it translates it."""
    return Filled(template, values)
