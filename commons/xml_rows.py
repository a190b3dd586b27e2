"""Long lists of XML elements that are all alike, such as the vertices of a mesh.

Telling each of a million elements by itself takes most of the time in which a mesh is read.
Where a program wrote all of them in the same way, as programs do, everything between two values
is the same from one element to the next, and to see that is enough.
"""

import re
from dataclasses import dataclass

_BLANK = rb"[ \t\r\n]*"
# Blanks for Python's numbers, and nothing that may be in an XML.
_FORBIDDEN = (b"\x0b", b"\x0c")


@dataclass(frozen=True, slots=True)
class Form:
    """How one of the elements is written: its name, and its attributes in this order, no more."""

    element: bytes
    attributes: tuple[bytes, ...]

    def values(self, text: bytes) -> list[bytes] | None:
        """The values of the attributes in a text of at least one element, nothing but blanks
        before and between them and nothing behind the last; None for every other text.

        What is within the quotes is not looked at: it must be read as numbers, which no mark of
        XML is.
        """
        words = text.split(b'"')
        step = 2 * len(self.attributes)
        if len(words) % step != 1 or any(mark in text for mark in _FORBIDDEN):
            return None
        opening = b"<" + self.element + b" " + self.attributes[0] + b"="
        first = re.fullmatch(_BLANK + opening, words[0])
        last = re.fullmatch(_BLANK + b"/>", words[-1])
        between = words[step] if len(words) > step + 1 else b"/>" + opening
        next_one = re.fullmatch(_BLANK + b"/>" + _BLANK + opening, between)
        if not (first and last and next_one) or not _all(words[step:-1:step], between):
            return None
        names = enumerate(self.attributes[1:], 1)
        if not all(_all(words[2 * at :: step], b" " + name + b"=") for at, name in names):
            return None
        return words[1::2]


def _all(words: list[bytes], word: bytes) -> bool:
    return words.count(word) == len(words)
